"""A small site for the decider's tests: a log in memory, a store in memory, one partition, and a way to ask."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from events.envelope import Record, decode_record, encode_request
from events.log import Message, Place
from events.memory_log import MemoryLog
from events.topic_specs import topic_specs
from events.topics import Topics
from machines import MACHINES
from machines.desk import Desk
from service.decider.halts import StoreFencedError, StoreUnavailableError
from service.decider.owner import OwnerSettings, PartitionOwner
from service.decider.store import NOTHING_LED_PAST, LedPast, OutcomeRow, Watermark
from service.decider.takeover import Seat
from tests.machines.given import arrival

TOPICS = Topics("test")
LEDGER = Place(TOPICS.events("file"), 0)
REQUESTS = Place(TOPICS.requests("file"), 0)
DEAD = Place(TOPICS.deadletter, 0)


@dataclass
class MemoryStore:
    """The port ``Store`` over dicts, with saves that can be ordered to fail."""

    snapshots: dict[str, bytes] = field(default_factory=dict)
    outcomes: dict[str, OutcomeRow] = field(default_factory=dict)
    mark: Watermark | None = None
    epoch: int = 0
    failing_saves: int = 0
    past: LedPast = NOTHING_LED_PAST
    viewed: set[str] = field(default_factory=set)
    """Subjects that the views have records of."""

    def watermark(self) -> Watermark | None:
        return self.mark

    def led_past(self, requests_topic_id: str) -> LedPast:
        return self.past

    def load(self, subjects: Sequence[str], records: Sequence[str] = ()) -> dict[str, bytes]:
        return {name: self.snapshots[name] for name in subjects if name in self.snapshots}

    def lost(self, subjects: Sequence[str]) -> list[str]:
        return [name for name in subjects if name in self.viewed]

    def digests(self, record_ids: Sequence[str]) -> dict[str, str]:
        return {each: self.outcomes[each].request_digest for each in record_ids if each in self.outcomes}

    def save(
        self, snapshots: Iterable[tuple[str, int, bytes]], outcomes: Sequence[OutcomeRow], mark: Watermark
    ) -> None:
        if self.failing_saves:
            self.failing_saves -= 1
            raise StoreUnavailableError("the store was told to fail")
        if self.mark is not None and self.mark.owner_epoch > mark.owner_epoch:
            raise StoreFencedError("a later owner has written")
        self.snapshots |= {name: state for name, _, state in snapshots}
        self.outcomes |= {row.record_id: row for row in outcomes}
        self.mark = mark

    def forget(self) -> None:
        self.snapshots.clear()
        self.mark = None

    def cut_off_predecessors(self) -> int:
        return 0

    def raise_epoch(self, *, at_least: int) -> int:
        self.epoch = max(self.epoch, at_least) + 1
        return self.epoch


@dataclass
class Site:
    """One partition of the machine ``file``."""

    log: MemoryLog = field(default_factory=MemoryLog)
    store: MemoryStore = field(default_factory=MemoryStore)
    clock: Callable[[], datetime] = lambda: datetime(2026, 11, 21, tzinfo=UTC)

    def __post_init__(self) -> None:
        self.log.ensure(topic_specs(TOPICS, {"file": 1}, ()))
        self.writer = self.log.writer()

    def owner(self, **settings: Any) -> PartitionOwner:
        """An owner that has not taken over yet."""
        ids = self.log.topic_ids([REQUESTS.topic])
        return PartitionOwner(
            seat=Seat("file", 0, LEDGER, REQUESTS, ids[REQUESTS.topic]),
            logs=self.log,
            topics=TOPICS,
            store=self.store,
            desk=Desk(MACHINES["file"], site="test"),
            partitions=1,
            settings=OwnerSettings(**{"poll_s": 0.0, **settings}),
            clock=self.clock,
        )

    def ask(self, request: str = "arrive", subject: str = "roman/a", **more: Any) -> str:
        """Put a request on the log; its id."""
        identifier = more.pop("id", None) or str(uuid4())
        data = more.pop("data", arrival() if request == "arrive" else {})
        value = encode_request(
            id=identifier,
            type=f"file.{request}",
            subject=subject,
            actor="somebody",
            source="test",
            at=self.clock(),
            data=data,
            **more,
        )
        self.put(value, subject)
        return identifier

    def put(self, value: bytes | None, subject: str = "roman/a") -> None:
        """Put any bytes on the requests topic."""
        self.writer.send(REQUESTS.topic, key=subject.encode(), value=value, partition=0)

    def ledger(self) -> list[Record]:
        """Every committed record, in order."""
        return [decode_record(each.value, offset=each.offset) for each in self.read(LEDGER)]

    def read(self, place: Place) -> list[Message]:
        """Every committed message of a partition."""
        reader = self.log.reader(committed=True)
        reader.assign({place: 0})
        found: list[Message] = []
        while messages := reader.poll(at_most=1000, timeout_s=0.0).get(place):
            found += messages
        return found


def number(value: int) -> str:
    """A request id."""
    return str(UUID(int=value))


def later(seconds: float) -> datetime:
    """A time after the site's clock."""
    return datetime(2026, 11, 21, tzinfo=UTC) + timedelta(seconds=seconds)
