"""The auditor's own way to read Kafka: another client library than the one that wrote it."""

import time
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from service.audit.reach import LogAwayError, Place

__all__ = ["KafkaReader"]

Range = tuple[int, int]
"""First offset, and the one that ends it."""

REACH_S = 10.0
"""How long a broker may take to answer."""

_BATCH = 2000
_PAUSE_S = 0.05
_MEGABYTE = 1024 * 1024


class KafkaReader:
    """Reads what is committed, from given offsets to given ends. Raises LogAwayError and nothing else."""

    def __init__(
        self, bootstrap: str, *, client_id: str = "meridian-audit", patience_s: float = 30.0
    ) -> None:
        self._bootstrap = bootstrap
        self._patience_s = patience_s
        self._settings: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "client.id": client_id,
            "log_level": 0,
        }
        self._admin = AdminClient(self._settings)

    def partitions(self, prefix: str) -> dict[str, int]:
        """Topics whose names begin so, with their partitions."""
        try:
            found = self._admin.list_topics(timeout=REACH_S).topics
        except KafkaException as error:
            raise self._away(error) from error
        return {name: len(topic.partitions) for name, topic in found.items() if name.startswith(prefix)}

    def topic_ids(self, names: Iterable[str]) -> dict[str, str]:
        """The cluster's id of each topic, as records name it."""
        asked = self._admin.describe_topics(TopicCollection(list(names)), request_timeout=REACH_S)
        return {name: _uuid(str(self._result(promise).topic_id)) for name, promise in asked.items()}

    def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """Where the committed part of each partition ends now."""
        return self._offsets(places, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def beginnings(self, places: Iterable[Place]) -> dict[Place, int]:
        """The first offset that is still kept."""
        return self._offsets(places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]

    def committed(self, group: str, places: Iterable[Place]) -> dict[Place, int]:
        """How far a group has come; 0 where it has committed nothing."""
        wanted = [TopicPartition(*place) for place in places]
        if not wanted:
            return {}
        consumer = Consumer({**self._settings, "group.id": group, "enable.auto.commit": False})
        try:
            found = consumer.committed(wanted, timeout=REACH_S)
        except KafkaException as error:
            raise self._away(error) from error
        finally:
            consumer.close()
        return {Place(each.topic, each.partition): max(0, each.offset) for each in found}

    def read(self, ranges: Mapping[Place, Range]) -> Iterator[list[Any]]:
        """The client's messages of each partition, from its begin up to and without its end; offsets may have gaps."""
        left = {place: end for place, (begin, end) in ranges.items() if begin < end}
        if not left:
            return
        consumer = Consumer(self._settings | _READING)
        try:
            consumer.assign([TopicPartition(*place, ranges[place][0]) for place in left])
            yield from self._batches(consumer, left)
        except KafkaException as error:
            raise self._away(error) from error
        finally:
            consumer.close()

    def holds(self, ranges: Mapping[Place, Range]) -> set[Place]:
        """Those of these ranges that have records in them; marks of Kafka's own are none."""
        found: set[Place] = set()
        for batch in self.read(ranges):
            found.update(map(_place, batch))
            if len(found) == len(ranges):
                break  # of one that is far behind nothing more need be read
        return found

    def _batches(self, consumer: Any, left: dict[Place, int]) -> Iterator[list[Any]]:
        """Batches until every partition has come to its end in ``left``."""
        until = time.monotonic() + self._patience_s
        is_one = len(left) == 1
        while left:
            batch = consumer.consume(_BATCH, timeout=_PAUSE_S)
            good = self._good(batch, left, is_one=is_one)
            for each in self._marks(batch, is_one=is_one):
                self._pass(consumer, left, each)
            if good:
                until = time.monotonic() + self._patience_s
                yield good
            elif time.monotonic() > until:
                place, end = next(iter(left.items()))
                raise LogAwayError(
                    f"kafka at {self._bootstrap}: {place.topic}/{place.partition} gave nothing for "
                    f"{self._patience_s:g} s before offset {end}; see meridian doctor"
                )

    @staticmethod
    def _good(batch: list[Any], left: Mapping[Place, int], *, is_one: bool) -> list[Any]:
        """Records before the end of their partition."""
        if is_one:  # mostly so, and then there is nothing to look up
            end = next(iter(left.values()))
            return [each for each in batch if each.error() is None and each.offset() < end]
        return [each for each in batch if each.error() is None and each.offset() < left.get(_place(each), 0)]

    def _marks(self, batch: list[Any], *, is_one: bool) -> Iterator[Any]:
        """Messages that may be the last of their partition: ends, and records; raises on errors."""
        for each in batch[-1:] if is_one else batch:
            if each.error() is None:
                yield each
        for each in batch:
            if each.error() is not None:
                self._check(each)
                if each.error().code() == KafkaError._PARTITION_EOF:
                    yield each

    @staticmethod
    def _pass(consumer: Any, left: dict[Place, int], message: Any) -> None:
        """A partition that is at its end is not read any further."""
        place = _place(message)
        reached = message.offset() + (0 if message.error() else 1)
        if place in left and reached >= left[place]:
            del left[place]
            consumer.incremental_unassign([TopicPartition(*place)])

    def _check(self, message: Any) -> None:
        error, place = message.error(), _place(message)
        if error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:
            raise LogAwayError(
                f"kafka at {self._bootstrap}: {place.topic}/{place.partition}: {error.str()}; "
                "its oldest records went while they were read: audit again"
            )
        if error.fatal():
            raise LogAwayError(f"kafka at {self._bootstrap}: {error.str()}")

    def _offsets(self, places: Iterable[Place], spec: Any) -> dict[Place, int]:
        wanted = {TopicPartition(*place): spec for place in places}
        if not wanted:
            return {}
        asked = self._admin.list_offsets(
            wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=REACH_S
        )
        return {
            Place(each.topic, each.partition): self._result(promise).offset for each, promise in asked.items()
        }

    def _result(self, promise: Any) -> Any:
        try:
            return promise.result()
        except KafkaException as error:
            raise self._away(error) from error

    def _away(self, error: Exception) -> LogAwayError:
        return LogAwayError(
            f"kafka at {self._bootstrap}: {error}; start it with meridian up, or see meridian doctor"
        )


def _place(message: Any) -> Place:
    return Place(message.topic(), message.partition())


def _uuid(text: str) -> str:
    """Kafka writes ids in the alphabet of web addresses; records have them as UUIDs."""
    return str(UUID(bytes=urlsafe_b64decode(text + "==")))


_READING: dict[str, Any] = {
    "group.id": "meridian-audit",  # the client wants one; nothing is ever committed for it
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "isolation.level": "read_committed",
    "auto.offset.reset": "error",
    "enable.partition.eof": True,
    "check.crcs": True,
    "queued.max.messages.kbytes": 12 * 1024,
    "queued.min.messages": 20_000,
    "fetch.message.max.bytes": 4 * _MEGABYTE,
    "fetch.max.bytes": 16 * _MEGABYTE,
    "fetch.wait.max.ms": 100,
    "fetch.queue.backoff.ms": 2,  # by default a full queue is not filled again for a whole second
}
