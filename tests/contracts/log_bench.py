"""A log with one topic, in memory or on Kafka, and what every test of its promises looks by."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from events.kafka_admin import KafkaConnection
from events.kafka_log import KafkaLog
from events.log import (
    Log,
    Message,
    Place,
    Reader,
    TopicSpec,
    TransactionalWriter,
    Writer,
)

__all__ = [
    "LARGE", "LONG_S", "Bench", "bench_on_kafka", "cleared", "follow_to_the_end", "read", "settled", "values",
]  # fmt: skip

LONG_S = 20.0
LARGE = 768 * 1024


@dataclass
class Bench:
    """A log with one topic of two partitions, and everything that was opened on it."""

    log: Log
    delete: Callable[[str], None]
    quiet_s: float
    """How long to look before saying that nothing comes."""
    topic: str = field(default_factory=lambda: f"contract-{uuid.uuid4().hex[:12]}")
    opened: list[Any] = field(default_factory=list)

    def __post_init__(self):
        self.log.ensure([TopicSpec(self.topic, 2, {"max.message.bytes": str(2 * 1024 * 1024)})])

    @property
    def first(self) -> Place:
        return Place(self.topic, 0)

    @property
    def second(self) -> Place:
        return Place(self.topic, 1)

    def reader(self, *places: Place, committed: bool = True, at: int = 0) -> Reader:
        reader = self.log.reader(committed=committed)
        self.opened.append(reader)
        reader.assign(dict.fromkeys(places or [self.first], at))
        return reader

    def writer(self) -> Writer:
        self.opened.append(self.log.writer())
        return self.opened[-1]

    def owner(self, name: str = "owner") -> TransactionalWriter:
        self.opened.append(self.log.transactional(f"{self.topic}-{name}"))
        return self.opened[-1]

    def write(self, *values: bytes, partition: int = 0) -> None:
        writer = self.writer()
        for value in values:
            writer.send(self.topic, key=b"k", value=value, partition=partition)
        writer.flush(LONG_S)

    def nothing_comes(self, reader: Reader) -> bool:
        return not read(reader, 1, within_s=self.quiet_s)

    def transact(self, owner: TransactionalWriter, *values: bytes, partition: int = 0) -> None:
        """Begin, and send these; neither committed nor aborted yet."""
        owner.begin()
        for sent in [owner.send(self.topic, key=b"k", value=each, partition=partition) for each in values]:
            sent.result(LONG_S)


def bench_on_kafka(bootstrap: str, **options: Any) -> Iterator[Bench]:
    """On a log made with these options, cleared away afterwards."""
    log = KafkaLog(bootstrap, **options)
    yield from cleared(Bench(log, lambda name: delete_on_kafka(bootstrap, name), 0.5))


def cleared(bench: Bench) -> Iterator[Bench]:
    yield bench
    for each in bench.opened:
        each.close()
    bench.delete(bench.topic)
    bench.log.close()


def delete_on_kafka(bootstrap: str, name: str) -> None:
    admin = KafkaConnection(bootstrap).admin()
    admin.delete_topics([name], raise_errors=False)
    while name in admin.list_topics():
        time.sleep(0.02)
    admin.close()


def read(reader: Reader, wanted: int, *, within_s: float = LONG_S) -> list[Message]:
    """As many records as wanted, whatever the partition."""
    found: list[Message] = []
    deadline = time.monotonic() + within_s
    while len(found) < wanted and time.monotonic() < deadline:
        for messages in reader.poll(at_most=wanted - len(found), timeout_s=min(0.2, within_s)).values():
            found.extend(messages)
    return found


def values(messages: list[Message]) -> list[bytes | None]:
    return [each.value for each in messages]


def follow_to_the_end(reader: Reader, place: Place) -> int:
    """Poll until the position equals the uncommitted end; how many records came."""
    came = 0
    deadline = time.monotonic() + LONG_S
    while reader.position(place) != reader.end(place):
        assert time.monotonic() < deadline, f"at {reader.position(place)} of {reader.end(place)}"
        came += sum(map(len, reader.poll(at_most=1000, timeout_s=0.1).values()))
    return came


def settled(look: Callable[[], Any], wanted: Any) -> Any:
    """What is seen, once it is what is wanted or time is up: markers reach other partitions a little later."""
    deadline = time.monotonic() + LONG_S
    while look() != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    return look()
