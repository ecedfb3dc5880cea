"""Damaged FITS files beyond the corpus: checksums, what a stream requires, and the specification of DKIST."""

import pytest

from tests.consumers.formats.build import KECK_NAME, a_keck_file, edit_fits, fits_bytes
from tests.consumers.formats.companions import RUBIN_NAME
from tests.consumers.formats.corpus.fits_rows import ROWS

BY_NAME = {row.what: row for row in ROWS}


def test_the_formats_of_the_instruments_name_it_alike(judged):
    for format_name in ("dkist-l1-fits", "keck-raw-fits", "rubin-raw-fits"):
        for what in ("a picture", "no END", "a billion axes", "a keyword twice, with other values"):
            row = BY_NAME[what]
            assert judged(row.bytes(), format_name, name=RUBIN_NAME).code == row.code


def test_a_card_that_goes_on_is_read_whole(judged):
    pieces = ("TITLE   = 'one &'", "CONTINUE  'two &'", "CONTINUE  'three'")
    assert judged(fits_bytes(*pieces), "fits").metadata["extra"]["TITLE"] == "one two three"


def test_a_flipped_bit_is_seen_by_the_checksums(judged, made):
    content = bytearray(made["keck"].read_bytes())
    content[5000] ^= 1
    found = judged(bytes(content), "keck-raw-fits", name=KECK_NAME)
    qa = {result.check: result for result in found.qa}
    assert found.verdict == "ok", "advisory, unless the stream asks for more"
    assert (qa["fits_checksum"].passed, qa["fits_datasum"].passed) == (False, False)
    assert "HDU 0" in qa["fits_datasum"].message


def test_a_stream_may_require_the_checksums(judged, made):
    content = bytearray(made["keck"].read_bytes())
    content[5000] ^= 1
    wanted = {"name": KECK_NAME, "stream_checks": ("fits_datasum",)}
    found = judged(bytes(content), "keck-raw-fits", **wanted)
    assert (found.verdict, found.code) == ("invalid", "CHECKSUM_MISMATCH")
    assert judged(made["keck"], "keck-raw-fits", stream_checks=("fits_datasum",)).verdict == "ok"


def test_checksums_that_are_not_there_are_no_pass(judged):
    qa = {result.check: result for result in judged(fits_bytes(), "fits").qa}
    assert qa["fits_checksum"].passed is None
    assert qa["fits_checksum"].message == "no CHECKSUM in HDU 0"


def test_a_truncated_file_says_how_much_is_missing(judged, made):
    found = judged(made["keck"].read_bytes()[:-3000], "keck-raw-fits", name=KECK_NAME)
    assert found.code == "TRUNCATED"
    assert "bytes are missing" in found.message


def test_every_error_of_a_dkist_header_is_listed(judged, made, tmp_path):
    path = tmp_path / made["dkist"].name
    path.write_bytes(made["dkist"].read_bytes())
    edit_fits(path, INSTRUME="SPYGLASS", LEVEL="one", remove=("DATE-BEG", "TELESCOP"))
    found = judged(path, "dkist-l1-fits")
    assert found.code == "SCHEMA_VIOLATION"
    for keyword in ("INSTRUME", "LEVEL", "DATE-BEG", "TELESCOP"):
        assert keyword in found.message
    listed = {result.value for result in found.qa if result.check == "schema_error"}
    assert {"INSTRUME", "LEVEL", "DATE-BEG", "TELESCOP"} <= listed


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"PROP_ID": ""}, "SCHEMA_VIOLATION"),
        ({"DNAXIS": 10**9}, "SCHEMA_VIOLATION"),
        ({"DEAXES": -1}, "SCHEMA_VIOLATION"),
        ({"NSPECLNS": 10**6}, "SCHEMA_VIOLATION"),
        ({"BUNIT": "apples"}, "SCHEMA_VIOLATION"),
        ({"FILENAME": "other.fits"}, "BAD_NAME"),
    ],
)
def test_what_the_validator_of_dkist_lets_pass_is_found(judged, made, tmp_path, changed, code):
    path = tmp_path / made["dkist"].name
    path.write_bytes(made["dkist"].read_bytes())
    found = judged(edit_fits(path, **changed), "dkist-l1-fits")
    assert (found.verdict, found.code) == ("invalid", code), found.message
    assert next(iter(changed)) in found.message


def test_after_all_that_a_good_file_is_taken(judged, tmp_path):
    assert judged(a_keck_file(tmp_path), "keck-raw-fits").verdict == "ok"
