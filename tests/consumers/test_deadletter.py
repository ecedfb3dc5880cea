"""Dead letters: found again, counted by cause, sent again once."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from consumers.dead_record import dead_letter
from consumers.deadletter import Count, DeadLetters, Which
from consumers.reading import read_to_end
from events.log import Message
from events.memory_log import MemoryLog
from events.topic_specs import topic_specs
from events.topics import Topics
from tests.consumers.at_the_door import NOW, a_message

TOPICS = Topics("t")
REDRIVE = {"actor": "anna", "reason": "the stream is configured now", "clock": lambda: NOW}


@pytest.fixture
def memory():
    memory = MemoryLog(now_ms=lambda: 1_795_239_667_000)
    memory.ensure(topic_specs(TOPICS, {}, ["roman-soc", "keck"]))
    return memory


def die(
    memory: MemoryLog,
    value: bytes | None = b"not json",
    *,
    sender: str = "roman-soc",
    code: str = "NOT_AN_EVENT",
    reason: str = "not JSON",
    at: datetime = NOW,
    **other: Any,
) -> str:
    key, kept, headers = dead_letter(
        a_message(value, sender=sender, **other), sender=sender, code=code, reason=reason, at=at
    )
    _, offset = memory.writer().send(TOPICS.deadletter, key=key, value=kept, headers=headers).result(1)
    return f"0/{offset}"


@pytest.fixture
def dead(memory):
    return DeadLetters(memory, TOPICS)


def test_without_a_topic_there_are_none():
    assert list(DeadLetters(MemoryLog(), TOPICS).each()) == []


def test_they_are_listed_oldest_first_and_as_they_were(memory, dead):
    die(memory, b"\x00\xff", offset=1)
    die(memory, None, offset=2, key=None)
    first, second = dead.each()
    assert (first.letter.value, second.letter.value, second.letter.origin_key) == (b"\x00\xff", None, None)
    assert first.is_open


@pytest.mark.parametrize(
    ("which", "found"),
    [
        (Which(), [0, 1, 2]),
        (Which(code="BAD_NAME"), [1]),
        (Which(sender="keck"), [2]),
        (Which(since=NOW + timedelta(minutes=1)), [2]),
        (Which(until=NOW + timedelta(minutes=1)), [0, 1]),
        (Which(ids=frozenset(["0/1", "0/99"])), [1]),
        (Which(is_open=False), []),
        (Which(code="BAD_NAME", sender="keck"), []),
    ],
)
def test_they_are_found_by_cause_sender_and_time(memory, dead, which, found):
    ids = [die(memory), die(memory, code="BAD_NAME"), die(memory, sender="keck", at=NOW + timedelta(hours=1))]
    assert [each.letter.id for each in dead.each(which)] == [ids[number] for number in found]


def test_they_are_counted_without_the_notes_about_them_and_the_marks_of_transactions(memory, dead):
    assert dead.count(within_s=10) == Count(0, 0)
    first, second = die(memory), die(memory)
    for _ in range(3):  # as a decider writes those of its own, each followed by a mark of Kafka's
        writer = memory.transactional("t.file.0")
        writer.begin()
        _, value, headers = dead_letter(
            a_message(b"{"), sender="decider", code="INTERNAL", reason="raised", at=NOW
        )
        writer.send(TOPICS.deadletter, key=b"k", value=value or b"", partition=0, headers=headers)
        writer.commit({}, group="t.decider.file")
    assert dead.count(within_s=10) == Count(5, 5, {"NOT_AN_EVENT": 2, "INTERNAL": 3})
    list(dead.redrive(Which(ids=frozenset([first])), **REDRIVE))
    list(dead.redrive(Which(ids=frozenset([first])), **REDRIVE, is_forced=True))
    list(dead.discard(Which(ids=frozenset([second])), **REDRIVE))
    assert dead.count(within_s=10) == Count(5, 3, {"INTERNAL": 3})


def test_more_than_can_be_counted_in_time_is_no_number_of_open_ones(memory, dead):
    for _ in range(3):
        die(memory)
    assert dead.count(within_s=-1) == Count(1, None, {"NOT_AN_EVENT": 1})


def test_one_whose_headers_are_damaged_is_listed_with_what_is_known(memory, dead):
    memory.writer().send(TOPICS.deadletter, key=b"k", value=b"v", headers=(("size-bytes", b"many"),)).result(
        1
    )
    [found] = dead.each()
    assert (found.letter.size_bytes, found.letter.value, found.letter.sender) == (0, b"v", "")


def test_a_limit_stops_the_reading(memory, dead):
    for _ in range(5):
        die(memory)
    assert len(list(dead.each(limit=2))) == 2


def test_causes_are_counted_the_most_frequent_first(memory, dead):
    die(memory, code="BAD_NAME", reason="name '.x'")
    for _ in range(3):
        die(memory)
    list(dead.redrive(Which(ids=frozenset(["0/1"])), **REDRIVE))
    assert [(cause.code, cause.sender, cause.count, cause.count_open) for cause in dead.causes()] == [
        ("NOT_AN_EVENT", "roman-soc", 3, 2),
        ("BAD_NAME", "roman-soc", 1, 1),
    ]


def test_one_is_shown_by_its_id(memory, dead):
    assert dead.show(die(memory)).letter.code == "NOT_AN_EVENT"
    with pytest.raises(KeyError, match="meridian deadletter list"):
        dead.show("0/99")


def test_redriven_the_bytes_stand_in_the_inbox_again_as_they_were(memory, dead):
    letter = die(memory, b"\x00\xff", headers=(("ce_id", b"7"), ("x", b"")))
    (done,) = dead.redrive(Which(), **REDRIVE)
    assert done.against is None
    (again,) = read_to_end(memory, "t.inbox.roman-soc")
    assert (again.key, again.value) == (b"k", b"\x00\xff")
    assert again.headers == (
        ("ce_id", b"7"),
        ("x", b""),
        ("redriven-from", letter.encode()),
        ("redrive-reason", b"the stream is configured now"),
    )


def test_a_tombstone_is_redriven_as_a_tombstone(memory, dead):
    die(memory, None, key=None)
    list(dead.redrive(Which(), **REDRIVE))
    (again,) = read_to_end(memory, "t.inbox.roman-soc")
    assert (again.key, again.value) == (b"", None)


def test_what_was_redriven_is_listed_as_done_by_whom(memory, dead):
    die(memory)
    list(dead.redrive(Which(), **REDRIVE))
    (listed,) = dead.each()
    assert listed.done == ("redriven by anna at 2026-11-21T05:41:07.000Z",)
    assert list(dead.each(Which(is_open=True))) == []


def test_redriving_twice_is_refused_unless_forced(memory, dead):
    die(memory)
    list(dead.redrive(Which(), **REDRIVE))
    (done,) = dead.redrive(Which(), **REDRIVE)
    assert "redriven by anna" in (done.against or "")
    (done,) = dead.redrive(Which(), is_forced=True, **REDRIVE)
    assert done.against is None
    assert len(list(read_to_end(memory, "t.inbox.roman-soc"))) == 2


def test_what_is_kept_in_part_only_is_not_redriven(memory, dead):
    die(memory, b"x" * (8 * 1024 * 1024 + 1))
    (done,) = dead.redrive(Which(), **REDRIVE)
    assert "only a part" in (done.against or "")
    assert list(read_to_end(memory, "t.inbox.roman-soc")) == []


def test_what_came_from_no_inbox_is_not_redriven(memory, dead):
    key, value, headers = dead_letter(
        Message("t.file.requests", 0, 5, b"k", b"poison"),
        sender="decider",
        code="INTERNAL",
        reason="a fault of ours",
        at=NOW,
    )
    memory.writer().send(TOPICS.deadletter, key=key, value=value, headers=headers)
    (done,) = dead.redrive(Which(), **REDRIVE)
    assert "no inbox" in (done.against or "")


def test_what_is_discarded_stays_and_is_no_longer_open(memory, dead):
    die(memory)
    list(dead.discard(Which(), **REDRIVE))
    (listed,) = dead.each()
    assert listed.letter.value == b"not json"
    assert not listed.is_open


def test_many_are_redriven_in_one_go(memory, dead):
    for number in range(250):
        die(memory, offset=number)
    done = list(dead.redrive(Which(code="NOT_AN_EVENT"), **REDRIVE))
    assert len(done) == len(list(read_to_end(memory, "t.inbox.roman-soc"))) == 250
