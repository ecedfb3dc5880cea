"""One row a data stream: its commandable state, whether it is held, and the configuration in force."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from events import stream as facts
from events.envelope import Record
from projectors.database import metadata
from projectors.projection import Folded, Row

__all__ = ["stream_status"]

_UTC = DateTime(timezone=True)

stream_status = Folded(
    Table(
        "stream_status",
        metadata,
        Column("stream", Text(collation="C"), primary_key=True, comment="name of the stream"),
        Column("state", Text, nullable=False, comment="Offline, Standby, Disabled, Enabled or Fault"),
        Column("since_at", _UTC, nullable=False, comment="UTC; when it came into this state"),
        Column("is_held", Boolean, nullable=False, server_default=text("false"), comment="no work on its files"),
        Column("held_reason", Text, comment="why it is held"),
        Column("held_at", _UTC, comment="UTC; since when it is held"),
        Column("offline_until", _UTC, comment="UTC; until when silence is expected"),
        Column("fault", Text, comment="what is wrong with the stream as a whole"),
        Column("configuration", JSONB, comment="the configuration in force"),
        Column("configuration_version", Integer, comment="number of that configuration, from 1"),
        Column("configured_at", _UTC, comment="UTC; when it came into force"),
        Column("silences", JSONB, comment="silences that stand, by purpose; times in UTC, spans in seconds"),
        Column("sequence", BigInteger, nullable=False, comment="number of the last fact in the stream's history"),
        Column("event_id", UUID(as_uuid=False), nullable=False, comment="id of the last fact"),
        Column("partition", Integer, nullable=False, comment="partition of the ledger topic"),
        Column("ledger_offset", BigInteger, nullable=False, comment="offset of the last fact in that partition"),
        schema="projection",
    )
)  # fmt: skip


def _row(record: Record) -> Row:
    row: Row = {
        "stream": record.subject,
        "state": record.tostate,
        "sequence": record.sequence,
        "event_id": record.id,
        "partition": record.partition,
        "ledger_offset": record.offset,
    }
    if record.fromstate != record.tostate:
        row |= {"since_at": record.time, "offline_until": None, "fault": None, "silences": None}
    return row


@stream_status.on(facts.StreamConfigured)
def configured(record: Record) -> Row:
    """Another configuration is in force."""
    told = {name: record.data[name] for name in ("configuration", "configuration_version")}
    return _row(record) | told | {"configured_at": record.time, "silences": None}


@stream_status.on(
    facts.StreamStarted,
    facts.StreamEnabled,
    facts.StreamDisabled,
    facts.StreamStandby,
    facts.StreamRedriven,
)
def moved(record: Record) -> Row:
    """Only the state changes, if anything."""
    return _row(record)


@stream_status.on(facts.StreamOffline)
def offline(record: Record) -> Row:
    """Silence is expected."""
    return _row(record) | {"offline_until": record.data.get("until")}


@stream_status.on(facts.StreamFaulted)
def faulted(record: Record) -> Row:
    """Something is wrong with it as a whole."""
    return _row(record) | {"fault": record.data["message"]}


@stream_status.on(facts.StreamSilent, facts.StreamHeard)
def silent(record: Record) -> Row:
    """A purpose of which nothing has come, or something again; the fact has all silences that stand."""
    return _row(record) | {"silences": record.data["silences"] or None}


@stream_status.on(facts.StreamHeld)
def held(record: Record) -> Row:
    """No work on its files."""
    return _row(record) | {"is_held": True, "held_reason": record.reason, "held_at": record.time}


@stream_status.on(facts.StreamUnheld)
def unheld(record: Record) -> Row:
    """Work goes on."""
    return _row(record) | {"is_held": False, "held_reason": None, "held_at": None}
