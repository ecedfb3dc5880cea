"""A fetched batch as kafka-python reads it, but its plain records all at once: a fifth of the cost of one each.

A plain record has no headers; the records of Meridian's own topics have none. At the first that is not plain, or not
whole, the library goes on reading where it stands, so that what is unusual is read, or refused, as it always was. The
library checks the batch's checksum before, and leaves out aborted and control batches, as for its own.
It reaches into parts of the library that are not public; a property test holds it to what the library itself reads.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from kafka import errors as kafka_errors
from kafka.consumer.fetcher import Fetcher
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.util import decode_varint

from events.log import Message, Place

__all__ = ["FetchedPartition", "spread"]

_new = tuple.__new__


class FetchedPartition(Fetcher.PartitionRecords):  # type: ignore[misc]  # the client has no types
    """What was fetched of a partition. Of each batch the plain records come as one, whose value is their list.

    Whoever polls spreads them out: ``spread``.
    """

    def _unpack_records(self, tp: Any, records: Any, *deserializers: Any) -> Any:
        return super()._unpack_records(tp, _Batches(records, tp), *deserializers)


def spread(place: Place, fetched: Sequence[Any], begin: int) -> list[Message]:
    """The records from offset ``begin`` on, of what a poll gave of a partition."""
    messages: list[Message] = []
    topic, partition = place
    for each in fetched:
        if each.value.__class__ is list:
            messages += each.value
        else:
            headers = tuple((str(name), value or b"") for name, value in each.headers)
            messages.append(
                Message(topic, partition, each.offset, each.key, each.value, headers, each.timestamp)
            )
    # The first batch may begin before what was asked for.
    return messages if not messages or messages[0].offset >= begin else _from(messages, begin)


def _from(messages: list[Message], begin: int) -> list[Message]:
    return [each for each in messages if each.offset >= begin]


class _Batches:
    """A partition's batches as the client takes them one after the other."""

    def __init__(self, records: Any, place: tuple[str, int]) -> None:
        self._records = records
        self._place = place

    def next_batch(self) -> Any:
        batch = self._records.next_batch()
        return FetchedBatch(batch._buffer, self._place) if type(batch) is DefaultRecordBatch else batch


class FetchedBatch(DefaultRecordBatch):  # type: ignore[misc]  # the client has no types
    """Reads header names that are no UTF-8, too.

    Left to itself the client raises at such a record, again each time, and nothing behind it is ever read. Here the
    bytes that are no text stand in the name as lone surrogates (``surrogateescape``), so that none is lost.
    """

    _pos: int

    def __init__(self, buffer: bytearray, place: tuple[str, int]) -> None:
        super().__init__(buffer)
        self.place = place

    def __iter__(self) -> Iterator[Any]:
        self._maybe_uncompress()
        if self.is_control_batch or self._next_record_index:
            return self
        begin = self._pos
        plain, self._pos = _plain(self)
        self._next_record_index: int = len(plain)
        rest = iter(self.__next__, None)
        return chain((_Together(plain, self._pos - begin),), rest) if plain else rest

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except kafka_errors.CorruptRecordError as error:
            if not isinstance(error.__context__, UnicodeDecodeError):
                raise
            self._buffer: bytearray = _Tolerant(self._buffer)  # it stands where it stood before this record
            return super().__next__()


class _Together:
    """Plain records as the client takes a single one: it goes on behind the last of them."""

    timestamp_type = 0
    key = None
    headers = ()
    checksum = None

    def __init__(self, records: list[Message], size_in_bytes: int) -> None:
        self.value = records
        self.offset = records[-1].offset
        self.timestamp = records[-1].timestamp_ms
        self.size_in_bytes = size_in_bytes

    def validate_crc(self) -> bool:
        """The batch has one for all of them, and that is checked."""
        return True


def _plain(batch: Any) -> tuple[list[Message], int]:
    """The plain records that the batch begins with, and where the next one stands in its bytes."""
    data, found = bytes(batch._buffer), []
    topic, partition = batch.place
    base, first = batch.base_offset, batch.first_timestamp
    fixed = batch.max_timestamp if batch.timestamp_type == batch.LOG_APPEND_TIME else None
    start = batch._pos
    try:
        for _ in range(batch.records_count):
            size, at = decode_varint(data, start)
            end = at + size
            if data[at] or data[end - 1]:  # attributes, of which there are none; number of headers
                break
            delta, at = decode_varint(data, at + 1)
            number, at = decode_varint(data, at)
            length, at = decode_varint(data, at)
            key = None
            if length >= 0:
                key = data[at : at + length]
                at += length
            length, at = decode_varint(data, at)
            value = None
            if length >= 0:
                value = data[at : at + length]
                at += length
            if at + 1 != end:
                break
            at_ms = first + delta if fixed is None else fixed
            found.append(_new(Message, (topic, partition, base + number, key, value, (), at_ms)))
            start = end
    except (ValueError, IndexError):
        return found, start  # not whole: the library says what is wrong with the next one
    return found, start


class _Tolerant(bytearray):
    """Bytes whose slices decode whatever they hold."""

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return _Tolerant(found) if isinstance(at, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        return _Name(super().decode(encoding, errors))


class _Name(str):
    """A name that the client may encode again, as it does to count its bytes."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> bytes:
        return super().encode(encoding, errors)
