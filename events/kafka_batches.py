"""Many records handed to kafka-python's producer at once, encoded here: a third of the cost of one ``send`` each.

``KafkaProducer.send`` makes a future with callbacks, takes four locks and encodes byte by byte for every record; a
decider's batch goes to one partition in one transaction, and needs one promise, and so do the reports of a worker. So
the records section of Kafka's record batch format (v2, "Record" in the protocol guide) is written here, and everything
else stays the library's: the batch's header and checksum, the producer's id, epoch and sequence, the transaction,
sending, retrying, failing.
It reaches into parts of the library that are not public; the log's contract tests hold it to the locked version.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from kafka import TopicPartition
from kafka import errors as kafka_errors
from kafka.producer.producer_batch import ProducerBatch
from kafka.record.memory_records import MemoryRecordsBuilder

from events.log import Message

__all__ = ["BATCH_BYTES", "HandedOver", "KeyedValue", "foretell", "hand_over", "hand_over_again"]

KeyedValue = tuple[bytes, bytes]
"""Key and value of a record."""

BATCH_BYTES = 1024 * 1024
"""Where a batch is closed; the broker's limit for our topics is twice that, and a record has at most 768 KiB."""


class HandedOver(NamedTuple):
    """One batch of the library, and how many of its records are ours: a later single ``send`` may still join it."""

    batch: Any
    records: int

    def raise_refused(self) -> None:
        """What the broker said against it, if it did; a batch tells so as a function from a record to its error."""
        refused = self.batch.produce_future.value[2]
        if refused is not None:
            raise refused(0)


_RECORDS_AT_MOST = 1 << 12
_MAGIC = 2

_Section = tuple[bytes, int, int, int]
"""The records of a batch as they are sent, how many, the time of the first and the latest time, ms."""


def hand_over(producer: Any, topic: str, partition: int, records: Sequence[KeyedValue]) -> list[HandedOver]:
    """The batches that these records became, in order; each has a ``produce_future`` that tells its base offset.

    Raises kafka-python's own errors, as ``send`` would.
    """
    now_ms = int(time.time() * 1000)
    sections = [(_encoded(each), len(each), now_ms, now_ms) for each in _chunks(records)]
    return _handed_over(producer, topic, partition, sections)


def hand_over_again(
    producer: Any, topic: str, partition: int, messages: Sequence[Message]
) -> list[HandedOver]:
    """The same for records that lay on a log before, with their own times and headers, also without key or value."""
    return _handed_over(
        producer, topic, partition, [_encoded_again(each) for each in _chunks_again(messages)]
    )


def _handed_over(producer: Any, topic: str, partition: int, sections: Sequence[_Section]) -> list[HandedOver]:
    if producer._closed:
        raise kafka_errors.IllegalStateError("KafkaProducer already closed!")
    known = producer.partitions_for(topic)  # waits for the topic's metadata
    if partition not in (known or ()):
        raise ValueError(f"{topic}: found the partitions {sorted(known or ())}, wanted {partition}")
    place = TopicPartition(topic, partition)
    manager = producer._transaction_manager
    if manager is not None and manager.is_transactional():
        manager.maybe_add_partition_to_transaction(place)
    accumulator = producer._accumulator
    handed = [HandedOver(_batch(place, each, accumulator.config), each[1]) for each in sections]
    accumulator._appends_in_progress.increment()
    try:
        with accumulator._tp_lock(place):
            if accumulator._closed:
                raise kafka_errors.IllegalStateError("RecordAccumulator is closed")
            for batch, _ in handed:
                accumulator._batches[place].append(batch)
                accumulator._incomplete.add(batch)
    finally:
        accumulator._appends_in_progress.decrement()
    producer._sender.wakeup()
    return handed


def foretell(producer: Any, place: tuple[str, int], offsets: dict[TopicPartition, Any], group: str) -> Any:
    """Have the open transaction told of a partition and of offsets; its ``wait`` ends once the offsets are taken.

    ``send_offsets_to_transaction`` does the same, but waits for the broker's two answers before it returns. Raises
    kafka-python's own errors.
    """
    manager = producer._transaction_manager
    manager.maybe_add_partition_to_transaction(TopicPartition(*place))
    with manager._lock:
        if manager._new_partitions_in_transaction:
            # First, since records wait for it, and for the offsets nothing does.
            manager._enqueue_request(manager._add_partitions_to_transaction_handler())
    told = manager.send_offsets_to_transaction(offsets, group)
    producer._sender.wakeup()
    return told


def _chunks(records: Sequence[KeyedValue]) -> Iterator[Sequence[KeyedValue]]:
    """So many at a time that a batch keeps within its bytes; one record alone may exceed them."""
    first, size = 0, 0
    for number, (key, value) in enumerate(records):
        more = len(key) + len(value) + 16
        if number > first and (size + more > BATCH_BYTES or number - first >= _RECORDS_AT_MOST):
            yield records[first:number]
            first, size = number, 0
        size += more
    if records:
        yield records[first:]


def _chunks_again(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    first, size = 0, 0
    for number, each in enumerate(messages):
        more = sum(len(name) + len(value) + 8 for name, value in each.headers)
        more += len(each.key or b"") + len(each.value or b"") + 24
        if number > first and (size + more > BATCH_BYTES or number - first >= _RECORDS_AT_MOST):
            yield messages[first:number]
            first, size = number, 0
        size += more
    if messages:
        yield messages[first:]


def _batch(place: TopicPartition, section: _Section, config: dict[str, Any]) -> Any:
    encoded, count, first_ms, last_ms = section
    built = MemoryRecordsBuilder(_MAGIC, config["compression_attrs"], config["batch_size"])
    builder = built._builder
    builder._buffer += encoded
    builder._first_timestamp, builder._max_timestamp = first_ms, last_ms
    builder._num_records = built._next_offset = count
    builder._last_offset = count - 1
    return ProducerBatch(place, built)


def _encoded_again(messages: Sequence[Message]) -> _Section:
    times = [each.timestamp_ms for each in messages]
    parts: list[bytes] = []
    for number, each in enumerate(messages):
        members = [
            b"\0",
            _signed(times[number] - times[0]),
            _SMALL[number],
            _bytes(each.key),
            _bytes(each.value),
        ]
        members.append(_varint(len(each.headers)))
        for name, value in each.headers:
            # A name that is no UTF-8 has its bytes in lone surrogates.
            members += (_bytes(name.encode("utf-8", "surrogateescape")), _bytes(value))
        record = b"".join(members)
        parts += (_varint(len(record)), record)
    return b"".join(parts), len(messages), times[0], max(times)


def _bytes(value: bytes | None) -> bytes:
    """With their length before them; -1: there are none."""
    return _signed(-1) if value is None else _varint(len(value)) + value


def _signed(number: int) -> bytes:
    """Any number as Kafka's zigzag varint; those below zero lie between the others."""
    return _varint(number) if number >= 0 else _unsigned((-number << 1) - 1)


def _encoded(records: Sequence[KeyedValue]) -> bytes:
    """The records section: length, attributes, timestamp delta, offset delta, key, value, number of headers."""
    parts: list[bytes] = []
    for number, (key, value) in enumerate(records):
        offset = _SMALL[number]
        key_size, value_size = len(key), len(value)
        key_length = _SMALL[key_size] if key_size < _TABLED else _varint(key_size)
        value_length = _SMALL[value_size] if value_size < _TABLED else _varint(value_size)
        size = 3 + len(offset) + len(key_length) + key_size + len(value_length) + value_size
        length = _SMALL[size] if size < _TABLED else _varint(size)
        parts += (length, b"\0\0", offset, key_length, key, value_length, value, b"\0")
    return b"".join(parts)


def _varint(number: int) -> bytes:
    """A count as Kafka's zigzag varint."""
    return _unsigned(number << 1)


def _unsigned(number: int) -> bytes:
    rest, encoded = number, bytearray()
    while rest > 0x7F:
        encoded.append(rest & 0x7F | 0x80)
        rest >>= 7
    encoded.append(rest)
    return bytes(encoded)


_TABLED = _RECORDS_AT_MOST
_SMALL = tuple(map(_varint, range(_TABLED)))
