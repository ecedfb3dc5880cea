"""Records written many at a time are, byte for byte, what kafka-python writes one at a time."""

from hypothesis import given
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatchBuilder

from events import kafka_batches
from events.log import Message

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


AGAIN = st.lists(
    st.builds(
        Message,
        st.just("t"),
        st.just(0),
        st.just(0),
        st.none() | st.binary(max_size=80),
        st.none() | st.binary(max_size=300),
        st.lists(st.tuples(st.text(max_size=20), st.binary(max_size=40)), max_size=4).map(tuple),
        st.integers(0, 1 << 42),
    ),
    min_size=1,
    max_size=60,
)


def again_by_the_library(messages) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, False, -1, -1, -1, 1 << 30)
    for number, each in enumerate(messages):
        builder.append(number, each.timestamp_ms, each.key, each.value, list(each.headers))
    return bytes(builder._buffer[DefaultRecordBatchBuilder.header_size_in_bytes() :])


@given(AGAIN)
def test_records_as_they_lay_before_are_encoded_with_their_times_and_headers_and_without_what_they_lack(
    messages,
):
    encoded, count, first_ms, last_ms = kafka_batches._encoded_again(messages)
    assert encoded == again_by_the_library(messages)
    times = [each.timestamp_ms for each in messages]
    assert (count, first_ms, last_ms) == (len(messages), times[0], max(times))


@given(AGAIN)
def test_batches_of_such_records_hold_every_one_in_order(messages):
    limit, kafka_batches.BATCH_BYTES = kafka_batches.BATCH_BYTES, 500
    try:
        chunks = list(kafka_batches._chunks_again(messages))
    finally:
        kafka_batches.BATCH_BYTES = limit
    assert [each for chunk in chunks for each in chunk] == messages
    assert all(len(chunk) == 1 or len(kafka_batches._encoded_again(chunk)[0]) <= 500 for chunk in chunks)


def test_the_bytes_of_a_name_that_is_no_text_are_as_they_were():
    named = Message("t", 0, 0, b"k", b"v", ((b"ce_\xff".decode("utf-8", "surrogateescape"), b"1"),), 5)
    assert b"\x08ce_\xff" in kafka_batches._encoded_again([named])[0]
