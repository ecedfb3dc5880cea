"""The keyword rules of raw Keck files, and the identity the archive knows them by."""

from datetime import UTC, datetime
from typing import Any

import pytest

from consumers.formats.inspection import InvalidFileError
from consumers.formats.keck_tables import INSTRUMENTS, rules_for, rules_in
from consumers.formats.koaid import koaid, prefix_of, second_of_day
from tests.consumers.formats.build import a_keck_file

DAY = datetime(2019, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ut", "second", "hundredths"),
    [
        ("02:05:54.57", 7554, 57),  # the archive's own example, KB.20190509.07554.57
        ("02:05:54.057", 7554, 5),  # where the archive's pipeline writes 57 too
        ("02:05:54.5", 7554, 50),
        ("02:05:54.999999", 7554, 99),
        ("02:05:54", 7554, 0),
        ("00:00:00.00", 0, 0),
        ("23:59:59.99", 86399, 99),
        ("23:59:60.50", 86400, 50),  # a leap second
        ("3:29:31.36", 12571, 36),
    ],
)
def test_the_second_of_the_day_is_cut_and_never_rounded(ut, second, hundredths):
    assert second_of_day(ut) == (second, hundredths)


@pytest.mark.parametrize(
    "ut", ["24:00:00", "12:60:00", "12:00:61", "noon", "", "12:00", "-1:00:00", "１２:00:00"]
)
def test_what_is_no_time_of_day_is_refused(ut):
    with pytest.raises(ValueError, match="wanted HH:MM:SS"):
        second_of_day(ut)


def test_two_exposures_of_one_second_have_two_identities():
    values = {"INSTRUME": "KCWI", "CAMERA": "Blue"}
    one, other = (koaid(values, ut_date=DAY, ut=ut) for ut in ("02:05:54.057", "02:05:54.57"))
    assert (one, other) == ("KB.20190509.07554.05", "KB.20190509.07554.57")


@pytest.mark.parametrize(
    ("values", "prefix"),
    [
        ({"INSTRUME": "KCWI", "CAMERA": "RED"}, "KR"),
        ({"INSTRUME": "KCWI", "CAMERA": "fpc"}, "KF"),
        ({"INSTRUME": "LRIS"}, "LR"),
        ({"INSTRUME": "LRISBLUE"}, "LB"),
        ({"INSTRUME": "HIRES: High Resolution Echelle"}, "HI"),
        ({"INSTRUME": "NIRES", "INSTR": "spec"}, "NR"),
        ({"INSTRUME": "NIRES", "INSTR": "imag"}, "NI"),
        ({"INSTRUME": "NIRSPEC", "OUTDIR": "/s/sdata604/nspec/2019may09/scam"}, "NC"),
        ({"INSTRUME": "DEIMOS", "OUTDIR": "/s/sdata1001/dmoseng/fcs"}, "DF"),
        ({"INSTRUME": "DEIMOS"}, "DE"),
        ({"INSTRUME": "OSIRIS", "INSTR": "imag"}, "OI"),
    ],
)
def test_each_instrument_has_its_letters(values, prefix):
    assert prefix_of(values) == prefix


@pytest.mark.parametrize(
    ("values", "code", "named"),
    [
        ({"INSTRUME": "SPYGLASS"}, "SCHEMA_VIOLATION", "SPYGLASS"),
        ({"INSTRUME": "KCWI"}, "MISSING_KEYWORD", "CAMERA"),
        ({"INSTRUME": "KCWI", "CAMERA": "green"}, "SCHEMA_VIOLATION", "green"),
    ],
)
def test_an_instrument_that_does_not_tell_its_letters_is_refused(values, code, named):
    with pytest.raises(InvalidFileError, match=named) as refused:
        prefix_of(values)
    assert refused.value.code == code


@pytest.mark.parametrize("instrument", [*INSTRUMENTS, "ESI"])
def test_each_instrument_has_rules_that_say_what_its_identity_needs(instrument):
    rules = {rule.keyword: rule for rule in rules_for(instrument)}
    assert len(rules) == len(rules_for(instrument)), "one rule a keyword"
    needed = {keyword for keyword, rule in rules.items() if not rule.nullable}
    assert needed >= {"INSTRUME", "DATE-OBS", "UT", "OFNAME"}
    assert {"ELAPTIME", "PROGNAME", "OBJECT"} <= rules.keys()
    assert needed >= {"KCWI": {"CAMERA", "FRAMENO"}, "NIRES": {"INSTR", "FRAMENO"}}.get(instrument, set())


def test_an_instruments_own_rule_stands_in_place_of_the_common_one():
    source = {
        name: {rule.keyword: rule.source for rule in rules_for(name)}["FILTER"] for name in ("DEIMOS", "ESI")
    }
    assert source == {"DEIMOS": ("DWFILNAM", "FILTER"), "ESI": ("FILTER", "FILNAME")}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("a = 1", "wanted tables"),
        ("[[keyword]]\nwidth = 3", "no name"),
        ("[[keyword]]\nname = 'A'\nwidth = 3\nwidht = 4", "widht"),
        ("[[keyword]]\nname = 'A'\nwidth = 0", "width 0"),
        ("[[keyword]]\nname = 'A'\nwidth = 3\ntype = 'text'", "found text"),
        ("[[keyword]]\nname = 'A'\nwidth = 3\nmin = 4", "found min"),
        ("[[keyword]]\nname = 'A'\nwidth = 3\n[[keyword]]\nname = 'A'\nwidth = 4", "more than once"),
    ],
)
def test_a_table_that_says_something_else_than_rules_is_refused(table, said):
    with pytest.raises(ValueError, match=said):
        rules_in(table, "some.toml")


@pytest.mark.parametrize(
    ("changed", "code", "keyword"),
    [
        ({"INSTRUME": "HIRES", "ELAPTIME": 12501}, "VALUE_OUT_OF_RANGE", "ELAPTIME"),
        ({"INSTRUME": "HIRES", "ECHANGL": 45.5}, "VALUE_OUT_OF_RANGE", "ECHANGL"),
        ({"INSTRUME": "HIRES", "ROQUAL": "fair"}, "VALUE_NOT_LISTED", "ROQUAL"),
        ({"INSTRUME": "LRIS", "FRAMENO": 10_000}, "VALUE_OUT_OF_RANGE", "FRAMENO"),
        ({"INSTRUME": "LRIS", "FRAMENO": -1}, "VALUE_OUT_OF_RANGE", "FRAMENO"),
        ({"INSTRUME": "LRIS", "EQUINOX": 1800.0}, "VALUE_OUT_OF_RANGE", "EQUINOX"),
        ({"INSTRUME": "NIRES", "INSTR": "spectrum"}, "VALUE_NOT_LISTED", "INSTR"),
        ({"INSTRUME": "DEIMOS", "ELAPTIME": 60.5}, "VALUE_TYPE", "ELAPTIME"),
        ({"INSTRUME": "DEIMOS", "DWFILNAM": "a filter of another name"}, "METADATA_TOO_LONG", "DWFILNAM"),
        ({"INSTRUME": "LRISBLUE", "OBSERVER": "x" * 71}, "METADATA_TOO_LONG", "OBSERVER"),
        ({"INSTRUME": "NIRES", "INSTR": "imag", "PROGNAME": "C" * 17}, "METADATA_TOO_LONG", "PROGNAME"),
    ],
)
def test_what_the_instruments_table_has_otherwise_is_a_warning_and_is_kept(
    judged, tmp_path, changed, code, keyword
):
    found = judged(a_keck_file(tmp_path, **changed), "keck-raw-fits")
    assert (found.verdict, [(each.code, each.keyword) for each in found.warnings]) == (
        "ok",
        [(code, keyword)],
    )
    assert found.metadata["exposure_s"] == changed.get("ELAPTIME", 60.0)


@pytest.mark.parametrize(
    ("instrument", "prefix"), [("HIRES", "HI"), ("LRIS", "LR"), ("LRISPBLUE", "LB"), ("DEIMOS", "DE")]
)
def test_a_name_that_the_instrument_does_not_write_is_put_together(judged, tmp_path, instrument, prefix):
    told = {"INSTRUME": instrument, "OUTFILE": "r150424_", "FRAMENO": 76, "without": ("OFNAME",)}
    found = judged(
        a_keck_file(tmp_path, name="r150424_0076.fits", **told), "keck-raw-fits", identity_rule="koaid"
    )
    assert (found.verdict, found.identity) == ("ok", f"{prefix}.20190509.07554.57"), found.message
    assert found.metadata["extra"]["original_name"] == "r150424_0076.fits"
    other = judged(a_keck_file(tmp_path, name="r150424_0077.fits", **told), "keck-raw-fits")
    assert (other.code, other.found) == ("BAD_NAME", "r150424_0076")


@pytest.mark.parametrize(
    ("changed", "without", "missing"),
    [
        ({}, ("CAMERA",), "CAMERA"),
        ({}, ("FRAMENO",), "FRAMENO"),
        ({"INSTRUME": "NIRES"}, (), "INSTR"),
        ({"INSTRUME": "LRIS"}, ("FRAMENO",), "FRAMENO"),
        ({"INSTRUME": "DEIMOS"}, ("OFNAME",), "OFNAME"),
        ({"INSTRUME": "HIRES"}, ("UT",), "UT"),
    ],
)
def test_each_instrument_names_what_may_not_be_null(judged, tmp_path, changed, without, missing):
    found = judged(a_keck_file(tmp_path, without=without, **changed), "keck-raw-fits")
    assert (found.verdict, found.code, found.wanted) == ("invalid", "MISSING_KEYWORD", missing)


@pytest.mark.parametrize("empty", ["", "null", "NaN", " "])
def test_all_keywords_that_may_not_be_null_are_named_at_once(judged, tmp_path, empty):
    found = judged(a_keck_file(tmp_path, UT=empty, without=("DATE-OBS",)), "keck-raw-fits")
    assert (found.verdict, found.code, found.wanted) == ("invalid", "MISSING_KEYWORD", "DATE-OBS, UT")


@pytest.mark.parametrize(
    ("written", "read"),
    [("09/05/19", "2019-05-09"), ("2019-05-09T02:05:54.57", "2019-05-09"), ("31/12/98", "1998-12-31")],
)
def test_an_old_way_to_write_the_date_is_read_and_noted(judged, tmp_path, written, read):
    found = judged(a_keck_file(tmp_path, DATE_OBS=written), "keck-raw-fits")
    (fix,) = found.header_fixes
    assert (found.verdict, fix.keyword, fix.original, fix.fixed) == ("ok", "DATE-OBS", written, read)
    assert found.metadata["obs_start_utc"].startswith(read)


@pytest.mark.parametrize(
    ("keyword", "value"), [("DATE_OBS", "2019-02-30"), ("DATE_OBS", "yesterday"), ("UT", "25:00:00")]
)
def test_a_date_or_time_that_is_none_is_refused(judged, tmp_path, keyword, value):
    found = judged(a_keck_file(tmp_path, **{keyword: value}), "keck-raw-fits")
    assert (found.code, found.found) == ("SCHEMA_VIOLATION", value)


def test_an_identity_in_the_header_that_is_wrong_is_noted(judged, tmp_path):
    path = a_keck_file(tmp_path, UT="02:05:54.057", KOAID="KB.20190509.07554.57.fits")
    (fix,) = judged(path, "keck-raw-fits").header_fixes
    assert (fix.original, fix.fixed) == ("KB.20190509.07554.57", "KB.20190509.07554.05")


@pytest.mark.parametrize("program", ["", "my program", "NONE"])
def test_a_file_without_a_program_is_taken_with_a_warning(judged, tmp_path, program):
    found = judged(a_keck_file(tmp_path, PROGNAME=program), "keck-raw-fits")
    assert (found.verdict, [warning.code for warning in found.warnings]) == ("ok", ["PROGRAM_MISSING"])
    assert next(result for result in found.qa if result.check == "program_assigned").passed is False


def test_metadata_too_long_for_its_column_is_kept_whole_with_a_warning(judged, tmp_path):
    observer = "a very long night " * 10
    found = judged(a_keck_file(tmp_path, OBSERVER=observer), "keck-raw-fits")
    (warning,) = found.warnings
    assert (warning.code, warning.keyword, warning.wanted) == (
        "METADATA_TOO_LONG",
        "OBSERVER",
        "<= 68 characters",
    )
    assert found.metadata["extra"]["OBSERVER"] == observer.rstrip()


def test_a_value_of_another_type_than_its_column_is_left_out_with_a_warning(judged, tmp_path):
    found = judged(a_keck_file(tmp_path, ELAPTIME="long"), "keck-raw-fits")
    assert [(warning.code, warning.keyword) for warning in found.warnings] == [("VALUE_TYPE", "ELAPTIME")]
    assert found.metadata["exposure_s"] is None


def test_a_file_may_come_under_its_own_name_or_its_identity_and_no_other(judged, tmp_path):
    content = a_keck_file(tmp_path).read_bytes()
    assert judged(content, "keck-raw-fits", name="KB.20190509.07554.57.fits").verdict == "ok"
    assert judged(content, "keck-raw-fits", name="kb190509_00002.fits").code == "BAD_NAME"


@pytest.mark.parametrize("exposure", [1e300, -1e30, 1e18])
def test_an_absurd_exposure_time_is_no_crash(judged, tmp_path, exposure):
    assert judged(a_keck_file(tmp_path, ELAPTIME=exposure), "keck-raw-fits").verdict == "ok"


def test_further_keywords_are_kept_up_to_a_bound(judged, tmp_path):
    many: dict[str, Any] = {f"K{number}": "x" * 60 for number in range(900)}
    metadata = judged(a_keck_file(tmp_path, **many), "keck-raw-fits").metadata
    assert metadata["extra_omitted"] > 300
    assert len(str(metadata["extra"])) < 40_000
