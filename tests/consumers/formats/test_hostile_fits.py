"""Damaged and hostile FITS files: each gets its code, in bounded time and memory, and the next file is read as ever."""

import gzip

import pytest

from tests.consumers.formats.build import KECK_NAME, a_keck_file, card, edit_fits, fits_bytes

MEBIBYTE = 1024**2
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
SAME = "OBJECT  = 'M31     '"

EXTENSION = fits_bytes().replace(b"SIMPLE  =                    T", b"XTENSION= 'IMAGE   '          ")


def many_cards(count: int) -> bytes:
    return fits_bytes(*(f"KEY{n:<5}= {n:>20}" for n in range(count)))


HOSTILE = {
    "no bytes at all": (b"", "EMPTY_FILE"),
    "a text": (b"this is not the file you want\n", "NOT_THE_FORMAT"),
    "a picture": (PNG, "NOT_THE_FORMAT"),
    "zero bytes": (bytes(8640), "NOT_THE_FORMAT"),
    "gzip data": (gzip.compress(fits_bytes()), "NOT_THE_FORMAT"),
    "a gzip bomb": (gzip.compress(bytes(64 * MEBIBYTE)), "NOT_THE_FORMAT"),
    "an HTML error page": (b"<html><body>502 Bad Gateway</body></html>", "NOT_THE_FORMAT"),
    "an ASDF file": (b"#ASDF 1.0.0\n", "NOT_THE_FORMAT"),
    "a SIMPLE that is F": (fits_bytes(SIMPLE="F"), "UNREADABLE"),
    "no END": (fits_bytes(end=False), "TRUNCATED"),
    "a header cut in a card": (fits_bytes()[:200], "TRUNCATED"),
    "the padding of a header cut": (fits_bytes()[:1000], "TRUNCATED"),
    "data cut": (fits_bytes(axes=(100, 100))[:-1] + bytes(5000), "TRUNCATED"),
    "no data": (fits_bytes(axes=(100, 100)), "TRUNCATED"),
    "axes of two billion": (fits_bytes(axes=(2 * 10**9, 2 * 10**9)), "TRUNCATED"),
    "999 axes of the largest number": (fits_bytes(axes=(10**18,) * 999), "TRUNCATED"),
    "a billion axes": (fits_bytes(NAXIS=10**9), "UNSAFE_CONTENT"),
    "a number of axes of 60 digits": (fits_bytes(f"NAXIS   = {'9' * 60}", NAXIS=0), "DUPLICATE_KEYWORD"),
    "999 axes without lengths": (fits_bytes(NAXIS=999), "MISSING_KEYWORD"),
    "minus one axis": (fits_bytes(NAXIS=-1), "UNREADABLE"),
    "an axis of negative length": (fits_bytes(axes=(-5,)), "UNREADABLE"),
    "an axis of length 1.5": (fits_bytes(axes=(1.5,)), "UNREADABLE"),
    "no BITPIX": (fits_bytes().replace(b"BITPIX", b"BITPIC"), "MISSING_KEYWORD"),
    "BITPIX 7": (fits_bytes(BITPIX=7), "UNREADABLE"),
    "negative PCOUNT": (fits_bytes(PCOUNT=-8), "UNREADABLE"),
    "a billion table columns": (fits_bytes(TFIELDS=10**9), "UNREADABLE"),
    "a compressed image of a billion axes": (fits_bytes(ZIMAGE="T", ZNAXIS=10**9), "UNSAFE_CONTENT"),
    "30,000 cards": (many_cards(30_000), "LIMIT_EXCEEDED"),
    "200,000 cards": (many_cards(200_000), "LIMIT_EXCEEDED"),
    "100 MB of cards and no END": (card("SIMPLE  =                    T") * 1_300_000, "LIMIT_EXCEEDED"),
    "a keyword twice, with other values": (fits_bytes(SAME, "OBJECT  = 'M32     '"), "DUPLICATE_KEYWORD"),
    "a keyword in lower case, other value": (
        fits_bytes("naxis1  =      2000000000", axes=(0,)),
        "DUPLICATE_KEYWORD",
    ),
    "a NUL in a value": (fits_bytes(b"OBJECT  = 'a\x00b'"), "UNSAFE_CONTENT"),
    "an ESC in a comment": (fits_bytes(b"COMMENT \x1b[2J"), "UNSAFE_CONTENT"),
    "a newline in a keyword": (fits_bytes(b"OBJ\nCT  = 'a'"), "UNSAFE_CONTENT"),
    "two files joined": (fits_bytes() * 2, "UNREADABLE"),
    "an extension without BITPIX": (
        fits_bytes() + EXTENSION.replace(b"BITPIX", b"BITPIC"),
        "MISSING_KEYWORD",
    ),
    "2,000 extensions": (fits_bytes() + EXTENSION * 2000, "LIMIT_EXCEEDED"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_wrong_with_the_file_is_named(look, what):
    content, code = HOSTILE[what]
    result = look(content, "fits", name="x.fits")
    found = result.inspection
    assert result.failure is None, result.usage.log_tail
    assert (found.verdict, found.code) == ("invalid", code), found.message
    assert found.message
    assert "\x1b" not in found.message
    assert result.usage.cpu_s < 5
    assert result.usage.peak_rss_bytes < 400 * MEBIBYTE


def test_the_formats_of_the_instruments_name_it_alike(judged):
    for format_name in ("dkist-l1-fits", "keck-raw-fits"):
        for what in ("a picture", "no END", "a billion axes", "a keyword twice, with other values"):
            content, code = HOSTILE[what]
            assert judged(content, format_name, name="x.fits").code == code


HARMLESS = {
    "a keyword twice, with one value": (fits_bytes(SAME, SAME), "DUPLICATE_KEYWORD"),
    "an accent in a name": (fits_bytes("OBSERVER= 'José'".encode()), "NOT_ASCII"),
    "a text that never ends": (fits_bytes("OBJECT  = 'M31"), "VALUE_UNREADABLE"),
    "a value that is no number": (fits_bytes("AIRMASS =                  NaN"), "VALUE_UNREADABLE"),
    "bytes after the end": (fits_bytes() + b"x" * 100, "TRAILING_BYTES"),
    "padding cut": (fits_bytes(axes=(10,), data=bytes(10))[:-1000], "PADDING_MISSING"),
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_does_no_harm_is_a_warning(judged, what):
    content, code = HARMLESS[what]
    found = judged(content, "fits", name="x.fits")
    assert found.verdict == "ok", found.message
    assert code in {warning.code for warning in found.warnings}


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
