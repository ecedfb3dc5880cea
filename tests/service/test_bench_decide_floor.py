"""The decider's two floors: each writes every request again, once, in whole transactions with their offsets."""

import json
import math

from events.kafka_log import KafkaLog
from events.log import Place
from events.memory_log import MemoryLog
from events.topics import Topics
from service.bench.decide import fill
from service.bench.decide_floor import own_log_floor, plain_floor
from service.bench.throughput import BESIDE_DECIDING, DECIDE, DECIDE_ON_OWN_LOG, LINES, _figure

SIZES = {"batch": 100, "partitions": 4}


def _all(log, topic):
    """Key and value of every committed record, by partition."""
    found: dict[int, list[tuple[bytes, bytes]]] = {}
    for number in range(4):
        place, reader = Place(topic, number), log.reader()
        reader.assign({place: 0})
        found[number] = []
        while reader.position(place) < reader.end(place):
            for message in reader.poll(at_most=10_000, timeout_s=1.0).get(place, []):
                found[number].append((message.key, message.value))
        reader.close()
    return found


def test_the_plain_loop_writes_every_request_again_in_whole_batches_with_their_offsets(kafka, site):
    log, topics = KafkaLog(kafka), Topics(site)
    requests = fill(log, topics, files=300, seed=1)
    found = plain_floor(log, kafka, topics, requests=requests, name="floor", **SIZES)
    asked = _all(log, topics.requests("file"))
    assert _all(log, Topics(f"{site}-floor").events("file")) == asked
    assert sum(map(len, asked.values())) == requests > 1500
    # Polls come back full: as few transactions as there can be, but for fetches that come while one is under way.
    assert found["batches"] <= math.ceil(requests / SIZES["batch"]) + SIZES["partitions"]
    assert found["rate"] > 0
    places = [Place(topics.requests("file"), number) for number in range(4)]
    assert log.committed(f"{site}-floor", places) == {each: len(asked[each.partition]) for each in places}
    log.close()


def test_the_same_on_the_own_log_layer_writes_them_in_transactions_of_a_partition_each():
    log, topics = MemoryLog(), Topics("bench")
    requests = fill(log, topics, files=300, seed=1)
    found = own_log_floor(log, topics, requests=requests, name="strict", **SIZES)
    asked = _all(log, topics.requests("file"))
    assert _all(log, Topics("bench-strict").events("file")) == asked
    whole = sum(math.ceil(len(each) / SIZES["batch"]) for each in asked.values())
    assert whole <= found["batches"] <= whole + SIZES["partitions"]
    places = [Place(topics.requests("file"), number) for number in range(4)]
    ends = {each: len(asked[each.partition]) for each in places}
    assert log.committed("bench-strict", places) == ends


def test_deciding_stands_beside_both_floors_each_called_what_it_is_and_one_has_the_goal():
    rates = {"decide": 18.0, "decide-floor": 30.0, "decide-floor-on-own-log": 45.0}
    runs = [{what: {"rate": rate, "cpu_us": 1.0, "rss_mb": 1} for what, rate in rates.items()}]
    told = [json.loads(json.dumps(_figure(runs, line).as_json())) for line in (DECIDE, DECIDE_ON_OWN_LOG)]
    assert [each["ratio"] for each in told] == [0.6, 0.4]
    assert "plain loop of kafka-python" in told[0]["floor"]["what"]
    assert "own log layer" in told[1]["floor"]["what"]
    assert [each["notes"].get("goal_at_least") for each in told] == [0.6, None]
    assert all(line in LINES for line in (DECIDE, DECIDE_ON_OWN_LOG))
    assert {DECIDE.floor_what, DECIDE_ON_OWN_LOG.floor_what} <= set(BESIDE_DECIDING)
