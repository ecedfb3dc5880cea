"""Subjects in quarantine: an event of theirs could not be folded, and nothing later of theirs is until released."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, DateTime, Integer, Table, Text, select
from sqlalchemy.dialects.postgresql import UUID, insert

from events.envelope import Record
from projectors.database import metadata

__all__ = ["Taint", "add_taints", "read_taints", "tainted"]

_ERROR_AT_MOST = 2000

tainted = Table(
    "tainted",
    metadata,
    Column("machine", Text, primary_key=True),
    Column("subject", Text(collation="C"), primary_key=True),
    Column("sequence", BigInteger, nullable=False, comment="of the first record that was not folded"),
    Column("event_id", UUID(as_uuid=False), nullable=False, comment="its id"),
    Column("type", Text, nullable=False, comment="its type"),
    Column("partition", Integer, nullable=False, comment="where it stands on the log"),
    Column("ledger_offset", BigInteger, nullable=False),
    Column("error", Text, nullable=False, comment="what went wrong"),
    Column("since_at", DateTime(timezone=True), nullable=False, comment="UTC; time of that record"),
    schema="projection",
)


@dataclass(frozen=True, slots=True)
class Taint:
    """A record that could not be folded, and why."""

    record: Record
    error: str

    @property
    def subject(self) -> tuple[str, str]:
        """Machine and subject."""
        return self.record.machine, self.record.subject

    @classmethod
    def by(cls, record: Record, error: Exception) -> "Taint":
        """From what was raised; without characters that PostgreSQL can't hold.

        Of what the database says, only what concerns the value: its lines and tables differ from run to run.
        """
        said = getattr(getattr(getattr(error, "orig", None), "diag", None), "message_primary", None) or str(
            error
        )
        message = f"{type(error).__name__}: {said}".replace("\0", "␀")
        return cls(record, message[:_ERROR_AT_MOST])


def read_taints(connection: Connection, table: Table = tainted) -> set[tuple[str, str]]:
    """Machine and subject of all that is in quarantine."""
    rows = connection.execute(select(table.c.machine, table.c.subject))
    return {(row.machine, row.subject) for row in rows}


def add_taints(connection: Connection, taints: list[Taint], table: Table = tainted) -> None:
    """Put subjects into quarantine."""
    rows = [
        {
            "machine": taint.record.machine,
            "subject": taint.record.subject,
            "sequence": taint.record.sequence,
            "event_id": taint.record.id,
            "type": taint.record.type,
            "partition": taint.record.partition,
            "ledger_offset": taint.record.offset,
            "error": taint.error,
            "since_at": taint.record.at,
        }
        for taint in taints
    ]
    if rows:
        connection.execute(insert(table).on_conflict_do_nothing(), rows)
