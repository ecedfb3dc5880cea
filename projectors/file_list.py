"""Lists of files, a page at a time, quick with a million of them."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

__all__ = ["Cursor", "FileFilter", "Page", "file_page"]

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FileFilter:
    """Which files; what is None, empty or False does not matter. ``name`` is a pattern with ``*`` and ``?``."""

    states: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    name: str | None = None
    purpose: str | None = None
    visit: str | None = None
    exposure: str | None = None
    detector: str | None = None
    filter: str | None = None
    program: str | None = None
    unacknowledged: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last file of a page: the next page begins behind it."""

    since_at: datetime
    file: str


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of ``v1.file``, those that changed last first; ``next``: where the next page begins, None after the last."""

    files: list[Row]
    next: Cursor | None


def file_page(
    connection: Connection,
    wanted: FileFilter,
    *,
    after: Cursor | None = None,
    limit: int = 50,
    oldest_first: bool = False,
) -> Page:
    """One page of files, by the time at which they came into their state; ``after`` is the former page's ``next``."""
    conditions, values = _conditions(wanted, after, sign=">" if oldest_first else "<")
    query = _PAGE.format(where=" AND ".join(conditions), way="ASC" if oldest_first else "DESC")
    rows = connection.execute(text(query), {**values, "limit": limit + 1}).mappings()
    files = [dict(row) for row in rows]
    is_last, files = len(files) <= limit, files[:limit]
    return Page(files, None if is_last else Cursor(files[-1]["since_at"], files[-1]["file"]))


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

# Without this PostgreSQL would look through all that is COMPLETE.
_MAY_HAVE_A_PROBLEM = "v.state IN ('ERROR', 'INVALID', 'TRANSFERRED', 'DISMISSED')"

_IS_UNACKNOWLEDGED = """
    v.code IS NOT NULL AND NOT COALESCE(
        s.acknowledged ? v.code
        AND COALESCE((s.acknowledged #>> ARRAY[v.code, 'until'])::timestamptz > now(), true), false)
"""


def _conditions(wanted: FileFilter, after: Cursor | None, *, sign: str) -> tuple[list[str], dict[str, Any]]:
    told: dict[str, tuple[str, Any]] = {
        "v.state = ANY(:states)": ("states", list(wanted.states)),
        "v.stream = ANY(:streams)": ("streams", list(wanted.streams)),
        "v.code = ANY(:codes)": ("codes", list(wanted.codes)),
        "v.since_at >= :since": ("since", wanted.since),
        "v.since_at < :until": ("until", wanted.until),
        "s.name LIKE :name": ("name", _like(wanted.name)),
        "v.purpose = :purpose": ("purpose", wanted.purpose),
        "m.visit_id = :visit": ("visit", wanted.visit),
        "m.exposure_id = :exposure": ("exposure", wanted.exposure),
        "m.detector = :detector": ("detector", wanted.detector),
        "m.filter = :filter": ("filter", wanted.filter),
        "m.program = :program": ("program", wanted.program),
    }
    given = {condition: pair for condition, pair in told.items() if pair[1]}
    conditions, values = ["NOT v.is_superseded", *given], dict(given.values())
    if wanted.unacknowledged:
        conditions.append(_IS_UNACKNOWLEDGED)
    if wanted.unacknowledged or wanted.codes:
        conditions.append(_MAY_HAVE_A_PROBLEM)
    if wanted.held:
        conditions.append("s.is_held")
    if after is not None:
        conditions.append(
            f"v.since_at {sign}= :after_at AND (v.since_at, v.file) {sign} (:after_at, :after_file)"
        )
        values |= {"after_at": after.since_at, "after_file": after.file}
    return conditions, values


def _like(pattern: str | None) -> str | None:
    if pattern is None:
        return None
    return re.sub(r"[\\%_]", r"\\\g<0>", pattern).replace("*", "%").replace("?", "_")
