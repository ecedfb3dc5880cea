"""A ledger on a real Kafka with its views on a real PostgreSQL: what is rebuilt in these tests."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, text

from events.ids import partition_of
from events.log import Log, TopicSpec
from events.topics import MACHINES, Topics
from projectors.read_models import READ_MODELS
from service.rebuild import Rebuild
from service.roles import run_projector
from service.wiring import Wiring
from tests.projectors.histories import Desks, Sealed, a_life

PARTITIONS = 3


@dataclass
class Ledger:
    """The site, its servers, and a projector that can be started and stopped."""

    wiring: Wiring
    engine: Engine
    log: Log
    desks: Desks = field(default_factory=Desks)
    _written: int = 0
    _running: tuple[threading.Thread, threading.Event] | None = None

    @property
    def topics(self) -> Topics:
        return self.wiring.topics

    def begin(self) -> None:
        """Topics without records."""
        self.log.ensure(TopicSpec(self.topics.events(machine), PARTITIONS) for machine in MACHINES)

    def write(self, sealed: list[Sealed]) -> None:
        """More records, as the decider would write them."""
        writer = self.log.writer()
        for machine, subject, value in sealed:
            partition = partition_of(subject, PARTITIONS)
            writer.send(self.topics.events(machine), key=subject.encode(), value=value, partition=partition)
        writer.flush(20.0)
        writer.close()

    def lives(self, *names: str) -> None:
        """Files from announced to COMPLETE."""
        before = len(self.desks.sealed)
        for name in names:
            a_life(self.desks, name)
        self.write(self.desks.sealed[before:])

    def ask(self, *asked: Any, **extensions: Any) -> None:
        """One request about one subject."""
        before = len(self.desks.sealed)
        self.desks.ask(*asked, **extensions)
        self.write(self.desks.sealed[before:])

    # --- the projector

    def start(self) -> None:
        """The role, as deployed."""
        stop = threading.Event()
        thread = threading.Thread(target=run_projector, args=(self.wiring, stop), daemon=True)
        thread.start()
        self._running = (thread, stop)

    def stop(self) -> None:
        """Ends it."""
        if self._running is not None:
            thread, stop = self._running
            stop.set()
            thread.join(15)
            assert not thread.is_alive()
            self._running = None

    def projected(self, schema: str = "projection") -> None:
        """Wait until all that was written is in the tables of this schema."""
        wanted = {(machine, subject, value.decode()[-66:-2]) for machine, subject, value in self.desks.sealed}
        until(lambda: self.count(f"{schema}.ledger") >= len(wanted), f"{schema} has not read all records")

    # --- looking

    def count(self, table: str) -> int:
        return int(self.one(f"SELECT count(*) FROM {table}"))

    def one(self, query: str, **values: Any) -> Any:
        with self.engine.connect() as connection:
            return connection.scalar(text(query), values)

    def say(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for each in statements:
                connection.exec_driver_sql(each)

    def rows(self, schema: str, names: tuple[str, ...] = READ_MODELS) -> dict[str, list[Any]]:
        """Every row of these tables, in an order of their own."""
        query = "SELECT to_jsonb(t) FROM {}.{} t ORDER BY to_jsonb(t)::text"
        with self.engine.connect() as connection:
            return {name: list(connection.scalars(text(query.format(schema, name)))) for name in names}

    @contextmanager
    def rebuild(self, **more: Any) -> Iterator[Rebuild]:
        made = Rebuild(self.wiring, **more)
        try:
            yield made
        finally:
            made.close()


def until(
    condition: Callable[[], bool], otherwise: str = "it did not come to that", seconds: float = 40.0
) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.05)
