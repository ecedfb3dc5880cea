"""One row an observing program: its state, what it is an execution of, its place in the queue, what failed in it."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from events import op as facts
from events import op_attempts as attempts
from events import op_staging as staging
from events.envelope import Record
from projectors.database import metadata
from projectors.projection import Folded, Row, first, greatest, merged

__all__ = ["NOT_PLAIN", "op_status"]

NOT_PLAIN = "priority <> 0 OR mark OR is_held OR failures IS NOT NULL"
"""Somebody has said something about its place in the queue, or something is in the way of a claim; few are so."""

_UTC = DateTime(timezone=True)
_STATES = "Discovered, Invertible, Not Invertible, Preprocessed, Working, Inverted, Published or Error"
_FALSE = text("false")

op_status = Folded(
    Table(
        "op_status",
        metadata,
        Column("op", Text(collation="C"), primary_key=True, comment="id of the observing program's execution"),
        Column("state", Text, nullable=False, comment=_STATES),
        Column("since_at", _UTC, nullable=False, comment="UTC; when it came into this state"),
        Column("source", Text, comment="the catalogue, or the sender's event, that it was discovered by"),
        Column("experiment", Text, comment="experiment that it belongs to"),
        Column("proposal", Text, comment="proposal that it belongs to"),
        Column("observing_program", Text, comment="what was executed; repeats share it"),
        Column("repeat", Text, comment="which execution of it this is"),
        Column("announced_datasets", BigInteger, comment="how many it has in all, as a sender said; NULL: nobody has"),
        first("first_seen_at", _UTC, "UTC; when it was discovered"),
        greatest("attempts", Integer, "how many attempts at inverting a program of it were begun"),
        Column("is_held", Boolean, nullable=False, server_default=_FALSE, comment="no new work on it for now"),
        Column("held_reason", Text, comment="why it is held"),
        Column("held_at", _UTC, comment="UTC; since when it is held"),
        Column("priority", Integer, nullable=False, server_default=text("0"), comment="-100 to 100; higher: sooner"),
        Column("mark", Boolean, nullable=False, server_default=_FALSE, comment="an operator has marked it as next"),
        Column("owner", Text, comment="whose it is"),
        Column("lead", Text, comment="who hears of it after the owner"),
        Column("owner_due_at", _UTC, comment="UTC; by when it is to be done"),
        Column("lead_due_at", _UTC, comment="UTC; when the lead hears of it"),
        Column("overdue_to", Text, comment="who was told last that it is overdue: owner or lead; NULL: nobody"),
        Column("overdue_at", _UTC, comment="UTC; when that was"),
        merged("failures", JSONB, "by part (op, program:<id>, attempt:<number>): what failed there; null: mended"),
        Column("note", Text, comment="the last remark"),
        Column("noted_at", _UTC, comment="UTC; time of the last remark"),
        Column("sequence", BigInteger, nullable=False, comment="number of the last fact in its history"),
        Column("event_id", UUID(as_uuid=False), nullable=False, comment="id of the last fact"),
        Column("partition", Integer, nullable=False, comment="partition of the ledger topic"),
        Column("ledger_offset", BigInteger, nullable=False, comment="offset of the last fact in that partition"),
        first("correlationid", Text, "the story it belongs to: the sender's id of what it was discovered by"),
        Index("op_status_by_state", "state", "since_at"),
        Index("op_status_not_plain", "op", postgresql_where=text(NOT_PLAIN)),
        schema="projection",
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.05"},
    )
)  # fmt: skip


def _row(record: Record, **more: Any) -> Row:
    row: Row = {
        "op": record.subject,
        "state": record.tostate,
        "sequence": record.sequence,
        "event_id": record.id,
        "partition": record.partition,
        "ledger_offset": record.offset,
    }
    if record.fromstate != record.tostate:
        row["since_at"] = record.time
    return row | more


def _members(record: Record, *names: str) -> Row:
    return {name: record.data.get(name) for name in names}


@op_status.on(facts.OpDiscovered)
def discovered(record: Record) -> Row:
    """It exists."""
    told = _members(record, "source", "experiment", "proposal", "observing_program", "repeat")
    seen = {"first_seen_at": record.time, "correlationid": record.correlationid}
    return _row(record, **told, **seen, **_announced(record))


@op_status.on(facts.OpDatasetsChanged)
def changed(record: Record) -> Row:
    """What was announced of the whole may have been overruled since."""
    return _row(record, **_announced(record))


def _announced(record: Record) -> Row:
    return {"announced_datasets": (record.data.get("announced") or {}).get("expected")}


@op_status.on(
    facts.OpMetadataChanged, facts.OpReadyAwaited,
    facts.OpReadinessClosed, facts.OpJudged, facts.OpRequalified, facts.OpPreprocessed, facts.OpNotNeeded,
    facts.OpReportIgnored, attempts.OpExtended, attempts.OpHandedOver, attempts.OpLeaseWarned, attempts.OpHandedIn,
    attempts.OpHandInRefused, attempts.OpInverted, attempts.OpAccepted, attempts.OpReworkAsked,
    attempts.OpPublishing, attempts.OpStepDone, attempts.OpEmbargoed, attempts.OpEmbargoLifted,
    staging.OpUnstaging, staging.OpUnstaged,
)  # fmt: skip
def moved(record: Record) -> Row:
    """Only where it stands may change; programs, datasets and attempts have rows of their own."""
    return _row(record)


@op_status.on(facts.OpReadyKept)
def spoken_of(record: Record) -> Row:
    """A sender's word is kept; it may be the first that is heard of it."""
    data = record.data
    seen = {"first_seen_at": record.time, "correlationid": record.correlationid}
    is_of_all = data.get("program") is None and data.get("expected_datasets") is not None
    return _row(record, **seen, **({"announced_datasets": data["expected_datasets"]} if is_of_all else {}))


@op_status.on(attempts.OpClaimed)
def claimed(record: Record) -> Row:
    """One attempt more."""
    return _row(record, attempts=record.attempt)


@op_status.on(attempts.OpReleased, attempts.OpRejected, attempts.OpWithdrawing, attempts.OpWithdrawn)
def ended(record: Record) -> Row:
    """What failed in the attempt is of no account any more."""
    return _row(record, failures={f"attempt:{record.attempt}": None})


@op_status.on(attempts.OpPublished)
def published(record: Record) -> Row:
    """The attempt that it supersedes has ended."""
    former = record.data.get("supersedes")
    return _row(record, **({"failures": {f"attempt:{former}": None}} if former else {}))


@op_status.on(facts.OpFailed)
def failed(record: Record) -> Row:
    """A part of it failed."""
    names = ("step", "code", "failure_class", "message", "found", "wanted", "due_at", "failed_from")
    told = {name: value for name, value in _members(record, *names).items() if value is not None}
    return _row(record, failures={record.data["part"]: {**told, "at": record.time}})


@op_status.on(facts.OpRecovered)
def recovered(record: Record) -> Row:
    """That part goes on."""
    return _row(record, failures={record.data["part"]: None})


@op_status.on(facts.OpPrioritised)
def prioritised(record: Record) -> Row:
    """Its place in the queue."""
    return _row(record, **_members(record, "priority", "mark"))


@op_status.on(facts.OpAssigned)
def assigned(record: Record) -> Row:
    """Whose it is."""
    told = _members(record, "owner", "lead", "lead_due_at")
    return _row(record, **told, owner_due_at=record.data.get("due_at"), overdue_to=None, overdue_at=None)


@op_status.on(facts.OpOverdue)
def overdue(record: Record) -> Row:
    """Somebody was told."""
    return _row(record, overdue_to=record.data["to"], overdue_at=record.time)


@op_status.on(facts.OpHeld)
def held(record: Record) -> Row:
    """No new work for now."""
    return _row(record, is_held=True, held_reason=record.reason, held_at=record.time)


@op_status.on(facts.OpUnheld)
def unheld(record: Record) -> Row:
    """Work goes on."""
    return _row(record, is_held=False, held_reason=None, held_at=None)


@op_status.on(facts.OpNoted)
def noted(record: Record) -> Row:
    """A remark."""
    return _row(record, note=record.data["text"], noted_at=record.time)
