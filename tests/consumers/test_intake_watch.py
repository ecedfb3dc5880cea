"""Intake that stands still is noticed, and nothing else is taken for it."""

import pytest

from consumers.intake_watch import ProgressWatch, group_of
from events.log import Place
from events.memory_log import MemoryLog
from events.topic_specs import sender_specs
from events.topics import Topics

TOPICS = Topics("t")
INBOX = TOPICS.inbox("roman-soc")
GROUP = group_of("t")


@pytest.fixture
def memory():
    memory = MemoryLog()
    memory.ensure(sender_specs(TOPICS, "roman-soc"))
    return memory


def say(memory: MemoryLog, *, partition: int = 0) -> None:
    memory.writer().send(INBOX, key=b"k", value=b"v", partition=partition)


def let_go(memory: MemoryLog, offset: int) -> None:
    writer = memory.transactional("test")
    writer.begin()
    writer.commit({Place(INBOX, 0): offset}, group=GROUP)


def looks(memory: MemoryLog, *times: float) -> list[Place | None]:
    watch = ProgressWatch(memory, GROUP, limit_s=30)
    return [watch.stalled([INBOX], now=time) for time in times]


def test_a_message_that_nobody_reads_is_noticed_after_the_limit(memory):
    say(memory, partition=2)
    assert looks(memory, 0, 10, 20, 35) == [None, None, None, Place(INBOX, 2)]


def test_an_inbox_that_is_read_to_its_end_is_left_in_peace(memory):
    say(memory)
    let_go(memory, 1)
    assert looks(memory, 0, 35, 70) == [None, None, None]


def test_an_empty_inbox_is_left_in_peace(memory):
    assert looks(memory, 0, 35, 70) == [None, None, None]


def test_the_mark_of_a_senders_transaction_is_no_message(memory):
    say(memory)
    let_go(memory, 1)
    writer = memory.transactional("a sender")
    writer.begin()
    writer.send(INBOX, key=b"k", value=b"v", partition=0)
    writer.abort()
    assert looks(memory, 0, 35, 70) == [None, None, None]


def test_slow_is_not_still(memory):
    for _ in range(10):
        say(memory)
    watch = ProgressWatch(memory, GROUP, limit_s=30)
    for offset in range(5):
        let_go(memory, offset)
        assert watch.stalled([INBOX], now=20.0 * offset) is None


def test_it_looks_every_few_seconds_only(memory):
    class Counting(MemoryLog):
        asked = 0

        def committed(self, group, places):
            self.asked += 1
            return super().committed(group, places)

    counting = Counting()
    looks(counting, *range(100))
    assert counting.asked == 20
