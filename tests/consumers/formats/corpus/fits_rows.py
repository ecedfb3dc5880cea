"""FITS files that are damaged or made to do harm, card by card: what no library would write."""

import gzip

from tests.consumers.formats.build import card, fits_bytes
from tests.consumers.formats.corpus.row import Content, Row, rows, warned

__all__ = ["ROWS"]

MEBIBYTE = 1024**2
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
SAME = "OBJECT  = 'M31     '"
OTHER = "OBJECT  = 'M32     '"


def extension(kind: str = "'IMAGE   '", **changed) -> bytes:
    """An extension without data; its keywords may say what they like."""
    axes = changed.pop("axes", ())
    more = changed.pop("more", ())
    data = changed.pop("data", b"")
    made = fits_bytes(*more, axes=axes, data=data, **changed)
    return made.replace(card("SIMPLE  =                    T"), card(f"XTENSION= {kind:<20}"), 1)


EXTENSION = extension()


def many_cards(count: int) -> bytes:
    return fits_bytes(*(f"KEY{n:<5}= {n:>20}" for n in range(count)))


def a_table(*forms: str, width: int = 8, rows: int = 1, fields: int | None = None, **changed) -> bytes:
    """A primary HDU and a binary table of these columns."""
    cards = [f"TFORM{number:<3}= '{form:<8}'" for number, form in enumerate(forms, 1)]
    told = {"PCOUNT": 0, "GCOUNT": 1, "TFIELDS": len(forms) if fields is None else fields} | changed
    return fits_bytes() + extension(
        "'BINTABLE'", axes=(width, rows), more=cards, data=bytes(width * rows), **told
    )


def continued(pieces: int) -> bytes:
    """A text that goes on over many cards."""
    more = [f"CONTINUE  '{'x' * 60}&'" for _ in range(pieces)]
    return fits_bytes("TITLE   = 'begin &'", *more, "CONTINUE  'end'")


HOSTILE: dict[str, tuple[Content, str]] = {
    "no bytes at all": (b"", "EMPTY_FILE"),
    "a text": (b"this is not the file you want\n", "NOT_THE_FORMAT"),
    "a picture": (PNG, "NOT_THE_FORMAT"),
    "zero bytes": (bytes(8640), "NOT_THE_FORMAT"),
    "gzip data": (gzip.compress(fits_bytes()), "NOT_THE_FORMAT"),
    "a gzip bomb": (lambda: gzip.compress(bytes(64 * MEBIBYTE)), "NOT_THE_FORMAT"),
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
    "30,000 cards": (lambda: many_cards(30_000), "LIMIT_EXCEEDED"),
    "200,000 cards": (lambda: many_cards(200_000), "LIMIT_EXCEEDED"),
    "100 MB of cards and no END": (
        lambda: card("SIMPLE  =                    T") * 1_300_000,
        "LIMIT_EXCEEDED",
    ),
    "a keyword twice, with other values": (fits_bytes(SAME, OTHER), "DUPLICATE_KEYWORD"),
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
    "an extension whose kind is a number": (fits_bytes() + extension("5"), "UNREADABLE"),
    "an extension without a kind": (fits_bytes() + extension("' '").replace(b"'", b" ", 2), "UNREADABLE"),
    "an extension whose data are cut": (fits_bytes() + extension(axes=(9000,), data=bytes(100)), "TRUNCATED"),
    "an extension of a billion axes": (fits_bytes() + extension(NAXIS=10**9), "UNSAFE_CONTENT"),
    "an extension with a newline": (fits_bytes() + extension(more=(b"OBJECT  = 'a\nb'",)), "UNSAFE_CONTENT"),
    "an extension with two values": (fits_bytes() + extension(more=(SAME, OTHER)), "DUPLICATE_KEYWORD"),
    "a table of three axes": (
        fits_bytes() + extension("'BINTABLE'", axes=(8, 1, 1), TFIELDS=0, data=bytes(8)),
        "UNREADABLE",
    ),
    "a table of three axes whose columns fill a row": (
        fits_bytes()
        + extension("'BINTABLE'", axes=(8, 1, 1), TFIELDS=1, more=("TFORM1  = '8A'",), data=bytes(8)),
        "UNREADABLE",
    ),
    "a table without TFIELDS": (
        fits_bytes() + extension("'BINTABLE'", axes=(8, 1), data=bytes(8)),
        "MISSING_KEYWORD",
    ),
    "a table without its forms": (a_table("8A", fields=2), "MISSING_KEYWORD"),
    "a table whose columns are wider than a row": (a_table("9A"), "UNREADABLE"),
    "a table whose columns are narrower than a row": (a_table("7A"), "UNREADABLE"),
    "a table of a trillion elements a row": (a_table("999999999999E"), "UNREADABLE"),
    "a table of a form that is none": (a_table("8Z"), "UNREADABLE"),
    "a table whose form is a number": (a_table("8A").replace(b"'8A      '", b"8         "), "UNREADABLE"),
    "a table of a billion columns": (a_table("8A", fields=10**9), "UNREADABLE"),
    "a table of -1 columns": (a_table("8A", fields=-1), "UNREADABLE"),
    "a heap before its table": (a_table("8A", THEAP=1), "UNREADABLE"),
    "a heap after the end": (a_table("8A", THEAP=10**9), "UNREADABLE"),
    "a heap of an exabyte": (a_table("8A", PCOUNT=2**60), "TRUNCATED"),
    "a quintillion groups": (fits_bytes(axes=(1,), GCOUNT=10**18), "TRUNCATED"),
    "less than no groups": (fits_bytes(axes=(1,), GCOUNT=-1), "UNREADABLE"),
    "random groups of a billion axes": (
        fits_bytes("GROUPS  =                    T", NAXIS=10**9),
        "UNSAFE_CONTENT",
    ),
    "an axis of 30 nines": (fits_bytes(axes=(10**30 - 1,)), "TRUNCATED"),
    "an axis of 60 nines": (fits_bytes(axes=(10**60 - 1,)), "UNREADABLE"),
    "an axis that is a text": (fits_bytes(NAXIS=1, NAXIS1="'100'"), "UNREADABLE"),
    "an axis that is true": (fits_bytes(NAXIS=1, NAXIS1="T"), "UNREADABLE"),
    "an axis without a value": (fits_bytes(NAXIS=1, NAXIS1=" "), "MISSING_KEYWORD"),
    "NAXIS that is a text": (fits_bytes(NAXIS="'2'"), "UNREADABLE"),
    "1,000 axes": (fits_bytes(NAXIS=1000), "UNSAFE_CONTENT"),
    "SIMPLE that is 1": (fits_bytes(SIMPLE="1"), "UNREADABLE"),
    "SIMPLE that is a text": (fits_bytes(SIMPLE="'T'"), "UNREADABLE"),
    "BITPIX that is 8.0": (fits_bytes(BITPIX="8.0"), "UNREADABLE"),
    "a compressed image without its axes": (fits_bytes(ZIMAGE="T", ZNAXIS=2, ZBITPIX=8), "MISSING_KEYWORD"),
    "a compressed image of BITPIX 9": (fits_bytes(ZIMAGE="T", ZNAXIS=0, ZBITPIX=9), "UNREADABLE"),
    "a tab in a comment": (fits_bytes(b"COMMENT a\tb"), "UNSAFE_CONTENT"),
    "a DEL in a value": (fits_bytes(b"OBJECT  = 'a\x7fb'"), "UNSAFE_CONTENT"),
    "a NUL in a keyword": (fits_bytes(b"OBJ\x00CT  = 'a'"), "UNSAFE_CONTENT"),
    "an END in small letters": (fits_bytes(end=False) + card("end"), "TRUNCATED"),
    "an END with a value": (fits_bytes(end=False) + card("END= 1"), "TRUNCATED"),
    "a keyword twice by way of HIERARCH": (
        fits_bytes("HIERARCH ESO DET = 1", "HIERARCH  ESO  DET = 2"),
        "DUPLICATE_KEYWORD",
    ),
    "a keyword twice, as text and number": (fits_bytes("GAIN    = '1'", "GAIN    = 1"), "DUPLICATE_KEYWORD"),
    "a keyword twice, as truth and number": (fits_bytes("FLAG    = T", "FLAG    = 1"), "DUPLICATE_KEYWORD"),
    "a keyword twice, over CONTINUE": (
        fits_bytes("A       = 'x&'", "CONTINUE  'y'", "A       = 'x&'", "CONTINUE  'z'"),
        "DUPLICATE_KEYWORD",
    ),
    "50 headers of 1,500 cards": (
        lambda: fits_bytes() + extension(more=["COMMENT x"] * 1500) * 50,
        "LIMIT_EXCEEDED",
    ),
    "bzip2 data": (b"BZh91AY&SY" + bytes(100), "NOT_THE_FORMAT"),
    "Zstandard data": (b"\x28\xb5\x2f\xfd" + bytes(100), "NOT_THE_FORMAT"),
    "a ZIP archive": (b"PK\x03\x04" + bytes(100), "NOT_THE_FORMAT"),
    "an HDF5 file": (b"\x89HDF\r\n\x1a\n" + bytes(100), "NOT_THE_FORMAT"),
    "a program": (b"\x7fELF" + bytes(100), "NOT_THE_FORMAT"),
    "a blank before SIMPLE": (b" " + fits_bytes(), "NOT_THE_FORMAT"),
    "one byte": (b"S", "NOT_THE_FORMAT"),
}

HARMLESS: dict[str, tuple[Content, str | None]] = {
    "a keyword twice, with one value": (fits_bytes(SAME, SAME), "DUPLICATE_KEYWORD"),
    "an accent in a name": (fits_bytes("OBSERVER= 'José'".encode()), "NOT_ASCII"),
    "a text that never ends": (fits_bytes("OBJECT  = 'M31"), "VALUE_UNREADABLE"),
    "a value that is no number": (fits_bytes("AIRMASS =                  NaN"), "VALUE_UNREADABLE"),
    "bytes after the end": (fits_bytes() + b"x" * 100, "TRAILING_BYTES"),
    "padding cut": (fits_bytes(axes=(10,), data=bytes(10))[:-1000], "PADDING_MISSING"),
    "bytes after END in a header": (fits_bytes()[:-80] + b"A       = 5".ljust(80), "TRAILING_BYTES"),
    "NULs after END in a header": (fits_bytes()[:-80] + bytes(80), "TRAILING_BYTES"),
    "an accent in Latin 1": (fits_bytes("OBSERVER= 'José'".encode("latin-1")), "NOT_ASCII"),
    "a value of infinity": (fits_bytes("AIRMASS =             Infinity"), "VALUE_UNREADABLE"),
    "a number that no double holds": (fits_bytes("AIRMASS =                1E999"), "VALUE_UNREADABLE"),
    "an integer of 60 digits": (fits_bytes(f"SERIAL  = {'9' * 60}"), "VALUE_UNREADABLE"),
    "a text of 1,000 characters": (continued(16), None),
    "a text of 60,000 characters": (lambda: continued(1000), "METADATA_TOO_LONG"),
    "a text over 15,000 cards": (lambda: continued(15_000), "METADATA_TOO_LONG"),
    "19,000 comments": (lambda: fits_bytes(*["COMMENT nothing"] * 19_000), None),
    "19,000 long keywords": (
        lambda: fits_bytes(*[f"HIERARCH ESO DET CHIP{n} = {n}" for n in range(19_000)]),
        "METADATA_TRIMMED",
    ),
    "19,000 values that are none": (
        lambda: fits_bytes(*[f"K{n:<7}= 'x" for n in range(19_000)]),
        "MORE_WARNINGS",
    ),
    "1,000 keywords": (lambda: many_cards(1000), "METADATA_TRIMMED"),
    "the same card 5,000 times": (lambda: fits_bytes(*[SAME] * 5000), "MORE_WARNINGS"),
    "a keyword in small letters alone": (fits_bytes("object  = 'M31'"), None),
    "a keyword without a value": (fits_bytes("OBJECT  =", "AIRMASS =                     / not set"), None),
    "a long keyword by HIERARCH": (fits_bytes("HIERARCH ESO DET CHIP1 ID = 'x'"), None),
    "a complex number": (fits_bytes("PHASE   = (1.0, -2.0)"), None),
    "a text with a quote": (fits_bytes("OBSERVER= 'O''Sullivan'"), None),
    "a comment between": (fits_bytes("COMMENT nothing", "HISTORY nothing", "", "OBJECT  = 'x'"), None),
    "a good table": (a_table("4A", "J"), None),
    "a good table with a heap": (
        fits_bytes()
        + extension(
            "'BINTABLE'",
            axes=(8, 1),
            more=("TFORM1  = '1PB(3)'",),
            data=bytes(12),
            PCOUNT=4,
            GCOUNT=1,
            TFIELDS=1,
        ),
        None,
    ),
    "999 axes of length 1": (fits_bytes(axes=(1,) * 999, data=bytes(1)), None),
    "an extension nobody knows": (fits_bytes() + extension("'FOREIGN '"), None),
}

LENIENT = {
    "a keyword twice, with other values": (fits_bytes(SAME, OTHER), "DUPLICATE_KEYWORD"),
}
STRUCTURAL = {
    "an axis twice, with other values": (
        fits_bytes("NAXIS1  =                  200", axes=(100,), data=bytes(100)),
        "DUPLICATE_KEYWORD",
    ),
    "BITPIX twice, with other values": (fits_bytes("BITPIX  =                   16"), "DUPLICATE_KEYWORD"),
}
SUMS = fits_bytes("CHECKSUM= '0000000000000000'", "DATASUM = '1'", axes=(8,), data=bytes(8))

ROWS: list[Row] = [
    *rows("fits", HOSTILE),
    *warned("fits", HARMLESS),
    *[Row(f"{each.what}, let pass", "fits", each.content, None, each.warning, settings={"duplicate_keyword": "warn"})
      for each in warned("fits", LENIENT)],
    *[Row(f"{each.what}, though others pass", "fits", each.content, each.code, settings={"duplicate_keyword": "warn"})
      for each in rows("fits", STRUCTURAL)],
    Row("a checksum that is wrong", "fits", SUMS, "CHECKSUM_MISMATCH", checks=("fits_checksum",)),
    Row("a sum of the data that is wrong", "fits", SUMS, "CHECKSUM_MISMATCH", checks=("fits_datasum",)),
    Row("a checksum that is wrong, which is advice", "fits", SUMS, None, "QA_FITS_CHECKSUM"),
    Row("a sum of the data that is wrong, which is advice", "fits", SUMS, None, "QA_FITS_DATASUM"),
    Row("no checksums, which is advice", "fits", fits_bytes(), None, "QA_CHECKSUMS_PRESENT"),
    Row("no checksums, which the stream wants", "fits", fits_bytes(), "MISSING_KEYWORD", checks=("checksums_present",)),
]  # fmt: skip
