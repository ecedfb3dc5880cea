"""Lists of files, a page at a time, quick with a million of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from projectors.file_filter import Filter

__all__ = ["Cursor", "Page", "file_page", "find_files"]

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last file of a page: the next page begins behind it."""

    since_at: datetime
    file: str

    def __str__(self) -> str:
        return f"{self.since_at.isoformat()}/{self.file}"

    @classmethod
    def read(cls, told: str) -> "Cursor":
        """From what ``str`` gave; raises ValueError."""
        moment, _, file = told.partition("/")
        since_at = datetime.fromisoformat(moment)
        if since_at.tzinfo is None or "/" not in file:
            raise ValueError(f"found {told!r}, wanted a time with its offset, a slash, and stream/name")
        return cls(since_at, file)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of ``v1.file``, those that changed last first; ``next``: where the next page begins, None after the last."""

    files: list[Row]
    next: Cursor | None


def file_page(
    connection: Connection,
    wanted: Filter,
    *,
    after: Cursor | None = None,
    limit: int = 50,
    oldest_first: bool = False,
) -> Page:
    """One page of files, by the time at which they came into their state; ``after`` is the former page's ``next``."""
    files = _rows(connection, wanted, after, limit + 1, oldest_first=oldest_first)
    is_last, files = len(files) <= limit, files[:limit]
    return Page(files, None if is_last else Cursor(files[-1]["since_at"], files[-1]["file"]))


def find_files(connection: Connection, wanted: Filter, *, limit: int | None = None) -> list[Row]:
    """Rows of ``v1.file``, those longest in their state first; ``limit`` None: all of them."""
    return _rows(connection, wanted, None, limit, oldest_first=True)


def _rows(
    connection: Connection, wanted: Filter, after: Cursor | None, limit: int | None, *, oldest_first: bool
) -> list[Row]:
    conditions, values = wanted.conditions()
    sign, way = (">", "ASC") if oldest_first else ("<", "DESC")
    if after is not None:
        conditions.append(
            f"v.since_at {sign}= :after_at AND (v.since_at, v.file) {sign} (:after_at, :after_file)"
        )
        values |= {"after_at": after.since_at, "after_file": after.file}
    query = _PAGE.format(where=" AND ".join(conditions), way=way)
    return [dict(row) for row in connection.execute(text(query), {**values, "limit": limit}).mappings()]


# The keys of the page first, from as few tables as it needs; then its rows.
_PAGE = """
    SELECT f.* FROM (
        SELECT v.file, v.since_at FROM projection.file_version v
        LEFT JOIN projection.file_status s ON s.file = v.file
        LEFT JOIN projection.file_metadata m ON m.file = v.file AND m.version = v.version
        WHERE {where} ORDER BY v.since_at {way}, v.file {way} LIMIT :limit
    ) AS found JOIN v1.file f ON f.file = found.file
    ORDER BY found.since_at {way}, found.file {way}
"""
