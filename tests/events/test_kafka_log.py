"""What is particular to the log on Kafka. What every log promises stands in tests/contracts."""

import gc
import socket
import sys
import time
from contextlib import suppress
from typing import Any

import pytest
from kafka import errors as kafka_errors
from kafka.record.default_records import DefaultRecordBatch

from events.kafka_admin import KafkaConnection, QuietProducer, is_fenced, let_go, translated
from events.kafka_log import KafkaLog
from events.log import (
    FencedError,
    LogError,
    LogUnavailableError,
    Message,
    Place,
    TopicSpec,
    TransactionInDoubtError,
)
from events.topic_specs import topic_specs
from events.topics import Topics
from tests.bad_names import BAD_NAME, send_with_bad_name

LONG_S = 20.0


@pytest.fixture
def nowhere() -> str:
    """An address where nothing listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


@pytest.mark.parametrize(
    "use",
    [
        KafkaLog.names,
        lambda log: log.reader().assign({Place("x", 0): 0}),
        KafkaLog.writer,
        lambda log: log.transactional("x"),
    ],
    ids=["names", "reader", "writer", "transactional"],
)
def test_without_a_broker_every_use_ends_soon_and_says_where_it_looked(nowhere, use):
    log = KafkaLog(nowhere, patience_s=0.3)

    started = time.monotonic()
    with pytest.raises(
        LogUnavailableError, match=rf"{nowhere}: nothing listens there, waited \d+\.\d s; start it"
    ):
        use(log)
    assert time.monotonic() - started < 10


def test_making_a_log_connects_to_nothing(nowhere):
    started = time.monotonic()
    KafkaLog(nowhere).close()

    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (kafka_errors.ProducerFencedError(), FencedError),
        (kafka_errors.InvalidProducerEpochError(), FencedError),
        (kafka_errors.KafkaError("cannot send", kafka_errors.ProducerFencedError()), FencedError),
        (kafka_errors.KafkaError("we are in an error state: [Error 90] ProducerFencedError"), FencedError),
        (kafka_errors.KafkaTimeoutError("late"), LogUnavailableError),
        (kafka_errors.KafkaConnectionError("gone"), LogUnavailableError),
        (kafka_errors.NodeNotReadyError("1"), LogUnavailableError),
        (kafka_errors.NotEnoughReplicasError(), LogUnavailableError),
        (RuntimeError("its thread is dead"), LogUnavailableError),
        (kafka_errors.UnknownTopicOrPartitionError(), LogError),
        (kafka_errors.TopicAuthorizationFailedError(), LogError),
        (kafka_errors.MessageSizeTooLargeError(), LogError),
        (TransactionInDoubtError("already ours"), TransactionInDoubtError),
    ],
    ids=lambda each: getattr(each, "__name__", type(each).__name__),
)
def test_each_error_of_the_client_says_what_the_caller_may_do_next(error, kind):
    assert type(translated(error, "topic t: send", "broker:9092")) is kind
    assert is_fenced(error) == (kind is FencedError)


def test_an_error_names_what_was_done_and_where():
    text = str(translated(kafka_errors.KafkaTimeoutError("late"), "topic t: send", "broker:9092"))

    assert text.startswith("topic t: send: no answer from kafka at broker:9092 (KafkaTimeoutError")
    assert "meridian status" in text


def test_a_producer_that_never_came_to_be_goes_without_a_word(monkeypatch):
    said: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", said.append)
    half = QuietProducer.__new__(QuietProducer)
    del half
    gc.collect()
    assert said == []


def test_a_producer_let_go_with_a_record_under_way_is_not_waited_for_again(kafka, site, monkeypatch):
    """Dropped it would be closed once more, wait a second, and print that this failed."""
    log = KafkaLog(kafka)
    log.ensure([TopicSpec(f"{site}.t", 1)])
    producer = KafkaConnection(kafka).producer(linger_ms=60_000)
    producer.send(f"{site}.t", b"v", b"k", [], 0)
    let_go(producer)
    waits: list[Any] = []
    monkeypatch.setattr(producer, "flush", waits.append)
    producer.close(timeout=1)
    assert waits == []
    log.close()


def test_idle_partitions_do_not_hold_up_a_busy_one(kafka, site):
    """The client alone reads 5,000 records/s here: see KafkaReader."""
    log = KafkaLog(kafka)
    log.ensure([TopicSpec(f"{site}.busy", 1), TopicSpec(f"{site}.idle", 3)])
    writer = log.writer()
    for _ in range(20_000):
        writer.send(f"{site}.busy", key=b"k", value=b"x" * 400)
    writer.close()
    reader = log.reader()
    took = []
    for _ in range(3):
        reader.assign({Place(f"{site}.busy", 0): 0, **{Place(f"{site}.idle", n): 0 for n in range(3)}})
        started, came = time.monotonic(), 0
        while came < 20_000:
            came += sum(map(len, reader.poll(at_most=500, timeout_s=LONG_S).values()))
        took.append(time.monotonic() - started)
    assert min(took) < 2.0  # 0.2 s on a quiet machine; 4 s with the client alone
    reader.close()
    log.close()


@pytest.mark.parametrize(("deep", "whole"), [(True, 1), (False, 0)])
def test_a_deep_reader_fetches_one_partition_to_its_end_before_another(kafka, site, deep, whole):
    log = KafkaLog(kafka, deep=deep)
    places, written = [Place(f"{site}.deep", n) for n in range(3)], 12
    log.ensure([TopicSpec(f"{site}.deep", len(places))])
    writer = log.writer()
    for _ in range(written):  # 3 MiB each: of three partitions, one fetch of 4 MiB holds one
        for topic, partition in places:
            writer.send(topic, key=b"k", value=bytes(256 * 1024), partition=partition)
    writer.close()
    reader = log.reader()
    reader.assign(dict.fromkeys(places, 0))

    came = reader.poll(at_most=1000, timeout_s=LONG_S)
    assert sum(len(found) == written for found in came.values()) == whole
    counts = {place: len(came.get(place, [])) for place in places}
    while sum(counts.values()) < written * len(places):
        for place, found in reader.poll(at_most=1000, timeout_s=LONG_S).items():
            counts[place] += len(found)
    assert set(counts.values()) == {written}
    reader.close()
    log.close()


def test_input_of_8_mib_goes_through_the_inbox_and_into_deadletter(kafka, site):
    topics, log = Topics(site), KafkaLog(kafka)
    log.ensure(topic_specs(topics, {}, ["sender"]))
    writer, input_ = log.writer(), bytes(8 * 1024 * 1024)
    for topic in (topics.inbox("sender"), topics.deadletter):
        writer.send(topic, key=None, value=input_, partition=0, headers=(("reason", b"x" * 50_000),)).result(
            LONG_S
        )
    writer.close()
    reader = log.reader()
    reader.assign({Place(topics.deadletter, 0): 0})

    (found,) = reader.poll(at_most=1, timeout_s=LONG_S)[Place(topics.deadletter, 0)]
    assert found.value == input_
    reader.close()


def test_topics_wait_for_all_the_brokers_that_are_named(kafka, site):
    """Made with those that happen to be up, the ledger would have too few copies for ever."""
    port = kafka.rpartition(":")[2]
    log = KafkaLog(f"127.0.0.1:{port},localhost:{port}", patience_s=1)

    with pytest.raises(LogUnavailableError, match=rf"topic {site}\.t: .*replication factor"):
        log.ensure([TopicSpec(f"{site}.t", 1)])
    assert f"{site}.t" not in log.names()
    log.close()


def test_a_record_that_the_broker_refuses_is_told_and_does_not_spoil_the_writer(kafka, site):
    log = KafkaLog(kafka)
    log.ensure([TopicSpec(f"{site}.small", 1, {"max.message.bytes": "1000"})])
    writer = log.writer()
    for _ in range(2):
        refused = writer.send(f"{site}.small", key=b"k", value=b"x" * 5000)
        with pytest.raises(LogError, match="MessageSizeTooLarge"):
            refused.result(LONG_S)
        with pytest.raises(LogError, match="deliver"):
            writer.flush(LONG_S)
        writer.send(f"{site}.small", key=b"k", value=b"fits").result(LONG_S)
    writer.flush(LONG_S)
    writer.close()


def test_records_handed_over_at_once_that_the_broker_refuses_are_told_and_do_not_spoil_the_writer(
    kafka, site
):
    log = KafkaLog(kafka)
    log.ensure([TopicSpec(f"{site}.small", 1, {"max.message.bytes": "1000"})])
    writer = log.writer()
    for told in (True, False):
        refused = writer.send_all(f"{site}.small", [(b"k", b"x" * 5000)])
        if told:
            with pytest.raises(LogError, match="MessageSizeTooLarge"):
                refused.offsets(LONG_S)
        with pytest.raises(LogError, match="deliver"):
            writer.flush(LONG_S)
        assert len(writer.send_all(f"{site}.small", [(b"k", b"fits"), (b"l", b"too")]).offsets(LONG_S)) == 2
    writer.flush(LONG_S)
    writer.close()
    with pytest.raises(LogError, match=rf"send to {site}\.small"):
        writer.send_all(f"{site}.small", [(b"k", b"late")])


def test_a_record_that_no_broker_would_take_is_refused_at_once(kafka, site):
    log = KafkaLog(kafka)
    log.ensure([TopicSpec(f"{site}.t", 1)])
    writer = log.writer()
    for key, value, partition in ((b"k", bytes(11 * 1024 * 1024), 0), (b"k", b"v", 9), (None, None, 0)):
        with pytest.raises(LogError, match=rf"send to {site}\.t"):
            writer.send(f"{site}.t", key=key, value=value, partition=partition)
    writer.send(f"{site}.t", key=b"k", value=b"v").result(LONG_S)
    writer.close()


def test_a_stuck_commit_is_told_and_ends_in_doubt(kafka, site, monkeypatch):
    told: list[str] = []
    log = KafkaLog(kafka, commit_limit_s=0.2, on_stuck=told.append)
    owner = log.transactional(f"{site}-owner")
    owner.begin()
    monkeypatch.setattr(owner._producer, "commit_transaction", lambda: time.sleep(1.5))

    started = time.monotonic()
    with pytest.raises(TransactionInDoubtError, match=r"has not come back after 0\.2 s"):
        owner.commit({}, group=site)
    assert time.monotonic() - started < 5
    assert told == [f"{site}-owner: commit has not come back after 0.2 s"]
    owner.close()


def test_a_record_whose_header_name_is_no_utf8_is_read_like_any_other(kafka, site):
    log, place = KafkaLog(kafka), Place(f"{site}.door", 0)
    log.ensure([TopicSpec(place.topic, 1)])
    writer = log.writer()
    writer.send(place.topic, key=b"k", value=b"good").result(LONG_S)
    send_with_bad_name(log, place.topic, b"bad")
    writer.send(place.topic, key=b"k", value=b"behind", headers=(("plain", b"1"),)).result(LONG_S)
    writer.close()
    reader = log.reader()
    reader.assign({place: 0})
    found: list[Message] = []
    while len(found) < 3:
        found += reader.poll(at_most=9, timeout_s=LONG_S)[place]
    assert [each.value for each in found] == [b"good", b"bad", b"behind"]
    name = BAD_NAME.decode("utf-8", "surrogateescape")
    assert [each.headers for each in found] == [(), (("good", b"1"), (name, b"kept")), (("plain", b"1"),)]
    reader.close()


def test_a_record_that_the_client_cannot_take_apart_is_an_error_each_time_and_can_be_passed(
    kafka, site, monkeypatch
):
    log, place = KafkaLog(kafka), Place(f"{site}.door", 0)
    log.ensure([TopicSpec(place.topic, 1)])
    writer = log.writer()
    for value in (b"good", b"bad", b"behind"):  # with headers, the client reads them itself
        writer.send(place.topic, key=b"k", value=value, headers=(("a", b"b"),)).result(LONG_S)
    writer.close()
    read_record = DefaultRecordBatch._read_msg

    def corrupt(batch: DefaultRecordBatch) -> Any:
        found = read_record(batch)
        if found.value == b"bad":
            raise kafka_errors.CorruptRecordError("its length is wrong")
        return found

    monkeypatch.setattr(DefaultRecordBatch, "_read_msg", corrupt)
    reader = log.reader()
    reader.assign({place: 0})
    assert [each.value for each in reader.poll(at_most=9, timeout_s=LONG_S)[place]] == [b"good"]

    for _ in range(2):
        with pytest.raises(LogError, match=rf"{place.topic}/0 at 1 of 0…3"):
            reader.poll(at_most=9, timeout_s=LONG_S)
    reader.assign({place: 2})
    assert [each.value for each in reader.poll(at_most=9, timeout_s=LONG_S)[place]] == [b"behind"]
    reader.close()


def test_a_reader_whose_client_has_died_goes_on_with_another(kafka, site):
    log, place = KafkaLog(kafka), Place(f"{site}.t", 0)
    log.ensure([TopicSpec(place.topic, 1)])
    writer, reader = log.writer(), log.reader()
    reader.assign({place: 0})
    writer.send(place.topic, key=b"k", value=b"0")
    writer.send(place.topic, key=b"k", value=b"1").result(LONG_S)
    assert [each.value for each in reader.poll(at_most=1, timeout_s=LONG_S)[place]] == [b"0"]

    assert reader._consumer is not None
    reader._consumer.close()
    writer.send(place.topic, key=b"k", value=b"2").result(LONG_S)

    rest: list[bytes | None] = []
    deadline = time.monotonic() + LONG_S
    while len(rest) < 2 and time.monotonic() < deadline:
        with suppress(LogUnavailableError):
            rest += [each.value for each in reader.poll(at_most=9, timeout_s=1).get(place, [])]
    assert rest == [b"1", b"2"]
    assert reader.position(place) == 3
    reader.close()
    writer.close()
    with pytest.raises(LogError, match="closed"):
        reader.poll(at_most=1, timeout_s=0)


def test_a_reader_connects_where_it_is_given_something_to_read():
    log = KafkaLog("127.0.0.1:1", patience_s=0.2)
    idle, reader = log.reader(), log.reader()
    idle.close()
    with pytest.raises(LogUnavailableError, match=r"127\.0\.0\.1:1"):
        reader.assign({Place("site.file.events", 0): 0})
    reader.close()
    with pytest.raises(LogError, match="closed"):
        reader.assign({Place("site.file.events", 0): 0})
