"""Raw images of Rubin's cameras: identity, typed metadata, and the names that carry them."""

import pytest

from consumers.formats.inspection import InvalidFileError
from consumers.formats.rubin_names import sensor_of
from tests.consumers.formats.companions import RUBIN_NAME, a_rubin_file


@pytest.fixture(scope="module")
def rubin(tmp_path_factory):
    return a_rubin_file(tmp_path_factory.mktemp("rubin"))


def test_an_image_is_taken_with_its_metadata(judged, rubin):
    found = judged(rubin, "rubin-raw-fits", identity_rule="rubin")
    assert (found.verdict, found.code, found.warnings, found.header_fixes) == ("ok", None, (), ())
    assert found.identity == "MC_O_20251101_000123_R22_S11"
    metadata = found.metadata
    assert (metadata["instrument"], metadata["exposure_id"]) == ("LSSTCam", "MC_O_20251101_000123")
    assert (metadata["visit_id"], metadata["detector"], metadata["filter"]) == (
        "2025110100123",
        "R22_S11",
        "r_57",
    )
    assert metadata["obs_start_tai"] == "2025-11-02T01:02:03.456000", "the cameras' clocks tell TAI"
    assert metadata["obs_start_utc"] == "2025-11-02T01:01:26.456000Z"
    assert metadata["obs_end_utc"] == "2025-11-02T01:01:56.456000Z"
    assert (metadata["exposure_s"], metadata["program"], metadata["purpose"]) == (
        30.0,
        "BLOCK-365",
        "science",
    )
    assert (metadata["target"], metadata["ra_deg"], metadata["dec_deg"]) == ("DESI_40_7", 216.6, -12.4)
    extra = metadata["extra"]
    assert (extra["raft"], extra["slot"], extra["detector_number"]) == ("R22", "S11", 94)
    assert (extra["day_obs"], extra["sequence_number"]) == ("20251101", 123)


def test_an_image_gets_its_checks(judged, rubin):
    qa = {result.check: result for result in judged(rubin, "rubin-raw-fits").qa}
    critical = {
        "readable", "format", "structure", "name_pattern", "astropy_reads", "keyword_rules", "name_matches",
    }  # fmt: skip
    assert {check for check, result in qa.items() if result.level == "critical" and result.passed} == critical
    assert (qa["segments"].passed, qa["segments"].value) == (True, 16)
    assert (qa["checksums_present"].passed, qa["checksums_present"].value) == (True, "17 of 17 HDUs")
    assert (qa["exposure_time"].value, qa["exposure_time"].unit) == (30.0, "s")


def test_a_compressed_image_is_taken_too(judged, tmp_path):
    found = judged(a_rubin_file(tmp_path, compressed=True), "rubin-raw-fits")
    assert found.verdict == "ok", found.message
    assert next(result for result in found.qa if result.check == "segments").passed is True


@pytest.mark.parametrize(("segments", "passed"), [(15, False), (0, False)])
def test_amplifiers_that_are_missing_are_listed(judged, tmp_path, segments, passed):
    found = judged(a_rubin_file(tmp_path, segments=segments), "rubin-raw-fits")
    result = next(result for result in found.qa if result.check == "segments")
    assert (found.verdict, result.passed, result.value) == ("ok", passed, segments)
    assert "wanted 16" in result.message


def test_half_a_sensor_has_half_the_amplifiers(judged, tmp_path):
    name = "MC_O_20251101_000123_R00_SW0.fits"
    path = a_rubin_file(tmp_path, name=name, segments=8, RAFTBAY="R00", CCDSLOT="SW0")
    found = judged(path, "rubin-raw-fits")
    assert (found.verdict, found.metadata["extra"]["detector_number"]) == ("ok", 191)
    assert next(result for result in found.qa if result.check == "segments").passed is True


@pytest.mark.parametrize(
    ("changed", "without", "code", "named"),
    [
        ({"RAFTBAY": "R21"}, (), "BAD_NAME", "RAFTBAY R21"),
        ({"CCDSLOT": "S12"}, (), "BAD_NAME", "CCDSLOT S12"),
        ({"OBSID": "MC_O_20251101_000124"}, (), "BAD_NAME", "000124"),
        ({"SEQNUM": 124}, (), "SCHEMA_VIOLATION", "124"),
        ({"DAYOBS": "20251102"}, (), "SCHEMA_VIOLATION", "20251102"),
        ({}, ("OBSID", "SEQNUM"), "MISSING_KEYWORD", "OBSID, SEQNUM"),
        ({"IMGTYPE": ""}, (), "MISSING_KEYWORD", "IMGTYPE"),
        ({"RAFTBAY": "UNKNOWN"}, (), "MISSING_KEYWORD", "RAFTBAY"),
    ],
)
def test_a_header_that_does_not_say_what_the_name_says_is_refused(
    judged, tmp_path, changed, without, code, named
):
    found = judged(a_rubin_file(tmp_path, segments=1, without=without, **changed), "rubin-raw-fits")
    assert (found.verdict, found.code) == ("invalid", code), found.message
    assert named in found.message


@pytest.mark.parametrize(
    ("kind", "purpose"),
    [("BIAS", "calibration"), ("DARK", "calibration"), ("FLAT", "calibration"), ("ACQ", "science")],
)
def test_the_image_type_is_the_purpose(judged, tmp_path, kind, purpose):
    assert (
        judged(a_rubin_file(tmp_path, segments=1, IMGTYPE=kind), "rubin-raw-fits").metadata["purpose"]
        == purpose
    )


def test_a_value_too_long_is_kept_whole_with_a_warning(judged, tmp_path):
    long = "a dithered field with a very long name " * 4
    found = judged(a_rubin_file(tmp_path, OBJECT=long), "rubin-raw-fits")
    assert found.metadata["target"] == long.strip()
    assert [(each.code, each.keyword) for each in found.warnings] == [("METADATA_TOO_LONG", "OBJECT")]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        (RUBIN_NAME, 94),
        ("MC_O_20251101_000123_R22_S11.fits.fz", 94),
        ("MC_O_20250423_000034_R31_S10.json", 129),
        ("MC_O_20251101_000123_R44_SG1_guider.fits", 202),
        ("AT_O_20251101_000123_R00_S00.fits", None),
    ],
)
def test_a_name_tells_the_detector(name, number):
    assert sensor_of(name).number_of_detector == number


@pytest.mark.parametrize(
    "name",
    [
        "MC_O_20251101_000123.fits",
        "MC_O_20251101_123_R22_S11.fits",
        "MC_O_20251301_000123_R22_S11.fits",
        "MC_O_20250230_000123_R22_S11.fits",
        "MC_O_20251101_000123_R22_S13.fits",
        "MC_O_20251101_000123_R00_S11.fits",
        "MC_O_20251101_000123_R22_SG0.fits",
        "XX_O_20251101_000123_R22_S11.fits",
        "MC_O_20251101_000123_R22_S11.asdf",
        "mc_o_20251101_000123_r22_s11.fits",
        "MC_O_20251101_000123_R22_S11.fits\n",
        "",
    ],
)
def test_a_name_that_no_camera_writes_is_refused(name):
    with pytest.raises(InvalidFileError, match="wanted") as refused:
        sensor_of(name)
    assert refused.value.code == "BAD_NAME"
