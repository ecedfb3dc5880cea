"""Records that may wait a moment: none is lost, none overtakes another, and whoever needs one has it at once."""

import threading

import pytest

from consumers.reading import read_to_end
from consumers.sender import Outgoing, Sender
from consumers.soon import Soon
from events.log import LogUnavailableError, Sent, TopicSpec
from events.memory_log import MemoryLog

TOPIC = "t"


class Clock:
    """It stands until it is moved on."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def memory():
    log = MemoryLog()
    log.ensure([TopicSpec(TOPIC, 1, {})])
    return log


@pytest.fixture
def send(memory):
    sender = Sender(memory.writer)
    yield lambda outgoing: sender.send(outgoing[0], key=outgoing[1], value=outgoing[2])
    sender.close()


def a_record(number: int) -> Outgoing:
    return TOPIC, b"k", str(number).encode()


def on_the_log(memory: MemoryLog) -> list[int]:
    return [int(message.value or b"") for message in read_to_end(memory, TOPIC)]


def test_the_first_goes_at_once_and_those_after_it_together(memory, send):
    clock = Clock()
    soon = Soon(send, apart_s=3600, clock=clock)
    soon.post(a_record(1))
    assert on_the_log(memory) == [1]
    soon.post(a_record(2))
    soon.post(a_record(3))
    assert on_the_log(memory) == [1]
    clock.now_s += 3600
    soon.post(a_record(4))
    assert on_the_log(memory) == [1, 2, 3, 4]


def test_one_after_which_no_other_comes_goes_too(memory, send):
    soon = Soon(send, apart_s=0.05)
    soon.post(a_record(1))
    soon.post(a_record(2))
    for each in threading.enumerate():
        if isinstance(each, threading.Timer):
            each.join(10)
    assert on_the_log(memory) == [1, 2]


def test_whoever_asks_for_its_result_waits_for_nothing(memory, send):
    soon = Soon(send, apart_s=3600, clock=Clock())
    soon.post(a_record(1))
    sent = [soon.post(a_record(number)) for number in (2, 3)]
    assert sent[1].result(1.0) == (0, 2)
    assert on_the_log(memory) == [1, 2, 3]
    assert sent[0].result(1.0) == (0, 1)


def test_records_of_many_threads_are_all_there_and_those_of_each_in_order(memory, send):
    soon = Soon(send, apart_s=0.002)

    def posts(first: int) -> None:
        sent = [soon.post(a_record(number)) for number in range(first, first + 100)]
        sent[-1].result(5.0)

    threads = [threading.Thread(target=posts, args=(1000 * each,)) for each in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = on_the_log(memory)
    assert len(found) == 800
    for each in range(8):
        assert [number for number in found if number // 1000 == each] == list(
            range(1000 * each, 1000 * each + 100)
        )


def test_what_goes_wrong_with_one_is_told_to_whoever_asks_for_it_and_not_to_others(memory, send):
    def fails_once(outgoing: Outgoing) -> Sent:
        if outgoing[2] == b"2":
            raise LogUnavailableError("the broker is away")
        return send(outgoing)

    soon = Soon(fails_once, apart_s=3600, clock=Clock())
    soon.post(a_record(1))
    second, third = soon.post(a_record(2)), soon.post(a_record(3))
    assert third.result(1.0) == (0, 1)
    with pytest.raises(LogUnavailableError, match="away"):
        second.result(1.0)
