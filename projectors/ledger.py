"""All records of all machines, refusals included: for search, for history, and for the check for holes."""

from collections.abc import Callable, Iterable
from datetime import UTC
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Index,
    Integer,
    Row,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
    bindparam,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from events.envelope import Record
from events.types import format_time
from projectors.copy_text import NULL, json_cell, text_cell
from projectors.database import metadata
from projectors.sequences import LastSequences

__all__ = [
    "LEDGER_COLUMNS",
    "last_sequences_in",
    "ledger",
    "ledger_line",
    "record_of",
    "storable_ledger_line",
]

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
    Index("ledger_of_verdicts", "subject", "sequence", postgresql_where=text("type = 'op.judged'")),
    schema="projection",
)

LEDGER_COLUMNS = tuple(column.name for column in ledger.columns)

_SUBJECTS = bindparam("subjects", type_=ARRAY(Text(collation="C")))


def ledger_line(record: Record) -> str:
    """The record's row as a line of COPY, in the order of the table's columns."""
    r = record
    free = f"{r.subject}{r.actor}{r.reason}{r.causationid}{r.correlationid}"  # looked through once for nearly all
    cell = str if free.isprintable() and "\\" not in free else text_cell
    return _line(record, json_cell(record.data), cell)


def storable_ledger_line(record: Record) -> str:
    """The same for a record that PostgreSQL refuses: without data, and without characters that it can't hold."""
    return _line(record, NULL, lambda value: text_cell(value.replace("\0", "␀")))


def _line(r: Record, data: str, cell: Callable[[str], str]) -> str:
    return (
        f"{r.machine}\t{r.partition}\t{r.offset}\t{r.id}\t{cell(r.subject)}\t{r.sequence}\t{r.type}\t{r.time}\t"
        f"{r.fromstate or NULL}\t{r.tostate or NULL}\t{r.version or NULL}\t{r.attempt or NULL}\t{cell(r.actor)}\t"
        f"{NULL if r.reason is None else cell(r.reason)}\t{r.requestid}\t"
        f"{NULL if r.causationid is None else cell(r.causationid)}\t"
        f"{NULL if r.correlationid is None else cell(r.correlationid)}\t"
        f"{r.ownerepoch}\t{r.chain}\t{'t' if r.is_refusal else 'f'}\t{data}"
    )


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


def record_of(row: Row[Any]) -> Record | None:
    """A row as the record it was, without its place among requests; None where PostgreSQL could not hold its data."""
    if row.data is None:
        return None
    return Record(
        id=row.event_id,
        type=row.type,
        subject=row.subject,
        time=format_time(row.time.astimezone(UTC)),
        sequence=row.sequence,
        fromstate=row.fromstate,
        tostate=row.tostate,
        actor=row.actor,
        requestid=row.requestid,
        requesttopic="",
        ownerepoch=row.ownerepoch,
        chain=row.chain,
        data=row.data,
        version=row.version,
        attempt=row.attempt,
        reason=row.reason,
        causationid=row.causationid,
        correlationid=row.correlationid,
        partition=row.partition,
        offset=row.ledger_offset,
    )
