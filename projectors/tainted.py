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
        """From what was raised; without characters that PostgreSQL can't hold."""
        message = f"{type(error).__name__}: {error}".replace("\0", "␀")
        return cls(record, message[:_ERROR_AT_MOST])


def read_taints(connection: Connection) -> set[tuple[str, str]]:
    """Machine and subject of all that is in quarantine."""
    return {
        (row.machine, row.subject) for row in connection.execute(select(tainted.c.machine, tainted.c.subject))
    }


def add_taints(connection: Connection, taints: list[Taint]) -> None:
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
        connection.execute(insert(tainted).on_conflict_do_nothing(), rows)
