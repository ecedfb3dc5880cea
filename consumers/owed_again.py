"""Finds work that the views say is owed and ``work`` does not have: from the ledger as it stands in PostgreSQL."""

# ruff: noqa: S608 - statements are put together from constants of this module

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, TextClause, text

from consumers.obligations import obligations
from consumers.owed import DeadlineOwed, ItemOwed, Obligation, VersionKnown
from projectors.ledger import record_of

__all__ = [
    "Missing",
    "missing_deadlines",
    "missing_follow_ups",
    "missing_program_deadlines",
    "missing_program_steps",
    "missing_sidecar_deadlines",
    "missing_steps",
]


@dataclass(frozen=True, slots=True)
class Missing:
    """What is owed by one record; ``is_certain``: the view is as new as the decider's last batch."""

    owed: tuple[Obligation, ...]
    is_certain: bool


def missing_steps(
    connection: Connection, *, before: datetime, thorough: bool, at_most: int
) -> Iterator[Missing]:
    """Versions that have waited for a step since before then, without an item for it."""
    members = {"before": before, "thorough": thorough, "at_most": at_most}
    for row in connection.execute(_STEPS, members).all():
        record = record_of(row)
        if record is None:
            continue
        owed = [each for each in obligations(record) if isinstance(each, VersionKnown | ItemOwed)]
        steps = [each for each in owed if not isinstance(each, ItemOwed) or each.lane == "steps"]
        yield Missing(tuple(steps), row.is_certain)


def missing_deadlines(connection: Connection, *, before: datetime, at_most: int) -> Iterator[Missing]:
    """Versions in ERROR that are to be tried again by themselves, and nobody knows when."""
    yield from _deadlines_of(connection, _DEADLINES, {"before": before, "at_most": at_most})


def missing_follow_ups(
    connection: Connection, *, since: datetime, before: datetime, at_most: int
) -> Iterator[Missing]:
    """Content that was to be announced again when a version ended, and was not."""
    members = {"since": since, "before": before, "at_most": at_most}
    for row in connection.execute(_FOLLOW_UPS, members).all():
        record = record_of(row)
        if record is not None:
            owed = obligations(record)
            yield Missing(
                tuple(each for each in owed if isinstance(each, ItemOwed) and each.effect == "follow"), True
            )


def missing_sidecar_deadlines(
    connection: Connection, *, since: datetime, before: datetime, at_most: int
) -> Iterator[Missing]:
    """Files that were announced with a time for their sidecar, and nobody knows of it."""
    members = {"since": since, "before": before, "at_most": at_most}
    yield from _deadlines_of(connection, _SIDECARS, members)


def missing_program_steps(connection: Connection, *, before: datetime, at_most: int) -> Iterator[Missing]:
    """Parts of observing programs that have waited for a step since before then, without an item for it."""
    for row in connection.execute(_PROGRAM_STEPS, {"before": before, "at_most": at_most}).all():
        record = record_of(row)
        if record is not None:
            items = (each for each in obligations(record) if isinstance(each, ItemOwed))
            wanted = (each for each in items if (each.part, each.effect) == (row.part, row.owes_effect))
            yield Missing(tuple(wanted), True)


def missing_program_deadlines(connection: Connection, *, before: datetime, at_most: int) -> Iterator[Missing]:
    """Parts of observing programs whose last fact set a time, and nobody knows of it."""
    yield from _deadlines_of(connection, _PROGRAM_DEADLINES, {"before": before, "at_most": at_most})


def _deadlines_of(
    connection: Connection, found: TextClause, members: Mapping[str, object]
) -> Iterator[Missing]:
    for row in connection.execute(found, members).all():
        record = record_of(row)
        if record is not None:
            owed = (each for each in obligations(record) if isinstance(each, DeadlineOwed))
            yield Missing(tuple(owed), row.is_certain)


_LEDGER: Sequence[str] = (
    "type", "subject", "time", "sequence", "fromstate", "tostate", "actor", "requestid", "ownerepoch",
    "chain", "data", "version", "attempt", "reason", "causationid", "correlationid", "partition", "ledger_offset",
)  # fmt: skip
_COLUMNS = "CAST(l.event_id AS text) AS event_id, " + ", ".join(f"l.{name}" for name in _LEDGER)

# The view shows what the decider has saved last, and all that dispatch has met: an item closed by a fact that the view
# does not show yet would look like work that nobody has. And dispatch has passed the fact that led to the state.
_IS_CERTAIN = """
    EXISTS (SELECT FROM projection.position p JOIN decider.watermark w USING (machine, partition)
            JOIN work.position d USING (machine, partition)
            WHERE p.machine = 'file' AND p.partition = f.partition
                AND p.next_offset >= w.next_offset AND p.next_offset >= d.next_offset)
"""
_IS_PASSED = """
    EXISTS (SELECT FROM work.position d
            WHERE d.machine = 'file' AND d.partition = f.partition AND d.next_offset > f.ledger_offset)
"""

_STEPS = text(f"""
    SELECT {_COLUMNS}, {_IS_CERTAIN} AS is_certain
    FROM projection.file_version f
    CROSS JOIN LATERAL (
        SELECT * FROM projection.ledger o
        WHERE o.machine = 'file' AND o.subject = f.file AND o.version = f.version AND o.type IN
            ('file.arrived', 'file.validated', 'file.transferred', 'file.retried', 'file.reprocessed', 'file.reopened')
        ORDER BY o.sequence DESC LIMIT 1) l
    WHERE f.state IN ('QUEUED', 'PROCESSING', 'TRANSFERRING', 'TRANSFERRED')
        AND (NOT f.is_superseded OR :thorough) AND f.since_at < :before AND {_IS_PASSED}
        AND NOT EXISTS (
            SELECT FROM work.item i WHERE i.subject = f.file AND i.lane = 'steps' AND i.version = f.version
                AND i.state IN ('open', 'leased', 'reported', 'parked'))
    ORDER BY f.since_at LIMIT :at_most
""")

_DEADLINES = text(f"""
    SELECT {_COLUMNS}, {_IS_CERTAIN} AS is_certain
    FROM projection.file_version f
    CROSS JOIN LATERAL (
        SELECT * FROM projection.ledger o
        WHERE o.machine = 'file' AND o.subject = f.file AND o.version = f.version AND o.type = 'file.failed'
        ORDER BY o.sequence DESC LIMIT 1) l
    WHERE f.state = 'ERROR' AND NOT f.is_superseded AND f.due_at IS NOT NULL AND f.since_at < :before AND {_IS_PASSED}
        AND NOT EXISTS (SELECT FROM work.deadline d WHERE d.event_id = l.event_id)
    ORDER BY f.due_at LIMIT :at_most
""")

_FOLLOW_UPS = text(f"""
    SELECT {_COLUMNS}, true AS is_certain
    FROM projection.ledger l JOIN work.position d
        ON d.machine = l.machine AND d.partition = l.partition AND d.next_offset > l.ledger_offset
    WHERE l.machine = 'file' AND l.time >= :since AND l.time < :before
        AND l.type IN ('file.registered', 'file.rejected', 'file.failed', 'file.dismissed', 'file.validated')
        AND l.data ? 'pending'
        AND NOT EXISTS (SELECT FROM work.item i WHERE i.event_id = l.event_id AND i.effect = 'follow')
    ORDER BY l.time LIMIT :at_most
""")

_SIDECARS = text(f"""
    SELECT {_COLUMNS}, true AS is_certain
    FROM projection.ledger l JOIN work.position d
        ON d.machine = l.machine AND d.partition = l.partition AND d.next_offset > l.ledger_offset
    WHERE l.machine = 'file' AND l.time >= :since AND l.time < :before
        AND l.type = 'file.arrived' AND l.data -> 'pairing' ? 'due_at'
        AND NOT EXISTS (SELECT FROM work.deadline w WHERE w.event_id = l.event_id)
        AND NOT EXISTS (SELECT FROM projection.ledger o WHERE o.machine = 'file' AND o.subject = l.subject
            AND o.sequence > l.sequence AND o.type IN ('file.paired', 'file.sidecar_late'))
    ORDER BY l.time LIMIT :at_most
""")

_PROGRAM_STEPS = text(f"""
    SELECT {_COLUMNS}, p.part, p.owes_effect
    FROM work.program_part p JOIN projection.ledger l
        ON l.machine = 'op' AND l.subject = p.subject AND l.sequence = p.sequence
    WHERE p.owes_effect IS NOT NULL AND p.owes_since < :before AND NOT EXISTS (
        SELECT FROM work.item i WHERE i.subject = p.subject AND i.part = p.part
            AND i.state IN ('open', 'leased', 'reported', 'parked'))
    ORDER BY p.owes_since LIMIT :at_most
""")

_PROGRAM_DEADLINES = text(f"""
    SELECT {_COLUMNS}, true AS is_certain
    FROM work.program_part p JOIN projection.ledger l
        ON l.machine = 'op' AND l.subject = p.subject AND l.sequence = p.sequence
    WHERE l.data ->> 'due_at' IS NOT NULL AND l.time < :before
        AND NOT EXISTS (SELECT FROM work.deadline d WHERE d.event_id = l.event_id)
    ORDER BY l.time LIMIT :at_most
""")
