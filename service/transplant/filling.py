"""Views and work read from the ledger to its end, before any role begins: workers find what is over marked as over."""

from collections.abc import Mapping

from sqlalchemy import Engine, Table, select

from consumers import dispatch
from consumers.work_items import position as work_position
from events.log import Log, Place
from events.topics import MACHINES, Topics
from projectors.application import Application, Apply
from projectors.follower import Follower
from projectors.positions import Key, position
from projectors.projector import AT_ONCE, Projector
from service.transplant.telling import Telling

__all__ = ["fill_views", "note_work"]

_POLL_S = 0.2
_WORK_AT_ONCE = 2000


def fill_views(log: Log, topics: Topics, engine: Engine, telling: Telling) -> None:
    """As the projector does."""
    _follow(log, topics, engine, "projector", Projector(), position, AT_ONCE, telling)


def note_work(log: Log, topics: Topics, engine: Engine, telling: Telling) -> None:
    """As dispatch does: what facts oblige us to, and what of it was done or is over."""
    _follow(log, topics, engine, dispatch.FOLLOWER, dispatch.apply, work_position, _WORK_AT_ONCE, telling)


def _follow(
    log: Log,
    topics: Topics,
    engine: Engine,
    name: str,
    apply: Application | Apply,
    table: Table,
    batch: int,
    telling: Telling,
) -> None:
    ends = _ends(log, topics)
    telling.step(f"{name} reads the ledger", sum(ends.values()))
    follower = Follower(
        log=log, topics=topics, engine=engine, name=name, machines=MACHINES, apply=apply, positions_table=table,
        batch=batch,
    )  # fmt: skip
    try:
        follower.take_over()
        while not _has_reached(engine, name, table, ends):
            telling.more(follower.step(_POLL_S))
    finally:
        follower.close()


def _ends(log: Log, topics: Topics) -> dict[Key, int]:
    reader = log.reader()
    try:
        counts = log.partitions([topics.events(machine) for machine in MACHINES])
        return {
            (machine, number): reader.end(Place(topics.events(machine), number))
            for machine in MACHINES
            for number in range(counts.get(topics.events(machine), 0))
        }
    finally:
        reader.close()


def _has_reached(engine: Engine, name: str, table: Table, ends: Mapping[Key, int]) -> bool:
    query = select(table.c.machine, table.c.partition, table.c.next_offset).where(table.c.follower == name)
    with engine.connect() as connection:
        stands = {(row.machine, row.partition): row.next_offset for row in connection.execute(query)}
    return all(stands.get(key, 0) >= end for key, end in ends.items())
