"""Every keyword of a raw Keck file is held to its column of the archive's table: type, width, null, list, bounds."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.formats import keck_columns, keck_raw, keck_tables
from consumers.formats.findings import Findings
from consumers.formats.inspection import InvalidFileError
from consumers.formats.keck_columns import Column, columns_in, table_of
from consumers.formats.keck_held import unlike
from consumers.formats.keck_rules import apply_rules
from consumers.formats.keck_tables import INSTRUMENTS, rules_for
from tests.consumers.formats.build import KECK_KEYWORDS, OF_INSTRUMENT, a_keck_file

# Keywords of a header, by table: the published ones without those that have no name in a header.
COLUMNS = {"KCWI": 616, "DEIMOS": 486, "LRIS": 274, "NIRES": 223, "HIRES": 375}


def header(instrument: str, **changed: Any) -> dict[str, Any]:
    """A good header of the instrument."""
    own = {"NIRES": {"INSTR": "spec"}}.get(instrument, {}) | OF_INSTRUMENT.get(instrument, {})
    return {**KECK_KEYWORDS, "INSTRUME": instrument, **own, **changed}


def warned(values: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    findings = Findings()
    apply_rules(values, findings)
    return [(each.code, each.keyword, each.wanted) for each in findings.warnings]


@pytest.mark.parametrize(("instrument", "columns"), COLUMNS.items())
def test_each_table_is_whole_and_a_good_header_keeps_to_it(instrument, columns):
    assert len(table_of(instrument).columns) == columns
    assert warned(header(instrument)) == []


@pytest.mark.parametrize(
    ("instrument", "keyword", "value", "code", "wanted"),
    [
        ("KCWI", "HEART_13", "x" * 69, "METADATA_TOO_LONG", "<= 68 characters"),
        ("KCWI", "HEART_14", "x" * 25, "METADATA_TOO_LONG", "<= 24 characters"),
        ("KCWI", "BVCURR", -1.2345678901234567, "METADATA_TOO_LONG", "<= 16 characters"),
        ("KCWI", "PWSTATC8", "on", "VALUE_TYPE", "integer, as the archive's column"),
        ("KCWI", "TMPB3", "UNKNOWN", "VALUE_TYPE", "double, as the archive's column"),
        ("KCWI", "RA", "3h52m", "VALUE_TYPE", "angle, as the archive's column"),
        ("KCWI", "EQUINOX", 1800.0, "VALUE_OUT_OF_RANGE", ">= 1855"),
        ("KCWI", "FRAMENO", 10_000, "VALUE_OUT_OF_RANGE", "<= 9999"),
        ("DEIMOS", "PANE16", "0,0,4096,4096,0,0,4096,40", "METADATA_TOO_LONG", "<= 24 characters"),
        ("DEIMOS", "VIDOFF16", 12.5, "VALUE_TYPE", "integer, as the archive's column"),
        ("DEIMOS", "TCAM8VAL", "cold", "VALUE_TYPE", "double, as the archive's column"),
        ("DEIMOS", "OBSMODE", "poetry", "VALUE_NOT_LISTED", "one of longslit, mos, image, unknown"),
        ("DEIMOS", "WAVERED", 999, "VALUE_OUT_OF_RANGE", ">= 1000"),
        ("LRIS", "ADCBYP", "no", "METADATA_TOO_LONG", "<= 1 characters"),
        ("LRIS", "ADCRAW", "far", "VALUE_TYPE", "integer, as the archive's column"),
        ("LRIS", "OBSMODE", "mos", "VALUE_NOT_LISTED", "one of imaging, spec"),
        ("LRIS", "DEC", "-90:30:00", "VALUE_OUT_OF_RANGE", ">= -90"),
        ("LRIS", "DEC", "+95:00:01", "VALUE_OUT_OF_RANGE", "<= 95"),
        ("NIRES", "CHNAME10", "x" * 69, "METADATA_TOO_LONG", "<= 68 characters"),
        ("NIRES", "TMPACT2", 123_456_789, "METADATA_TOO_LONG", "<= 8 characters"),
        ("NIRES", "RA", "03:52:00.00", "VALUE_TYPE", "double, as the archive's column"),
        ("NIRES", "DISPSCAL", 0.2, "VALUE_NOT_LISTED", "one of 0.15, 0.12"),
        ("NIRES", "FRAMENUM", 10_000, "VALUE_OUT_OF_RANGE", "<= 9999"),
        ("HIRES", "LAMPNAME", "x" * 69, "METADATA_TOO_LONG", "<= 68 characters"),
        ("HIRES", "XDRAW", "far", "VALUE_TYPE", "integer, as the archive's column"),
        ("HIRES", "IODIN", "in", "VALUE_NOT_LISTED", "one of T, F"),
        ("HIRES", "XDANGL", 45.5, "VALUE_OUT_OF_RANGE", "<= 45"),
        ("HIRES", "PRELINE", 2049, "VALUE_OUT_OF_RANGE", "<= 2048"),
    ],
)
def test_what_the_archive_would_cut_refuse_or_wonder_at_is_named(instrument, keyword, value, code, wanted):
    assert warned(header(instrument, **{keyword: value})) == [(code, keyword, wanted)]


@pytest.mark.parametrize(
    ("instrument", "keyword", "value"),
    [
        ("LRIS", "ADCBYP", True),  # a logical is T or F in the table
        ("HIRES", "IODIN", False),
        ("HIRES", "IODIN", "f"),
        ("HIRES", "DECKNAME", "B3"),
        ("HIRES", "DECKNAME", "undefined"),
        ("HIRES", "MOSMODE", "B, G, R"),
        ("LRIS", "DATASUM", "1985548719"),  # the standard has it as a text, the table as a number
        ("LRIS", "FRAMENO", 9999.0),
        ("KCWI", "DEC", "-45 30 00.5"),
        ("KCWI", "PWSTATC8", "#### Error ###"),
        ("KCWI", "PWSTATC8", None),
        ("KCWI", "EQUINOX", "2000.0"),
        ("KCWI", "SPYGLASS", "x" * 200),  # of which the table says nothing
    ],
)
def test_what_the_archive_takes_is_silent(instrument, keyword, value):
    assert warned(header(instrument, **{keyword: value})) == []


def test_what_the_instrument_has_to_tell_and_does_not_is_a_warning_or_the_end_of_the_file():
    """By any of the names it goes by; what the archive fills in by itself is not asked for."""
    for instrument in COLUMNS:
        rules = rules_for(instrument)
        for keyword in table_of(instrument).not_null:
            names = {name for rule in rules if keyword in rule.source for name in rule.source} | {keyword}
            values = {name: value for name, value in header(instrument).items() if name not in names}
            needed = any(not rule.nullable for rule in rules if keyword in rule.source)
            if needed:
                with pytest.raises(InvalidFileError) as refused:
                    apply_rules(values, Findings())
                assert refused.value.code == "MISSING_KEYWORD"
            else:
                assert [each[:2] for each in warned(values)] == [("VALUE_MISSING", keyword)]


@pytest.mark.parametrize("empty", ["null", "", None, "NaN"])
def test_a_keyword_that_may_not_be_null_is_told_of_and_the_file_is_taken(judged, tmp_path, empty):
    found = judged(a_keck_file(tmp_path, OUTDIR=empty), "keck-raw-fits")
    assert (found.verdict, [(each.code, each.keyword) for each in found.warnings]) == (
        "ok",
        [("VALUE_MISSING", "OUTDIR")],
    )
    assert {each.check: each.passed for each in found.qa}["metadata_told"] is False


def test_a_night_on_which_everything_is_odd_stays_readable_and_leaves_no_keyword_out(judged, tmp_path):
    wide: dict[str, Any] = {f"PWNAME{bank}{port}": "x" * 33 for bank in "ABC" for port in range(1, 9)}
    wide |= {f"TMPLOC{bank}{port}": "x" * 33 for bank in "AB" for port in range(1, 9)}
    odd: dict[str, Any] = {f"PWSTAT{bank}{port}": "on" for bank in "ABC" for port in range(1, 9)}
    found = judged(a_keck_file(tmp_path, **wide, **odd), "keck-raw-fits")
    assert found.verdict == "ok"
    assert len(found.warnings) <= 12
    assert sum(len(str(each)) for each in found.warnings) < 10_000
    told = " ".join(each.message for each in found.warnings)
    assert [keyword for keyword in (*wide, *odd) if keyword not in told] == []
    assert {keyword: found.metadata["extra"][keyword] for keyword in wide} == wide


def test_every_keyword_of_a_table_can_be_odd_at_once_and_the_findings_stay_bounded():
    findings = Findings()
    apply_rules(
        header("KCWI") | {name: "x" * 900 for name in table_of("KCWI").columns if name not in header("KCWI")},
        findings,
    )
    assert len(findings.warnings) < 60
    assert not any(each.code == "MORE_WARNINGS" for each in findings.warnings)
    told = " ".join(each.message for each in findings.warnings)
    assert all(name in told for name in table_of("KCWI").columns if name not in header("KCWI"))


def test_a_value_too_wide_is_kept_whole_where_the_record_has_no_room_for_all(judged, tmp_path):
    crowd: dict[str, Any] = {f"K{number}": "x" * 60 for number in range(900)}
    found = judged(a_keck_file(tmp_path, **crowd, STATENAM="s" * 1000), "keck-raw-fits")
    assert found.metadata["extra_omitted"] > 300
    assert found.metadata["extra"]["STATENAM"] == "s" * 1000


def test_all_tables_are_read_before_the_first_file(monkeypatch):
    for read in (keck_columns, keck_tables):
        read._table.cache_clear()
    keck_raw.warm_up()
    monkeypatch.setattr(tomllib, "loads", lambda _: pytest.fail("a table was read again"))
    for instrument in (*INSTRUMENTS, "ESI"):
        assert bool(table_of(instrument).columns) == (instrument in INSTRUMENTS)
        assert rules_for(instrument)


def test_families_of_keywords_are_written_out():
    table = columns_in("[char]\n8 = 'A{1,3}B P{A..C}{1..2} V{08..10} W{9..11}'", "some.toml")
    assert " ".join(table.columns) == "A1B A3B PA1 PA2 PB1 PB2 PC1 PC2 V08 V09 V10 W9 W10 W11"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[text]\n8 = 'A'", "found text"),
        ("[char]\nwide = 'A'", "width wide"),
        ("[char]\n0 = 'A'", "width 0"),
        ("[char]\n8 = 'A A'", "A more than once"),
        ("[char]\n8 = 'A'\n[double]\n16 = 'A'", "A more than once"),
        ("[char]\n8 = 'A{1..'", "wanted braces"),
        ("not_null = 'B'\n[char]\n8 = 'A'", "B without a type"),
        ("[listed]\n'x y' = 'B'", "B without a type"),
        ("[double]\n16 = 'A'\n[bounds]\n'1-2' = 'A'", "found bounds 1-2"),
        ("[double]\n16 = 'A'\n[bounds]\n'..' = 'A'", "found bounds .."),
        ("[char]\n8 = 'A'\n[bounds]\n'1..2' = 'A'", "bounds of A, a text"),
    ],
)
def test_a_table_of_columns_that_says_something_else_is_refused(table, said):
    with pytest.raises(ValueError, match=said):
        columns_in(table, "some.toml")


@pytest.mark.parametrize("instrument", COLUMNS)
def test_each_rule_has_a_column_or_a_width_of_its_own(instrument):
    columns = table_of(instrument).columns
    unheld = [
        rule.keyword
        for rule in rules_for(instrument)
        if rule.width is None and rule.keyword not in columns and not set(rule.source) & columns.keys()
    ]
    assert unheld == []


@given(st.one_of(st.text(max_size=40), st.integers(), st.floats(allow_nan=False), st.booleans(), st.none()))
def test_no_value_is_too_strange_for_any_column(value):
    for column in (
        Column("A", "char", 8),
        Column("A", "char", 8, ("Yes",), frozenset({"yes"})),
        Column("A", "angle", 16, minimum=-90, maximum=95),
        Column("A", "integer", 8, minimum=0),
        Column("A", "double", 16),
    ):
        codes = [each.code for each in unlike({"A": value}, {"A": column})]
        assert len(codes) == len(set(codes)) <= 2
        if isinstance(value, str) and value.isalpha() and value.lower() not in {"null", "nan", "undefined"}:
            assert ("METADATA_TOO_LONG" in codes) == (len(value) > column.width)


@given(st.text("abc", min_size=1, max_size=40), st.integers(-(10**12), 10**12), st.floats(-1e9, 1e9))
def test_the_quick_look_finds_what_the_thorough_one_finds(text, number, fraction):
    quick = columns_in(
        "[char]\n16 = 'A'\n[integer]\n8 = 'B'\n[double]\n16 = 'C'\n[angle]\n16 = 'D'", "some.toml"
    )
    thorough = {
        name: Column(name, column.kind, column.width) for name, column in quick.columns.items()
    }  # takes no type unseen
    for values in (
        {"A": text, "B": number, "C": fraction, "D": fraction},
        {"A": number, "B": fraction, "C": text, "D": text},
    ):
        assert unlike(values, quick.columns) == unlike(values, thorough)
