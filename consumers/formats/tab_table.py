"""A text table with tabs between its columns: names in the first line, then rows; no line tells the columns' types."""

from typing import BinaryIO

from consumers.formats.bytes_scan import SeenBytes, kind_of
from consumers.formats.findings import Findings
from consumers.formats.format import Content, Expected
from consumers.formats.inspection import InvalidFileError
from consumers.formats.ipac_lines import MAX_BYTES, Table
from consumers.formats.ipac_table import TEXTUAL, compare_twins, values_of
from consumers.formats.metadata import Metadata
from consumers.formats.tab_lines import read_tabs

__all__ = ["has_tabs", "read", "scanned", "warm_up"]


def warm_up() -> None:
    """There is nothing to load."""


def read(source: BinaryIO, seen: SeenBytes, expected: Expected, findings: Findings) -> Content:  # noqa: ARG001
    """Look through any table; which columns it has is its own affair."""
    table = scanned(source, seen, findings)
    values = values_of(table, 0) if len(table.rows) == 1 else {}
    return Content(Metadata(extra=values), values)


def has_tabs(head: bytes) -> bool:
    """Whether the first line that is no comment has a tab, and none of the bars of another kind of table."""
    lines = (line for line in head.split(b"\n") if line.strip() and not line.startswith(b"#"))
    first = next(lines, b"")
    return b"\t" in first and first[:1] not in {b"|", b"\\"}


def scanned(source: BinaryIO, seen: SeenBytes, findings: Findings) -> Table:
    """Three critical checks: it is a table, each row has a cell a column, and no column stands there twice."""
    with findings.critical("format", value="table with tabs"):
        _require_text(seen)
    with findings.critical("structure"):
        table = read_tabs(source.read(MAX_BYTES + 1), findings)
    compare_twins(table, findings)
    findings.record("rows", len(table.rows))
    findings.record("columns", len(table.columns))
    return table


def _require_text(seen: SeenBytes) -> None:
    kind = kind_of(seen.head)
    if kind not in TEXTUAL or not has_tabs(seen.head):
        raise InvalidFileError(
            "NOT_THE_FORMAT",
            f"found {kind}, wanted names of columns with tabs between them; send the right file",
            found=kind,
            wanted="table with tabs",
        )
