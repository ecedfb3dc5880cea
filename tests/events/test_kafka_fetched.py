"""Fetched batches, read many records at a time, give what kafka-python gives one at a time: records and refusals."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from kafka import errors as kafka_errors
from kafka.consumer.fetcher import Fetcher
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from kafka.record.memory_records import MemoryRecords
from kafka.structs import TopicPartition

from events.kafka_fetched import FetchedBatch, FetchedPartition, spread
from events.log import Message, Place
from tests.bad_names import BAD_NAME

Told = tuple[int, bytes | None, bytes | None, list[tuple[str, bytes]]]
"""Time, key, value, headers."""

PLACE = Place("site.file.events", 3)
NONE, GZIP = 0, 1
HEADERS = st.lists(st.tuples(st.text(max_size=4), st.binary(max_size=4) | st.none()), max_size=2)
PARTS = st.binary(max_size=300) | st.none()
TIMES = st.integers(0, 2**41)
PLAIN: st.SearchStrategy[Any] = st.tuples(TIMES, PARTS, PARTS, st.just([]))
RECORDS = st.lists(PLAIN | st.tuples(TIMES, PARTS, PARTS, HEADERS), min_size=1, max_size=40)
MAX_RECORDS = 1 << 30


def batch_of(records, *, compression=NONE) -> bytearray:
    builder = DefaultRecordBatchBuilder(2, compression, True, 7, 1, 5, MAX_RECORDS)
    for number, (at, key, value, headers) in enumerate(records):
        builder.append(number, at, key, value, headers)
    return bytearray(builder.build())


def message(record) -> Message:
    headers = tuple((str(name), value or b"") for name, value in record.headers)
    return Message(*PLACE, record.offset, record.key, record.value, headers, record.timestamp)


def read_by(batch):
    """The messages, and what was raised behind the last one."""
    found: list[Any] = []
    try:
        found.extend(batch)  # keeps those before the error
    except kafka_errors.CorruptRecordError as error:
        return found, str(error)
    return found, None


def ours(buffer):
    records, error = read_by(FetchedBatch(buffer, PLACE))
    assert all(each.validate_crc() for each in records)
    return spread(PLACE, records, 0), error


def theirs(buffer):
    records, error = read_by(DefaultRecordBatch(buffer))
    return list(map(message, records)), error


@given(RECORDS, st.sampled_from([NONE, GZIP]))
def test_every_record_is_what_the_library_reads(records, compression):
    buffer = batch_of(records, compression=compression)
    found = ours(buffer)
    assert found == theirs(buffer)
    assert (len(found[0]), found[1]) == (len(records), None)


@given(RECORDS, st.data())
def test_bytes_that_are_no_batch_are_refused_where_the_library_refuses_them(records, data):
    buffer = batch_of(records)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(DefaultRecordBatch.HEADER_STRUCT.size, len(buffer) - 1))
        buffer[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del buffer[data.draw(st.integers(DefaultRecordBatch.HEADER_STRUCT.size, len(buffer))) :]
    found, wanted = ours(buffer), theirs(buffer)
    if "UnicodeDecodeError" in (
        wanted[1] or ""
    ):  # a header's name, which is read here, and not by the library
        assert found[0][: len(wanted[0])] == wanted[0]
    else:
        assert found == wanted


def test_counts_and_lengths_beyond_one_byte_are_read_alike():
    records: list[Told] = [
        (number * 7, b"k" * (number % 200), b"v" * (number * 37 % 20_000), []) for number in range(600)
    ]
    buffer = batch_of(records)
    assert ours(buffer) == theirs(buffer)


def test_the_broker_s_time_holds_for_all_records_of_a_batch_that_has_it():
    buffer = batch_of([(5, b"k", b"v", []), (9, None, b"w", [])])
    buffer[DefaultRecordBatch.ATTRIBUTES_OFFSET + 1] |= DefaultRecordBatch.TIMESTAMP_TYPE_MASK
    found, _ = ours(buffer)
    assert [each.timestamp_ms for each in found] == [9, 9]
    assert (found, None) == theirs(buffer)


def test_a_header_name_that_is_no_text_stands_between_plain_records():
    plain: Told = (5, b"k", b"v", [])
    buffer = batch_of([plain, (5, b"k", b"v", [("xx", b"1")]), plain])
    at = buffer.index(b"xx")
    buffer[at : at + 2] = BAD_NAME[:2]
    found, _ = ours(buffer)
    assert [each.offset for each in found] == [0, 1, 2]
    assert found[1].headers[0][0].encode(errors="surrogateescape") == bytes(buffer[at : at + 2])


# --- a partition's batches, as the client goes through them


def batches_of(groups) -> bytes:
    """Batches one behind the other, each with the offset and the checksum that it has there."""
    whole, first = b"", 0
    for records in groups:
        buffer = batch_of(records)
        buffer[:8] = first.to_bytes(8, "big")
        whole, first = whole + bytes(buffer), first + len(records)
    return whole


def taken_by(kind, whole: bytes, begin: int):
    """What each take gives until the partition is through or raises, with where the client stands then."""
    part = kind(begin, TopicPartition(*PLACE), MemoryRecords(whole))
    found: list[Any] = []
    stood: list[Any] = []
    while part:
        try:
            found += part.take(1 << 30)
        except kafka_errors.CorruptRecordError as error:
            return found, [*stood, str(error)]
        stood.append(part.next_fetch_offset)
    return found, stood


@given(st.lists(RECORDS, min_size=1, max_size=4), st.data())
def test_a_partition_gives_what_the_library_gives_of_it(groups, data):
    count = sum(map(len, groups))
    begin = data.draw(st.integers(0, count - 1), label="begin")
    whole = bytearray(batches_of(groups))
    if data.draw(st.booleans(), label="spoilt"):
        whole[data.draw(st.integers(len(whole) // 2, len(whole) - 1))] ^= 1
    found, stood = taken_by(FetchedPartition, bytes(whole), begin)
    wanted, stood_by = taken_by(Fetcher.PartitionRecords, bytes(whole), begin)
    assert spread(PLACE, found, begin) == list(map(message, wanted))
    assert stood == stood_by
