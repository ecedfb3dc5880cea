"""What every log promises of topics."""

import threading

from events.log import (
    TopicSpec,
)
from tests.contracts.log_bench import LONG_S, read, settled, values


def test_a_topic_is_made_once_and_then_left_as_it_is(bench):
    ids = bench.log.topic_ids([bench.topic])
    bench.write(b"a")

    bench.log.ensure([TopicSpec(bench.topic, 5), TopicSpec(bench.topic, 2)])

    assert bench.log.topic_ids([bench.topic]) == ids
    assert bench.log.partitions([bench.topic]) == {bench.topic: 2}
    assert values(read(bench.reader(), 1)) == [b"a"]


def test_topics_may_be_made_by_many_at_once(bench):
    name = f"{bench.topic}-race"
    failures = []

    def make():
        try:
            bench.log.ensure([TopicSpec(name, 3)])
            bench.log.writer().send(name, key=b"k", value=b"v").result(LONG_S)
        except Exception as error:  # noqa: BLE001  whatever it is, the test shows it
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert failures == []
    assert bench.log.partitions([name]) == {name: 3}
    bench.delete(name)


def test_missing_topics_are_left_out(bench):
    assert bench.log.partitions([bench.topic, "no-such-topic"]) == {bench.topic: 2}
    assert list(bench.log.topic_ids(["no-such-topic", bench.topic])) == [bench.topic]
    assert bench.log.partitions([]) == {}
    assert bench.topic in bench.log.names()
    assert "no-such-topic" not in bench.log.names()
    assert not [name for name in bench.log.names() if name.startswith("__")]


def test_a_topic_made_again_has_another_id_and_begins_at_zero(bench):
    before = bench.log.topic_ids([bench.topic])
    bench.write(b"a", b"b")
    bench.delete(bench.topic)

    bench.log.ensure([TopicSpec(bench.topic, 2)])

    assert bench.log.topic_ids([bench.topic]) != before
    assert settled(lambda: bench.reader().end(bench.first), 0) == 0
