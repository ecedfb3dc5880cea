"""Where a follower stands on the log: one row a partition, moved by compare-and-set in the transaction of its work."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    DateTime,
    Integer,
    Row,
    Table,
    Text,
    TextClause,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from events import failpoints
from events.without import is_without
from projectors.database import metadata
from projectors.halt import HaltError, LostPositionError

__all__ = ["Key", "Move", "Positions", "Seat", "position", "position_table"]

DIVISION_BY_ZERO = "22012"
"""The code of PostgreSQL for what a move in words is refused with."""

Key = tuple[str, int]
"""Machine and partition."""


def position_table(schema: str) -> Table:
    """The table of positions of one schema."""
    return Table(
        "position",
        metadata,
        Column("follower", Text, primary_key=True, comment="who follows: projector, dispatch"),
        Column("machine", Text, primary_key=True),
        Column("partition", Integer, primary_key=True, autoincrement=False),
        Column("next_offset", BigInteger, nullable=False, comment="ledger offset that is applied next"),
        Column(
            "owner_epoch",
            BigInteger,
            nullable=False,
            comment="raised at every take-over; fences the former owner",
        ),
        Column(
            "topic_id", Text, nullable=False, comment="the cluster's id of the ledger topic as first seen"
        ),
        Column("last_event_at", DateTime(timezone=True), comment="UTC; time of the newest record applied"),
        Column(
            "applied_at",
            DateTime(timezone=True),
            comment="UTC; PostgreSQL's clock when the position last moved",
        ),
        schema=schema,
    )


position = position_table("projection")


@dataclass(frozen=True, slots=True)
class Seat:
    """One partition as a follower owns it."""

    next_offset: int
    owner_epoch: int


@dataclass(frozen=True, slots=True)
class Move:
    """A step of one position, from an offset to another."""

    machine: str
    partition: int
    found: int
    wanted: int
    last_event_at: datetime | None = None


class Positions:
    """The positions of one follower in one table."""

    def __init__(self, table: Table, follower: str) -> None:
        self._follower = follower
        self._table = table
        self._mine = table.c.follower == follower
        self._move = _move_statement(table)

    def take_over(
        self, connection: Connection, topic_ids: Mapping[Key, str], *, are_all: bool = False
    ) -> dict[Key, Seat]:
        """Raise the owner's epoch of these partitions, so that a former owner's next step fails.

        ``are_all``: these are all partitions there are of their machines.
        """
        t = self._table
        self.check(connection, topic_ids, are_all=are_all)
        seats = {}
        for key, topic_id in sorted(topic_ids.items()):
            first = {"follower": self._follower, "machine": key[0], "partition": key[1], "topic_id": topic_id}
            taken = (
                insert(t)
                .values(**first, next_offset=0, owner_epoch=1)
                .on_conflict_do_update(
                    index_elements=[t.c.follower, t.c.machine, t.c.partition],
                    set_={"owner_epoch": t.c.owner_epoch + 1},
                )
                .returning(t.c.next_offset, t.c.owner_epoch)
            )
            row = connection.execute(taken).one()
            seats[key] = Seat(row.next_offset, row.owner_epoch)
        return seats

    def check(self, connection: Connection, topic_ids: Mapping[Key, str], *, are_all: bool = False) -> None:
        """Raise HaltError where the positions stand on other topics than these."""
        known = self._rows(connection)
        for machine in sorted({machine for machine, _ in known}) if are_all else ():
            stood = sum(key[0] == machine for key in known)
            found = sum(key[0] == machine for key in topic_ids)
            if found not in {0, stood}:
                raise HaltError(
                    "PARTITIONS_CHANGED",
                    f"{self._follower}: the ledger of {machine} has {found} partitions, wanted {stood}: somebody has "
                    "changed it, and they are fixed for ever",
                    machine=machine,
                    found=found,
                    wanted=stood,
                )
        for key, topic_id in sorted(topic_ids.items()):
            if key in known and known[key].topic_id != topic_id:
                raise HaltError(
                    "POSITION_OF_ANOTHER_TOPIC",
                    f"{self._follower}: {key[0]}/{key[1]} stands on the topic with id {known[key].topic_id}, found "
                    f"{topic_id}: another topic of the same name",
                )

    def read_again(self, connection: Connection, epochs: Mapping[Key, int]) -> dict[Key, int]:
        """Where the owner of these epochs stands now; raises LostPositionError if another follower has taken over."""
        rows = self._rows(connection)
        for key, epoch in epochs.items():
            found = rows[key].owner_epoch if key in rows else None
            if found != epoch and not is_without("compare_and_set"):
                raise LostPositionError(
                    f"{self._follower}: {key[0]}/{key[1]} has owner epoch {found}, wanted {epoch}; another "
                    "follower has taken over, this one stops"
                )
        return {key: rows[key].next_offset for key in epochs}

    def move(
        self,
        connection: Connection,
        moves: Iterable[Move],
        epochs: Mapping[Key, int],
        words: str | None = None,
    ) -> None:
        """Compare and set; raises LostPositionError unless every row stood where this follower left it.

        ``words``: statements that go in the same call, behind it: who waits for one record waits for one round trip.
        """
        in_order = sorted(moves, key=lambda move: (move.machine, move.partition))
        if words is not None:
            self._move_with(connection, in_order, epochs, words)
            return
        for step in in_order:
            epoch = epochs[step.machine, step.partition]
            values = {**asdict(step), "follower": self._follower, "epoch": epoch}
            if connection.execute(self._move, values).rowcount != 1 and not is_without("compare_and_set"):
                raise self._lost([step], epochs)

    def _move_with(
        self, connection: Connection, moves: Sequence[Move], epochs: Mapping[Key, int], words: str
    ) -> None:
        moved = [
            _move_in_words(self._table, self._follower, step, epochs[step.machine, step.partition])
            for step in moves
        ]
        called = "; ".join([*moved, words])
        try:
            connection.exec_driver_sql(called, execution_options={"no_parameters": True})
        except DBAPIError as error:
            if getattr(error.orig, "pgcode", None) != DIVISION_BY_ZERO:
                raise
            raise self._lost(moves, epochs) from error
        failpoints.reach("projector.mid_batch")  # nobody else writes so little

    def _lost(self, moves: Sequence[Move], epochs: Mapping[Key, int]) -> LostPositionError:
        stood = " or ".join(
            f"of {step.machine}/{step.partition} is not {step.found} under epoch {epochs[step.machine, step.partition]}"
            for step in moves
        )
        return LostPositionError(
            f"{self._follower}: the position {stood} any more; another follower has taken over, this one stops"
        )

    def dispossess(self, connection: Connection, key: Key) -> None:
        """Lock one position and make its owner take over anew, reading again whatever it remembers."""
        t = self._table
        row = self._mine & (t.c.machine == key[0]) & (t.c.partition == key[1])
        connection.execute(update(t).where(row).values(owner_epoch=t.c.owner_epoch + 1))

    def _rows(self, connection: Connection) -> dict[Key, Row[Any]]:
        return {
            (row.machine, row.partition): row
            for row in connection.execute(select(self._table).where(self._mine))
        }


def _move_in_words(table: Table, follower: str, step: Move, epoch: int) -> str:
    """A compare-and-set that divides by the number of rows it has moved."""
    given = {
        "wanted": f"{step.wanted:d}",
        "last_event_at": "NULL" if step.last_event_at is None else f"'{step.last_event_at.isoformat()}'",
        "follower": f"'{follower}'",
        "machine": f"'{step.machine}'",
        "partition": f"{step.partition:d}",
        "found": f"{step.found:d}",
        "epoch": f"{epoch:d}",
    }
    return f"WITH moved AS ({_moving(table, given)} RETURNING 1) SELECT 1 / count(*) FROM moved"  # noqa: S608


def _move_statement(table: Table) -> TextClause:
    names = ("wanted", "last_event_at", "follower", "machine", "partition", "found", "epoch")
    return text(_moving(table, {name: f":{name}" for name in names}))


def _moving(table: Table, given: Mapping[str, str]) -> str:
    """The compare-and-set, with these terms for what a step says."""
    return (
        f"UPDATE {table.fullname} SET next_offset = {given['wanted']}, applied_at = clock_timestamp(), "  # noqa: S608
        f"last_event_at = GREATEST(last_event_at, CAST({given['last_event_at']} AS timestamptz)) "
        f"WHERE follower = {given['follower']} AND machine = {given['machine']} AND partition = {given['partition']} "
        + (
            ""
            if is_without("compare_and_set")
            else f"AND next_offset = {given['found']} AND owner_epoch = {given['epoch']}"
        )
    )
