"""The lines of a table with tabs: names, then rows of as many cells; types are what all values can be taken as."""

import re
from collections.abc import Iterator
from dataclasses import replace

from consumers.formats.findings import Findings
from consumers.formats.ipac_lines import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_ROWS,
    Column,
    Table,
    numbered_lines,
    over,
    require_bounds,
    wrong,
)
from consumers.formats.ipac_table import FLOAT, INTEGER, is_null
from consumers.formats.text import clean, decoded, shortened

__all__ = ["read_tabs"]

CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# A number that begins with 0 is a name written in digits: as a number it would not be the same any more.
NAME_OF_DIGITS = re.compile(r"[+-]?0\d+")


def read_tabs(raw: bytes, findings: Findings) -> Table:
    """The table. Raises InvalidFileError, and nothing else, for what is none or has no bounds."""
    require_bounds(raw, control=CONTROL, wanted="printable text and tabs")
    lines = list(_lines(raw, findings))
    if not lines:
        raise wrong("no line but comments", "names of columns, then rows", code="UNREADABLE")
    names = [name.strip() for name in lines[0][1].split("\t")]
    if len(names) > MAX_COLUMNS:
        raise over(f"{len(names)} columns", f"<= {MAX_COLUMNS} columns")
    if not all(names):
        raise wrong("a column without a name", "a name a column")
    if len(lines) - 1 > MAX_ROWS:
        raise over(f"{len(lines) - 1} rows", f"<= {MAX_ROWS} rows")
    if (len(lines) - 1) * len(names) > MAX_CELLS:
        raise over(f"{len(lines) - 1} rows of {len(names)} columns", f"<= {MAX_CELLS} cells")
    rows = tuple(_row(number, line, len(names)) for number, line in lines[1:])
    columns = (Column(name, "char", "", None, place, place + 1) for place, name in enumerate(names))
    return Table(tuple(replace(each, type=_type(each, rows)) for each in columns), rows)


def _lines(raw: bytes, findings: Findings) -> Iterator[tuple[int, str]]:
    """Numbered lines with something in them, were it only tabs between empty cells; comments begin with #."""
    for number, line in numbered_lines(raw, findings):
        if line.strip(b" \r") and not line.startswith(b"#"):
            yield number, decoded(line.rstrip(b"\r"))


def _row(number: int, line: str, columns: int) -> tuple[str, ...]:
    cells = tuple(clean(cell).strip() for cell in line.split("\t"))
    if len(cells) != columns:
        found = f"{len(cells)} cells in line {number}, which begins with {shortened(cells[0], 40)!r}"
        raise wrong(found, f"{columns}, one a column")
    return cells


def _type(column: Column, rows: tuple[tuple[str, ...], ...]) -> str:
    """What all values of a column can be taken as; of a column without values nobody knows."""
    texts = [row[column.start] for row in rows if not is_null(column, row[column.start])]
    if not texts or any(NAME_OF_DIGITS.fullmatch(text) for text in texts):
        return "char"
    if all(INTEGER.fullmatch(text) for text in texts):
        return "int"
    return "double" if all(FLOAT.fullmatch(text) for text in texts) else "char"
