"""Shuts the gate to all work while dispatch is far behind the ledger: what is long over must not be done again."""

import logging
import threading
from collections.abc import Mapping

from sqlalchemy import Engine, select

from consumers import held, work_items
from consumers.dispatch import FOLLOWER
from consumers.outage import OUTAGES, in_words
from consumers.work_items import position
from events.log import Log, LogError, Place
from events.topics import MACHINES, Topics
from projectors.positions import Key

__all__ = ["FAR_BEHIND", "Gatekeeper"]

log = logging.getLogger(__name__)

FAR_BEHIND = 5_000
"""Records. A lost or old database makes dispatch read more than that; an outage of minutes mostly does not."""

_LOOK_S = 0.25
_AWAY: tuple[type[Exception], ...] = (LogError, *OUTAGES)


class Gatekeeper:
    """One beside each dispatch. The gate is a row, so that it stays shut when dispatch dies on its way."""

    def __init__(self, *, log: Log, topics: Topics, engine: Engine, far_behind: int = FAR_BEHIND) -> None:
        self._log = log
        self._topics = topics
        self._engine = engine
        self._far_behind = far_behind
        self._wanted: Mapping[Key, int] = {}

    def look(self, stop: threading.Event) -> None:
        """Shut the gate if dispatch is far behind, open it if not; outages are waited out."""
        told = False
        while not stop.is_set():
            try:
                self._shut_or_open()
            except _AWAY as error:
                if not told:
                    log.warning("dispatch waits for a server", extra={"error": in_words(error)})
                    told = True
                stop.wait(1.0)
            else:
                return

    def watch(self, stop: threading.Event, ended: threading.Event) -> None:
        """Open the gate once dispatch stands where the ledger ended when it was shut."""
        while self._wanted and not (stop.is_set() or ended.wait(_LOOK_S)):
            try:
                self._open_if_reached()
            except OUTAGES:
                continue  # dispatch itself says that the database is away

    def _shut_or_open(self) -> None:
        ends = self._ends()
        behind = self._behind(ends)
        with self._engine.begin() as connection:
            if behind > self._far_behind:
                held.shut_gate(connection, FOLLOWER, f"dispatch is {behind} records behind the ledger")
                log.warning("all work rests until dispatch has caught up", extra={"records": behind})
                self._wanted = ends
            elif held.open_gate(connection, FOLLOWER):
                work_items.notify(connection)

    def _open_if_reached(self) -> None:
        if self._behind(self._wanted) > 0:
            return
        with self._engine.begin() as connection:
            held.open_gate(connection, FOLLOWER)
            work_items.notify(connection)
        self._wanted = {}
        log.info("dispatch has caught up, work goes on")

    def _ends(self) -> dict[Key, int]:
        reader = self._log.reader()
        try:
            counts = self._log.partitions([self._topics.events(machine) for machine in MACHINES])
            keys = [
                (name, number)
                for name in MACHINES
                for number in range(counts.get(self._topics.events(name), 0))
            ]
            return {key: reader.end(Place(self._topics.events(key[0]), key[1])) for key in keys}
        finally:
            reader.close()

    def _behind(self, ends: Mapping[Key, int]) -> int:
        stands = select(position).where(position.c.follower == FOLLOWER)
        with self._engine.connect() as connection:
            rows = connection.execute(stands).all()
        next_offsets = {(row.machine, row.partition): row.next_offset for row in rows}
        return sum(max(0, end - next_offsets.get(key, 0)) for key, end in ends.items())
