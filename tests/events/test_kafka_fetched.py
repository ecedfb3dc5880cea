"""Fetched batches, read many records at a time, give what kafka-python gives one at a time: records and refusals."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from kafka import errors as kafka_errors
from kafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from events.kafka_fetched import FetchedBatch
from tests.bad_names import BAD_NAME

Told = tuple[int, bytes | None, bytes | None, list[tuple[str, bytes]]]
"""Time, key, value, headers."""

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


def asked_of(record):
    """All that the client asks of a record."""
    place = record.offset, record.timestamp, record.timestamp_type
    told = record.key, record.value, list(record.headers)
    return *place, *told, record.size_in_bytes, record.checksum, record.validate_crc()


def read_by(kind, buffer):
    """The records, and what was raised behind the last one."""
    found: list[Any] = []
    try:
        found.extend(map(asked_of, kind(buffer)))  # keeps those before the error
    except kafka_errors.CorruptRecordError as error:
        return found, str(error)
    return found, None


@given(RECORDS, st.sampled_from([NONE, GZIP]))
def test_every_record_is_what_the_library_reads(records, compression):
    buffer = batch_of(records, compression=compression)
    found = read_by(FetchedBatch, buffer)
    assert found == read_by(DefaultRecordBatch, buffer)
    assert (len(found[0]), found[1]) == (len(records), None)


@given(RECORDS, st.data())
def test_bytes_that_are_no_batch_are_refused_where_the_library_refuses_them(records, data):
    buffer = batch_of(records)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(DefaultRecordBatch.HEADER_STRUCT.size, len(buffer) - 1))
        buffer[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del buffer[data.draw(st.integers(DefaultRecordBatch.HEADER_STRUCT.size, len(buffer))) :]
    found, wanted = read_by(FetchedBatch, buffer), read_by(DefaultRecordBatch, buffer)
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
    assert read_by(FetchedBatch, buffer) == read_by(DefaultRecordBatch, buffer)


def test_the_broker_s_time_holds_for_all_records_of_a_batch_that_has_it():
    buffer = batch_of([(5, b"k", b"v", []), (9, None, b"w", [])])
    buffer[DefaultRecordBatch.ATTRIBUTES_OFFSET + 1] |= DefaultRecordBatch.TIMESTAMP_TYPE_MASK
    found, _ = read_by(FetchedBatch, buffer)
    assert [each[1:3] for each in found] == [(9, 1), (9, 1)]
    assert (found, None) == read_by(DefaultRecordBatch, buffer)


def test_a_header_name_that_is_no_text_stands_between_plain_records():
    plain: Told = (5, b"k", b"v", [])
    buffer = batch_of([plain, (5, b"k", b"v", [("xx", b"1")]), plain])
    at = buffer.index(b"xx")
    buffer[at : at + 2] = BAD_NAME[:2]
    found = list(FetchedBatch(buffer))
    assert [each.offset for each in found] == [0, 1, 2]
    assert found[1].headers[0][0].encode(errors="surrogateescape") == bytes(buffer[at : at + 2])
