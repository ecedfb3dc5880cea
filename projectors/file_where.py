"""A condition on the columns of files, as an analyst types it, read into SQL with its values bound.

What is typed never becomes SQL itself: it is read here into columns that there are, comparisons that there are, and
values; anything else is refused. ``size_bytes > 1e9 AND (purpose = 'test' OR NOT is_held)``.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Literal

from sqlalchemy import Connection, text

__all__ = ["Columns", "Where", "WhereError", "columns_of", "read_where"]

Kind = Literal["number", "text", "time", "tai", "boolean", "other"]
Columns = Mapping[str, tuple[str, Kind]]
"""By name: the row that it is of (``f``: ``v1.file``, ``m``: ``v1.file_metadata``) and what its values are."""


class WhereError(ValueError):
    """What was typed is no condition on files; the message says where, and what there is."""


@dataclass(frozen=True, slots=True)
class Where:
    """A condition that was read: SQL on the rows ``f`` and ``m`` of our own making, and the values in it."""

    sql: str
    values: dict[str, Any] = field(default_factory=dict)

    def condition(self, *, of_each: bool = False) -> str:
        """SQL on the row ``v`` (file_version). ``of_each``: asked of one file after the other."""
        one = "AND f.file = v.file OFFSET 0" if of_each else ""
        found = f"""
            SELECT f.file FROM v1.file f LEFT JOIN v1.file_metadata m ON m.file = f.file AND m.version = f.version
            WHERE ({self.sql}) {one}
        """  # noqa: S608 - columns and signs of our own, values bound
        return f"EXISTS ({found})" if of_each else f"v.file IN ({found})"


_COLUMNS = text("""
    SELECT column_name, table_name, data_type FROM information_schema.columns
    WHERE table_schema = 'v1' AND table_name IN ('file', 'file_metadata') ORDER BY table_name, ordinal_position
""")
_KINDS: Mapping[str, Kind] = {
    "integer": "number", "bigint": "number", "smallint": "number", "double precision": "number", "numeric": "number",
    "text": "text", "character varying": "text", "boolean": "boolean",
    "timestamp with time zone": "time", "timestamp without time zone": "tai",
}  # fmt: skip


def columns_of(connection: Connection) -> dict[str, tuple[str, Kind]]:
    """The columns that may stand in a condition: those of ``v1.file``, then what files say of themselves."""
    row = {"file": "f", "file_metadata": "m"}
    found: dict[str, tuple[str, Kind]] = {}
    for name, table, kind in connection.execute(_COLUMNS):
        found.setdefault(name, (row[table], _KINDS.get(kind, "other")))
    return found


def read_where(typed: str, columns: Columns) -> Where:
    """Raises WhereError, which names the columns where one is not there."""
    reader = _Reader(typed, columns)
    sql = reader.any_of()
    if not reader.is_at_end:
        raise reader.wrong("AND, OR or the end")
    return Where(sql, reader.values)


_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
    |(?P<word>[A-Za-z_][A-Za-z_0-9]*)|(?P<sign><=|>=|<>|!=|[<>=(),]))""",
    re.VERBOSE,
)
_SIGNS = ("<=", ">=", "<>", "!=", "<", ">", "=")
_WORDS = frozenset({"and", "or", "not", "is", "null", "in", "like", "ilike", "between", "true", "false"})
_DEPTH = 40


class _Reader:
    """One sign after the other; each method reads what it is named after and gives its SQL."""

    def __init__(self, typed: str, columns: Columns) -> None:
        self.values: dict[str, Any] = {}
        self._columns = columns
        self._tokens = list(_tokens(typed))
        self._at = 0
        self._depth = 0

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._tokens)

    def any_of(self) -> str:
        parts = [self._all_of()]
        while self._took("or"):
            parts.append(self._all_of())
        return f"({' OR '.join(parts)})" if len(parts) > 1 else parts[0]

    def _all_of(self) -> str:
        parts = [self._one()]
        while self._took("and"):
            parts.append(self._one())
        return " AND ".join(parts)

    def _one(self) -> str:
        self._depth += 1
        if self._depth > _DEPTH:
            raise WhereError(f"wanted no more than {_DEPTH} conditions in one another")
        if self._took("not"):
            found = f"NOT ({self._one()})"
        elif self._took("("):
            found = f"({self.any_of()})"
            self._want(")")
        else:
            found = self._comparison()
        self._depth -= 1
        return found

    def _comparison(self) -> str:
        column, kind = self._column()
        if self._took("is"):
            is_not = self._took("not")
            self._want("null")
            return f"{column} IS {'NOT ' if is_not else ''}NULL"
        isnt = "NOT " if self._took("not") else ""
        if self._took("in"):
            return f"{column} {isnt}IN ({self._several(kind)})"
        if self._took("between"):
            low = self._value(kind)
            self._want("and")
            return f"{column} {isnt}BETWEEN {low} AND {self._value(kind)}"
        for like in ("like", "ilike"):
            if kind == "text" and self._took(like):
                return f"{column} {isnt}{like.upper()} {self._value(kind)}"
        if sign := "" if isnt else self._took(*_SIGNS):
            return f"{column} {sign} {self._right(kind)}"
        if kind == "boolean" and not isnt:
            return column
        raise self.wrong("a comparison, IN, BETWEEN, LIKE (of texts) or IS NULL")

    def _column(self) -> tuple[str, Kind]:
        kind, word = self._token()
        name = word.lower()
        if kind != "word" or name in _WORDS:
            raise self.wrong("a column")
        if name not in self._columns:
            close = get_close_matches(name, self._columns, n=2)
            meant = f"; did you mean {' or '.join(close)}" if close else ""
            raise WhereError(f"found no column {word}, wanted one of {', '.join(self._columns)}{meant}")
        self._at += 1
        row, values = self._columns[name]
        return f'{row}."{name}"', values

    def _right(self, kind: Kind) -> str:
        """A value, or another column with values of the same kind."""
        found, word = self._token()
        if found != "word" or word.lower() in _WORDS:
            return self._value(kind)
        at = self._at
        column, other = self._column()
        if other != kind:
            self._at = at
            raise self.wrong(f"a value that is a {kind}")
        return column

    def _several(self, kind: Kind) -> str:
        self._want("(")
        found = [self._value(kind)]
        while self._took(","):
            found.append(self._value(kind))
        self._want(")")
        return ", ".join(found)

    def _value(self, kind: Kind) -> str:
        """A value, bound."""
        sort, word = self._token()
        value = _read_value(kind, sort, word)
        if value is None:
            raise self.wrong(_WANTED[kind])
        self._at += 1
        name = f"where{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def _token(self) -> tuple[str, str]:
        return ("", "the end") if self.is_at_end else self._tokens[self._at]

    def _took(self, *words: str) -> str:
        """The word that comes next, if it is one of these."""
        sort, word = self._token()
        if sort in {"word", "sign"} and word.lower() in words:
            self._at += 1
            return word.lower()
        return ""

    def _want(self, word: str) -> None:
        if not self._took(word):
            raise self.wrong(word.upper())

    def wrong(self, wanted: str) -> WhereError:
        """What is there is not what could be."""
        return WhereError(f"found {self._token()[1]}, wanted {wanted}")


_WANTED: Mapping[Kind, str] = {
    "number": "a number",
    "text": "a text between '…'",
    "time": "a UTC time between '…', such as '2026-11-21T06:00Z'",
    "tai": "a TAI time between '…', such as '2026-11-21T06:00:37'",
    "boolean": "TRUE or FALSE",
    "other": "IS NULL or IS NOT NULL: its values are not compared here",
}


def _read_value(kind: Kind, sort: str, word: str) -> Any:
    """The value as the column has it; None where it can't be one. ``sort``: what was typed, by its form."""
    if kind == "boolean":
        return {"true": True, "false": False}.get(word.lower()) if sort == "word" else None
    if kind == "number":
        return _number(word) if sort == "number" else None
    if sort != "text" or "\0" in word:
        return None
    plain = word[1:-1].replace("''", "'")
    return plain if kind == "text" else _time(plain, kind) if kind in {"time", "tai"} else None


def _number(typed: str) -> int | float | None:
    if re.fullmatch(r"[-+]?\d{1,18}", typed):
        return int(typed)
    return found if math.isfinite(found := float(typed)) else None


def _time(typed: str, kind: Kind) -> datetime | None:
    """UTC where nothing else is said; TAI has no zones."""
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        return None
    if kind == "tai":
        return found if found.tzinfo is None else None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _tokens(typed: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while typed[at:].strip():
        match = _TOKEN.match(typed, at)
        if match is None:
            raise WhereError(
                f"found {typed[at:].strip()[:20]!r}, wanted columns, numbers, 'texts', comparisons, AND, OR, NOT"
            )
        found.append((str(match.lastgroup), str(match[str(match.lastgroup)])))
        at = match.end()
    return found
