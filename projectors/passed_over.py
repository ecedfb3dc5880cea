"""Records of the ledger that are none, and that a person has let every part pass over."""

from collections.abc import Iterable
from hashlib import sha256

from sqlalchemy import BigInteger, Column, Connection, DateTime, Integer, Table, Text, func, select
from sqlalchemy.dialects.postgresql import insert

from events.log import Message
from projectors.database import metadata

__all__ = ["NOTHING", "PassedOver", "pass_over", "passed", "passed_over"]

passed = Table(
    "passed",
    metadata,
    Column("machine", Text, primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("ledger_offset", BigInteger, primary_key=True, autoincrement=False),
    Column(
        "sha256", Text, primary_key=True, comment="of its bytes: another record at this offset is not meant"
    ),
    Column("passed_at", DateTime(timezone=True), nullable=False, comment="UTC, PostgreSQL's clock"),
    schema="decider",
)


class PassedOver:
    """Which records are passed over; nearly always none."""

    def __init__(self, places: Iterable[tuple[str, int, int, str]] = ()) -> None:
        self._places = frozenset(places)

    def __bool__(self) -> bool:
        return bool(self._places)

    def has(self, machine: str, message: Message) -> bool:
        """This very record: its place and its bytes."""
        if not self._places:
            return False
        return (machine, message.partition, message.offset, _digest(message)) in self._places


NOTHING = PassedOver()


def passed_over(connection: Connection) -> PassedOver:
    """All of them."""
    t = passed
    query = select(t.c.machine, t.c.partition, t.c.ledger_offset, t.c.sha256)
    return PassedOver((row[0], row[1], row[2], row[3]) for row in connection.execute(query))


def pass_over(connection: Connection, machine: str, message: Message) -> bool:
    """Let this record be passed over from now on; False: it was already."""
    row = {
        "machine": machine,
        "partition": message.partition,
        "ledger_offset": message.offset,
        "sha256": _digest(message),
        "passed_at": func.clock_timestamp(),
    }
    return connection.execute(insert(passed).values(row).on_conflict_do_nothing()).rowcount == 1


def _digest(message: Message) -> str:
    return sha256(message.value or b"").hexdigest()
