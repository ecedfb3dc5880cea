"""Work items that are not done yet, for those who look after them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

__all__ = ["unfinished"]

_QUERY = text("""
    SELECT event_id, effect, subject, stream, version, attempt, state, try_number, created_at, due_at, lease_owner,
           lease_until, reported_at, last_code, last_error, parked_reason
    FROM work.item
    WHERE state = ANY(:states) AND (CAST(:stream AS text) IS NULL OR stream = :stream)
    ORDER BY created_at, subject LIMIT :limit
""")


def unfinished(
    connection: Connection, *, states: Sequence[str], stream: str | None = None, limit: int | None = None
) -> list[dict[str, Any]]:
    """Items in one of these states, the oldest first."""
    rows = connection.execute(_QUERY, {"states": list(states), "stream": stream, "limit": limit})
    return [dict(row) for row in rows.mappings()]
