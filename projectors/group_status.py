"""One row a group of files (an exposure, a dataset, a delivery): how many are expected, how they stand, until when."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from events import group as facts
from events.envelope import Record
from projectors.database import metadata
from projectors.projection import Folded, Row, first, merged

__all__ = ["group_status"]

_UTC = DateTime(timezone=True)
_FALSE = text("false")

group_status = Folded(
    Table(
        "group_status",
        metadata,
        Column("group_id", Text(collation="C"), primary_key=True, comment="<stream>/<id of the group>"),
        Column("stream", Text, nullable=False, comment="the stream that its members come by"),
        Column("kind", Text, comment="exposure, dataset or delivery"),
        Column("state", Text, nullable=False, comment="Open, Complete, Closed short or Reopened"),
        Column("since_at", _UTC, nullable=False, comment="UTC; when it came into this state"),
        first("first_seen_at", _UTC, "UTC; when it was first heard of"),
        merged("parents", JSONB, "what it belongs to: {op, program, dataset, instrument, proposal}"),
        Column("expected", Integer, comment="how many members are expected; NULL: nobody has said"),
        Column("expected_by", Text, comment="manifest, policy, cadence, header or operator"),
        Column("done", Integer, comment="expected members that are complete, dismissed or excused"),
        Column("seen", Integer, comment="members that there is any word of"),
        Column("complete", Integer, comment="members that are complete"),
        Column("invalid", Integer, comment="members that are invalid"),
        Column("dismissed", Integer, comment="members that will not be taken"),
        Column("excused", Integer, comment="places that need not be filled"),
        Column("unexpected", Integer, comment="members that nobody expects"),
        Column("sidecars", Integer, comment="sidecars that are complete"),
        Column("digest", Text, comment="hex; tells this standing of all members from any other"),
        Column("sidecar_needed", Boolean, nullable=False, server_default=_FALSE, comment="each comes with a sidecar"),
        Column("closes_when_due", Boolean, nullable=False, server_default=_FALSE, comment="what is there then is all"),
        Column("due_at", _UTC, comment="UTC; when all should be there; NULL: nobody has said"),
        Column("is_due", Boolean, nullable=False, server_default=_FALSE, comment="that time has come"),
        Column("missing_ranges", JSONB, comment="JSON array: places missing when due or closed: {first, last}"),
        Column("warnings", JSONB, comment="JSON array: the last warnings: {code, message, found, wanted}"),
        Column("warned_at", _UTC, comment="UTC; when that was"),
        Column("note", Text, comment="the last remark"),
        Column("noted_at", _UTC, comment="UTC; time of the last remark"),
        Column("sequence", BigInteger, nullable=False, comment="number of the last fact in its history"),
        Column("event_id", UUID(as_uuid=False), nullable=False, comment="id of the last fact"),
        Column("partition", Integer, nullable=False, comment="partition of the ledger topic"),
        Column("ledger_offset", BigInteger, nullable=False, comment="offset of the last fact in that partition"),
        Index("group_status_by_state", "state", "since_at"),
        schema="projection",
        postgresql_with={"fillfactor": "70", "autovacuum_vacuum_scale_factor": "0.05"},
    )
)  # fmt: skip


def _row(record: Record, **more: Any) -> Row:
    row: Row = {
        "group_id": record.subject,
        "stream": record.subject.partition("/")[0],
        "state": record.tostate,
        "sequence": record.sequence,
        "event_id": record.id,
        "partition": record.partition,
        "ledger_offset": record.offset,
    }
    if record.fromstate != record.tostate:
        row["since_at"] = record.time
    return row | more


def _counted(record: Record, **more: Any) -> Row:
    data = record.data
    row = _row(record, kind=data["kind"], digest=data["digest"], first_seen_at=record.time)
    row |= {"expected": None, **data["counts"], "parents": data["parents"]}
    if data.get("warnings"):
        row |= {"warnings": data["warnings"], "warned_at": record.time}
    return row | more


@group_status.on(facts.GroupExpected)
def expected(record: Record) -> Row:
    """What is expected from now on."""
    data = record.data
    told = {"expected_by": data["by"], "due_at": data.get("due_at"), "is_due": False}
    return _counted(
        record, **told, sidecar_needed=data["sidecar_needed"], closes_when_due=data["closes_when_due"]
    )


@group_status.on(facts.GroupMemberCounted)
def member_counted(record: Record) -> Row:
    """A member more, or one that stands otherwise."""
    return _counted(record, **({"expected_by": "header"} if record.data.get("expects") else {}))


@group_status.on(facts.GroupExcused, facts.GroupReopened)
def counted(record: Record) -> Row:
    """The counts, and where it stands."""
    return _counted(record)


@group_status.on(facts.GroupDuePassed)
def due_passed(record: Record) -> Row:
    """The time has come."""
    return _counted(record, is_due=True, missing_ranges=record.data["missing_ranges"])


@group_status.on(facts.GroupClosed)
def closed(record: Record) -> Row:
    """By hand."""
    return _counted(record, missing_ranges=record.data["missing_ranges"])


@group_status.on(facts.GroupNoted)
def noted(record: Record) -> Row:
    """A remark."""
    return _row(record, note=record.data["text"], noted_at=record.time)
