"""The decider's floor: requests read and written again in transactions with their offsets, by kafka-python alone.

A plain loop of the library's public calls, with settings that do it justice: whole batches at each poll, which takes
fetches of 4 MiB a partition (of 1 MiB, most polls end with what was left of one: 840 records of 1,500, and half as
many transactions again); a poll is one transaction; no metrics; batches of 1 MiB, so that one flight takes most of a
transaction. Lingering for 1 or 5 ms, batches of 256 KiB and another switch interval of the interpreter made no
difference beyond the noise. The bytes written are those of the requests, less than half of what records of the ledger
have: nothing is decided, so there is nothing more to write.

``own_log_floor`` is the same by Meridian's own log layer, as a second line: on one broker the two cost the same
processor time, 17 to 20 µs a request, so that neither flatters the decider.
"""

from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from events.log import Log, Place
from events.topic_specs import topic_specs
from events.topics import Topics
from service.bench.timing import Timer

__all__ = ["CONSUME", "PRODUCE", "own_log_floor", "plain_floor"]

CONSUME: dict[str, Any] = {
    "group_id": None,
    "enable_auto_commit": False,
    "isolation_level": "read_committed",
    "fetch_max_bytes": 50 * 1024 * 1024,
    "max_partition_fetch_bytes": 4 * 1024 * 1024,
    "metrics_enabled": False,
}
PRODUCE: dict[str, Any] = {
    "acks": "all",
    "retry_backoff_ms": 5,
    "batch_size": 1024 * 1024,
    "max_request_size": 2 * 1024 * 1024,
    "metrics_enabled": False,
}


def plain_floor(
    logs: Log, kafka: str, topics: Topics, *, requests: int, batch: int, partitions: int, name: str
) -> dict[str, Any]:
    """The requests from ``kafka`` read and written a second; ``logs`` only makes the topic for them.

    A poll is a transaction of ``batch`` records, whichever partitions they are of; ``batches``: how many it took.
    """
    out = _topic_for_it(logs, topics, partitions=partitions, name=name)
    places = [TopicPartition(topics.requests("file"), number) for number in range(partitions)]
    producer = KafkaProducer(bootstrap_servers=kafka, transactional_id=f"{topics.site}-{name}", **PRODUCE)
    producer.init_transactions()
    consumer = KafkaConsumer(bootstrap_servers=kafka, max_poll_records=batch, **CONSUME)
    consumer.assign(places)
    for place in places:
        consumer.seek(place, 0)
    timer, seen, batches = Timer(), 0, 0
    while seen < requests:
        polled = consumer.poll(timeout_ms=500)
        if not polled:
            continue
        producer.begin_transaction()
        for place, messages in polled.items():
            for message in messages:
                producer.send(out, message.value, message.key, partition=place.partition)
            seen += len(messages)
        ends = {place: OffsetAndMetadata(each[-1].offset + 1, "", -1) for place, each in polled.items()}
        producer.send_offsets_to_transaction(ends, f"{topics.site}-{name}")
        producer.commit_transaction()
        batches += 1
    found = timer.per(requests)
    consumer.close()
    producer.close()
    return found | {"batches": batches}


def own_log_floor(
    logs: Log, topics: Topics, *, requests: int, batch: int, partitions: int, name: str
) -> dict[str, Any]:
    """The same requests read and written again on Meridian's own log layer, a transaction for each partition."""
    out = _topic_for_it(logs, topics, partitions=partitions, name=name)
    places = [Place(topics.requests("file"), number) for number in range(partitions)]
    writer, reader = logs.transactional(f"{topics.site}-{name}"), logs.reader(committed=True)
    reader.assign(dict.fromkeys(places, 0))
    timer, seen, batches = Timer(), 0, 0
    while seen < requests:
        for place, messages in reader.poll(at_most=batch, timeout_s=0.5).items():
            writer.begin()
            for message in messages:
                writer.send(out, key=message.key, value=message.value or b"", partition=place.partition)
            writer.commit({place: messages[-1].offset + 1}, group=f"{topics.site}-{name}")
            seen += len(messages)
            batches += 1
    found = timer.per(requests)
    reader.close()
    writer.close()
    return found | {"batches": batches}


def _topic_for_it(logs: Log, topics: Topics, *, partitions: int, name: str) -> str:
    out = Topics(f"{topics.site}-{name}")
    logs.ensure(topic_specs(out, {"file": partitions}, ()))
    return out.events("file")
