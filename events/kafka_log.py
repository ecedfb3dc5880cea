"""The log on Apache Kafka: the one door to kafka-python, whose errors leave here as errors of the log."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka import errors as kafka_errors

from events.kafka_admin import KafkaAdmin, KafkaConnection, translated
from events.kafka_fetched import FetchedPartition, spread
from events.kafka_writers import KafkaTransactionalWriter, KafkaWriter
from events.log import LogError, LogUnavailableError, Message, Place, TopicSpec
from events.without import is_without

__all__ = ["KafkaLog", "KafkaReader"]

_EVERYTHING = 1_000_000_000
_SILENCE_S = 2.0
_SHORT = 2  # transaction.version from which on the broker adds partitions by itself
_UNREADABLE = (
    kafka_errors.CorruptRecordError,
    kafka_errors.OffsetOutOfRangeError,
    kafka_errors.NoOffsetForPartitionError,
    kafka_errors.LogTruncationError,
)


class KafkaLog:
    """Implements ``events.log.Log``. Making one connects to nothing; the first use does."""

    def __init__(  # noqa: PLR0913  # each of these is a thing of its own, and named by the caller
        self,
        bootstrap: str,
        *,
        client_id: str = "meridian",
        security: Mapping[str, Any] | None = None,
        patience_s: float = 10.0,
        commit_limit_s: float = 20.0,
        on_stuck: Callable[[str], None] | None = None,
        stop: threading.Event | None = None,
        short_transactions: bool = True,
        deep: bool = False,
    ) -> None:
        """``on_stuck`` is told when a commit has not come back after ``commit_limit_s``: a decider exits there.

        Once ``stop`` is set, nobody waits any more for a broker that is away. ``short_transactions``: where the
        cluster knows them. ``deep``: its readers fetch one partition as far as a fetch goes, then another, for who
        gains by having much of one subject at once.
        """
        self._connection = KafkaConnection(
            bootstrap, client_id, dict(security or {}), patience_s, stop or threading.Event(), deep
        )
        self._admin = KafkaAdmin(self._connection)
        self._short_transactions = short_transactions
        self._commit_limit_s = commit_limit_s
        self._on_stuck = on_stuck

    def reader(self, *, committed: bool = True) -> "KafkaReader":
        """A reader without a group; ``committed``: only records of committed transactions."""
        committed = committed and not is_without("read_committed")
        return KafkaReader(self._connection, self._admin, committed=committed)

    def writer(self) -> KafkaWriter:
        """An idempotent writer of single records."""
        return KafkaWriter(self._connection)

    def transactional(self, transactional_id: str) -> KafkaTransactionalWriter:
        """A writer whose construction fences every earlier one of this id and closes what it left open."""
        return KafkaTransactionalWriter(
            self._connection,
            transactional_id,
            commit_limit_s=self._commit_limit_s,
            on_stuck=self._on_stuck,
            short=self._short_transactions and self._admin.transaction_version() >= _SHORT,
        )

    def committed(self, group: str, places: Iterable[Place]) -> dict[Place, int | None]:
        """Offsets that transactions have committed for this group; None where there is none."""
        return self._admin.committed(group, places)

    def ensure(self, specs: Iterable[TopicSpec]) -> None:
        """Create those topics that are missing, with as many replicas as there are brokers, at most three."""
        self._admin.ensure(specs)

    def topic_ids(self, names: Iterable[str]) -> dict[str, str]:
        """The cluster's id of each existing topic."""
        return self._admin.topic_ids(names)

    def partitions(self, names: Iterable[str]) -> dict[str, int]:
        """The partition count of each existing topic."""
        return self._admin.partitions(names)

    def names(self) -> list[str]:
        """All topics, internal ones left out."""
        return self._admin.names()

    def cut(self, place: Place, *, before: int) -> None:
        """Delete what stands before this offset: for who restores a topic that has to begin further on."""
        self._admin.cut(place, before=before)

    def cluster_id(self) -> str:
        """The cluster's own id: another id is another cluster, or one that was made anew."""
        return self._admin.cluster_id()

    def close(self) -> None:
        """Let go of the log's own connection; readers and writers are closed by those who asked for them."""
        self._admin.close()


class KafkaReader:
    """Reads assigned partitions. Fetched records are held here, so that a fetch is always under way.

    Left to itself the client fetches nothing more from a node while records of one fetch are handed out in small
    batches and any other partition is idle: 5,000 records/s instead of 140,000 were seen.
    """

    def __init__(self, connection: KafkaConnection, admin: KafkaAdmin, *, committed: bool) -> None:
        self._connection = connection
        self._admin = admin
        self._only_committed = committed
        self._held: dict[Place, list[Message]] = {}
        self._next: dict[Place, int] = {}  # what the client fetches next; what is held comes before it
        self._paused: set[Place] = set()
        self._heard_at = time.monotonic()
        self._closed = False
        self._consumer: KafkaConsumer | None = None  # made where there is something to read

    def assign(self, positions: Mapping[Place, int]) -> None:
        """Read these partitions from these offsets, and no others; nothing is paused."""
        self._held.clear()
        self._paused.clear()
        self._next = {Place(*place): offset for place, offset in positions.items()}
        if self._consumer is None:
            self._connected()
        else:
            self._seek(self._consumer)

    def poll(self, *, at_most: int, timeout_s: float) -> dict[Place, list[Message]]:
        """What has come; waits up to ``timeout_s`` for the first.

        LogUnavailableError says that the broker is away; polling goes on where it was when it is back.
        """
        ready = self._ready()
        if not ready:
            self._fetch(timeout_s)
        elif sum(len(self._held[place]) for place in ready) < at_most:
            with suppress(LogError):  # told when nothing is held any more
                self._fetch(0.0)
        taken: dict[Place, list[Message]] = {}
        for place in self._ready():
            if at_most <= 0:
                break
            taken[place] = self._take(place, at_most)
            at_most -= len(taken[place])
        return taken

    def position(self, place: Place) -> int:
        """The offset that is read next; passes over commit markers and aborted records."""
        held = self._held.get(place)
        return held[0].offset if held else self._next[place]

    def end(self, place: Place) -> int:
        """One past the last record of any kind, commit markers and open transactions included."""
        return self._admin.end(place)

    def beginning(self, place: Place) -> int:
        """The first offset that is still kept."""
        return self._admin.beginning(place)

    def pause(self, places: Iterable[Place]) -> None:
        """Return nothing of these partitions for now."""
        chosen = [place for place in places if place in self._next]
        self._paused.update(chosen)
        if self._consumer is not None:
            self._consumer.pause(*map(_partition, chosen))

    def resume(self, places: Iterable[Place]) -> None:
        """Return them again."""
        chosen = [place for place in places if place in self._paused]
        self._paused.difference_update(chosen)
        if self._consumer is not None:
            self._consumer.resume(*map(_partition, chosen))

    def close(self) -> None:
        """Let go."""
        self._closed = True
        self._drop()

    def _ready(self) -> list[Place]:
        return [place for place, held in self._held.items() if held and place not in self._paused]

    def _take(self, place: Place, at_most: int) -> list[Message]:
        held = self._held[place]
        taken, self._held[place] = held[:at_most], held[at_most:]
        return taken

    def _fetch(self, timeout_s: float) -> None:
        try:
            consumer = self._connected()
            fetched = consumer.poll(timeout_ms=timeout_s * 1000, max_records=_EVERYTHING)
            found = _positions(consumer)
        except Exception as error:
            # Another client goes on where this one was: polled again after an error, this one may spin for ever.
            self._drop()
            if isinstance(error, _UNREADABLE):
                raise LogError(self._where_it_stands(error)) from error
            raise translated(error, f"read {self._topics()}", self._connection.bootstrap) from error
        self._look_for_the_broker(came=bool(fetched))
        for partition, records in fetched.items():
            place = Place(partition.topic, partition.partition)
            self._held.setdefault(place, []).extend(spread(place, records, self._next[place]))
        self._next |= found

    def _look_for_the_broker(self, *, came: bool) -> None:
        # Of a broker that is away the client tells its log, and returns nothing, as if there were nothing to read.
        now = time.monotonic()
        if not came and now - self._heard_at < _SILENCE_S:
            return
        self._heard_at = now
        if not came and not self._connection.is_reachable():
            where = self._connection.bootstrap
            raise LogUnavailableError(
                f"read {self._topics()}: nothing listens at {where}; it goes on by itself"
            )

    def _connected(self) -> KafkaConsumer:
        if self._closed:
            raise LogError(f"read {self._topics()}: this reader is closed")
        if self._consumer is None:
            self._consumer = self._connection.consumer(committed=self._only_committed)
            self._consumer._fetcher.PartitionRecords = FetchedPartition
            self._seek(self._consumer)
        return self._consumer

    def _seek(self, consumer: KafkaConsumer) -> None:
        partitions = list(map(_partition, self._next))
        consumer.assign(partitions)
        for place, offset in self._next.items():
            consumer.seek(_partition(place), offset)
        consumer.resume(*partitions)
        consumer.pause(*map(_partition, self._paused))

    def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with suppress(Exception):  # a client that has lost its own thread cannot be closed in order
                consumer.close(autocommit=False, timeout_ms=1000)

    def _where_it_stands(self, error: Exception) -> str:
        states = [
            f"{place.topic}/{place.partition} at {self.position(place)} of {self.beginning(place)}…{self.end(place)}"
            for place in self._next
        ]
        return f"read: {type(error).__name__} ({error}): {'; '.join(states)}; see meridian recover --explain"

    def _topics(self) -> str:
        return ", ".join(sorted({place.topic for place in self._next})) or "nothing yet"


def _partition(place: Place) -> TopicPartition:
    return TopicPartition(place.topic, place.partition)


def _positions(consumer: KafkaConsumer) -> dict[Place, int]:
    """What is fetched next, as far as the client knows; its own ``position`` looks at all partitions for each of them.

    That is 400 looks where twenty would do, at every poll, while whoever waits for the records waits.
    """
    assigned = consumer._subscription.assignment
    return {
        Place(*partition): state.position.offset
        for partition, state in assigned.items()
        if state.position is not None
    }
