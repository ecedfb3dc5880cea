"""What is found in files as the field's own packages write them."""

import json
import subprocess
import sys

import pytest

from consumers.formats import FORMATS, Expected
from consumers.formats.inspection import Inspection, QaResult
from events.types import HeaderFix, QaFinding, WarningFinding
from tests.consumers.formats import build
from tests.consumers.formats.build import fits_bytes
from tests.consumers.formats.companions import table_bytes
from tests.consumers.formats.corpus.good import with_card

LEVELS = {"critical", "advisory", "record-only"}


def qa_of(inspection: Inspection) -> dict[str, QaResult]:
    return {result.check: result for result in inspection.qa}


def test_a_roman_image_is_taken_with_its_metadata(judged, made):
    found = judged(made["roman"], "roman-wfi-l2-asdf")
    assert (found.verdict, found.code, found.warnings) == ("ok", None, ())
    metadata = found.metadata
    assert metadata["instrument"] == "WFI"
    assert metadata["detector"] == "WFI01"
    assert metadata["filter"] == "F158"
    assert metadata["visit_id"] == "0000101001001001001"
    assert metadata["exposure_id"] == "0000101001001001001_0001"
    assert metadata["obs_start_utc"] == "2020-01-01T00:00:00.000000Z"
    assert metadata["obs_start_tai"] == "2020-01-01T00:00:37.000000"
    assert metadata["exposure_s"] == 139.8
    assert metadata["program"] == "1"
    assert metadata["purpose"] == "science"
    assert (metadata["ra_deg"], metadata["dec_deg"]) == (30.0, -45.0)
    assert metadata["footprint"].startswith("POLYGON ICRS")
    assert metadata["extra"]["exposure.type"] == "WFI_IMAGE"
    assert "photometry.pixel_area" not in metadata["extra"], "not set in the file"


def test_a_roman_image_gets_its_checks(judged, made):
    qa = qa_of(judged(made["roman"], "roman-wfi-l2-asdf"))
    critical = {"readable", "format", "structure", "product", "name_matches", "schema"}
    assert {check for check, result in qa.items() if result.level == "critical" and result.passed} == critical
    assert qa["block_checksums"].passed is True
    assert qa["name_consistent"].passed is True
    assert (qa["exposure_time"].value, qa["exposure_time"].unit) == (139.8, "s")
    assert qa["array_shape"].value == "32x32"


def test_an_uncompressed_roman_image_is_taken_too(judged, tmp_path):
    path = build.a_roman_file(tmp_path, compression=None)
    assert judged(path, "roman-wfi-l2-asdf").verdict == "ok"


def test_a_dkist_frame_is_taken_with_its_metadata(judged, made):
    found = judged(made["dkist"], "dkist-l1-fits")
    assert (found.verdict, found.code, found.warnings) == ("ok", None, ())
    metadata = found.metadata
    assert metadata["instrument"] == "VISP"
    assert metadata["program"] == "pid_2_100"
    assert metadata["exposure_s"] == 0.12, "XPOSURE is in milliseconds"
    assert metadata["obs_start_utc"].endswith("Z")
    assert metadata["ra_deg"] is None, "the Sun has no fixed place among the stars"
    extra = metadata["extra"]
    assert extra["dataset_id"] == extra["DSETID"]
    assert extra["instrument_program_id"] == extra["IP_ID"] == "IPID"
    assert extra["observing_program_id"] == extra["OBSPR_ID"] == "OPID"
    assert (extra["wavelength_nm"], extra["stokes"], extra["stokes_index"]) == (630.2, "I", 0)


def test_a_dkist_frame_knows_its_stokes_parameter(judged, made):
    extra = judged(made["dkist, Stokes Q"], "dkist-l1-fits").metadata["extra"]
    assert (extra["stokes"], extra["stokes_index"]) == ("Q", 1)


def test_a_dkist_frame_gets_its_checks(judged, made):
    qa = qa_of(judged(made["dkist"], "dkist-l1-fits"))
    critical = {"readable", "format", "structure", "astropy_reads", "schema", "name_matches"}
    assert {check for check, result in qa.items() if result.level == "critical" and result.passed} == critical
    assert (qa["fits_checksum"].passed, qa["fits_datasum"].passed) == (True, True)
    assert (qa["fried_parameter"].level, qa["fried_parameter"].unit) == ("record-only", "m")
    assert qa["light_level"].unit == "adu"
    assert qa["ao_lock"].value in {0, 1}


def test_a_compressed_dkist_frame_is_taken_too(judged, made, tmp_path):
    path = build.a_compressed_dkist_file(made["dkist"], tmp_path)
    found = judged(path, "dkist-l1-fits")
    assert found.verdict == "ok", found.message
    assert found.metadata["instrument"] == "VISP"


def test_a_keck_file_is_taken_with_its_metadata(judged, made):
    found = judged(made["keck"], "keck-raw-fits", identity_rule="koaid")
    assert (found.verdict, found.code, found.warnings, found.header_fixes) == ("ok", None, (), ())
    assert found.identity == "KB.20190509.07554.57"
    metadata = found.metadata
    assert metadata["instrument"] == "KCWI"
    assert metadata["exposure_id"] == "KB.20190509.07554.57"
    assert metadata["detector"] == "BLUE"
    assert (metadata["obs_start_utc"], metadata["obs_end_utc"]) == (
        "2019-05-09T02:05:54.570000Z",
        "2019-05-09T02:06:54.570000Z",
    )
    assert metadata["obs_start_tai"] == "2019-05-09T02:06:31.570000"
    assert (metadata["program"], metadata["target"], metadata["purpose"]) == ("C257", "FLASHES-7", "science")
    assert (metadata["ra_deg"], metadata["dec_deg"]) == (58.0, -45.5)
    assert metadata["extra"]["OBSERVER"] == "O'Sullivan, Martin"


def test_a_keck_file_gets_its_checks(judged, made):
    qa = qa_of(judged(made["keck"], "keck-raw-fits"))
    critical = {"readable", "format", "structure", "astropy_reads", "keyword_rules", "name_matches"}
    assert {check for check, result in qa.items() if result.level == "critical" and result.passed} == critical
    for check in ("fits_checksum", "fits_datasum", "program_assigned", "metadata_widths"):
        assert qa[check].passed is True
    assert qa["airmass"].value == 1.41


@pytest.mark.parametrize(
    ("raw", "kept", "how"),
    [("José".encode(), "Jos\\xc3\\xa9", "UTF-8"), ("José".encode("latin-1"), "Jos\\xe9", "Latin-1")],
)
def test_letters_that_fits_has_not_are_read_as_they_were_meant_and_their_bytes_kept(judged, raw, kept, how):
    """astropy and fitsio have a question mark for each such byte: what stood there is lost."""
    card, other = b"OBSERVER= '" + raw + b"'", b"HIERARCH ESO OBS NAME = '" + raw + b"'"
    begun = b"TITLE   = '" + b"x" * 60 + raw[:-1] + b"&'"
    found = judged(fits_bytes(card, other, begun, b"CONTINUE  '" + raw[-1:] + b"'"), "fits")
    extra = found.metadata["extra"]
    assert (extra["OBSERVER"], extra["ESO OBS NAME"], extra["TITLE"]) == ("José", "José", "x" * 60 + "José")
    fixes = {fix.keyword: fix for fix in found.header_fixes}
    assert set(fixes) == {"OBSERVER", "ESO OBS NAME", "TITLE"}
    assert (fixes["OBSERVER"].original, fixes["OBSERVER"].fixed) == (kept, "José")
    assert fixes["OBSERVER"].reason.endswith(how)
    assert [each.code for each in found.warnings if each.keyword == "OBSERVER"] == ["NOT_ASCII"]


def test_each_instruments_header_is_read_so(judged, made):
    for which, keyword, format_name in (
        ("keck", "OBSERVER", "keck-raw-fits"),
        ("dkist", "EXPER_ID", "dkist-l1-fits"),
    ):
        content = with_card(made[which].read_bytes(), keyword, "'José'")
        found = judged(content, format_name, name=made[which].name)
        assert found.verdict == "ok", found.message
        assert found.metadata["extra"][keyword] == "José"
    with_accent = table_bytes(OBJECT="Sao Tomé").decode().encode("latin-1")
    assert judged(with_accent, "ipac-table").metadata["extra"]["OBJECT"] == "Sao Tomé"


def test_a_header_of_nothing_but_such_letters_has_a_bounded_number_of_fixes(judged):
    cards = [f"K{number:<7}= 'é'".encode() for number in range(2_000)]
    found = judged(fits_bytes(*cards), "fits")
    assert (found.verdict, len(found.header_fixes)) == ("ok", 50)
    assert found.metadata["extra"]["K900"] == "é"


@pytest.mark.parametrize(
    ("which", "format_name"),
    [("keck", "fits"), ("dkist", "fits"), ("roman", "asdf"), ("roman", "any"), ("keck", "any")],
)
def test_a_file_is_also_one_of_its_general_kind(judged, made, which, format_name):
    found = judged(made[which], format_name)
    assert found.verdict == "ok"
    assert found.size_bytes == made[which].stat().st_size
    assert found.metadata["extra"]


def test_a_file_may_have_findings_of_every_kind(judged, tmp_path):
    path = build.a_keck_file(tmp_path, PROGNAME="", DATE_OBS="09/05/19", OBSERVER="z" * 200)
    plain = judged(path, "keck-raw-fits").to_dict()
    assert [fix["keyword"] for fix in plain["header_fixes"]] == ["DATE-OBS"]
    assert {warning["code"] for warning in plain["warnings"]} == {"PROGRAM_MISSING", "METADATA_TOO_LONG"}
    assert all(WarningFinding(**warning).message for warning in plain["warnings"])
    assert all(HeaderFix(**fix).reason for fix in plain["header_fixes"])


@pytest.mark.parametrize(
    ("which", "format_name"),
    [("keck", "keck-raw-fits"), ("dkist", "dkist-l1-fits"), ("roman", "roman-wfi-l2-asdf")],
)
def test_an_inspection_survives_json_and_fits_the_vocabulary(judged, made, which, format_name):
    found = judged(made[which], format_name)
    plain = found.to_dict()
    assert Inspection.from_dict(json.loads(json.dumps(plain, allow_nan=False))) == found
    assert len(plain["qa"]) >= 8
    for result in plain["qa"]:
        assert QaFinding(**result).level in LEVELS


def test_in_the_same_process_the_result_is_the_same(judged, made):
    here = FORMATS["keck-raw-fits"].inspect(made["keck"], Expected(made["keck"].name))
    assert here == judged(made["keck"], "keck-raw-fits")


def test_importing_the_formats_loads_no_library():
    libraries = {"astropy", "asdf", "numpy", "yaml"}
    code = f"import sys, consumers.formats; print({libraries} & sys.modules.keys())"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"
