"""The ports of a simulated process: log, decider's store and clock, each call a place to stop, and faults to order."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from events.log import LogUnavailableError, Message, Place, Reader, Sent, SentAll, TransactionalWriter, Writer
from events.memory_log import MemoryLog
from service.decider.halts import StoreFencedError, StoreUnavailableError
from service.decider.store import NOTHING_LED_PAST, LedPast, OutcomeRow, Watermark
from tests.simulation.scheduler import Scheduler

__all__ = ["BEGIN", "Clock", "DeciderTables", "SimulatedLog", "SimulatedStore"]

BEGIN = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
AHEAD = 1_000_000


@dataclass
class Clock:
    """The site's time; each process sees it with an offset of its own."""

    now: datetime = BEGIN

    def seen(self, offset: timedelta = timedelta(0)) -> Callable[[], datetime]:
        """The clock of one machine. Each look takes a millisecond."""

        def look() -> datetime:
            self.now += timedelta(milliseconds=1)
            return self.now + offset

        return look


class SimulatedLog:
    """The log in memory, with a pause before each call. Implements ``events.log.Log``.

    ``lost`` and ``landed`` are faults of single records, ordered in advance: in both the sender is told that the log is
    away, and only in the second the record is there.
    """

    def __init__(self, inner: MemoryLog, scheduler: Scheduler) -> None:
        self.inner = inner
        self.scheduler = scheduler
        self.away = 0
        self.send_faults: list[str] = []
        self.begun: list[tuple[Place, int, int]] = []
        """Where a reader of requests was told to begin, and where the ledger beside them ended then."""

    def reader(self, *, committed: bool = True) -> Reader:
        return _Reader(self, self.inner.reader(committed=committed))

    def writer(self) -> Writer:
        return _Writer(self, self.inner.writer())

    def transactional(self, transactional_id: str) -> TransactionalWriter:
        self.called("take over")
        return _Transactional(self, self.inner.transactional(transactional_id))

    def committed(self, group: str, places: Iterable[Place]) -> dict[Place, int | None]:
        self.called("committed")
        return self.inner.committed(group, places)

    def called(self, label: str) -> None:
        """A call that the log may not answer."""
        self.scheduler.pause(label)
        if self.away:
            self.away -= 1
            raise LogUnavailableError(f"{label}: the broker does not answer")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


class _Reader:
    def __init__(self, log: SimulatedLog, inner: Reader) -> None:
        self._log, self._inner = log, inner

    def assign(self, positions: Mapping[Place, int]) -> None:
        for place, offset in positions.items():
            if place.topic.endswith(".requests"):
                ledger = Place(place.topic.replace(".requests", ".events"), place.partition)
                self._log.begun.append((place, offset, self._inner.end(ledger)))
        self._inner.assign(positions)

    def poll(self, *, at_most: int, timeout_s: float) -> dict[Place, list[Message]]:
        self._log.called("poll")
        found = self._inner.poll(at_most=at_most, timeout_s=0.0)
        if not found:
            self._log.scheduler.pause("nothing came", idle=True)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class _Writer:
    def __init__(self, log: SimulatedLog, inner: Writer) -> None:
        self._log, self._inner = log, inner

    def send(self, topic: str, **record: Any) -> Sent:
        self._log.called("write")
        fault = self._log.send_faults.pop(0) if self._log.send_faults else None
        if fault is None:
            return self._inner.send(topic, **record)
        if fault == "landed":
            self._inner.send(topic, **record)
        raise LogUnavailableError("write: no acknowledgement came")

    def send_all(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> SentAll:
        """One by one, so that a fault may strike between any two of them."""
        return _Each([self.send(topic, key=key, value=value) for key, value in records])

    def flush(self, timeout_s: float) -> None:
        """Nothing is ever under way."""

    def close(self) -> None:
        """Let go."""


class _Each:
    def __init__(self, sent: Sequence[Sent]) -> None:
        self._sent = sent

    def offsets(self, timeout_s: float) -> list[int]:
        return [each.result(timeout_s)[1] for each in self._sent]


class _Transactional:
    def __init__(self, log: SimulatedLog, inner: TransactionalWriter) -> None:
        self._log, self._inner = log, inner

    def begin(self) -> None:
        self._log.scheduler.pause("begin")
        self._inner.begin()

    def foretell(self, place: Place, offsets: Mapping[Place, int], *, group: str) -> None:
        self._log.scheduler.pause("foretell")
        self._inner.foretell(place, offsets, group=group)

    def send(self, topic: str, **record: Any) -> Sent:
        self._log.scheduler.pause("send")
        return self._inner.send(topic, **record)

    def send_all(self, topic: str, records: Sequence[tuple[bytes, bytes]], *, partition: int) -> SentAll:
        return _AllSent(
            [self.send(topic, key=key, value=value, partition=partition) for key, value in records]
        )

    def commit(self, offsets: Mapping[Place, int], *, group: str) -> None:
        self._log.scheduler.pause("commit")
        self._inner.commit(offsets, group=group)

    def abort(self) -> None:
        self._inner.abort()

    def close(self) -> None:
        """A process that dies closes nothing; what it left open is the successor's to close."""


@dataclass(frozen=True)
class _AllSent:
    sent: list[Sent]

    def offsets(self, timeout_s: float) -> list[int]:
        return [each.result(timeout_s)[1] for each in self.sent]


@dataclass
class DeciderTables:
    """The schema ``decider`` for all partitions of one machine: what ``service.snapshots`` keeps in PostgreSQL."""

    snapshots: dict[int, dict[str, bytes]] = field(default_factory=dict)
    outcomes: dict[str, OutcomeRow] = field(default_factory=dict)
    marks: dict[int, Watermark] = field(default_factory=dict)
    epochs: dict[int, int] = field(default_factory=dict)

    def copy(self) -> "DeciderTables":
        """A backup."""
        return deepcopy(self)

    def set_ahead(self, partition: int) -> None:
        """The watermark of a ledger that had more than this one has."""
        if partition in self.marks:
            self.marks[partition] = replace(self.marks[partition], next_offset=AHEAD)

    def recover(self, partition: int) -> None:
        """As ``meridian recover`` leads on: snapshots that are ahead of the ledger are dropped."""
        if partition in self.marks and self.marks[partition].next_offset >= AHEAD:
            self.snapshots.pop(partition, None)
            del self.marks[partition]


class SimulatedStore:
    """The port ``Store`` of one partition, over ``DeciderTables``, as ``service.snapshots.Snapshots`` has it in SQL."""

    def __init__(self, tables: Callable[[], DeciderTables], partition: int, scheduler: Scheduler) -> None:
        self._tables = tables
        self._partition = partition
        self._scheduler = scheduler
        self._seen: Watermark | None = None
        self.failing: list[str] = []

    def watermark(self) -> Watermark | None:
        self._called("read watermark")
        self._seen = self._tables().marks.get(self._partition)
        return self._seen

    def led_past(self, requests_topic_id: str) -> LedPast:
        """Nobody has led this partition past anything."""
        self._called("read what was led past")
        return NOTHING_LED_PAST

    def load(self, subjects: Sequence[str], records: Sequence[str] = ()) -> dict[str, bytes]:
        if not subjects:
            return {}
        self._called("load snapshots")
        known = self._tables().snapshots.get(self._partition, {})
        return {name: known[name] for name in subjects if name in known}

    def lost(self, subjects: Sequence[str]) -> list[str]:
        """Single snapshots are not lost here."""
        return []

    def digests(self, record_ids: Sequence[str]) -> dict[str, str]:
        if not record_ids:
            return {}
        self._called("load outcomes")
        self._check_unmoved()
        known = self._tables().outcomes
        return {each: known[each].request_digest for each in record_ids if each in known}

    def save(
        self, snapshots: Iterable[tuple[str, int, bytes]], outcomes: Sequence[OutcomeRow], mark: Watermark
    ) -> None:
        fault = self._called("save", at_commit=True)
        tables = self._tables()
        found = tables.marks.get(self._partition)
        is_later = found is not None and (
            found.owner_epoch > mark.owner_epoch or found.next_offset > mark.next_offset
        )
        if is_later or found != self._seen:
            raise StoreFencedError(f"{self._partition}: the watermark is {found}, not {self._seen} any more")
        tables.snapshots.setdefault(self._partition, {}).update((name, state) for name, _, state in snapshots)
        for row in outcomes:
            tables.outcomes.setdefault(row.record_id, row)
        tables.marks[self._partition] = mark
        if fault:
            raise StoreUnavailableError("the connection went away at COMMIT, which stands")
        self._seen = mark

    def forget(self) -> None:
        self._called("forget snapshots")
        found = self._tables().marks.get(self._partition)
        if found is not None:
            self._check_unmoved()
        self._tables().snapshots.pop(self._partition, None)
        self._tables().marks.pop(self._partition, None)
        self._seen = None

    def _check_unmoved(self) -> None:
        found = self._tables().marks.get(self._partition)
        if found != self._seen:
            raise StoreFencedError(f"{self._partition}: found the watermark {found}, wanted {self._seen}")

    def cut_off_predecessors(self) -> int:
        self._called("cut off predecessors")
        return 0  # nobody is frozen in the middle of a call here

    def raise_epoch(self, *, at_least: int) -> int:
        self._called("raise epoch")
        epochs = self._tables().epochs
        epochs[self._partition] = max(epochs.get(self._partition, 0), at_least) + 1
        return epochs[self._partition]

    def _called(self, label: str, *, at_commit: bool = False) -> bool:
        self._scheduler.pause(label)
        if not self.failing:
            return False
        if self.failing.pop(0) == "stands" and at_commit:
            return True
        raise StoreUnavailableError(f"{label}: told to fail")
