"""All records of all machines, refusals included: for search, for history, and for the check for holes."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Index,
    Integer,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
    bindparam,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from events.envelope import Record
from projectors.copy_text import NULL, encoder_of, json_cell
from projectors.database import metadata
from projectors.sequences import LastSequences

__all__ = ["LEDGER_COLUMNS", "last_sequences_in", "ledger", "ledger_lines", "storable_ledger_line"]

ledger = Table(
    "ledger",
    metadata,
    Column("machine", Text, primary_key=True, comment="file, identity, stream: which lifecycle"),
    Column(
        "partition", Integer, primary_key=True, autoincrement=False, comment="partition of the ledger topic"
    ),
    Column(
        "ledger_offset", BigInteger, primary_key=True, autoincrement=False, comment="offset in that partition"
    ),
    Column(
        "event_id",
        UUID(as_uuid=False),
        nullable=False,
        comment="id of the record, a UUID made from its request",
    ),
    Column(
        "subject", Text(collation="C"), nullable=False, comment="whom it is about; <stream>/<name> for a file"
    ),
    Column(
        "sequence",
        BigInteger,
        nullable=False,
        comment="number of the record in its subject's history, from 1",
    ),
    Column("type", Text, nullable=False, comment="what happened, such as file.started, or <machine>.refused"),
    Column("time", DateTime(timezone=True), nullable=False, comment="UTC; when it was decided"),
    Column("fromstate", Text, comment="state before; NULL: nothing was known"),
    Column("tostate", Text, comment="state after; the same as before for a refusal"),
    Column("version", Integer, comment="version of the file that it concerns"),
    Column("attempt", Integer, comment="attempt at that version"),
    Column("actor", Text, nullable=False, comment="who asked: a sender, a worker, an operator"),
    Column("reason", Text, comment="why, where a person asked"),
    Column("requestid", Text, nullable=False, comment="id of the request that it answers"),
    Column("causationid", Text, comment="id of what caused the request"),
    Column("correlationid", Text, comment="the story: the same for all that follows from one announcement"),
    Column("ownerepoch", BigInteger, nullable=False, comment="epoch of the decider that wrote it"),
    Column(
        "chain", Text, nullable=False, comment="SHA-256 over the subject's previous link and this record, hex"
    ),
    Column("is_refusal", Boolean, nullable=False, comment="a refusal changes no state"),
    Column("data", JSONB, comment="what the event says; NULL where PostgreSQL can't hold it"),
    UniqueConstraint("machine", "subject", "sequence", name="ledger_one_sequence"),
    Index("ledger_by_time", "time", postgresql_using="brin"),
    Index("ledger_of_refusals", "machine", "time", postgresql_where=text("is_refusal")),
    schema="projection",
)

LEDGER_COLUMNS = tuple(column.name for column in ledger.columns)

_ENCODERS = tuple(encoder_of(column) for column in list(ledger.columns)[1:-2])

_SUBJECTS = bindparam("subjects", type_=ARRAY(Text(collation="C")))


_TOLD = attrgetter(
    "partition", "offset", "id", "subject", "sequence", "type", "time", "fromstate", "tostate", "version", "attempt",
    "actor", "reason", "requestid", "causationid", "correlationid", "ownerepoch", "chain",
)  # fmt: skip
"""What the columns say between the first, ``machine``, and the last two, ``is_refusal`` and ``data``."""

_TEXTS = ("subject", "actor", "reason", "causationid", "correlationid")


def ledger_lines(records: Sequence[Record]) -> list[str]:
    """The records' rows as lines of COPY, in the order of the table's columns; made column by column."""
    return _lines(records, [json_cell(record.data) for record in records])


def storable_ledger_line(record: Record) -> str:
    """The same for a record that PostgreSQL refuses: without data, and without characters that it can't hold."""
    storable = replace(record)
    for name in _TEXTS:
        if (value := getattr(record, name)) is not None:
            setattr(storable, name, value.replace("\0", "␀"))
    return _lines([storable], [NULL])[0]


def _lines(records: Sequence[Record], data: list[str]) -> list[str]:
    if not records:
        return []
    told = list(zip(*map(_TOLD, records), strict=True))
    cells = [encode(values) for encode, values in zip(_ENCODERS, told, strict=True)]
    machines = [record.machine for record in records]
    refusals = ["t" if record.is_refusal else "f" for record in records]
    return list(map("\t".join, zip(machines, *cells, refusals, data, strict=True)))


def last_sequences_in(table: Table) -> LastSequences:
    """Asks this ledger for the last sequence that it has of each subject."""
    query = text(
        f"SELECT subject, max(sequence) FROM {table.fullname} "  # noqa: S608 - our own name
        "WHERE machine = :machine AND subject = ANY(:subjects) GROUP BY subject"
    ).bindparams(_SUBJECTS)
    return partial(_last_sequences, query)


def _last_sequences(
    query: TextClause, connection: Connection, machine: str, subjects: Iterable[str]
) -> dict[str, int]:
    rows = connection.execute(query, {"machine": machine, "subjects": list(subjects)})
    return {row[0]: row[1] for row in rows}
