"""Halts as they stand, what is changed to lead on from them, and who did it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, func, insert, select, text, update

from projectors.database import metadata
from projectors.decided import halt, installation, outcome, recovery, reseat, snapshot, topic, watermark

__all__ = [
    "EVERY",
    "FOLLOWERS",
    "StandingHalt",
    "adopt_cluster",
    "adopt_topic_id",
    "clear",
    "empty_projection",
    "forget_outcomes_after",
    "forget_positions",
    "forget_snapshots",
    "forget_topic",
    "known_partitions",
    "seat_requests",
    "standing_halts",
]

EVERY = -1
"""A halt of all partitions."""


@dataclass(frozen=True, slots=True)
class StandingHalt:
    """One halt: who stands still, where, why, since when."""

    part: str
    machine: str
    partition: int
    code: str
    message: str
    details: dict[str, Any]
    halted_at: datetime

    @property
    def place(self) -> str:
        """Who stands still, as people say it."""
        where = self.machine if self.partition == EVERY else f"{self.machine}/{self.partition}"
        return self.part if self.machine == "all" else f"{self.part} of {where}"


def standing_halts(connection: Connection) -> list[StandingHalt]:
    """Every halt that stands, the oldest first."""
    rows = connection.execute(select(halt).order_by(halt.c.halted_at, halt.c.machine, halt.c.partition))
    return [StandingHalt(**row) for row in rows.mappings()]


def clear(connection: Connection, found: StandingHalt, *, done: str, actor: str, reason: str) -> None:
    """Take this halt away, and write down who did what about it and why; another one in its place stays."""
    members = {
        "part": found.part,
        "machine": found.machine,
        "partition": found.partition,
        "code": found.code,
        "message": found.message,
        "details": found.details,
        "halted_at": found.halted_at,
    }
    written = insert(recovery).values(
        **members, done=done, actor=actor, reason=reason, recovered_at=func.clock_timestamp()
    )
    connection.execute(written)
    connection.execute(
        delete(halt).where(
            halt.c.part == found.part,
            halt.c.machine == found.machine,
            halt.c.partition == found.partition,
            halt.c.code == found.code,
        )
    )


def adopt_topic_id(connection: Connection, name: str, topic_id: str) -> None:
    """This topic is the one from now on."""
    connection.execute(update(topic).where(topic.c.name == name).values(topic_id=topic_id))


def forget_topic(connection: Connection, name: str) -> None:
    """Nothing is known of this topic any more: one that is made under its name is welcome."""
    connection.execute(delete(topic).where(topic.c.name == name))


def forget_snapshots(connection: Connection, machine: str, partition: int | None = None) -> int:
    """Drop snapshots and watermarks: the ledger is read from its beginning. How many snapshots there were."""
    connection.execute(delete(watermark).where(*_of(watermark, machine, partition)))
    return connection.execute(delete(snapshot).where(*_of(snapshot, machine, partition))).rowcount


def forget_outcomes_after(connection: Connection, machine: str, partition: int, *, ledger_end: int) -> int:
    """Drop outcomes whose record the ledger does not have: such a request may be decided again. How many."""
    beyond = outcome.c.ledger_offset >= ledger_end
    return connection.execute(delete(outcome).where(beyond, *_of(outcome, machine, partition))).rowcount


def seat_requests(
    connection: Connection, machine: str, partition: int, *, topic_id: str, next_request: int, ledger_end: int
) -> None:
    """The request offset that is decided next, whatever the ledger up to here says of it.

    The row stays when snapshots and watermark are lost or forgotten: the ledger still names the offsets that were.
    """
    connection.execute(
        insert(reseat).values(
            machine=machine,
            partition=partition,
            requests_topic_id=topic_id,
            next_request=next_request,
            ledger_end=ledger_end,
            written_at=func.clock_timestamp(),
        )
    )
    moved = update(watermark).where(*_of(watermark, machine, partition)).values(next_request=next_request)
    connection.execute(moved)


def known_partitions(connection: Connection, name: str) -> int | None:
    """How many partitions a topic had when it was first seen; None: it never was."""
    found: int | None = connection.scalar(select(topic.c.partitions).where(topic.c.name == name))
    return found


def adopt_cluster(connection: Connection, cluster_id: str) -> None:
    """This Kafka cluster is the site's from now on."""
    connection.execute(update(installation).values(cluster_id=cluster_id))


FOLLOWERS = {"projector": "projection.position", "dispatch": "work.position"}
"""Where each follower keeps its positions."""


def forget_positions(connection: Connection, follower: str) -> int:
    """The follower begins at the beginning; how many positions it had."""
    query = f"DELETE FROM {FOLLOWERS[follower]} WHERE follower = :follower"  # noqa: S608 - our own names
    return connection.execute(text(query), {"follower": follower}).rowcount


def empty_projection(connection: Connection) -> list[str]:
    """Empty every table that is folded from the ledger; the registers of the archive are none of them."""
    folded = [
        each for each in metadata.sorted_tables if each.schema == "projection" and each.name != "position"
    ]
    names = [f"{each.schema}.{each.name}" for each in folded]
    connection.execute(text(f"TRUNCATE {', '.join(names)}"))
    return names


def _of(table: Table, machine: str, partition: int | None) -> list[Any]:
    found = [table.c.machine == machine]
    return found if partition is None else [*found, table.c.partition == partition]
