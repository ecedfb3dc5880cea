"""Deadlines: what is to be asked when a time comes; their table and their SQL."""

# ruff: noqa: S608 - statements are put together from constants of this module

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Column, Connection, DateTime, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from consumers.rows import rows_json
from consumers.work_items import Closing
from events.ids import derived_id
from projectors.database import metadata

__all__ = [
    "Deadline",
    "cancel",
    "close_deadlines",
    "deadline",
    "due",
    "mark_delivered",
    "next_due_at",
    "owe",
    "prune_deadlines",
    "request_id_of",
    "undecided",
]

deadline = Table(
    "deadline",
    metadata,
    Column("event_id", UUID(as_uuid=False), primary_key=True, comment="the fact that set the deadline"),
    Column("request", Text, nullable=False, comment="such as file.retry, op.lease_due"),
    Column("subject", Text(collation="C"), nullable=False),
    Column("version", Integer),
    Column("due_sequence", BigInteger, nullable=False, comment="sequence of the fact that set the deadline"),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("correlationid", Text),
    Column("part", Text, comment="of an observing program: what the request is about; NULL: no part of it"),
    Column("request_id", UUID(as_uuid=False), nullable=False, comment="derived from the fact"),
    Column("state", Text, nullable=False, comment="waiting, delivered, done, cancelled"),
    Column("delivered_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    Index("deadline_waiting", "due_at", postgresql_where=text("state = 'waiting'")),
    Index("deadline_of_subject", "subject", postgresql_where=text("state = 'waiting'")),
    Index("deadline_asked", "request_id", postgresql_where=text("state IN ('waiting', 'delivered')")),
    Index("deadline_finished", "finished_at", postgresql_where=text("state IN ('done', 'cancelled')")),
    schema="work",
)  # fmt: skip


class Deadline(NamedTuple):
    """One deadline that waits to be asked, or whose request has no outcome yet."""

    event_id: str
    request: str
    subject: str
    version: int | None
    due_sequence: int
    due_at: datetime
    correlationid: str | None
    request_id: str
    part: str | None = None


def request_id_of(event_id: str) -> str:
    """The id of a deadline's request."""
    return derived_id(event_id, "due")


def owe(connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
    """Insert deadlines that are not there yet."""
    return connection.execute(_OWE, {"rows": rows_json(rows)}).rowcount if rows else 0


def cancel(
    connection: Connection, passed: Iterable[tuple[str, int | None, str | None, str, int, datetime]]
) -> int:
    """Deadlines for ``request`` of earlier facts: subject, version and part (None: all), request, sequence, time."""
    rows = [
        {
            "subject": subject,
            "version": version,
            "part": part,
            "request": request,
            "sequence": sequence,
            "at": at.isoformat(),
        }
        for subject, version, part, request, sequence, at in passed
    ]
    return connection.execute(_CANCEL, {"rows": rows_json(rows)}).rowcount if rows else 0


def close_deadlines(connection: Connection, closings: Sequence[Closing]) -> int:
    """Their requests have been decided, one way or the other."""
    rows = [{"request_id": each.request_id, "at": each.at.isoformat()} for each in closings]
    return connection.execute(_CLOSE, {"rows": rows_json(rows)}).rowcount if rows else 0


def due(connection: Connection, *, at: datetime, at_most: int = 500) -> list[Deadline]:
    """Deadlines whose time has come, the oldest first."""
    found = connection.execute(_DUE, {"at": at, "at_most": at_most})
    return [Deadline(*row) for row in found]


def undecided(connection: Connection, *, before: datetime, at_most: int = 500) -> list[Deadline]:
    """Deadlines asked before then without an outcome."""
    found = connection.execute(_UNDECIDED, {"before": before, "at_most": at_most})
    return [Deadline(*row) for row in found]


def next_due_at(connection: Connection) -> datetime | None:
    """When the next deadline is."""
    found: datetime | None = connection.execute(_NEXT).scalar_one_or_none()
    return found


def mark_delivered(connection: Connection, event_ids: Sequence[str], *, at: datetime) -> int:
    """Their requests are on the log."""
    return connection.execute(_DELIVERED, {"ids": list(event_ids), "at": at}).rowcount if event_ids else 0


def prune_deadlines(connection: Connection, *, before: datetime, at_most: int = 5000) -> int:
    """Delete deadlines that were over before then."""
    return connection.execute(_PRUNE, {"before": before, "at_most": at_most}).rowcount


_OWE = text("""
    INSERT INTO work.deadline
        (event_id, request, subject, version, due_sequence, due_at, correlationid, request_id, part, state)
    SELECT event_id, request, subject, version, due_sequence, due_at, correlationid, request_id, part, 'waiting'
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
         AS r (event_id uuid, request text, subject text, version int, due_sequence bigint, due_at timestamptz,
               correlationid text, request_id uuid, part text)
    ON CONFLICT (event_id) DO NOTHING
""")

_CANCEL = text("""
    WITH passed AS (
        SELECT DISTINCT ON (d.event_id) d.event_id, r.at
        FROM jsonb_to_recordset(CAST(:rows AS jsonb))
             AS r (subject text, version int, request text, sequence bigint, at timestamptz, part text)
        CROSS JOIN LATERAL (
            SELECT d.event_id FROM work.deadline d
            WHERE d.subject = r.subject AND d.state = 'waiting' AND d.request = r.request
                AND d.due_sequence < r.sequence AND (r.version IS NULL OR d.version = r.version)
                AND (r.part IS NULL OR d.part = r.part) OFFSET 0) d
        ORDER BY d.event_id, r.sequence DESC)
    UPDATE work.deadline d SET state = 'cancelled', finished_at = passed.at
    FROM passed WHERE d.event_id = passed.event_id AND d.state || '' = 'waiting'
""")
"""Of several facts that pass a deadline the last one says when: an UPDATE that meets two rows takes either.

One subject after the other, along its index: joined, all that waits was read for each of them."""

_CLOSE = text("""
    UPDATE work.deadline d SET state = 'done', finished_at = r.at
    FROM (SELECT f.event_id, r.at
          FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (request_id uuid, at timestamptz)
          CROSS JOIN LATERAL (
              SELECT f.event_id FROM work.deadline f
              WHERE f.request_id = r.request_id AND f.state IN ('waiting', 'delivered') OFFSET 0) f OFFSET 0) AS r
    WHERE d.event_id = r.event_id AND d.state || '' IN ('waiting', 'delivered')
""")

_COLUMNS = """CAST(event_id AS text), request, subject, version, due_sequence, due_at, correlationid,
        CAST(request_id AS text), part"""

_DUE = text(f"""
    SELECT {_COLUMNS} FROM work.deadline WHERE state = 'waiting' AND due_at <= :at ORDER BY due_at LIMIT :at_most
""")

_UNDECIDED = text(f"""
    SELECT {_COLUMNS} FROM work.deadline
    WHERE state IN ('waiting', 'delivered') AND state = 'delivered' AND delivered_at < :before
    ORDER BY due_at LIMIT :at_most
""")

_NEXT = text("SELECT min(due_at) FROM work.deadline WHERE state = 'waiting'")

_DELIVERED = text("""
    UPDATE work.deadline SET state = 'delivered', delivered_at = :at
    WHERE event_id = ANY(CAST(:ids AS uuid[])) AND state IN ('waiting', 'delivered')
""")

_PRUNE = text("""
    DELETE FROM work.deadline WHERE ctid IN (
        SELECT ctid FROM work.deadline WHERE state IN ('done', 'cancelled') AND finished_at < :before LIMIT :at_most)
""")
