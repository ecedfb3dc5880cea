"""A text table in IPAC's format: its columns' types and nulls are checked, a single row becomes the metadata."""

import re
from typing import BinaryIO

from consumers.formats.bytes_scan import SeenBytes, kind_of
from consumers.formats.duplicates import repeated
from consumers.formats.findings import Findings
from consumers.formats.format import Content, Expected
from consumers.formats.inspection import InvalidFileError, Scalar
from consumers.formats.ipac_lines import MAX_BYTES, Column, Table, read_table
from consumers.formats.metadata import Metadata
from consumers.formats.text import as_scalar, shortened

__all__ = [
    "FLOAT",
    "INTEGER",
    "TEXTUAL",
    "compare_twins",
    "is_null",
    "read",
    "scanned",
    "values_of",
    "warm_up",
]

TEXTUAL = frozenset({"text", "data of an unknown kind"})
INTEGER = re.compile(r"[+-]?\d{1,30}")
FLOAT = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eEdD][+-]?\d{1,4})?|[+-]?(?:nan|inf)", re.IGNORECASE)
DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?")
SHAPES = {
    **dict.fromkeys(("int", "integer", "long", "i", "l"), INTEGER),
    **dict.fromkeys(("double", "float", "real", "d", "f", "r"), FLOAT),
    "date": DATE,
}
TEXTS = frozenset({"char", "c", ""})
MAX_NAMED = 5


def warm_up() -> None:
    """There is nothing to load."""


def read(source: BinaryIO, seen: SeenBytes, expected: Expected, findings: Findings) -> Content:  # noqa: ARG001
    """Look through any table; which columns it has is its own affair."""
    table = scanned(source, seen, findings)
    values = values_of(table, 0) if len(table.rows) == 1 else {}
    return Content(Metadata(extra=values), values)


def scanned(source: BinaryIO, seen: SeenBytes, findings: Findings) -> Table:
    """Three critical checks: it is a table, its columns hold what they announce, and no column stands there twice."""
    with findings.critical("format", value="IPAC table"):
        _require_text(seen)
    with findings.critical("structure"):
        table = read_table(source.read(MAX_BYTES + 1), findings)
    with findings.critical("column_types"):
        _require_types(table)
        _require_values(table)
    compare_twins(table, findings)
    findings.record("rows", len(table.rows))
    findings.record("columns", len(table.columns))
    return table


def values_of(table: Table, row: int) -> dict[str, Scalar]:
    """A row by column, typed; None where the table says null. Of a column that stands there twice, the first."""
    values: dict[str, Scalar] = {}
    for column, text in zip(table.columns, table.rows[row], strict=True):
        values.setdefault(column.name, _value(column, text))
    return values


def _require_text(seen: SeenBytes) -> None:
    kind = kind_of(seen.head)
    first = seen.head.lstrip(b" \r\n")[:1]
    if kind not in TEXTUAL or first not in {b"|", b"\\"}:
        raise InvalidFileError(
            "NOT_THE_FORMAT",
            f"found {kind}, wanted a table whose first line begins with a bar; send the right file",
            found=kind,
            wanted="IPAC table",
        )


def _require_types(table: Table) -> None:
    unknown = [column for column in table.columns if column.type not in SHAPES and column.type not in TEXTS]
    if unknown:
        named = ", ".join(f"{shortened(c.name, 40)} {shortened(c.type, 20)}" for c in unknown[:MAX_NAMED])
        raise _wrong(f"columns of unknown types: {named}", f"one of {', '.join(sorted({*SHAPES, 'char'}))}")
    wrong = [
        f"{shortened(column.name, 40)} {shortened(repr(text), 40)} in row {number}, wanted {column.type}"
        for number, row in enumerate(table.rows, 1)
        for column, text in zip(table.columns, row, strict=True)
        if not _has_type(column, text)
    ]
    if wrong:
        raise _wrong(
            f"{len(wrong)} values of another type: {'; '.join(wrong[:MAX_NAMED])}", "values as announced"
        )


def _require_values(table: Table) -> None:
    """A column for which the header's fourth line gives no null must have a value in every row."""
    missing = [
        f"{shortened(column.name, 40)} in row {number}"
        for number, row in enumerate(table.rows, 1)
        for column, text in zip(table.columns, row, strict=True)
        if column.null == "" and text.lower() in {"", "null"}
    ]
    if missing:
        found = ", ".join(missing[:MAX_NAMED])
        raise InvalidFileError(
            "MISSING_KEYWORD",
            f"{len(missing)} values that may not be null are: {found}; have the table made again",
            found="null",
            wanted=found,
        )


def compare_twins(table: Table, findings: Findings) -> None:
    """Columns of one name are compared row by row."""
    first: dict[str, int] = {}
    twins = []
    for index, column in enumerate(table.columns):
        place = first.setdefault(column.name.upper(), index)
        if place != index:
            different = ((row[place], row[index]) for row in table.rows if row[place] != row[index])
            values = next(different, None) or ((table.rows[0][place],) * 2 if table.rows else ("", ""))
            twins.append((column.name, *values))
    with findings.critical("columns_once"):
        repeated(findings, "the table", twins)


def _has_type(column: Column, text: str) -> bool:
    shape = SHAPES.get(column.type)
    return shape is None or is_null(column, text) or shape.fullmatch(text) is not None


def is_null(column: Column, text: str) -> bool:
    """Whether a cell says that there is no value."""
    return text in ("", column.null) or text.lower() == "null"


def _value(column: Column, text: str) -> Scalar:
    shape = SHAPES.get(column.type)
    if is_null(column, text):
        return None
    if shape is INTEGER:
        return as_scalar(int(text))
    return as_scalar(float(text.upper().replace("D", "E"))) if shape is FLOAT else text


def _wrong(found: str, wanted: str) -> InvalidFileError:
    return InvalidFileError.unlike("SCHEMA_VIOLATION", found, wanted, then="have the table made again")
