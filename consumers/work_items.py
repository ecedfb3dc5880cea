"""Work items: what facts oblige us to do, one row an event and effect, from open to done; their table and SQL."""

# ruff: noqa: S608 - statements are put together from constants of this module

from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Row,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from consumers.rows import BY_KEY, rows_json
from consumers.work_lanes import STEP_LANES
from events.ids import derived_id
from projectors.database import metadata
from projectors.positions import position_table

__all__ = [
    "CHANNEL",
    "UNFINISHED",
    "Closing",
    "Key",
    "Lease",
    "add",
    "close",
    "finish",
    "item",
    "notify",
    "park",
    "position",
    "prune",
    "refuse",
    "reopen",
    "supersede",
]

CHANNEL = "meridian_work"
"""Notified when items were added or may be claimed again."""

item = Table(
    "item",
    metadata,
    Column("event_id", UUID(as_uuid=False), primary_key=True, comment="the fact that obliges"),
    Column("effect", Text, primary_key=True),
    Column("lane", Text, nullable=False, comment="items of one subject and lane are worked on in order"),
    Column("subject", Text(collation="C"), nullable=False),
    Column("stream", Text, nullable=False),
    Column("version", Integer),
    Column("attempt", Integer),
    Column("sequence", BigInteger, nullable=False, comment="of the fact in its subject: the order within a lane"),
    Column("work_class", Text, nullable=False, comment="normal or large"),
    Column("priority", SmallInteger, nullable=False, comment="0 live, 1 catch-up"),
    Column("queued_at", DateTime(timezone=True), nullable=False, comment="when the version arrived: claims go by it"),
    Column("created_at", DateTime(timezone=True), nullable=False, comment="time of the fact"),
    Column("state", Text, nullable=False, comment="open, leased, reported, parked; done, stale"),
    Column("try_number", Integer, nullable=False, server_default="1"),
    Column("report_id", UUID(as_uuid=False), nullable=False, comment="id of the request that will report on it"),
    Column("payload", JSONB, nullable=False, comment="what the effect needs, from the fact"),
    Column("correlationid", Text),
    Column("part", Text, comment="of an observing program: program:<id>, attempt:<number>; NULL: no part of it"),
    Column("due_at", DateTime(timezone=True), comment="not before; NULL: at once"),
    Column("lease_owner", Text),
    Column("lease_epoch", BigInteger, nullable=False, server_default="0", comment="raised by each claim: the fence"),
    Column("lease_until", DateTime(timezone=True)),
    Column("report", LargeBinary, comment="the report as sent, until its outcome is known"),
    Column("reported_at", DateTime(timezone=True)),
    Column("resent", Integer, nullable=False, server_default="0"),
    Column("last_code", Text, comment="of the last failure or refusal"),
    Column("last_error", Text),
    Column("parked_reason", Text),
    Column("finished_at", DateTime(timezone=True), comment="time of the record that closed it"),
    # Finished items, however many, are in none of the indexes that claims use.
    Index(
        "item_to_claim", "stream", "effect", "work_class", "priority", "queued_at",
        postgresql_where=text("state = 'open' AND lane = 'steps'"),
    ),
    Index("item_to_claim_lightly", "effect", "queued_at", postgresql_where=text("state = 'open' AND lane <> 'steps'")),
    Index(
        "item_in_order", "subject", "lane", "sequence",
        postgresql_where=text("state IN ('open', 'leased', 'reported', 'parked')"),
    ),
    Index("item_by_report", "report_id", postgresql_where=text("state IN ('open', 'leased', 'reported', 'parked')")),
    Index("item_leased", "stream", "effect", "work_class", postgresql_where=text("state = 'leased'")),
    Index("item_reported", "reported_at", postgresql_where=text("state = 'reported'")),
    Index("item_parked", "stream", postgresql_where=text("state = 'parked'")),
    Index("item_finished", "finished_at", postgresql_where=text("state IN ('done', 'stale')")),
    schema="work",
    # Most rows change four times and are then left alone: vacuum often, so that dead entries never slow a claim.
    postgresql_with={
        "fillfactor": "70",
        "autovacuum_vacuum_scale_factor": "0.02",
        "autovacuum_analyze_scale_factor": "0.02",
    },
)  # fmt: skip

position = position_table("work")
"""Where dispatch stands on the ledger; it moves in the transaction that writes the items."""


class Key(NamedTuple):
    """What names an item."""

    event_id: str
    effect: str


class Lease(NamedTuple):
    """An item under lease. A database that loses its last commits in a crash may give one epoch to two owners."""

    event_id: str
    effect: str
    lease_owner: str
    lease_epoch: int


class Closing(NamedTuple):
    """What the ledger says of a request: ``outcome`` is done, stale (a report nobody waited for) or refused."""

    request_id: str
    outcome: str
    at: datetime
    code: str | None = None
    reasons: tuple[str, ...] = ()


def add(connection: Connection, rows: Sequence[dict[str, Any]]) -> int:
    """Insert items that are not there yet; how many were new. Columns left out have their defaults.

    An answer that nobody waits for is there and done: what facts oblige us to stays whole, and costs no more than that.
    """
    if not rows:
        return 0
    return connection.execute(_ADD, {"rows": rows_json(rows)}).rowcount


def supersede(connection: Connection, ends: Iterable[tuple[str, int | None, int, datetime]]) -> int:
    """Steps owed by earlier facts of these versions (subject, version, sequence, time) are stale.

    Of several facts of one version the last one closes: an UPDATE that meets two rows takes either.
    """
    last = {
        (subject, version): (sequence, at) for subject, version, sequence, at in sorted(ends, key=_SEQUENCE)
    }
    rows = [
        {"subject": subject, "version": version, "sequence": sequence, "at": at.isoformat()}
        for (subject, version), (sequence, at) in last.items()
    ]
    return connection.execute(_SUPERSEDE, {"rows": rows_json(rows)}).rowcount if rows else 0


def close(connection: Connection, closings: Iterable[Closing]) -> int:
    """Close items by the outcome of their reports; refusals are left to ``refuse``."""
    rows = [
        {"report_id": each.request_id, "state": each.outcome, "at": each.at.isoformat()}
        for each in closings
        if each.outcome != "refused"
    ]
    return connection.execute(_CLOSE, {"rows": rows_json(rows)}).rowcount if rows else 0


def refuse(connection: Connection, closings: Iterable[Closing]) -> int:
    """Items whose report was refused; how many of them are open for another try.

    A refused follow-up is an answer. A refused step has one more try, to report that; refused again, it is parked.
    """
    refused = {each.request_id: each for each in closings if each.outcome == "refused"}
    if not refused:
        return 0
    rows = connection.execute(_REFUSED_TRIES, {"ids": list(refused)}).all()
    return sum(_refuse(connection, row, refused[row.report_id]) for row in rows)


def finish(connection: Connection, leases: Iterable[Lease], *, at: datetime) -> int:
    """Mark items without a report done; whoever has lost the lease marks nothing."""
    rows = [each._asdict() for each in leases]
    return connection.execute(_FINISH, {"rows": rows_json(rows), "at": at}).rowcount if rows else 0


def park(connection: Connection, lease: Lease, *, code: str, reason: str) -> bool:
    """The item and what waits behind it for its subject stand still until a person looks. False: lease lost."""
    members = {**lease._asdict(), "code": code, "reason": reason}
    return connection.execute(_PARK, members).rowcount == 1


def reopen(connection: Connection, keys: Iterable[Key]) -> int:
    """Open finished items for another try: the state they were to lead on from still waits."""
    count = 0
    for key in keys:
        number = connection.execute(_FINISHED_TRY, key._asdict()).scalar_one_or_none()
        if number is not None:
            members = {"number": number + 1, "report_id": derived_id(key.event_id, key.effect, number + 1)}
            count += connection.execute(_REOPEN, {**key._asdict(), **members}).rowcount
    return count


def prune(connection: Connection, *, before: datetime, at_most: int = 5000) -> int:
    """Delete items that were finished before then, a bounded number at a time; the ledger keeps what they did."""
    return connection.execute(_PRUNE, {"before": before, "at_most": at_most}).rowcount


def notify(connection: Connection, effects: Iterable[str] = (), *, channel: str = CHANNEL) -> None:
    """Wake those who listen, once this transaction has committed; ``effects`` empty: whatever they do."""
    members = {"channel": channel, "payload": ",".join(sorted(effects))}
    connection.execute(text("SELECT pg_notify(:channel, :payload)"), members)


def _refuse(connection: Connection, row: Row[Any], closing: Closing) -> bool:
    if row.lane not in STEP_LANES:
        state, number = "done", row.try_number
    elif row.was_refused:
        state, number = "parked", row.try_number
    else:
        state, number = "open", row.try_number + 1
    members = {
        "event_id": row.event_id,
        "effect": row.effect,
        "state": state,
        "number": number,
        "report_id": derived_id(row.event_id, row.effect, number),
        "code": closing.code,
        "reason": "; ".join(closing.reasons),
        "refused": rows_json([{"code": closing.code, "reasons": closing.reasons}]),
        "at": closing.at,
    }
    connection.execute(_REFUSE, members)
    return state == "open"


_SEQUENCE = itemgetter(2)

UNFINISHED = "state IN ('open', 'leased', 'reported', 'parked')"
"""As the partial indexes have it, so that they are used."""

UNFINISHED_BY_KEY = "state || '' IN ('open', 'leased', 'reported', 'parked')"
"""As no partial index has it, so that rows are found by their keys."""

_NO_LEASE = "lease_owner = NULL, lease_until = NULL"

# What a watched folder of ours announces has no sender who waits for an answer: that all is well is told to nobody.
_TOLD_TO_NOBODY = """
    r.effect = 'answer' AND coalesce(r.payload ->> 'sender', v.sender) = 'folder-' || r.stream
        AND r.payload ->> 'type' IN ('file.arrived', 'file.registered')
"""

_ADD = text(f"""
    INSERT INTO work.item (event_id, effect, lane, subject, stream, version, attempt, sequence, work_class, priority,
                           queued_at, created_at, state, finished_at, report_id, payload, correlationid, part, due_at)
    SELECT r.event_id, r.effect, r.lane, r.subject, r.stream, r.version, r.attempt, r.sequence,
           coalesce(r.work_class, v.work_class, 'normal'), coalesce(r.priority, v.priority, 0),
           coalesce(v.queued_at, r.created_at), r.created_at,
           CASE WHEN {_TOLD_TO_NOBODY} THEN 'done' ELSE 'open' END,
           CASE WHEN {_TOLD_TO_NOBODY} THEN r.created_at END,
           r.report_id, coalesce(r.payload, '{{}}'), r.correlationid, r.part, r.due_at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (
        event_id uuid, effect text, lane text, subject text, stream text, version int, attempt int, sequence bigint,
        work_class text, priority smallint, created_at timestamptz, report_id uuid, payload jsonb, correlationid text,
        part text, due_at timestamptz)
    LEFT JOIN work.version v ON v.subject = r.subject AND v.version = r.version
    ON CONFLICT (event_id, effect) DO NOTHING
""")

_SUPERSEDE = text(f"""
    UPDATE work.item i SET state = 'stale', finished_at = r.at, report = NULL, {_NO_LEASE}
    FROM (SELECT f.event_id, f.effect, r.at
          FROM jsonb_to_recordset(CAST(:rows AS jsonb))
               AS r (subject text, version int, sequence bigint, at timestamptz)
          CROSS JOIN LATERAL (
              SELECT f.event_id, f.effect FROM work.item f
              WHERE f.subject = r.subject AND f.lane = 'steps' AND f.version = r.version AND f.sequence < r.sequence
                  AND f.{UNFINISHED} OFFSET 0) f OFFSET 0) AS r
    WHERE i.event_id = r.event_id AND i.effect = r.effect AND i.{UNFINISHED_BY_KEY}
""")

_CLOSE = text(f"""
    UPDATE work.item i SET state = r.state, finished_at = r.at, report = NULL, parked_reason = NULL, {_NO_LEASE}
    FROM (SELECT r.report_id, r.state, r.at, f.event_id, f.effect
          FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (report_id uuid, state text, at timestamptz)
          CROSS JOIN LATERAL (
              SELECT f.event_id, f.effect FROM work.item f
              WHERE f.report_id = r.report_id AND f.{UNFINISHED} OFFSET 0) f OFFSET 0) AS r
    WHERE i.event_id = r.event_id AND i.effect = r.effect AND i.report_id = r.report_id AND i.{UNFINISHED_BY_KEY}
""")

_FINISH = text(f"""{BY_KEY}
    UPDATE work.item i SET state = 'done', finished_at = :at, {_NO_LEASE}
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
        AS r (event_id uuid, effect text, lease_owner text, lease_epoch bigint)
    WHERE i.event_id = r.event_id AND i.effect = r.effect AND i.state || '' = 'leased'  -- by the key, as in claims
        AND i.lease_owner = r.lease_owner AND i.lease_epoch = r.lease_epoch
""")

_PARK = text(f"""
    UPDATE work.item
    SET state = 'parked', parked_reason = :reason, last_code = :code, last_error = :reason, {_NO_LEASE}
    WHERE event_id = :event_id AND effect = :effect AND state = 'leased'
        AND lease_owner = :lease_owner AND lease_epoch = :lease_epoch
""")

_FINISHED_TRY = text("""
    SELECT try_number FROM work.item
    WHERE event_id = :event_id AND effect = :effect AND state IN ('done', 'stale') FOR UPDATE
""")

_REOPEN = text("""
    UPDATE work.item SET state = 'open', try_number = :number, report_id = :report_id, due_at = NULL,
        finished_at = NULL, payload = payload - 'refused'
    WHERE event_id = :event_id AND effect = :effect AND state IN ('done', 'stale')
""")

_REFUSED_TRIES = text(f"""
    SELECT CAST(event_id AS text) AS event_id, effect, CAST(report_id AS text) AS report_id, lane,
        try_number, payload ? 'refused' AS was_refused FROM work.item
    WHERE report_id = ANY(CAST(:ids AS uuid[])) AND {UNFINISHED} AND state <> 'parked' ORDER BY 1, 2 FOR UPDATE
""")

_REFUSE = text(f"""
    UPDATE work.item SET state = :state, try_number = :number, report_id = :report_id, last_code = :code,
           last_error = :reason, report = NULL, {_NO_LEASE}, lease_epoch = lease_epoch + 1,
           parked_reason = CASE WHEN :state = 'parked' THEN :reason END,
           finished_at = CASE WHEN :state = 'done' THEN CAST(:at AS timestamptz) END,
           payload = CASE WHEN :state = 'open'
               THEN payload || jsonb_build_object('refused', CAST(:refused AS jsonb) -> 0) ELSE payload END
    WHERE event_id = :event_id AND effect = :effect
""")

_PRUNE = text("""
    DELETE FROM work.item WHERE ctid IN (
        SELECT ctid FROM work.item WHERE state IN ('done', 'stale') AND finished_at < :before LIMIT :at_most)
""")
