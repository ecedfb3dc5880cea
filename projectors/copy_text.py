"""Values as PostgreSQL's COPY reads them in its text format; whole columns at a time, since that is quick."""

import re
from collections.abc import Callable, Sequence
from types import NoneType
from typing import Any

import orjson
from sqlalchemy import Boolean, Column, DateTime, Float, Integer, String
from sqlalchemy.dialects.postgresql import JSONB, UUID

__all__ = ["NULL", "Encoder", "encoder_of", "json_cell", "text_cell"]

NULL = "\\N"

Encoder = Callable[[Sequence[Any]], Sequence[str]]
"""Values of one column to cells, None to NULL; raises TypeError on what the column can't mean."""

_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPED = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}
_TRUTH = {True: "t", False: "f"}


def text_cell(value: str) -> str:
    """A text, with what COPY would take for its own marks escaped."""
    # Quick for nearly all: what is printable has no tab and no line end.
    return value if value.isprintable() and "\\" not in value else _SPECIAL.sub(_escaped, value)


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPED[found[0]]


def json_cell(value: Any) -> str:
    """Any JSON value; orjson leaves no control characters, only backslashes of its own."""
    return orjson.dumps(value).decode().replace("\\", "\\\\")


def encoder_of(column: Column[Any]) -> Encoder:
    """The encoder of a column. Times and ids are texts here, as they stand in the event; PostgreSQL reads them."""
    kind = column.type
    if isinstance(kind, JSONB):
        return _json_cells
    if isinstance(kind, Boolean):
        return _by_type(frozenset({bool}), _TRUTH.__getitem__)
    if isinstance(kind, Integer):
        return _by_type(frozenset({int}), str)
    if isinstance(kind, Float):
        return _by_type(frozenset({int, float}), repr)
    if isinstance(kind, String | DateTime | UUID):
        return _text_cells
    raise TypeError(f"{column}: found the type {kind}, wanted one that COPY is known to read here")


def _by_type(types: frozenset[type], cell: Callable[[Any], str]) -> Encoder:
    def encode(values: Sequence[Any]) -> list[str]:
        found = set(map(type, values))
        if NoneType not in found and found <= types:
            return list(map(cell, values))
        if not found <= {*types, NoneType}:
            wanted = " or ".join(sorted(kind.__name__ for kind in types))
            raise TypeError(f"found {sorted(kind.__name__ for kind in found)}, wanted {wanted}")
        return [NULL if value is None else cell(value) for value in values]

    return encode


def _text_cells(values: Sequence[Any]) -> Sequence[str]:
    if None in values:
        return [NULL if value is None else text_cell(value) for value in values]
    whole = "".join(values)
    if whole.isprintable() and "\\" not in whole:
        return values
    return [text_cell(value) for value in values]


def _json_cells(values: Sequence[Any]) -> list[str]:
    return [NULL if value is None else json_cell(value) for value in values]
