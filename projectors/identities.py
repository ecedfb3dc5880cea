"""Archive identities as the ledger has them: who holds one, and what it has been through."""

from typing import Any

from sqlalchemy import Connection, text

__all__ = ["bytes_of", "history_of", "identities_of"]

Row = dict[str, Any]

_HISTORY = """
    SELECT sequence, time, type, fromstate, tostate, actor, reason, data, is_refusal, event_id FROM v1.ledger
    WHERE machine = 'identity' AND subject = :identity ORDER BY sequence DESC
"""
_OF_FILE = "SELECT DISTINCT identity FROM v1.file_version WHERE file = :file AND identity IS NOT NULL ORDER BY identity"

# What a worker read of a file that did not get its identity stands in the failure, not in the version.
_BYTES = """
    SELECT f.version, COALESCE(
        (SELECT h.data #>> '{evidence,sha256}' FROM v1.file_history h
         WHERE h.file = f.file AND h.type = 'file.failed' AND h.version = f.version ORDER BY h.sequence DESC LIMIT 1),
        f.sha256) AS sha256
    FROM v1.file f WHERE f.file = :file
"""


def history_of(connection: Connection, identity: str) -> list[Row]:
    """Its records, the newest first."""
    return _rows(connection, _HISTORY, identity=identity)


def identities_of(connection: Connection, file: str) -> list[str]:
    """The identities that versions of a file have."""
    return [str(row["identity"]) for row in _rows(connection, _OF_FILE, file=file)]


def bytes_of(connection: Connection, file: str) -> tuple[int, str | None] | None:
    """The newest version of a file and the SHA-256 of its bytes as far as that is known; None for an unknown file."""
    rows = _rows(connection, _BYTES, file=file)
    return (int(rows[0]["version"]), rows[0]["sha256"]) if rows else None


def _rows(connection: Connection, query: str, **values: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(text(query), values).mappings()]
