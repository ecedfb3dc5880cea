"""Filling one target until it has caught up: in this process if little is to be read, else with one a core."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Engine

from events.log import Log, Place
from events.topics import MACHINES
from projectors.halt import FollowerError
from projectors.positions import Key
from projectors.rebuild_fill import Filling, live_ends, next_offsets
from projectors.rebuild_schema import finish_tables
from projectors.rebuild_targets import Target
from service.peak_memory import peak_rss_mb
from service.rebuild_processes import ShareFailedError, shares
from service.wiring import Wiring

__all__ = ["CatchingUp", "Progress", "RebuildError"]

_ALONE = 20_000  # offsets: below that, processes cost more than they bring
_CLOSE = 5_000
_ROUNDS = 20
_LOOK_S = 0.25


class RebuildError(Exception):
    """It can't be done as things stand; the message says what was found, what was wanted, what would help."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a filling is: ``done`` of ``total`` offsets of the ledger, and records read."""

    schema: str
    done: int
    total: int
    records: int
    seconds: float

    @property
    def rate(self) -> float:
        """Records a second, since it began."""
        return self.records / self.seconds if self.seconds else 0.0

    @property
    def eta_s(self) -> float | None:
        """Seconds still to go at the pace so far; None: not known yet."""
        return self.seconds * (self.total - self.done) / self.done if self.done else None


@dataclass
class CatchingUp:
    """One filling; afterwards ``records``, ``seconds`` and ``rss_mb`` (of the largest process) tell what it took."""

    wiring: Wiring
    engine: Engine
    log: Log
    target: Target
    processes: int | None
    told: Callable[[Progress], None]
    records: int = 0
    seconds: float = 0.0
    rss_mb: int = 0
    most_processes: int = 1
    _began: float = field(default_factory=time.monotonic)
    _start: dict[Key, int] = field(default_factory=dict)

    def run(self) -> None:
        """Fill round by round, since live moves on meanwhile; indexes come when most of it is there."""
        self._start = self._found()
        for number in range(_ROUNDS):
            ends = self._ends()
            left = sum(end - self._found().get(key, 0) for key, end in ends.items())
            if number and left <= _CLOSE:
                break
            self._round(ends, left)
            if not number:
                finish_tables(self.engine, self.target.models)
            if self.target.until_at is not None:
                break
        self.seconds = time.monotonic() - self._began

    def _ends(self) -> dict[Key, int]:
        if self.target.until_at is None:
            ends = live_ends(self.engine)
            if not ends:
                raise RebuildError(
                    "found no positions of the live views, wanted a projector that has run at least once; start it "
                    "with meridian up or meridian run projector"
                )
            return ends
        reader = self.log.reader(committed=True)
        names = {machine: self.wiring.topics.events(machine) for machine in MACHINES}
        counts = self.log.partitions(names.values())
        try:
            return {
                (machine, number): reader.end(Place(name, number))
                for machine, name in names.items()
                for number in range(counts.get(name, 0))
            }
        finally:
            reader.close()

    def _round(self, ends: dict[Key, int], left: int) -> None:
        processes = self.processes or os.cpu_count() or 1
        try:
            if processes == 1 or (self.processes is None and left <= _ALONE):
                self._here(ends)
            else:
                self._in_processes(ends, processes)
        except (FollowerError, ShareFailedError) as error:
            raise RebuildError(
                f"{self.target.schema_name}: {error}; what is filled stays: meridian replay goes on where it was"
            ) from error

    def _here(self, ends: dict[Key, int]) -> None:
        filling = Filling(
            log=self.log, topics=self.wiring.topics, engine=self.engine, models=self.target.models, ends=ends,
            until=self.target.until_at,
        )  # fmt: skip
        before = self.records
        filling.run(threading.Event(), lambda records: self._tell(ends, before + records))
        self.rss_mb = max(self.rss_mb, peak_rss_mb())

    def _in_processes(self, ends: dict[Key, int], processes: int) -> None:
        before = self.records
        running = shares(self.wiring, self.target, ends, until=self.target.until_at, processes=processes)
        self.most_processes = max(self.most_processes, len(running))
        try:
            while not all(each.is_done() for each in running):
                self._tell(ends, before + sum(each.records for each in running))
                time.sleep(_LOOK_S)
        finally:
            for each in running:
                each.end()
        self._tell(ends, before + sum(each.records for each in running))
        self.rss_mb = max([self.rss_mb, *(int(each.told["rss_mb"]) for each in running)])

    def _tell(self, ends: dict[Key, int], records: int) -> None:
        self.records = records
        found = self._found()
        done = sum(found.get(key, 0) - self._start.get(key, 0) for key in ends)
        total = sum(end - self._start.get(key, 0) for key, end in ends.items())
        self.told(Progress(self.target.schema_name, done, total, records, time.monotonic() - self._began))

    def _found(self) -> dict[Key, int]:
        with self.engine.connect() as connection:
            return next_offsets(connection, self.target.models.position)
