"""Lists of files, a page at a time, quick with a million of them."""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
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
    """All that are meant put in order, where they may be few; else first among so many files by time.

    Going through files by time alone until the page is full would find files of last year after a million others:
    PostgreSQL expects everything to be spread evenly over time.
    """
    connection.execute(_ONE_BY_ONE)
    find = partial(_found, connection, wanted, after, limit, oldest_first=oldest_first)
    if limit is None or _is_of_versions(wanted):
        return find("projection.file_version v")
    is_large = all(each.share >= _LARGE_PLACE for each in wanted.places)
    if not (
        is_large
        and (wanted.is_unacknowledged or _may_be_many(connection, replace(wanted, at=None, box=None)))
    ):
        return find(_ALL, by_place=not is_large)
    found = find(_FIRST, by_place=False)
    return found if len(found) == limit else find(_ALL)


def _is_of_versions(wanted: Filter) -> bool:
    """Nothing but rows of ``file_version`` is asked."""
    return not any(_OTHER_TABLE.search(each) for each in wanted.conditions()[0])


def _may_be_many(connection: Connection, wanted: Filter) -> bool:
    """As PostgreSQL expects."""
    if _is_of_versions(wanted):
        return True
    conditions, values = wanted.conditions(results="of any attempt")
    query = _KEYS.format(files="projection.file_version v", where=" AND ".join(conditions))
    plan = connection.execute(text(f"EXPLAIN (FORMAT JSON) {query}"), values).scalar_one()
    return int(plan[0]["Plan"]["Plan Rows"]) >= (_MANY_RESULTS if wanted.qa else _MANY)


def _found(
    connection: Connection,
    wanted: Filter,
    after: Cursor | None,
    limit: int | None,
    files: str,
    *,
    oldest_first: bool,
    by_place: bool = True,
) -> list[Row]:
    """Rows in order. ``files``: where their versions are looked for, and whether all are found before any is given."""
    conditions, values = wanted.conditions(
        by_place=by_place, results="of the file" if files == _FIRST else "all"
    )
    sign, way = (">", "ASC") if oldest_first else ("<", "DESC")
    if after is not None:
        conditions.append(
            f"v.since_at {sign}= :after_at AND (v.since_at, v.file) {sign} (:after_at, :after_file)"
        )
        values |= {"after_at": after.since_at, "after_file": after.file}
    where = " AND ".join(conditions)
    if files == _FIRST:
        own = " AND ".join(each for each in conditions if not _OTHER_TABLE.search(each))
        files, values = _FIRST.format(where=own, way=way), values | {"among": _LOOKED_THROUGH}
        files += "".join(join for row, join in _ROW_BY_ROW.items() if re.search(rf"\b{row}\.", where))
        keys = f"SELECT v.file, v.since_at FROM {files} WHERE {where}"  # noqa: S608 - our own words
    else:
        keys = _KEYS.format(files=files, where=where) + ("OFFSET 0" if files == _ALL else "")
    query = text(_PAGE.format(keys=keys, way=way))
    return [dict(row) for row in connection.execute(query, {**values, "limit": limit}).mappings()]


# Until the transaction ends: one row more costs little, as indexes are in memory. Else, to put the 20,000 files of a
# program in order, a million would be read.
_ONE_BY_ONE = text("SELECT set_config('random_page_cost', '1.1', true)")

_MANY = 40_000
"""Files: fewer are put in order at once."""

_MANY_RESULTS = 5000
"""Results of checks: of each one the file's other attempts are looked at."""

_LARGE_PLACE = 0.01
"""Of the sky: how much lies there, PostgreSQL cannot tell; in so large a part it may be many."""

_LOOKED_THROUGH = 15_000
"""Files, by time, among which a page of many is looked for."""

_OTHER_TABLE = re.compile(r"\b[smq]\.")
"""In a condition: it needs more than the row of ``file_version``."""

_ALL = "projection.file_version AS v"
_FIRST = """(
        SELECT * FROM projection.file_version v WHERE {where} ORDER BY v.since_at {way}, v.file {way} LIMIT :among) AS v
"""

# One look into each for a version, and none for those behind the page's last.
_ROW_BY_ROW = {
    "s": " LEFT JOIN LATERAL (SELECT * FROM projection.file_status r WHERE r.file = v.file OFFSET 0) AS s ON true",
    "m": " LEFT JOIN LATERAL (SELECT * FROM projection.file_metadata r WHERE r.file = v.file"
    " AND r.version = v.version OFFSET 0) AS m ON true",
}

_KEYS = """
    SELECT v.file, v.since_at FROM {files}
    LEFT JOIN projection.file_status s ON s.file = v.file
    LEFT JOIN projection.file_metadata m ON m.file = v.file AND m.version = v.version
    WHERE {where}
"""

# The keys of the page first, from as few tables as it needs; then its rows.
_PAGE = """
    SELECT f.* FROM (
        SELECT * FROM ({keys}) AS meant ORDER BY since_at {way}, file {way} LIMIT :limit
    ) AS found JOIN v1.file f ON f.file = found.file
    ORDER BY found.since_at {way}, found.file {way}
"""
