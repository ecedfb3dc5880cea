"""Writers on Kafka: single records, and records with offsets in one transaction."""

import logging
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any
from uuid import uuid4

from events import failpoints
from events.ids import partition_of
from events.kafka_admin import KafkaConnection, is_fenced, let_go, next_offsets, translated
from events.kafka_aside import Aside, LateError
from events.kafka_batches import HandedOver, KeyedValue, foretell, hand_over, hand_over_again
from events.kafka_sender import hasten
from events.kafka_sent import SentByKey, SentRecord, SentTogether
from events.log import (
    FencedError,
    Headers,
    LogError,
    LogUnavailableError,
    Message,
    Place,
    Sent,
    SentAll,
    TransactionInDoubtError,
)
from events.without import is_without

__all__ = ["KafkaTransactionalWriter", "KafkaWriter"]

log = logging.getLogger(__name__)

_STEP_BYTES = 1024 * 1024
_HURRY_S = (
    2.0  # of whoever is told to stop: what is not acknowledged by then is sent again after the next start
)
_STEPS_UNDER_WAY = 32  # a writer holds at most 32 MiB that the broker has not acknowledged


class KafkaWriter:
    """Writes records. What is under way is bounded: ``send`` waits when the broker falls behind.

    A record that the broker refuses takes those with it that are under way; their ``Sent`` says so. Later ones go.
    """

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self._where = connection.bootstrap
        self._producer = connection.producer(linger_ms=2)
        self._is_spoilt = False
        self._renewal = threading.Lock()
        self._turns = count()
        self._under_way: deque[Any] = deque()
        self._bytes = 0
        self._failure: Exception | None = None

    def send(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        partition: int | None = None,
        headers: Headers = (),
    ) -> Sent:
        """Hand a record over; ``partition`` None lets ``partition_of(key)`` decide, any one without a key."""
        if self._is_spoilt:
            self._renew()
        try:
            chosen = self._partition(topic, key) if partition is None else partition
            future = self._producer.send(topic, value, key, list(headers), chosen)
            future.add_errback(self._remember)
            self._bytes += len(value or b"")
            if self._bytes >= _STEP_BYTES:
                self._wait_for_room(future)
        except (ValueError, TypeError) as error:
            raise LogError(f"send to {topic}: the client does not take this record ({error})") from error
        except Exception as error:
            raise translated(error, f"send to {topic}", self._where) from error
        return SentRecord(future, self._failed)

    def send_all(self, topic: str, records: Sequence[KeyedValue]) -> SentAll:
        """Hand many records over at once, each to the partition of its key; they are the caller's to bound."""
        if self._is_spoilt:
            self._renew()
        try:
            partitions = len(self._producer.partitions_for(topic))
            of: dict[int, list[int]] = defaultdict(list)
            for number, (key, _) in enumerate(records):
                of[_partition_of(key, partitions)].append(number)
            parts = [
                (numbers, self._handed_over(topic, partition, [records[number] for number in numbers]))
                for partition, numbers in of.items()
            ]
        except (ValueError, TypeError) as error:
            raise LogError(f"send to {topic}: the client does not take these records ({error})") from error
        except Exception as error:
            raise translated(error, f"send to {topic}", self._where) from error
        return SentByKey(parts)

    def restore(self, place: Place, messages: Sequence[Message]) -> SentAll:
        """Hand records over as they lay on a log before, with their times and headers; the caller's to bound."""
        if self._is_spoilt:
            self._renew()
        try:
            handed = hand_over_again(self._producer, *place, messages)
        except Exception as error:
            raise translated(error, f"send to {place.topic}", self._where) from error
        return SentTogether(handed, self._failed)

    def flush(self, timeout_s: float) -> None:
        """Wait until all is acknowledged; raises the error of what could not be delivered since the last flush."""
        try:
            self._producer.flush(timeout_s)
        except Exception as error:
            raise translated(error, f"flush within {timeout_s:g} s", self._where) from error
        failure, self._failure = self._failure, None
        if failure is not None:
            raise self._failed(failure) from failure

    def close(self) -> None:
        """Flush and let go."""
        try:
            self.flush(_HURRY_S if self._connection.stop.is_set() else self._connection.patience_s)
        finally:
            let_go(self._producer)

    def _partition(self, topic: str, key: bytes | None) -> int:
        partitions = len(self._producer.partitions_for(topic))
        if key is None:
            return next(self._turns) % partitions
        return _partition_of(key, partitions)

    def _handed_over(self, topic: str, partition: int, records: Sequence[KeyedValue]) -> SentTogether:
        handed = hand_over(self._producer, topic, partition, records)
        for each in handed:
            each.batch.produce_future.add_callback(self._look_at, each)
        return SentTogether(handed, self._failed)

    def _look_at(self, handed: HandedOver, _: Any) -> None:
        """Once the broker has answered: what it refused is a failure, whether or not anybody waits for it."""
        try:
            handed.raise_refused()
        except Exception as error:  # noqa: BLE001 - whatever it is, the next record needs another client
            self._remember(error)

    def _failed(self, error: Exception) -> LogError:
        return translated(error, "deliver a record", self._where)

    def _remember(self, error: Exception) -> None:
        self._failure = error
        self._is_spoilt = True

    def _renew(self) -> None:
        """One record that the broker refuses, such as one too large, and the client refuses all that follow."""
        with self._renewal:
            if not self._is_spoilt:
                return  # another thread has just done it
            with suppress(Exception):  # what fails here as well has told its own Sent
                self._producer.flush(self._connection.patience_s)
            let_go(self._producer)
            self._under_way.clear()
            self._producer = self._connection.producer(linger_ms=2)
            self._is_spoilt = False

    def _wait_for_room(self, newest: Any) -> None:
        self._bytes = 0
        self._under_way.append(newest)
        if len(self._under_way) > _STEPS_UNDER_WAY:
            self._under_way.popleft().get(self._connection.patience_s)


def _partition_of(key: bytes, partitions: int) -> int:
    return partition_of(key.decode(errors="replace"), partitions)


class KafkaTransactionalWriter:
    """Writes records and offsets in transactions of one ``transactional.id``; spent after its first failure."""

    def __init__(
        self,
        connection: KafkaConnection,
        transactional_id: str,
        *,
        commit_limit_s: float,
        on_stuck: Callable[[str], None] | None = None,
        short: bool = False,
    ) -> None:
        """Fences every earlier writer of this id and closes what it left open; raises LogError.

        ``short``: the cluster keeps ``events.kafka_short_transactions``.
        """
        self._where = connection.bootstrap
        self._id = transactional_id
        self._limit_s = commit_limit_s
        self._on_stuck = on_stuck
        self._sent: list[Any] = []
        self._handed: list[HandedOver] = []
        self._foretold: tuple[dict[Place, int], str, Any] | None = None
        self._spent: LogError | None = None
        self._aside = Aside(f"{transactional_id} commits")
        self._producer = connection.producer(
            transactional_id=f"{transactional_id}.{uuid4()}" if is_without("fencing") else transactional_id,
            transaction_timeout_ms=15_000,
            delivery_timeout_ms=15_000,
            retry_backoff_ms=5,  # by default every commit waits out 100 ms
        )
        hasten(self._producer, short=short)
        try:
            self._producer.init_transactions()
        except Exception as error:
            self.close()
            raise translated(error, f"take over {transactional_id}", self._where) from error

    def begin(self) -> None:
        """Open a transaction."""
        self._still_good()
        self._sent.clear()
        self._handed.clear()
        self._foretold = None
        try:
            self._producer.begin_transaction()
        except Exception as error:
            raise self._doubt("begin", error) from error

    def foretell(self, place: Place, offsets: Mapping[Place, int], *, group: str) -> None:
        """Have the broker hear of partition and offsets while the records are still made; nothing is waited for."""
        self._still_good()
        try:
            told = foretell(self._producer, place, next_offsets(offsets), group)
        except Exception as error:
            raise self._doubt(f"tell of {place.topic}/{place.partition}", error) from error
        self._foretold = (dict(offsets), group, told)

    def send(
        self, topic: str, *, key: bytes | None, value: bytes, partition: int, headers: Headers = ()
    ) -> Sent:
        """Hand a record over as part of the open transaction."""
        self._still_good()
        try:
            future = self._producer.send(topic, value, key, list(headers), partition)
        except Exception as error:
            raise self._doubt(f"send to {topic}/{partition}", error) from error
        self._sent.append(future)
        return SentRecord(future, self._not_delivered)

    def send_all(self, topic: str, records: Sequence[KeyedValue], *, partition: int) -> SentAll:
        """Hand many records of one partition over at once, in order, as part of the open transaction."""
        self._still_good()
        try:
            handed = hand_over(self._producer, topic, partition, records)
        except Exception as error:
            raise self._doubt(f"send to {topic}/{partition}", error) from error
        self._handed += handed
        return SentTogether(handed, self._not_delivered)

    def restore(self, place: Place, messages: Sequence[Message]) -> SentAll:
        """The same for records as they lay on a log before, with their times and headers."""
        self._still_good()
        try:
            handed = hand_over_again(self._producer, *place, messages)
        except Exception as error:
            raise self._doubt(f"send to {place.topic}/{place.partition}", error) from error
        self._handed += handed
        return SentTogether(handed, self._not_delivered)

    def commit(self, offsets: Mapping[Place, int], *, group: str) -> None:
        """Commit records and next offsets together. Nothing is ever sent twice."""
        self._still_good()
        self._within_limit("commit", lambda: self._commit(offsets, group))

    def abort(self) -> None:
        """Give up the open transaction; if that fails this writer is spent, and its successor closes it."""
        if self._spent is not None:
            return
        try:
            self._within_limit("abort", self._producer.abort_transaction)
        except LogError as error:
            log.warning("abort failed", extra={"transactional_id": self._id, "error": str(error)})

    def close(self) -> None:
        """Let go without waiting; an open transaction is left to the successor."""
        self._spent = self._spent or TransactionInDoubtError(f"{self._id}: this writer is closed")
        let_go(self._producer)
        self._aside.end()

    def _commit(self, offsets: Mapping[Place, int], group: str) -> None:
        self._producer.flush(self._limit_s)
        for future in self._sent:
            if not future.succeeded():
                raise future.exception or LogUnavailableError("a record is not acknowledged")
        for each in self._handed:
            if not each.batch.is_done:
                raise LogUnavailableError("a batch of records is not acknowledged")
            each.raise_refused()
        failpoints.reach("decider.before_offsets")
        self._commit_offsets(dict(offsets), group)
        failpoints.reach("decider.after_offsets")
        with failpoints.during("decider.during_commit"):
            self._producer.commit_transaction()

    def _commit_offsets(self, offsets: dict[Place, int], group: str) -> None:
        if self._foretold is not None:
            if self._foretold[:2] != (offsets, group):
                raise LogError(
                    f"foretold {self._foretold[0]} of {self._foretold[1]}, now {offsets} of {group}"
                )
            self._foretold[2].wait()
        elif offsets:
            self._producer.send_offsets_to_transaction(next_offsets(offsets), group)

    def _within_limit(self, what: str, step: Callable[[], None]) -> None:
        """The client waits for its broker without limit; in a thread of its own that cannot hold up the owner."""
        try:
            self._aside.run(step, self._limit_s)
        except LateError as error:
            late = LogUnavailableError(f"{self._id}: {what} {error}")
            if self._on_stuck is not None:
                self._on_stuck(str(late))
            raise self._doubt(what, late) from error
        except Exception as error:
            raise self._doubt(what, error) from error

    def _still_good(self) -> None:
        if self._spent is not None:
            raise type(self._spent)(f"{self._spent}; make a new writer")

    def _not_delivered(self, error: Exception) -> LogError:
        return self._doubt("deliver a record", error)

    def _doubt(self, what: str, error: Exception) -> LogError:
        if is_fenced(error):
            self._spent = FencedError(
                f"{self._id}: {what}: another owner has taken over ({error}); stop writing"
            )
        else:
            self._spent = TransactionInDoubtError(
                f"{self._id}: {what} failed at {self._where} ({type(error).__name__}: {error}); "
                "the transaction may stand: take over again and read the log"
            )
        return self._spent
