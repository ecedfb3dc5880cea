"""Sending through a log that comes and goes."""

import pytest

from consumers.sender import Sender
from events.log import LogError, LogUnavailableError, Place
from events.memory_log import MemoryLog
from events.topic_specs import topic_specs
from events.topics import Topics

TOPICS = Topics("test")
REQUESTS = TOPICS.requests("file")


def written(log: MemoryLog) -> list[bytes | None]:
    reader = log.reader()
    reader.assign({Place(REQUESTS, 0): 0})
    return [message.value for found in reader.poll(at_most=10, timeout_s=0).values() for message in found]


def test_a_writer_that_failed_is_replaced_by_the_next_who_sends():
    log = MemoryLog()
    writers = []

    def open_writer():
        writers.append(log.writer())
        return writers[-1]

    sender = Sender(open_writer)
    with pytest.raises(LogUnavailableError):
        sender.send_all([(REQUESTS, b"a", b"lost")])
    log.ensure(topic_specs(TOPICS, {"file": 1}, ()))
    sender.send_all([(REQUESTS, b"a", b"one"), (REQUESTS, b"a", b"two")])
    assert written(log) == [b"one", b"two"]
    assert len(writers) == 2


class Unacknowledged:
    """Hands out promises that are not kept."""

    def result(self, timeout_s: float) -> tuple[int, int]:
        raise LogError("no acknowledgement")


def test_what_is_not_acknowledged_counts_as_the_log_being_away():
    sender = Sender(MemoryLog().writer)
    with pytest.raises(LogUnavailableError, match="no acknowledgement"):
        sender.acknowledged([Unacknowledged()])


def test_a_closed_sender_sends_again_when_asked():
    log = MemoryLog()
    log.ensure(topic_specs(TOPICS, {"file": 1}, ()))
    sender = Sender(log.writer)
    sender.send_all([(REQUESTS, b"a", b"one")])
    sender.close()
    sender.send_all([(REQUESTS, b"a", b"two")])
    assert written(log) == [b"one", b"two"]
