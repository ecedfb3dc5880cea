"""The Faust application on a real broker: what was not handled is not let go."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from consumers.dead_record import DeadLetter
from consumers.door import Door
from consumers.intake import take
from consumers.intake_app import make_app, serve
from consumers.intake_watch import group_of
from consumers.reading import read_to_end
from events.kafka_log import KafkaLog
from events.log import Message, Place
from events.topic_specs import INBOX_PARTITIONS, topic_specs
from events.topics import Topics
from tests.consumers.at_the_door import Streams, a_stream, an_event

LIMIT_S = 30.0


@pytest.fixture
def topics(site):
    return Topics(site)


@pytest.fixture
def log(kafka, topics):
    log = KafkaLog(kafka)
    log.ensure(topic_specs(topics, {"file": 2}, ["roman-soc"]))
    yield log
    log.close()


def say(log: KafkaLog, topics: Topics, *values: bytes) -> None:
    writer = log.writer()
    for number, value in enumerate(values):
        writer.send(topics.inbox("roman-soc"), key=b"k", value=value, partition=number % INBOX_PARTITIONS)
    writer.close()


def run(
    kafka: str,
    topics: Topics,
    data_dir: Path,
    handle: Callable[[Sequence[Message]], None],
    *,
    until: Callable[[], bool],
) -> None:
    app = make_app(
        bootstrap=kafka,
        site=topics.site,
        inboxes=[topics.inbox("roman-soc")],
        data_dir=data_dir,
        handle=handle,
    )
    limit = time.monotonic() + LIMIT_S
    asyncio.run(
        serve(app, lambda: until() or time.monotonic() > limit, abandon=lambda: pytest.fail("it hangs"))
    )


def let_go(log: KafkaLog, topics: Topics) -> int:
    places = [Place(topics.inbox("roman-soc"), number) for number in range(INBOX_PARTITIONS)]
    return sum(offset or 0 for offset in log.committed(group_of(topics.site), places).values())


def test_each_message_is_handed_on_once_in_order_and_then_let_go(kafka, log, topics, tmp_path):
    values = [b"%05d" % number for number in range(2000)]
    say(log, topics, *values)
    seen: list[Message] = []
    run(kafka, topics, tmp_path, seen.extend, until=lambda: len(seen) >= 2000)
    assert sorted(message.value or b"" for message in seen) == values
    for number in range(INBOX_PARTITIONS):
        offsets = [message.offset for message in seen if message.partition == number]
        assert offsets == list(range(500))
    assert let_go(log, topics) == 2000


def test_a_batch_that_failed_is_not_let_go_and_comes_again(kafka, log, topics, tmp_path):
    say(log, topics, *(b"%d" % number for number in range(20)))

    def fails(messages: Sequence[Message]) -> None:
        raise RuntimeError("a fault of ours")

    with pytest.raises(RuntimeError, match="a fault of ours"):
        run(kafka, topics, tmp_path, fails, until=lambda: False)
    assert let_go(log, topics) == 0
    seen: list[Message] = []
    run(kafka, topics, tmp_path, seen.extend, until=lambda: len(seen) >= 20)
    assert len(seen) == let_go(log, topics) == 20


def test_a_message_that_breaks_intake_is_a_dead_letter_and_the_stream_goes_on(kafka, log, topics, tmp_path):
    def breaks(message, rules, at):
        if message.value == b"break":
            raise ZeroDivisionError("seven is not eight")
        return take(message, rules, at)

    say(log, topics, b"break", *(orjson.dumps(an_event(id=str(number))) for number in range(9)))
    door = Door(
        writer=log.writer(),
        topics=topics,
        rules=Streams(a_stream()),
        take=breaks,
        clock=lambda: datetime.now(UTC),
    )
    handled: list[Message] = []

    def handle(messages: Sequence[Message]) -> None:
        door.handle(messages)
        handled.extend(messages)

    run(kafka, topics, tmp_path, handle, until=lambda: len(handled) >= 10)
    assert len(list(read_to_end(log, topics.requests("file")))) == 9
    (letter,) = [DeadLetter.read(message) for message in read_to_end(log, topics.deadletter)]
    assert (letter.code, letter.value) == ("INTAKE_FAILED", b"break")
    assert "seven is not eight" in (letter.traceback or "")
    assert let_go(log, topics) == 10
