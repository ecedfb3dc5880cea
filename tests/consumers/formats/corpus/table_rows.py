"""Text tables and lists of checksums that are damaged or made to do harm."""

from tests.consumers.formats.companions import (
    KOA_NAME,
    MD5,
    SHA256,
    TABLE,
    sums_bytes,
    table_bytes,
    tabs_bytes,
)
from tests.consumers.formats.corpus.row import Content, Row, rows, warned

__all__ = ["ROWS"]


def without(column: str) -> tuple[tuple[str, ...], ...]:
    return tuple(each for each in TABLE if each[0] != column)


def with_column(*more: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return (*TABLE, *more)


TWICE = ("AIRMASS", "double", "", "null", "2.0")
WIDE = tuple((f"K{number}", "char", "", "null", "x") for number in range(2001))

TABLES: dict[str, tuple[Content, str]] = {
    "no bytes at all": (b"", "EMPTY_FILE"),
    "a text": (b"KOAID AIRMASS\n", "NOT_THE_FORMAT"),
    "an HTML error page": (b"<html>502</html>", "NOT_THE_FORMAT"),
    "a list of commas": (b"KOAID,AIRMASS\nx,1\n", "NOT_THE_FORMAT"),
    "comments alone": (b"\\ nothing but this\n", "UNREADABLE"),
    "a bar alone": (b"|\n", "SCHEMA_VIOLATION"),
    "a column without a name": (b"|A   |    |\n x    y   \n", "SCHEMA_VIOLATION"),
    "a NUL in a cell": (table_bytes(OBJECT="a\x00b"), "UNSAFE_CONTENT"),
    "an escape in a cell": (table_bytes(OBJECT="\x1b[2J"), "UNSAFE_CONTENT"),
    "a tab between cells": (b"|A   |B   |\n x\t y   \n", "UNSAFE_CONTENT"),
    "five lines of header": (table_bytes() + table_bytes(), "SCHEMA_VIOLATION"),
    "five bars in a row of headers": (table_bytes(header=1) * 5, "SCHEMA_VIOLATION"),
    "five lines with bars": (table_bytes(header=1, rows=0) * 5, "SCHEMA_VIOLATION"),
    "a line of header without its bars": (b"|A   |B   |\n|c    c   |\n x    y   \n", "SCHEMA_VIOLATION"),
    "a value across an edge in the middle": (table_bytes(CAMERA="x" * 29), "SCHEMA_VIOLATION"),
    "bars in other places": (b"|A   |B   |\n|char  |c |\n", "SCHEMA_VIOLATION"),
    "a value across the edge": (table_bytes(OBJECT="x" * 40), "SCHEMA_VIOLATION"),
    "text after the last column": (table_bytes()[:-1] + b" more\n", "SCHEMA_VIOLATION"),
    "a type that is none": (table_bytes(columns=with_column(("X", "blob", "", "null", "1"))), "SCHEMA_VIOLATION"),
    "a number that is a text": (table_bytes(AIRMASS="high"), "SCHEMA_VIOLATION"),
    "an integer that is a fraction": (table_bytes(FRAMENO="1.5"), "SCHEMA_VIOLATION"),
    "a date that is none": (table_bytes(DATE_OBS="09/05/19"), "SCHEMA_VIOLATION"),
    "null where none may be": (table_bytes(FRAMENO="null"), "MISSING_KEYWORD"),
    "nothing where something must be": (table_bytes(PROGID=""), "MISSING_KEYWORD"),
    "nothing in one of many rows": (
        table_bytes(rows=3) + table_bytes(PROGID="").split(b"\n")[4] + b"\n", "MISSING_KEYWORD"
    ),
    "a column twice, with other values": (
        table_bytes(columns=with_column(TWICE)), "DUPLICATE_KEYWORD"
    ),
    "2,001 columns": (lambda: table_bytes(columns=WIDE, width=8), "LIMIT_EXCEEDED"),
    "50,001 rows": (lambda: b"|A|\n" + b" 1\n" * 50_001, "LIMIT_EXCEEDED"),
    "a line of a megabyte": (lambda: b"|A" + b" " * 1024**2 + b"|\n", "LIMIT_EXCEEDED"),
    "2,000 columns of 1,001 short rows": (
        lambda: table_bytes(columns=WIDE[:2000], width=8, rows=0) + b" x\n" * 1001, "LIMIT_EXCEEDED"
    ),
    "a million comments": (lambda: b"|A|\n" + b"\\\n" * 10**6, "LIMIT_EXCEEDED"),
    "16 million empty lines": (lambda: b"|A|\n" + b"\n" * 16 * 1024**2, "LIMIT_EXCEEDED"),
    "35 MB of blanks": (lambda: b"|A|\n" + (b" " * 500_000 + b"\n") * 70, "LIMIT_EXCEEDED"),
    "33 MB": (lambda: b"|A|\n" + b" 1\n" * 11 * 1024**2, "LIMIT_EXCEEDED"),
}  # fmt: skip

FINE: dict[str, tuple[Content, str | None]] = {
    "a good table": (table_bytes(), None),
    "a table of names alone": (table_bytes(header=1), None),
    "a table without rows": (table_bytes(rows=0), None),
    "a table with comments": (b"\\fixlen = T\n\\ made by hand\n" + table_bytes(), None),
    "lines of Windows": (table_bytes().replace(b"\n", b"\r\n"), None),
    "no end of the last line": (table_bytes()[:-1], "NO_FINAL_NEWLINE"),
    "an accent in a cell": (table_bytes(OBJECT="Sao Tomé"), "NOT_ASCII"),
    "a column twice, with one value": (
        table_bytes(columns=with_column(("AIRMASS", "double", "", "null", "1.41291034446565"))), "DUPLICATE_KEYWORD"
    ),
    "null where it may be": (table_bytes(AIRMASS="null", ELAPTIME=""), None),
    "numbers of all kinds": (table_bytes(AIRMASS="-1.5D+02", ELAPTIME="NaN", FRAMENO="+7"), None),
}  # fmt: skip

KOA: dict[str, tuple[Content, str]] = {
    "no column for its identity": (table_bytes(columns=without("KOAID")), "MISSING_KEYWORD"),
    "no columns for its time": (table_bytes(columns=without("UT")), "MISSING_KEYWORD"),
    "an identity that is none": (table_bytes(KOAID="kb190509_00001.fits"), "SCHEMA_VIOLATION"),
    "an identity of another exposure": (table_bytes(KOAID="KB.20190509.07554.58.fits"), "BAD_NAME"),
    "no rows": (table_bytes(rows=0), "SCHEMA_VIOLATION"),
    "one exposure in two rows": (table_bytes(rows=2), "DUPLICATE_KEYWORD"),
    "null for its instrument": (table_bytes(INSTRUME="null"), "MISSING_KEYWORD"),
}

TABS: dict[str, tuple[Content, str]] = {
    "no bytes at all": (b"", "EMPTY_FILE"),
    "a list of commas": (b"a,b\n1,2\n", "NOT_THE_FORMAT"),
    "a table with bars": (table_bytes(), "NOT_THE_FORMAT"),
    "tabs only further down": (b"a b\n1\t2\n", "NOT_THE_FORMAT"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(64), "NOT_THE_FORMAT"),
    "comments alone": (b"# nothing\tbut this\n", "NOT_THE_FORMAT"),
    "a column without a name": (b"a\t\tb\n1\t2\t3\n", "SCHEMA_VIOLATION"),
    "a tab behind the last name": (b"a\tb\t\n1\t2\t\n", "SCHEMA_VIOLATION"),
    "a cell too few": (b"a\tb\n1\t2\n3\n", "SCHEMA_VIOLATION"),
    "a cell too many": (b"a\tb\n1\t2\t3\n", "SCHEMA_VIOLATION"),
    "a NUL in a cell": (tabs_bytes(OBJECT="a\x00b"), "UNSAFE_CONTENT"),
    "an escape in a cell": (tabs_bytes(OBJECT="\x1b[2J"), "UNSAFE_CONTENT"),
    "a vertical tab": (tabs_bytes(OBJECT="a\x0bb"), "UNSAFE_CONTENT"),
    "a column twice, with other values": (b"a\tA\n1\t2\n", "DUPLICATE_KEYWORD"),
    "2,001 columns": (lambda: b"\t".join([b"k%d" % n for n in range(2001)]) + b"\n", "LIMIT_EXCEEDED"),
    "50,001 rows": (lambda: b"a\tb\n" + b"1\t2\n" * 50_001, "LIMIT_EXCEEDED"),
    "a million cells": (lambda: b"a" + b"\tb" * 99 + b"\n" + (b"1" + b"\t2" * 99 + b"\n") * 5_001, "LIMIT_EXCEEDED"),
    "a line of a megabyte": (lambda: b"a\tb\n1\t" + b"x" * 1024**2 + b"\n", "LIMIT_EXCEEDED"),
    "a line of 500,000 tabs": (lambda: b"a\tb\n" + b"\t" * 500_000 + b"\n", "SCHEMA_VIOLATION"),
    "a row of empty cells, one too many": (b"a\tb\n1\t2\n\t\t\n", "SCHEMA_VIOLATION"),
    "16 million empty lines": (lambda: b"a\tb\n" + b"\n" * 16 * 1024**2, "LIMIT_EXCEEDED"),
    "33 MB": (lambda: b"a\tb\n" + b"1\t2\n" * 9 * 1024**2, "LIMIT_EXCEEDED"),
}  # fmt: skip

TABS_FINE: dict[str, tuple[Content, str | None]] = {
    "a good table": (tabs_bytes(), None),
    "a row of empty cells": (b"a\tb\n1\t2\n\t\n", None),
    "many rows": (tabs_bytes(rows=300), None),
    "no rows": (b"a\tb\n", None),
    "cells without a value": (b"a\tb\n\tnull\n", None),
    "comments and empty lines": (b"# from KOA\n\na\tb\n# more\n1\t2\n", None),
    "lines of Windows": (tabs_bytes().replace(b"\n", b"\r\n"), None),
    "no end of the last line": (tabs_bytes()[:-1], "NO_FINAL_NEWLINE"),
    "an accent in a cell": (tabs_bytes(OBJECT="Sao Tomé"), "NOT_ASCII"),
    "a column twice, with one value": (b"a\tA\n1\t1\n", "DUPLICATE_KEYWORD"),
    "a number of 400 digits": (b"a\tb\n" + b"9" * 400 + b"\t1\n", None),
}  # fmt: skip

KOA_TABS: dict[str, tuple[Content, str]] = {
    "tabs, no column for its identity": (tabs_bytes(columns=without("KOAID")), "MISSING_KEYWORD"),
    "tabs, an identity of another exposure": (tabs_bytes(KOAID="KB.20190509.07554.58.fits"), "BAD_NAME"),
    "tabs, no value for its time": (tabs_bytes(UT=""), "MISSING_KEYWORD"),
    "tabs, null for its instrument": (tabs_bytes(INSTRUME="null"), "MISSING_KEYWORD"),
    "tabs, one exposure in two rows": (tabs_bytes(rows=2), "DUPLICATE_KEYWORD"),
    "tabs, no rows": (tabs_bytes(rows=0), "SCHEMA_VIOLATION"),
}

NAME = "KB.20190509.07554.57"
SUMS: dict[str, tuple[Content, str]] = {
    "no bytes at all": (b"", "EMPTY_FILE"),
    "a text": (b"these are not the sums\n", "SCHEMA_VIOLATION"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(64), "NOT_THE_FORMAT"),
    "a sum that is cut": (sums_bytes(f"{MD5[:-1]}  a.fits"), "SCHEMA_VIOLATION"),
    "a sum of other digits": (sums_bytes(f"{'z' * 32}  a.fits"), "SCHEMA_VIOLATION"),
    "a sum without a name": (sums_bytes(MD5), "SCHEMA_VIOLATION"),
    "a name before its sum": (sums_bytes(f"a.fits  {MD5}"), "SCHEMA_VIOLATION"),
    "an empty line": (sums_bytes(f"{MD5}  a.fits", "", f"{MD5}  b.fits"), "SCHEMA_VIOLATION"),
    "one blank": (sums_bytes(f"{MD5} a.fits"), "SCHEMA_VIOLATION"),
    "a name of 300 letters": (sums_bytes(f"{MD5}  {'x' * 300}"), "SCHEMA_VIOLATION"),
    "a name that is no text": (f"{MD5}  ".encode() + b"Jos\xe9.fits\n", "SCHEMA_VIOLATION"),
    "no end of the last line": (sums_bytes(f"{MD5}  a.fits")[:-1], "TRUNCATED"),
    "a path": (sums_bytes(f"{MD5}  night/a.fits"), "UNSAFE_CONTENT"),
    "a path that climbs": (sums_bytes(f"{MD5}  ../../etc/passwd"), "UNSAFE_CONTENT"),
    "a path of Windows": (sums_bytes(f"{MD5}  C:\\a.fits"), "UNSAFE_CONTENT"),
    "the folder itself": (sums_bytes(f"{MD5}  .."), "UNSAFE_CONTENT"),
    "a NUL in a name": (sums_bytes(f"{MD5}  a\x00b"), "UNSAFE_CONTENT"),
    "an escape in a name": (sums_bytes(f"{MD5}  a\x1b[2Jb"), "UNSAFE_CONTENT"),
    "a name twice, with other sums": (
        sums_bytes(f"{MD5}  a.fits", f"{MD5[::-1]}  a.fits"),
        "DUPLICATE_KEYWORD",
    ),
    "sums of two kinds": (sums_bytes(f"{MD5}  a.fits", f"{SHA256}  b.fits"), "SCHEMA_VIOLATION"),
    "100,001 lines": (lambda: sums_bytes(*[f"{MD5}  a{n}" for n in range(100_001)]), "LIMIT_EXCEEDED"),
    "15 million empty lines": (lambda: sums_bytes(f"{MD5}  a") + b"\n" * 15 * 1024**2, "LIMIT_EXCEEDED"),
    "17 MB": (lambda: sums_bytes(f"{MD5}  a") * 500_000, "LIMIT_EXCEEDED"),
}

SUMS_FINE: dict[str, tuple[Content, str | None]] = {
    "a list as the archive delivers it": (
        sums_bytes(*[f"{MD5}  {NAME}.{end}" for end in ("fits", "jpg")]),
        None,
    ),
    "a list of SHA-256": (sums_bytes(f"{SHA256}  a.fits"), None),
    "a list in binary mode": (sums_bytes(f"{MD5} *a.fits"), None),
    "sums in capitals, lines of Windows": (
        sums_bytes(f"{MD5.upper()}  a.fits").replace(b"\n", b"\r\n"),
        None,
    ),
    "a name twice, with one sum": (sums_bytes(f"{MD5}  a.fits", f"{MD5}  a.fits"), "DUPLICATE_KEYWORD"),
    "10,000 files": (lambda: sums_bytes(*[f"{MD5}  a{n}" for n in range(10_000)]), "METADATA_TRIMMED"),
}

ROWS: list[Row] = [
    *rows("ipac-table", TABLES),
    *warned("ipac-table", FINE),
    Row("a column twice, let pass", "ipac-table", table_bytes(columns=with_column(TWICE)),
        None, "DUPLICATE_KEYWORD", settings={"duplicate_keyword": "warn"}),
    *rows("koa-metadata-table", KOA, name=KOA_NAME),
    Row("a good one", "koa-metadata-table", table_bytes(), None, name=KOA_NAME),
    *rows("tab-table", TABS),
    *warned("tab-table", TABS_FINE),
    *rows("koa-metadata-table", KOA_TABS, name=KOA_NAME),
    Row("a good one with tabs", "koa-metadata-table", tabs_bytes(), None, name=KOA_NAME),
    Row("a night of two", "koa-metadata-table",
        table_bytes() + table_bytes(KOAID="KB.20190509.07560.10.fits").split(b"\n")[4] + b"\n", None),
    *rows("checksum-table", SUMS),
    *warned("checksum-table", SUMS_FINE),
]  # fmt: skip
