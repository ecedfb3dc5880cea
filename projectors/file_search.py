"""Finding files by name, and what happened to them."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, text

__all__ = ["NAMED", "history_of", "named", "sidecars_of", "versions_of"]

Row = dict[str, Any]

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


def _rows(connection: Connection, query: str, **values: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(text(query), values).mappings()]
