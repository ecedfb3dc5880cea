"""Filling a target from the ledger: followers with positions of their own, that stop at given places."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, Table, select

from events.envelope import Record
from events.log import Log, Place
from events.topics import MACHINES, Topics
from projectors.application import Batch, Write
from projectors.follower import Follower
from projectors.positions import Key
from projectors.projector import Projector
from projectors.read_models import LIVE, ReadModels
from projectors.rebuild_log import ReadOnlyLog
from projectors.sequences import LastSequences

__all__ = ["FOLLOWER", "Filling", "fill", "live_ends", "next_offsets", "reached"]

FOLLOWER = "projector"
"""The name under which positions are kept, the same in all schemas."""

BATCH = 5000
_LOOK_S = 0.1

Ends = Mapping[Key, int]
"""By machine and partition: the first offset that is not read."""


def next_offsets(connection: Connection, table: Table) -> dict[Key, int]:
    """Where the projector of one schema stands."""
    query = select(table.c.machine, table.c.partition, table.c.next_offset).where(
        table.c.follower == FOLLOWER
    )
    return {(row.machine, row.partition): row.next_offset for row in connection.execute(query)}


def live_ends(engine: Engine) -> dict[Key, int]:
    """Where the live projector stands: nothing beside it is ever ahead of it."""
    with engine.connect() as connection:
        return next_offsets(connection, LIVE.position)


def reached(found: Ends, wanted: Ends) -> bool:
    """Whether these positions are at those ends."""
    return all(found.get(key, 0) >= end for key, end in wanted.items())


class _Filler:
    """The projector's work on a target; leaves out what was decided later than ``until``.

    Times never go back within a subject, so what is left in is the beginning of each history.
    """

    def __init__(self, models: ReadModels, until: datetime | None) -> None:
        self._projector = Projector(models=models)
        self._until = until
        # Records that are left out are in no table, so tables can't tell what comes next.
        self.last_sequences: LastSequences | None = None if until else self._projector.last_sequences

    def reset(self, connection: Connection) -> None:
        """As the projector does."""
        self._projector.reset(connection)

    def prepare(self, pieces: Iterable[Batch]) -> Write:
        """Fold what belongs to it."""
        return self._projector.prepare(map(self._chosen, pieces))

    def prepare_around(self, batch: Batch) -> Write:
        """As the projector does, of what belongs to it."""
        return self._projector.prepare_around(self._chosen(batch))

    def _chosen(self, batch: Batch) -> Batch:
        until = self._until
        return batch if until is None else [each for each in batch if each[0].at <= until]

    def set_aside(self, record: Record, error: Exception) -> Write | None:
        """As the projector does."""
        return self._projector.set_aside(record, error)


@dataclass
class Filling:
    """One filling of one target's partitions (None: all of them), up to ``ends``."""

    log: Log
    topics: Topics
    engine: Engine
    models: ReadModels
    ends: Ends
    partitions: Sequence[int] | None = None
    until: datetime | None = None
    batch: int = BATCH
    records: int = 0

    @contextmanager
    def follower(self) -> Iterator[Follower]:
        """A follower that ends at the ends, whatever lies behind them."""
        limits = {
            Place(self.topics.events(machine), number): end for (machine, number), end in self.ends.items()
        }
        follower = Follower(
            log=ReadOnlyLog(self.log, limits), topics=self.topics, engine=self.engine, name=FOLLOWER,
            machines=MACHINES, apply=_Filler(self.models, self.until), positions_table=self.models.position,
            partitions=self.partitions, batch=self.batch,
        )  # fmt: skip
        try:
            yield follower
        finally:
            follower.close()

    def run(self, stop: threading.Event, told: Callable[[int], None]) -> None:
        """Fill until the ends are reached or ``stop``; raises FollowerError."""
        mine = {
            key: end for key, end in self.ends.items() if self.partitions is None or key[1] in self.partitions
        }
        done, raised = threading.Event(), []
        with self.follower() as follower:

            def follow() -> None:
                try:
                    follower.run(done, poll_s=_LOOK_S)
                except Exception as error:  # noqa: BLE001 - raised again where the work was asked for
                    raised.append(error)

            thread = threading.Thread(target=follow, name="rebuild")
            thread.start()
            try:
                while not stop.is_set() and thread.is_alive() and not self._is_done(mine):
                    told(follower.applied)
                    time.sleep(_LOOK_S)
            finally:
                done.set()
                thread.join()
                self.records = follower.applied
                told(self.records)
        if raised:
            raise raised[0]

    def _is_done(self, ends: Ends) -> bool:
        with suppress(Exception), self.engine.connect() as connection:
            # A database that is away for a moment is the follower's business, which waits for it.
            return reached(next_offsets(connection, self.models.position), ends)
        return False


def fill(filling: Filling) -> None:
    """The same for the little that is left, step by step in the caller's thread."""
    with filling.follower() as follower:
        follower.take_over()
        while True:
            with filling.engine.connect() as connection:
                if reached(next_offsets(connection, filling.models.position), filling.ends):
                    return
            follower.step(_LOOK_S)
