"""The lines of a table in IPAC's format: columns between bars, one to four lines of header, rows under the columns."""

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from consumers.formats.findings import Findings
from consumers.formats.inspection import InvalidFileError
from consumers.formats.text import clean, decoded, shortened

__all__ = ["Column", "Table", "numbered_lines", "over", "read_table", "require_bounds", "wrong"]

MAX_BYTES = 32 * 1024**2
MAX_LINE_BYTES = 512 * 1024  # KCWI's row of 422 columns has 10 kB
MAX_COLUMNS = 2_000  # the longest of the archive's keyword tables has some 620
MAX_ROWS = 50_000
MAX_CELLS = 500_000  # a night of 800 exposures in 620 columns; a short row still has a cell in every column
MAX_LINES = MAX_ROWS + 10_000  # comments and keywords too
HEADER_LINES = 4  # names, types, units, how null is written
CONTROL = re.compile(rb"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Column:
    """A column lies between the bars at ``start`` and ``end``; ``null`` is None where the table does not tell."""

    name: str
    type: str
    unit: str
    null: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Table:
    """Columns, and the texts of each row by column as they stand there, without blanks around them."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


def read_table(raw: bytes, findings: Findings) -> Table:
    """The table. Raises InvalidFileError, and nothing else, for what is none or has no bounds."""
    require_bounds(raw, control=CONTROL, wanted="printable text")
    lines = list(_lines(raw, findings))
    header = [line for line in lines[: HEADER_LINES + 1] if line.startswith("|")]
    if not header:
        raise wrong("no line that begins with a bar", "a header such as |KOAID |AIRMASS |", code="UNREADABLE")
    if len(header) > HEADER_LINES or any(line.startswith("|") for line in lines[len(header) :]):
        raise wrong("more lines with bars than a header has", f"1 to {HEADER_LINES}, then rows")
    columns = _columns(header)
    body = [(number, line) for number, line in enumerate(lines[len(header) :], 1) if line.strip()]
    if len(body) > MAX_ROWS:
        raise over(f"{len(body)} rows", f"<= {MAX_ROWS} rows")
    if len(body) * len(columns) > MAX_CELLS:
        raise over(f"{len(body)} rows of {len(columns)} columns", f"<= {MAX_CELLS} cells")
    return Table(columns, tuple(_row(line, columns, number) for number, line in body))


def require_bounds(raw: bytes, *, control: re.Pattern[bytes], wanted: str) -> None:
    """A text table within its size, without the control characters that its kind does not have."""
    if len(raw) > MAX_BYTES:
        raise over(f"a table of {len(raw)} bytes", f"<= {MAX_BYTES} bytes")
    lines = raw.count(b"\n")
    if lines > MAX_LINES:
        raise over(f"{lines} lines", f"<= {MAX_LINES} lines")
    bad = control.search(raw)
    if bad:
        found = f"control character 0x{bad.group()[0]:02x} at byte {bad.start()}"
        raise wrong(found, wanted, code="UNSAFE_CONTENT")


def numbered_lines(raw: bytes, findings: Findings) -> Iterator[tuple[int, bytes]]:
    """The lines of a text table, from 1 on; warns of a last one that does not end, and of what is not ASCII."""
    if not raw.endswith(b"\n"):
        findings.warn("NO_FINAL_NEWLINE", "the last line does not end; it may be cut", wanted="a line feed")
    if not raw.isascii():
        findings.warn("NOT_ASCII", "the table holds bytes that are not ASCII", wanted="ASCII")
    for number, line in enumerate(raw.split(b"\n"), 1):
        if len(line) > MAX_LINE_BYTES:
            raise over(f"line {number} of {len(line)} bytes", f"<= {MAX_LINE_BYTES} bytes")
        yield number, line


def _lines(raw: bytes, findings: Findings) -> Iterator[str]:
    """The lines of header and rows; comments and keywords, which begin with a backslash, are left out."""
    for _, line in numbered_lines(raw, findings):
        if not line.startswith(b"\\"):
            yield clean(decoded(line.rstrip(b"\r")))


def _columns(header: Sequence[str]) -> tuple[Column, ...]:
    bars = _bars(header[0])
    if len(bars) - 1 > MAX_COLUMNS:
        raise over(f"{len(bars) - 1} columns", f"<= {MAX_COLUMNS} columns")
    for number, line in enumerate(header[1:], 2):
        if _bars(line) != bars:
            raise wrong(f"header line {number} with its bars in other places", "bars as in line 1")
    if len(bars) < 2:
        raise wrong("one bar", "a column between two bars")
    told = [[line[a + 1 : b].strip() for a, b in _pairs(bars)] for line in header]
    told += [[""] * (len(bars) - 1)] * (HEADER_LINES - len(told))
    knows_null = len(header) == HEADER_LINES
    columns = tuple(
        Column(name, kind.lower(), unit, null if knows_null else None, start, end)
        for (name, kind, unit, null), (start, end) in zip(zip(*told, strict=True), _pairs(bars), strict=True)
    )
    if any(not column.name for column in columns):
        raise wrong("a column without a name", "a name a column")
    return columns


def _bars(line: str) -> list[int]:
    return [found.start() for found in re.finditer(r"\|", line)]


def _pairs(bars: Sequence[int]) -> list[tuple[int, int]]:
    return list(itertools.pairwise(bars))


def _row(line: str, columns: tuple[Column, ...], number: int) -> tuple[str, ...]:
    """The texts of one row; nothing may stand where a bar is above it, for then nobody knows whose it is."""
    for column in columns:
        if line[column.start : column.start + 1] not in {"", " "}:
            raise wrong(
                f"{shortened(line[max(0, column.start - 8) : column.start + 8], 20)!r} across the edge of "
                f"{shortened(column.name, 40)} in row {number}",
                "a blank under each bar",
            )
    if line[columns[-1].end :].strip():
        raise wrong(f"text after the last column in row {number}", "values under the columns")
    return tuple(line[column.start + 1 : column.end].strip() for column in columns)


def over(found: str, wanted: str) -> InvalidFileError:
    """The table has more of something than any table has."""
    then = "no table of an instrument is that large"
    return InvalidFileError.unlike("LIMIT_EXCEEDED", found, wanted, then=then)


def wrong(found: str, wanted: str, *, code: str = "SCHEMA_VIOLATION") -> InvalidFileError:
    """The table is not built as tables are."""
    return InvalidFileError.unlike(code, found, wanted, lead="the table has ", then="write it again")
