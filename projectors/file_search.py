"""Finding files by name, by what is close to a name that is not there, and what happened to them."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, text

__all__ = ["NAMED", "close_names", "history_of", "named", "sidecars_of", "versions_of"]

Row = dict[str, Any]

_CLOSE_AMONG = 5000

# An OR over two tables would read all of both: first the names become files, by the index of names, then rows.
NAMED = """
SELECT * FROM v1.file WHERE file = ANY(ARRAY(
    SELECT unnest(CAST(:names AS text[])) COLLATE "C" UNION SELECT file FROM v1.file WHERE name = ANY(:names)
)) ORDER BY file
"""


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


def sidecars_of(connection: Connection, subject: str) -> list[str]:
    """Sidecars that have come for a file that nobody has announced."""
    query = "SELECT data ->> 'sidecar' AS name FROM v1.ledger WHERE machine = 'file' AND subject = :subject"
    return [row["name"] for row in _rows(connection, f"{query} AND type = 'file.paired'", subject=subject)]


def close_names(connection: Connection, name: str, *, at_most: int = 3) -> list[str]:
    """Files whose names are nearly this one, the nearest first."""
    bare = name.rpartition("/")[2]
    stem = f"%{bare[: max(2, len(bare) // 3)]}%"
    query = "SELECT file, name FROM v1.file WHERE name ILIKE :stem ORDER BY since_at DESC LIMIT :among"
    by_name = {row["name"]: row["file"] for row in _rows(connection, query, stem=stem, among=_CLOSE_AMONG)}
    return [by_name[each] for each in get_close_matches(bare, by_name, n=at_most, cutoff=0.75)]


def _rows(connection: Connection, query: str, **values: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(text(query), values).mappings()]
