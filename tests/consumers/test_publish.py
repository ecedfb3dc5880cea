"""Saying things at the door, and hearing the answers."""

import threading
from functools import partial

import pytest

from consumers.answer import Answer
from consumers.drafts import Draft
from consumers.publish import NoInboxError, Publisher
from consumers.reading import read_to_end
from events.memory_log import MemoryLog
from events.topic_specs import topic_specs
from events.topics import Topics
from tests.consumers.at_the_door import NOW

TOPICS = Topics("t")


@pytest.fixture
def memory():
    memory = MemoryLog()
    memory.ensure(topic_specs(TOPICS, {}, ["roman-soc", "keck"]))
    return memory


def answer(memory: MemoryLog, event_id: str, *, accepted: bool = True) -> None:
    told = Answer(accepted=accepted, event_id=event_id, at=NOW, subject="s/a")
    memory.writer().send(TOPICS.answers("roman-soc"), key=told.key, value=told.encode())


def test_drafts_stand_in_the_inbox_in_order(memory):
    drafts = [Draft(str(number), b"%d" % number, key=b"k", headers=(("h", b"v"),)) for number in range(2500)]
    with Publisher(memory, TOPICS, "roman-soc") as publisher:
        assert [draft.label for draft in publisher.publish(drafts)] == [draft.label for draft in drafts]
    found = list(read_to_end(memory, "t.inbox.roman-soc"))
    assert [message.value for message in found] == [draft.value for draft in drafts]
    assert found[0].headers == (("h", b"v"),)


def test_a_sender_without_an_inbox_is_told_which_there_are(memory):
    with pytest.raises(NoInboxError, match="keck, roman-soc"):
        Publisher(memory, TOPICS, "romansoc")


def test_answers_are_heard_that_come_after_listening_began(memory):
    answer(memory, "1", accepted=False)  # to an older event of the same id
    with Publisher(memory, TOPICS, "roman-soc", is_listening=True) as publisher:
        timer = threading.Timer(0.05, lambda: list(map(partial(answer, memory), ["2", "other", "1"])))
        timer.start()
        heard = {each.event_id: each.accepted for each in publisher.answers(["1", "2"], timeout_s=5)}
        timer.join()
    assert heard == {"1": True, "2": True}


def test_what_is_not_answered_in_time_is_left_out(memory):
    with Publisher(memory, TOPICS, "roman-soc", is_listening=True) as publisher:
        answer(memory, "1")
        memory.writer().send(TOPICS.answers("roman-soc"), key=b"x", value=b"no answer at all")
        assert [each.event_id for each in publisher.answers(["1", "2"], timeout_s=0.2)] == ["1"]


def test_answers_of_before_are_found_again_the_last_one_for_each(memory):
    answer(memory, "1", accepted=False)
    answer(memory, "1")
    answer(memory, "other")
    with Publisher(memory, TOPICS, "roman-soc") as publisher:
        assert {key: each.accepted for key, each in publisher.earlier(["1", "2"]).items()} == {"1": True}


def test_reading_to_the_end_ends_where_the_end_was_when_it_began(memory):
    for _ in range(3):
        answer(memory, "1")
    reading = read_to_end(memory, TOPICS.answers("roman-soc"))
    seen = [next(reading)]
    answer(memory, "2")
    assert len(seen + list(reading)) == 3


def test_an_answer_reads_as_it_was_written():
    told = Answer(
        accepted=False,
        event_id="1",
        at=NOW,
        request_id="r",
        subject="s/a",
        code="BAD_NAME",
        reasons=("one", "two"),
        origin="t.inbox.x/0/1",
        about={"sequence": 3},
    )
    assert Answer.decode(told.encode()) == told
