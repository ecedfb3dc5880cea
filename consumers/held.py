"""What claims go by besides the items: streams and their configurations, held files, and who announced a version."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from consumers.rows import rows_json
from events.stream import StreamConfiguration
from projectors.database import metadata

__all__ = [
    "STREAM_CHANNEL",
    "WHOLE_FILE",
    "WORKED_ON",
    "configuration",
    "configuration_of",
    "gate",
    "hold",
    "keep_configurations",
    "keep_holds",
    "keep_streams",
    "keep_versions",
    "open_gate",
    "shut_gate",
    "stream",
    "version",
]

STREAM_CHANNEL = "meridian_stream"
"""Notified when streams have changed."""

WORKED_ON = ("Enabled", "Offline")
"""States in which a stream's files are worked on; in all others they are taken in and queued."""

WHOLE_FILE = 0
"""In ``work.version``: the row of the file as a whole, for content that waits behind a version in flight."""

stream = Table(
    "stream",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("held", Boolean, nullable=False),
    Column(
        "class_limits", JSONB, nullable=False, comment="work items at once, by class; not named: no limit"
    ),
    Column(
        "trust",
        JSONB,
        nullable=False,
        server_default=text("'{}'"),
        comment="how it is earned; not named: the defaults",
    ),
    Column("sequence", BigInteger, nullable=False, comment="of the last fact that is in this row"),
    schema="work",
)

configuration = Table(
    "stream_configuration",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("configuration_version", Integer, primary_key=True, autoincrement=False),
    Column("configuration", JSONB, nullable=False),
    schema="work",
)

hold = Table(
    "hold",
    metadata,
    Column(
        "subject", Text(collation="C"), primary_key=True, comment="a file on which no work is done for now"
    ),
    Column("sequence", BigInteger, nullable=False),
    schema="work",
)

version = Table(
    "version",
    metadata,
    Column("subject", Text(collation="C"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False, comment="0: the file as a whole"),
    Column("sender", Text, comment="who announced it, and is answered"),
    Column("correlationid", Text, comment="the sender's own event id"),
    Column("queued_at", DateTime(timezone=True), comment="when it arrived, or was asked to be done again"),
    Column("base_attempt", Integer, comment="the attempt from which automatic tries are counted"),
    Column("work_class", Text),
    Column("priority", SmallInteger),
    schema="work",
)


gate = Table(
    "gate",
    metadata,
    Column("name", Text, primary_key=True, comment="who wants all work to rest"),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("reason", Text, nullable=False),
    schema="work",
)


def shut_gate(connection: Connection, name: str, reason: str) -> None:
    """No claims from now on, until whoever shut the gate opens it."""
    connection.execute(_SHUT, {"name": name, "reason": reason})


def open_gate(connection: Connection, name: str) -> bool:
    """Claims may go on; False: the gate was open."""
    return connection.execute(_OPEN, {"name": name}).rowcount == 1


def configuration_of(connection: Connection, name: str, number: int) -> StreamConfiguration | None:
    """The configuration of a stream that has this version; None if dispatch has not met it yet."""
    found = connection.execute(_CONFIGURATION, {"stream": name, "number": number}).scalar_one_or_none()
    return None if found is None else StreamConfiguration.model_validate(found)


def keep_streams(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Streams as facts leave them; members that are left out stay as they are."""
    if rows:
        connection.execute(_KEEP_STREAMS, {"rows": rows_json(rows)})


def keep_configurations(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Every version of every stream's configuration, so that work uses exactly the one a file arrived under."""
    if rows:
        connection.execute(_KEEP_CONFIGURATIONS, {"rows": rows_json(rows)})


def keep_holds(connection: Connection, held: Iterable[tuple[str, int]], released: Iterable[str]) -> None:
    """Files held (with the fact's sequence) and files released."""
    held, released = list(held), list(released)
    if held:
        rows = rows_json({"subject": subject, "sequence": sequence} for subject, sequence in held)
        connection.execute(_HOLD, {"rows": rows})
    if released:
        connection.execute(_RELEASE, {"subjects": released})


def keep_versions(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """What facts say of versions; members that are left out stay as they are."""
    if rows:
        connection.execute(_KEEP_VERSIONS, {"rows": rows_json(rows)})


_SHUT = text("""
    INSERT INTO work.gate (name, since, reason) VALUES (:name, clock_timestamp(), :reason)
    ON CONFLICT (name) DO UPDATE SET reason = excluded.reason
""")

_OPEN = text("DELETE FROM work.gate WHERE name = :name")

_CONFIGURATION = text(
    "SELECT configuration FROM work.stream_configuration WHERE stream = :stream AND configuration_version = :number"
)

_KEEP_STREAMS = text("""
    INSERT INTO work.stream (stream, state, held, class_limits, trust, sequence)
    SELECT r.stream, r.state, coalesce(r.held, s.held, false), coalesce(r.class_limits, s.class_limits, '{}'),
           coalesce(r.trust, s.trust, '{}'), r.sequence
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
         AS r (stream text, state text, held boolean, class_limits jsonb, trust jsonb, sequence bigint)
    LEFT JOIN work.stream s ON s.stream = r.stream
    ON CONFLICT (stream) DO UPDATE SET state = excluded.state, held = excluded.held,
        class_limits = excluded.class_limits, trust = excluded.trust, sequence = excluded.sequence
""")

_KEEP_CONFIGURATIONS = text("""
    INSERT INTO work.stream_configuration (stream, configuration_version, configuration)
    SELECT stream, configuration_version, configuration
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
         AS r (stream text, configuration_version int, configuration jsonb)
    ON CONFLICT (stream, configuration_version) DO UPDATE SET configuration = excluded.configuration
""")

_HOLD = text("""
    INSERT INTO work.hold (subject, sequence)
    SELECT subject, sequence FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (subject text, sequence bigint)
    ON CONFLICT (subject) DO UPDATE SET sequence = excluded.sequence
""")

_RELEASE = text("DELETE FROM work.hold WHERE subject = ANY(:subjects)")

_KEEP_VERSIONS = text("""
    INSERT INTO work.version AS v
        (subject, version, sender, correlationid, queued_at, base_attempt, work_class, priority)
    SELECT subject, version, sender, correlationid, queued_at, base_attempt, work_class, priority
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
         AS r (subject text, version int, sender text, correlationid text, queued_at timestamptz, base_attempt int,
               work_class text, priority smallint)
    ON CONFLICT (subject, version) DO UPDATE SET
        sender = coalesce(excluded.sender, v.sender),
        correlationid = coalesce(excluded.correlationid, v.correlationid),
        queued_at = coalesce(excluded.queued_at, v.queued_at),
        base_attempt = coalesce(excluded.base_attempt, v.base_attempt),
        work_class = coalesce(excluded.work_class, v.work_class),
        priority = coalesce(excluded.priority, v.priority)
""")
