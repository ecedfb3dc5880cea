"""Finding files: by filter, by name, and by what is close to a name that is not there."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, text

__all__ = ["NAMED", "Filter", "close_names", "find_files", "history_of", "named", "versions_of"]

Row = dict[str, Any]

_CLOSE_AMONG = 5000

# An OR over two tables would read all of both: first the names become files, by the index of names, then rows.
NAMED = """
SELECT * FROM v1.file WHERE file = ANY(ARRAY(
    SELECT unnest(CAST(:names AS text[])) COLLATE "C" UNION SELECT file FROM v1.file WHERE name = ANY(:names)
)) ORDER BY file
"""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which files; what is None or empty does not matter. ``name`` is a pattern with * and ?."""

    states: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    purpose: str | None = None
    name: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_unacknowledged: bool = False
    is_held: bool = False

    @property
    def is_empty(self) -> bool:
        """It means every file there is."""
        return self == Filter()

    def conditions(self) -> tuple[list[str], dict[str, Any]]:
        """As conditions on ``v1.file``, with their values."""
        told = {
            "state = ANY(:states)": ("states", list(self.states)),
            "stream = ANY(:streams)": ("streams", list(self.streams)),
            "code = ANY(:codes)": ("codes", list(self.codes)),
            "purpose = :purpose": ("purpose", self.purpose),
            "name LIKE :name": ("name", _pattern(self.name)),
            "since_at >= :since": ("since", self.since),
            "since_at < :until": ("until", self.until),
        }
        given = {condition: pair for condition, pair in told.items() if pair[1]}
        conditions = list(given)
        if self.is_unacknowledged:
            conditions.append("code IS NOT NULL AND NOT is_acknowledged")
        if self.is_held:
            conditions.append("is_held")
        return conditions, dict(given.values())


def find_files(connection: Connection, wanted: Filter, *, limit: int | None = None) -> list[Row]:
    """Rows of ``v1.file``, those longest in their state first."""
    conditions, values = wanted.conditions()
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    query = f"SELECT * FROM v1.file {where} ORDER BY since_at, file LIMIT :limit"  # noqa: S608 - our own words
    return _rows(connection, query, limit=limit, **values)


def named(connection: Connection, names: Iterable[str]) -> list[Row]:
    """Files by ``stream/name``, or by name alone."""
    return _rows(connection, NAMED, names=list(names))


def versions_of(connection: Connection, file: str) -> list[Row]:
    """All versions of a file, the newest first."""
    return _rows(
        connection, "SELECT * FROM v1.file_version WHERE file = :file ORDER BY version DESC", file=file
    )


def history_of(
    connection: Connection, subject: str, *, machine: str = "file", limit: int | None = None
) -> list[Row]:
    """The records of a file, or of another machine's subject, refusals included, the newest first."""
    query = """
        SELECT * FROM v1.ledger WHERE machine = :machine AND subject = :subject
        ORDER BY sequence DESC LIMIT :limit
    """
    return _rows(connection, query, machine=machine, subject=subject, limit=limit)


def close_names(connection: Connection, name: str, *, at_most: int = 3) -> list[str]:
    """Files whose names are nearly this one, the nearest first."""
    bare = name.rpartition("/")[2]
    stem = f"%{bare[: max(2, len(bare) // 3)]}%"
    query = "SELECT file, name FROM v1.file WHERE name ILIKE :stem ORDER BY since_at DESC LIMIT :among"
    by_name = {row["name"]: row["file"] for row in _rows(connection, query, stem=stem, among=_CLOSE_AMONG)}
    return [by_name[each] for each in get_close_matches(bare, by_name, n=at_most, cutoff=0.75)]


def _rows(connection: Connection, query: str, **values: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(text(query), values).mappings()]


def _pattern(name: str | None) -> str | None:
    if name is None:
        return None
    escaped = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")
