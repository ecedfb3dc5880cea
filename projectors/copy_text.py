"""Values as PostgreSQL's COPY reads them in its text format."""

import re
from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import Boolean, Column, DateTime, Float, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

__all__ = ["NULL", "Encoder", "encoder_of", "json_cell", "text_cell"]

NULL = "\\N"

Encoder = Callable[[Any], str]
"""A value that is not None to its cell; raises TypeError or ValueError on what the column can't mean."""

_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPED = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}


def text_cell(value: str) -> str:
    """A text, with what COPY would take for its own marks escaped."""
    # Quick for nearly all: what is printable has no tab and no line end.
    return value if value.isprintable() and "\\" not in value else _SPECIAL.sub(_escaped, value)


def _escaped(found: re.Match[str]) -> str:
    return _ESCAPED[found[0]]


def json_cell(value: Any) -> str:
    """Any JSON value; orjson leaves no control characters, only backslashes of its own."""
    return orjson.dumps(value).decode().replace("\\", "\\\\")


def _whole(value: Any) -> str:
    if value.__class__ is not int:
        raise TypeError(f"found {value!r}, wanted a whole number")
    return str(value)


def _number(value: Any) -> str:
    if value.__class__ is not float and value.__class__ is not int:
        raise TypeError(f"found {value!r}, wanted a number")
    return repr(value)


def _truth(value: Any) -> str:
    if value is True:
        return "t"
    if value is False:
        return "f"
    raise TypeError(f"found {value!r}, wanted true or false")


def encoder_of(column: Column[Any]) -> Encoder:
    """The encoder of a column's values. Times and ids come as they stand in the event and are read by PostgreSQL."""
    kind = column.type
    if isinstance(kind, JSONB):
        return json_cell
    if isinstance(kind, Boolean):
        return _truth
    if isinstance(kind, Integer):
        return _whole
    if isinstance(kind, Float):
        return _number
    if isinstance(kind, DateTime | UUID):
        return str  # as they stand in the event, where nothing else could be
    if isinstance(kind, Text):
        return text_cell
    raise TypeError(f"{column}: found the type {kind}, wanted one that COPY is known to read here")
