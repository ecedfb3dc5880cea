"""Records written many at a time are, byte for byte, what kafka-python writes one at a time."""

from hypothesis import given
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatchBuilder

from events import kafka_batches

RECORDS = st.lists(st.tuples(st.binary(max_size=80), st.binary(max_size=300)), min_size=1, max_size=90)


def by_the_library(records) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 30)
    for number, (key, value) in enumerate(records):
        builder.append(number, 1_000, key, value, [])
    return bytes(builder._buffer[DefaultRecordBatchBuilder.header_size_in_bytes() :])


@given(RECORDS)
def test_what_is_encoded_is_what_the_library_encodes(records):
    assert kafka_batches._encoded(records) == by_the_library(records)


def test_counts_and_lengths_beyond_one_byte_and_beyond_the_table_are_encoded_alike():
    fullest = range(kafka_batches._RECORDS_AT_MOST)
    records = [(b"k" * (number % 200), b"v" * (number * 37 % 20_000)) for number in fullest]
    assert kafka_batches._encoded(records) == by_the_library(records)


def test_no_batch_has_more_records_than_the_table_has_counts():
    records = [(b"k", b"v")] * (2 * kafka_batches._RECORDS_AT_MOST + 1)
    chunks = list(kafka_batches._chunks(records))
    assert [len(chunk) for chunk in chunks] == [kafka_batches._RECORDS_AT_MOST] * 2 + [1]
    assert [kafka_batches._encoded(chunk) for chunk in chunks] == [by_the_library(chunk) for chunk in chunks]


@given(RECORDS)
def test_batches_hold_every_record_in_order_and_keep_within_their_bytes(records):
    limit, kafka_batches.BATCH_BYTES = kafka_batches.BATCH_BYTES, 500
    try:
        chunks = list(kafka_batches._chunks(records))
    finally:
        kafka_batches.BATCH_BYTES = limit
    assert [each for chunk in chunks for each in chunk] == records
    assert all(len(chunk) == 1 or len(kafka_batches._encoded(chunk)) <= 500 for chunk in chunks)
