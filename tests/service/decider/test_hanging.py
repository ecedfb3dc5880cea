"""A transaction that the coordinator calls over and the partition does not: a frozen broker leaves such things."""

import time
from contextlib import contextmanager

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from events.ids import partition_of
from events.kafka_log import KafkaLog
from events.log import Place
from events.topics import Topics
from projectors.database import make_engine
from service.decider.hanging import Patience
from tests.service.decider.test_process import PARTITIONS, ask, ledger, outcomes_of, running

SUBJECT = "roman/a"
NUMBER = partition_of(SUBJECT, PARTITIONS["file"])


@pytest.fixture
def parts(kafka, site, postgres):
    logs, engine = KafkaLog(kafka), make_engine(postgres, "test")
    yield logs, Topics(site), engine
    engine.dispose()
    logs.close()


@contextmanager
def unverified(kafka: str):
    """The broker takes records of transactions that its coordinator knows nothing of."""
    admin = KafkaAdminClient(bootstrap_servers=kafka)

    def let(value: str) -> None:
        name = "transaction.partition.verification.enable"
        brokers = [str(each["broker_id"]) for each in admin.describe_cluster()["brokers"]]
        admin.alter_configs(
            [ConfigResource(ConfigResourceType.BROKER, each, {name: value}) for each in brokers]
        )
        time.sleep(0.5)  # brokers hear of it soon

    let("false")
    try:
        yield
    finally:
        let("true")
        admin.close()


def leave_hanging(kafka: str, topics: Topics) -> None:
    """A record of a transaction of the partition's owner that nobody will ever end."""
    place = TopicPartition(topics.events("file"), NUMBER)
    with unverified(kafka):
        producer = KafkaProducer(bootstrap_servers=kafka, transactional_id=f"{topics.site}.file.{NUMBER}")
        producer.init_transactions()
        producer.begin_transaction()
        producer._transaction_manager._partitions_in_transaction.add(place)  # as if it had been announced
        producer.send(place.topic, b'{"hangs": true}', b"roman/a", partition=place.partition).get(10)
        producer._sender.force_close()


def stable_end(logs: KafkaLog, topics: Topics) -> tuple[int, int]:
    """How far committed records can be read now, and where the partition ends."""
    place, reader = Place(topics.events("file"), NUMBER), logs.reader(committed=True)
    reader.assign({place: 0})
    for _ in range(10):
        reader.poll(at_most=100, timeout_s=0.1)
    found = reader.position(place), reader.end(place)
    reader.close()
    return found


def test_a_transaction_that_hangs_is_ended_and_what_it_held_is_never_read(kafka, parts):
    logs, topics, engine = parts
    end = running(logs, topics, engine, "one")
    before = ask(logs, topics, [SUBJECT])
    assert len(outcomes_of(engine, topics, before)) == 1
    end()
    leave_hanging(kafka, topics)
    readable, last = stable_end(logs, topics)
    assert readable == last - 1, "it has to hang, or nothing is shown here"

    end = running(logs, topics, engine, "two")
    after = ask(logs, topics, [SUBJECT])
    found = outcomes_of(engine, topics, after)
    end()
    assert [each.request_id for each in found.values()] == [request for _, request in after]
    assert [record.requestid for record in ledger(logs, topics)] == [r for _, r in before + after]
    readable, last = stable_end(logs, topics)
    assert readable == last


def test_what_keeps_coming_is_waited_for_and_a_standstill_is_acted_upon_again_and_again(monkeypatch):
    moments = iter([0.0, 2.9, 2.9, 5.0, 5.9, 6.1, 20.0, 21.2])
    monkeypatch.setattr("service.decider.hanging.time.monotonic", lambda: next(moments))
    ended: list[str] = []
    patience = Patience(lambda: ended.append("ended"), say_after_s=2.0)
    patience.tried()
    patience.renew()
    patience.tried()
    patience.tried()
    assert ended == []
    patience.tried()
    assert ended == ["ended"]
    patience.tried()
    assert ended == ["ended"]
    patience.tried()
    assert ended == ["ended", "ended"]
