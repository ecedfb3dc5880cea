"""The log in memory: the ports and rules of the log on Kafka, with faults that can be ordered in advance."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from events.ids import partition_of
from events.log import (
    Headers,
    LogError,
    LogUnavailableError,
    Message,
    Place,
    Sent,
    SentAll,
    TopicSpec,
    TransactionInDoubtError,
)
from events.memory_store import CommitFault, Entry, MemoryStore, State, Transaction

__all__ = ["CommitFault", "MemoryLog", "MemoryReader", "MemoryTransactionalWriter", "MemoryWriter"]


class MemoryLog:
    """Implements ``events.log.Log``; safe to share between threads."""

    def __init__(self, *, now_ms: Callable[[], int] = lambda: 0) -> None:
        """``now_ms`` stamps the records."""
        self._store = MemoryStore(now_ms)

    def reader(self, *, committed: bool = True) -> "MemoryReader":
        """A reader; ``committed``: only records of committed transactions."""
        return MemoryReader(self._store, committed=committed)

    def writer(self) -> "MemoryWriter":
        """A writer of single records."""
        return MemoryWriter(self._store)

    def transactional(self, transactional_id: str) -> "MemoryTransactionalWriter":
        """A writer whose construction fences every earlier one of the same id and closes what it left open."""
        return MemoryTransactionalWriter(self._store, transactional_id)

    def committed(self, group: str, places: Iterable[Place]) -> dict[Place, int | None]:
        """Offsets that transactions have committed for this group."""
        with self._store.changed:
            return {place: self._store.offsets.get((group, place)) for place in places}

    def ensure(self, specs: Iterable[TopicSpec]) -> None:
        """Create those topics that are missing; leaves existing ones as they are."""
        with self._store.changed:
            for spec in specs:
                if spec.name not in self._store.topics:
                    self._store.create(spec.name, spec.partitions)

    def topic_ids(self, names: Iterable[str]) -> dict[str, str]:
        """The id of each existing topic."""
        with self._store.changed:
            return {name: self._store.topics[name].id for name in names if name in self._store.topics}

    def partitions(self, names: Iterable[str]) -> dict[str, int]:
        """The partition count of each existing topic."""
        topics = self._store.topics
        with self._store.changed:
            return {name: len(topics[name].partitions) for name in names if name in topics}

    def names(self) -> list[str]:
        """All topics."""
        with self._store.changed:
            return sorted(self._store.topics)

    def close(self) -> None:
        """Nothing is held; what was written stays readable."""

    def remove(self, name: str) -> None:
        """Delete a topic; one made anew under the name has another id."""
        with self._store.changed:
            self._store.topics.pop(name, None)

    def drop_before(self, place: Place, offset: int) -> None:
        """Delete what lies before the offset, as retention does."""
        with self._store.changed:
            self._store.drop_before(place, offset)

    def fail_next_commit(self, fault: CommitFault) -> None:
        """The next commit goes wrong in this way; ordered several times, the next ones do, in this order."""
        with self._store.changed:
            self._store.faults.append(fault)

    def settle(self) -> None:
        """Let late commits happen now."""
        with self._store.changed:
            self._store.settle()


class MemoryReader:
    """Reads assigned partitions from given offsets."""

    def __init__(self, store: MemoryStore, *, committed: bool) -> None:
        self._store = store
        self._only_committed = committed
        self._next: dict[Place, int] = {}
        self._paused: set[Place] = set()

    def assign(self, positions: Mapping[Place, int]) -> None:
        """Read these partitions from these offsets, and no others; nothing is paused."""
        self._next = {Place(*place): offset for place, offset in positions.items()}
        self._paused.clear()

    def poll(self, *, at_most: int, timeout_s: float) -> dict[Place, list[Message]]:
        """What has come, in order within each partition; waits up to ``timeout_s`` for the first."""
        deadline = time.monotonic() + timeout_s
        with self._store.changed:
            while True:
                taken = self._take(at_most)
                if taken or not self._store.changed.wait(max(0.0, deadline - time.monotonic())):
                    return taken

    def position(self, place: Place) -> int:
        """The offset that is read next; passes over commit markers and aborted records."""
        return self._next[place]

    def end(self, place: Place) -> int:
        """The uncommitted end."""
        with self._store.changed:
            return len(self._store.entries(place))

    def beginning(self, place: Place) -> int:
        """The first offset that is still kept."""
        with self._store.changed:
            return self._store.beginning(place)

    def pause(self, places: Iterable[Place]) -> None:
        """Return nothing of these partitions for now."""
        self._paused.update(place for place in places if place in self._next)

    def resume(self, places: Iterable[Place]) -> None:
        """Return them again."""
        self._paused.difference_update(places)

    def close(self) -> None:
        """Let go."""
        self._next.clear()

    def _take(self, at_most: int) -> dict[Place, list[Message]]:
        taken: dict[Place, list[Message]] = {}
        for place in self._next:
            found = [] if place in self._paused else self._read(place, at_most)
            if found:
                taken[place] = found
                at_most -= len(found)
        return taken

    def _read(self, place: Place, at_most: int) -> list[Message]:
        if place.topic not in self._store.topics:
            return []  # as on Kafka, where a topic may still come
        entries = self._store.entries(place)
        end = self._store.stable_end(place) if self._only_committed else len(entries)
        if self._next[place] > len(entries):
            raise LogError(
                f"read: {place.topic}/{place.partition} at {self._next[place]} of 0…{len(entries)}; "
                "see meridian recover --explain"
            )
        found: list[Message] = []
        while self._next[place] < end and len(found) < at_most:
            message = self._visible(entries[self._next[place]])
            self._next[place] += 1
            if message is not None:
                found.append(message)
        return found

    def _visible(self, entry: Entry) -> Message | None:
        aborted = entry.transaction is not None and entry.transaction.state is State.ABORTED
        return None if aborted and self._only_committed else entry.message


@dataclass(slots=True, frozen=True)
class _Written:
    place: Place
    offset: int

    def result(self, timeout_s: float) -> tuple[int, int]:  # noqa: ARG002  the port has it; nothing is waited for
        """Partition and offset."""
        return self.place.partition, self.offset


@dataclass(slots=True, frozen=True)
class _AllWritten:
    written: list[int]

    def offsets(self, timeout_s: float) -> list[int]:  # noqa: ARG002  the port has it; nothing is waited for
        """The offset of each."""
        return self.written


class MemoryWriter:
    """Writes records."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._turns = count()
        self._closed = False

    def send(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        partition: int | None = None,
        headers: Headers = (),
    ) -> Sent:
        """Write a record; ``partition`` None lets ``partition_of(key)`` decide, any one without a key."""
        if self._closed:
            raise LogError(f"send to {topic}: this writer is closed")
        with self._store.changed:
            place = Place(topic, self._partition(topic, key) if partition is None else partition)
            return _Written(place, self._store.append(place, key=key, value=value, headers=headers))

    def send_all(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> SentAll:
        """Write many records, each to the partition of its key."""
        return _AllWritten([self.send(topic, key=key, value=value).result(0.0)[1] for key, value in records])

    def flush(self, timeout_s: float) -> None:
        """Nothing is ever under way."""

    def close(self) -> None:
        """Let go."""
        self._closed = True

    def _partition(self, topic: str, key: bytes | None) -> int:
        if topic not in self._store.topics:
            raise LogUnavailableError(f"send to {topic}: found no such topic; create it first")
        partitions = len(self._store.topics[topic].partitions)
        if key is None:
            return next(self._turns) % partitions
        return partition_of(key.decode(errors="replace"), partitions)


class MemoryTransactionalWriter:
    """Writes records and offsets in transactions; spent after its first failure."""

    def __init__(self, store: MemoryStore, transactional_id: str) -> None:
        self._store = store
        self._id = transactional_id
        self._open: Transaction | None = None
        self._foretold: tuple[dict[Place, int], str] | None = None
        self._spent: LogError | None = None
        with store.changed:
            self._epoch = store.take_over(transactional_id)

    def begin(self) -> None:
        """Open a transaction."""
        with self._store.changed:
            self._still_mine()
            if self._open is not None:
                raise self._spend(
                    TransactionInDoubtError(f"{self._id}: begin: a transaction is open already")
                )
            self._open = self._store.begin(self._id)
            self._foretold = None

    def foretell(self, place: Place, offsets: Mapping[Place, int], *, group: str) -> None:  # noqa: ARG002
        """Nobody has to hear of it before the commit, which is held to it."""
        with self._store.changed:
            self._current()
            self._foretold = (dict(offsets), group)

    def send(
        self, topic: str, *, key: bytes | None, value: bytes, partition: int, headers: Headers = ()
    ) -> Sent:
        """Write a record as part of the open transaction."""
        place = Place(topic, partition)
        with self._store.changed:
            transaction = self._current()
            try:
                offset = self._store.append(
                    place, key=key, value=value, headers=headers, transaction=transaction
                )
            except LogError as error:
                raise self._spend(TransactionInDoubtError(str(error))) from error
            return _Written(place, offset)

    def send_all(self, topic: str, records: Sequence[tuple[bytes, bytes]], *, partition: int) -> SentAll:
        """Write many records of one partition as part of the open transaction."""
        sent = [self.send(topic, key=key, value=value, partition=partition) for key, value in records]
        return _AllWritten([each.result(0.0)[1] for each in sent])

    def commit(self, offsets: Mapping[Place, int], *, group: str) -> None:
        """Commit records and next offsets together."""
        with self._store.changed:
            transaction, self._open = self._current(), None
            if self._foretold is not None and self._foretold != (dict(offsets), group):
                raise self._spend(TransactionInDoubtError(f"{self._id}: commit: other offsets were foretold"))
            try:
                self._store.commit(transaction, {(group, place): next_ for place, next_ in offsets.items()})
            except TransactionInDoubtError as error:
                raise self._spend(error) from None

    def abort(self) -> None:
        """Give up the open transaction."""
        with self._store.changed:
            transaction, self._open = self._open, None
            if transaction is not None and transaction.state is State.OPEN:
                self._store.finish(transaction, State.ABORTED)

    def close(self) -> None:
        """Let go; an open transaction is left to the successor."""
        self._spent = self._spent or TransactionInDoubtError(f"{self._id}: this writer is closed")

    def _current(self) -> Transaction:
        self._still_mine()
        if self._open is None:
            raise self._spend(TransactionInDoubtError(f"{self._id}: no transaction is open; begin one"))
        return self._open

    def _still_mine(self) -> None:
        if self._spent is not None:
            raise type(self._spent)(f"{self._spent}; make a new writer")
        try:
            self._store.check(self._id, self._epoch)
        except LogError as error:
            raise self._spend(error) from None

    def _spend(self, error: LogError) -> LogError:
        self._spent = error
        return error
