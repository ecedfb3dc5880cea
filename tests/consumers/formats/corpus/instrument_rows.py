"""Files of Keck, Rubin, DKIST and Roman that break a rule of their instrument."""

from functools import partial

from tests.consumers.formats.build import KECK_NAME, ROMAN_NAME, edit_tree
from tests.consumers.formats.companions import RUBIN_NAME
from tests.consumers.formats.corpus import good
from tests.consumers.formats.corpus.good import flipped, with_card, with_more, without_card
from tests.consumers.formats.corpus.row import Row

__all__ = ["ROWS"]

FITS, ASDF = b"SIMPLE  =                    T".ljust(2880), b"#ASDF 1.0.0\n"


def keck(what: str, code: str | None, warning: str | None = None, **changed) -> Row:
    name = changed.pop("file_name", KECK_NAME)
    return Row(what, "keck-raw-fits", partial(good.keck, **changed), code, warning, name=name)


def rubin(what: str, code: str | None, warning: str | None = None, **changed) -> Row:
    name = changed.pop("file_name", RUBIN_NAME)
    return Row(what, "rubin-raw-fits", partial(good.rubin, segments=1, **changed), code, warning, name=name)


def dkist(what: str, code: str | None, edit=lambda content: content, warning: str | None = None) -> Row:
    return Row(what, "dkist-l1-fits", lambda: edit(good.dkist()), code, warning, name=good.dkist_name())


def roman(what: str, code: str | None, edit=lambda content: content, warning: str | None = None) -> Row:
    return Row(what, "roman-wfi-l2-asdf", lambda: edit(good.roman()), code, warning, name=ROMAN_NAME)


def tree(pattern: str, replacement: str):
    return partial(edit_tree, pattern=pattern, replacement=replacement)


def in_last_block(content: bytes) -> bytes:
    """A flipped bit of the last block's data."""
    return flipped(content, content.rindex(b"\xd3BLK") + 60)


IN_DATA = 2880 * 2  # of a raw Keck file: its header takes one block or two
KECK = [
    keck("a good file", None),
    keck("another format", "BAD_NAME", file_name="kb190509_00002.fits"),
    keck("no date", "MISSING_KEYWORD", without=("DATE-OBS",)),
    keck("a date that is null", "MISSING_KEYWORD", DATE_OBS="null"),
    keck("a date that is blank", "MISSING_KEYWORD", DATE_OBS=" "),
    keck("a time that is undefined", "MISSING_KEYWORD", UT=None),
    keck("no name inside", "MISSING_KEYWORD", without=("OFNAME",)),
    keck("no camera", "MISSING_KEYWORD", without=("CAMERA",)),
    keck("no number of its frame", "MISSING_KEYWORD", FRAMENO="null"),
    keck("no instrument", "MISSING_KEYWORD", without=("INSTRUME",)),
    keck("an instrument nobody knows", "SCHEMA_VIOLATION", INSTRUME="SPYGLASS"),
    keck("a camera nobody knows", "SCHEMA_VIOLATION", CAMERA="green"),
    keck("a day that no month has", "SCHEMA_VIOLATION", DATE_OBS="2019-02-30"),
    keck("a time that no day has", "SCHEMA_VIOLATION", UT="25:00:00"),
    keck("a number that is a text", "SCHEMA_VIOLATION", FRAMENO="one"),
    keck("the name of its identity", None, file_name="KB.20190509.07554.57.fits"),
    keck("the name of another identity", "BAD_NAME", file_name="KB.20190509.07554.58.fits"),
    keck("no program", None, "PROGRAM_MISSING", without=("PROGNAME",)),
    keck("a program that is blank", None, "PROGRAM_MISSING", PROGNAME=""),
    keck("a program that is undefined", None, "PROGRAM_MISSING", PROGNAME=None),
    keck("an observer of 200 letters", None, "METADATA_TOO_LONG", OBSERVER="x" * 200),
    keck("a title of 5,000 letters", None, "METADATA_TOO_LONG", PROGTITL="x" * 5000),
    keck("an exposure that is a text", None, "VALUE_TYPE", ELAPTIME="long"),
    keck("an exposure of 10^300 s", None, None, ELAPTIME=1e300),
    keck("a date that is none", "SCHEMA_VIOLATION", DATE_OBS="yesterday"),
    keck("a filter that is not in the table", None, "VALUE_NOT_LISTED", INSTRUME="NIRES", INSTR="imag", FILTER="H"),
    keck("an exposure longer than the table has", None, "VALUE_OUT_OF_RANGE", INSTRUME="HIRES", ELAPTIME=12_501),
    keck("a frame before the first", None, "VALUE_OUT_OF_RANGE", INSTRUME="LRIS", FRAMENO=-1),
    keck("no folder", None, "VALUE_MISSING", without=("OUTDIR",)),
    keck("a name of a lamp of 40 letters", None, "METADATA_TOO_LONG", LMP3NAM="x" * 40),
    keck("a temperature that is a text", None, "VALUE_TYPE", TMPB8="UNKNOWN"),
    keck("a lamp neither on nor off", None, "VALUE_NOT_LISTED", INSTRUME="HIRES", LAMPCAT1="dim"),
    Row("an old date", "keck-raw-fits", partial(good.keck, DATE_OBS="09/05/19"), None, name=KECK_NAME),
    Row("an ASDF file", "keck-raw-fits", ASDF, "NOT_THE_FORMAT", name=KECK_NAME),
    Row("a keyword twice, with other values", "keck-raw-fits",
        lambda: with_card(good.keck(), "OBJECT", "'another'", twice=True), "DUPLICATE_KEYWORD", name=KECK_NAME),
    Row("a keyword twice, with one value", "keck-raw-fits",
        lambda: with_card(good.keck(), "FRAMENO", "1", twice=True), None, "DUPLICATE_KEYWORD", name=KECK_NAME),
    Row("cut in the data", "keck-raw-fits", lambda: good.keck()[:-3000], "TRUNCATED", name=KECK_NAME),
    Row("a header edited after it was summed up", "keck-raw-fits",
        lambda: with_card(good.keck(), "OBJECT", "'other'"), "CHECKSUM_MISMATCH", name=KECK_NAME,
        checks=("fits_checksum",)),
    Row("a header edited after it was summed up, as advice", "keck-raw-fits",
        lambda: with_card(good.keck(), "OBJECT", "'other'"), None, "QA_FITS_CHECKSUM", name=KECK_NAME),
    Row("a flipped bit in the data", "keck-raw-fits", lambda: flipped(good.keck(), IN_DATA), "CHECKSUM_MISMATCH",
        name=KECK_NAME, checks=("fits_datasum",)),
    Row("a flipped bit in the data, as advice", "keck-raw-fits", lambda: flipped(good.keck(), IN_DATA), None,
        "QA_FITS_DATASUM", name=KECK_NAME),
    Row("an observer with an accent", "keck-raw-fits",
        lambda: with_card(good.keck(), "OBSERVER", "'José'"), None, "NOT_ASCII", name=KECK_NAME),
]  # fmt: skip

RUBIN = [
    rubin("a good image", None),
    rubin("a name of no camera", "BAD_NAME", file_name="image.fits"),
    rubin("a name of no sensor", "BAD_NAME", file_name="MC_O_20251101_000123_R00_S11.fits"),
    rubin("another raft", "BAD_NAME", RAFTBAY="R21"),
    rubin("another exposure", "BAD_NAME", OBSID="MC_O_20251101_000124"),
    rubin("another number", "SCHEMA_VIOLATION", SEQNUM=124),
    rubin("another day", "SCHEMA_VIOLATION", DAYOBS="20251102"),
    rubin("no image type", "MISSING_KEYWORD", without=("IMGTYPE",)),
    rubin("a slot that is null", "MISSING_KEYWORD", CCDSLOT="null"),
    rubin("a time that is none", None, "TIME_UNREADABLE", DATE_BEG="soon"),
    rubin("an object of 100 letters", None, "METADATA_TOO_LONG", OBJECT="x" * 100),
    rubin("an exposure that is a text", None, EXPTIME="long"),
    Row(
        "cut in an extension",
        "rubin-raw-fits",
        lambda: good.rubin(segments=1)[:-2880],
        "TRUNCATED",
        name=RUBIN_NAME,
    ),
    Row("JSON under its name", "rubin-raw-fits", b"{}", "NOT_THE_FORMAT", name=RUBIN_NAME),
]

DKIST = [
    dkist("a good frame", None),
    dkist("no proposal", "SCHEMA_VIOLATION", lambda content: without_card(content, "PROP_ID")),
    dkist("a blank proposal", "SCHEMA_VIOLATION", lambda content: with_card(content, "PROP_ID", "''")),
    dkist(
        "a proposal twice",
        "DUPLICATE_KEYWORD",
        lambda content: with_card(content, "PROP_ID", "'x'", twice=True),
    ),
    dkist(
        "another instrument", "SCHEMA_VIOLATION", lambda content: with_card(content, "INSTRUME", "'SPYGLASS'")
    ),
    dkist("a level that is a text", "SCHEMA_VIOLATION", lambda content: with_card(content, "LEVEL", "'one'")),
    dkist(
        "a billion axes of the dataset",
        "SCHEMA_VIOLATION",
        lambda content: with_card(content, "DNAXIS", "1000000000"),
    ),
    dkist("another name", "BAD_NAME", lambda content: with_card(content, "FILENAME", "'other.fits'")),
    dkist("no NAXIS", "MISSING_KEYWORD", lambda content: without_card(content, "NAXIS")),
    dkist("cut in the header", "TRUNCATED", lambda content: content[:2000]),
    dkist("a unit that is none", "SCHEMA_VIOLATION", lambda content: with_card(content, "BUNIT", "'apples'")),
    dkist("no begin", "SCHEMA_VIOLATION", lambda content: without_card(content, "DATE-BEG")),
    dkist(
        "a time that is none", "SCHEMA_VIOLATION", lambda content: with_card(content, "DATE-BEG", "'soon'")
    ),
    dkist(
        "another telescope", "SCHEMA_VIOLATION", lambda content: with_card(content, "TELESCOP", "'Spyglass'")
    ),
    dkist("a blank instrument", "SCHEMA_VIOLATION", lambda content: with_card(content, "INSTRUME", "''")),
    dkist(
        "a keyword that the specification has not",
        None,
        lambda content: with_more(content, "SPYGLASS", "7"),
        "QA_FITS_CHECKSUM",
    ),
    dkist("ASDF under its name", "NOT_THE_FORMAT", lambda content: ASDF),
]

ROMAN = [
    roman("a good image", None),
    roman("no telescope", "SCHEMA_VIOLATION", tree(r"^    telescope: ROMAN\n", "")),
    roman("a detector nobody knows", "SCHEMA_VIOLATION", tree("detector: WFI01", "detector: WFI99")),
    roman("an exposure that is a text", "SCHEMA_VIOLATION", tree("exposure_time: 139.8", "exposure_time: long")),
    roman("a product of the future", "SCHEMA_VIOLATION", tree(r"wfi_image-\d+\.\d+\.\d+", "wfi_image-99.0.0")),
    roman("another product", "SCHEMA_VIOLATION", tree(r"wfi_image-\d+\.\d+\.\d+", "wfi_mosaic-1.0.0")),
    roman("another mission", "SCHEMA_VIOLATION", tree(r"^roman: ", "hubble: ")),
    roman("another name", "BAD_NAME", tree(r"filename: \S+", "filename: other.asdf")),
    roman("an array of another type", "SCHEMA_VIOLATION", tree("datatype: float32", "datatype: int32")),
    roman("an array of another rank", "SCHEMA_VIOLATION", tree(r"shape: \[32, 32\]", "shape: [32, 32, 1]")),
    roman("a text longer than its schema has it", "SCHEMA_VIOLATION",
          tree(r"prd_version: \S+", f"prd_version: {'x' * 500}")),
    roman("a key that the schema has not, edited in", None,
          tree(r"^    telescope: ROMAN\n", "    telescope: ROMAN\n    spyglass: 7\n"), "BLOCK_INDEX_WRONG"),
    roman("a name of no mission inside", "BAD_NAME", tree(r"filename: \S+", "filename: x")),
    roman("cut in a block", "TRUNCATED", lambda content: content[: len(content) // 2]),
    roman("an array on a server", "UNSAFE_CONTENT", tree(r"source: 0$", "source: 'http://127.0.0.1:9/x'")),
    roman("FITS under its name", "NOT_THE_FORMAT", lambda content: FITS),
    Row("a flipped bit in a block", "roman-wfi-l2-asdf", lambda: in_last_block(good.roman()), "CHECKSUM_MISMATCH",
        name=ROMAN_NAME, checks=("block_checksums",)),
]  # fmt: skip

ANY = [
    Row("no bytes at all", "any", b"", "EMPTY_FILE"),
    Row("one byte", "any", b"\0", None),
    Row("a program", "any", b"\x7fELF" + bytes(100), None),
]

ROWS: list[Row] = [*KECK, *RUBIN, *DKIST, *ROMAN, *ANY]
