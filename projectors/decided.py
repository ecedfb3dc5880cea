"""Tables of the decider (schema ``decider``): lease, topics as first seen, watermarks, snapshots, outcomes."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from projectors.database import metadata

__all__ = [
    "halt",
    "installation",
    "lease",
    "outcome",
    "recovery",
    "reseat",
    "snapshot",
    "topic",
    "watermark",
]

lease = Table(
    "lease",
    metadata,
    Column("machine", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column(
        "owner", Text, nullable=False, comment="host, process and a random word of the process that holds it"
    ),
    Column(
        "owner_epoch", BigInteger, nullable=False, comment="raised at every take-over; stands in each record"
    ),
    Column(
        "expires_at",
        DateTime(timezone=True),
        nullable=False,
        comment="UTC; liveness only, the fence is Kafka's",
    ),
    Column(
        "clock_ahead_s",
        Double,
        comment="seconds; the owner's clock less PostgreSQL's, when it was last heard of",
    ),
    schema="decider",
)

installation = Table(
    "installation",
    metadata,
    Column(
        "is_one",
        Boolean,
        CheckConstraint("is_one", name="has_one_row"),
        primary_key=True,
        comment="there is one row at most",
    ),
    Column("site", Text, nullable=False, comment="whose database this is"),
    Column("cluster_id", Text, nullable=False, comment="of the Kafka cluster with the site's ledger"),
    Column("written_at", DateTime(timezone=True), nullable=False, comment="UTC, PostgreSQL's clock"),
    schema="decider",
)

reseat = Table(
    "reseat",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("machine", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("requests_topic_id", Text, nullable=False),
    Column(
        "next_request", BigInteger, nullable=False, comment="request offset to go on at, by a person's word"
    ),
    Column(
        "ledger_end",
        BigInteger,
        nullable=False,
        comment="ledger offset: what stands before it says nothing about where to go on",
    ),
    Column("written_at", DateTime(timezone=True), nullable=False, comment="UTC, PostgreSQL's clock"),
    schema="decider",
)

topic = Table(
    "topic",
    metadata,
    Column("name", Text, primary_key=True),
    Column(
        "topic_id",
        Text,
        nullable=False,
        comment="the cluster's id: another id is another topic of the same name",
    ),
    Column("partitions", Integer, nullable=False, comment="fixed for ever"),
    Column("written_at", DateTime(timezone=True), nullable=False, comment="UTC"),
    schema="decider",
)

watermark = Table(
    "watermark",
    metadata,
    Column("machine", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column(
        "next_offset",
        BigInteger,
        nullable=False,
        comment="ledger offset up to which snapshots and outcomes stand",
    ),
    Column(
        "next_request",
        BigInteger,
        nullable=False,
        comment="1 + highest request offset decided, of this topic id",
    ),
    Column("requests_topic_id", Text, nullable=False),
    Column(
        "fold_version",
        Integer,
        nullable=False,
        comment="of the machine's fold: another one makes snapshots useless",
    ),
    Column("owner_epoch", BigInteger, nullable=False),
    schema="decider",
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("machine", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("partition", Integer, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("state", Text, nullable=False, comment="JSON of the subject: state, sequence, chain, time"),
    schema="decider",
    postgresql_with={"fillfactor": "70"},
)

outcome = Table(
    "outcome",
    metadata,
    Column("record_id", UUID(as_uuid=False), primary_key=True, comment="uuid5(site, subject, request id)"),
    Column("machine", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("ledger_offset", BigInteger, nullable=False, comment="of the record"),
    Column("sequence", BigInteger, nullable=False),
    Column(
        "request_digest",
        Text,
        nullable=False,
        comment="first 32 hex digits of SHA-256 over the request's content",
    ),
    Column("type", Text, nullable=False),
    Column("tostate", Text),
    Column("version", Integer),
    Column("refusal", JSONB, comment="code, reasons, allowed; NULL for a fact"),
    Column("decided_at", DateTime(timezone=True), nullable=False, comment="UTC, time of the record"),
    Index("outcome_by_age", "decided_at", postgresql_using="brin"),
    schema="decider",
)

halt = Table(
    "halt",
    metadata,
    Column("part", Text, primary_key=True, comment="who halted: decider, projector, dispatch"),
    Column("machine", Text, primary_key=True),
    Column("partition", Integer, primary_key=True, comment="-1: all of them"),
    Column("code", Text, nullable=False),
    Column("message", Text, nullable=False, comment="what was found, what was wanted"),
    Column("details", JSONB, nullable=False),
    Column("halted_at", DateTime(timezone=True), nullable=False, comment="UTC"),
    schema="decider",
)

recovery = Table(
    "recovery",
    metadata,
    Column("number", BigInteger, Identity(always=True), primary_key=True),
    Column("part", Text, nullable=False, comment="who had halted: decider, projector, dispatch"),
    Column("machine", Text, nullable=False),
    Column("partition", Integer, nullable=False, comment="-1: all of them"),
    Column("code", Text, nullable=False, comment="of the halt"),
    Column("message", Text, nullable=False, comment="of the halt"),
    Column("details", JSONB, nullable=False, comment="of the halt"),
    Column("done", Text, nullable=False, comment="what was done about it"),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("halted_at", DateTime(timezone=True), nullable=False, comment="UTC"),
    Column("recovered_at", DateTime(timezone=True), nullable=False, comment="UTC, PostgreSQL's clock"),
    schema="decider",
)
