"""Inboxes looked at once more: what was lost behind intake's back is taken, and nothing else."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest

from consumers.dead_record import DeadLetter
from consumers.door import Door
from consumers.inbox_again import InboxAgain
from consumers.intake import take
from consumers.intake_watch import group_of
from consumers.reading import read_to_end
from events.envelope import decode_request
from events.kafka_log import KafkaLog
from events.log import Log, Message, Place
from events.memory_log import MemoryLog
from events.topic_specs import topic_specs
from events.topics import MACHINES, Topics
from tests.consumers.at_the_door import NOW, Streams, a_stream, an_event, rules_of

TOPICS = Topics("t")
INBOX = TOPICS.inbox("roman-soc")
LONG_AGO = NOW - timedelta(days=1)


class Site:
    """A log, what was decided, and the rules; intake and decider do as they are told."""

    def __init__(self, log: Log | None = None, topics: Topics = TOPICS) -> None:
        self.log = log or MemoryLog(now_ms=lambda: int(NOW.timestamp() * 1000))
        self.topics, self.inbox = topics, topics.inbox("roman-soc")
        self.log.ensure(topic_specs(topics, dict.fromkeys(MACHINES, 1), ["roman-soc"]))
        self.decided: set[tuple[str, str]] = set()
        self.rules, self.since = rules_of(a_stream()), LONG_AGO
        self.said = 0
        self.again = self.look()

    def look(self) -> InboxAgain:
        return InboxAgain(
            log=self.log,
            topics=self.topics,
            outcomes=self,
            rules=lambda: (self.rules, self.since),
            clock=lambda: NOW,
        )

    def find(self, asked: Iterable[tuple[str, str]]) -> dict[str, Any]:
        return {request: "a fact" for subject, request in asked if (subject, request) in self.decided}

    def says(self, value: bytes | dict[str, Any] | None = None) -> int:
        self.said += 1
        told = an_event(id=f"n{self.said}") if value is None else value
        body = told if isinstance(told, bytes) else orjson.dumps(told)
        return self.log.writer().send(self.inbox, key=b"k", value=body, partition=0).result(1)[1]

    def intake_takes(self, *, but: Iterable[int] = ()) -> None:
        """All that is there, but some that it lets go of as if it had."""
        self.handles(but=but)
        self.lets_go()

    def handles(self, *, but: Iterable[int] = ()) -> None:
        messages = [each for each in read_to_end(self.log, self.inbox) if each.offset not in set(but)]
        door = Door(
            writer=self.log.writer(),
            topics=self.topics,
            rules=Streams(*self.rules.values()),
            take=take,
            clock=lambda: NOW,
        )
        door.handle([each for each in messages if each.offset >= (self.let_go() or 0)])

    def lets_go(self) -> None:
        self.commits(group_of(self.topics.site), Place(self.inbox, 0), self.end(Place(self.inbox, 0)))

    def let_go(self) -> int | None:
        return self.log.committed(group_of(self.topics.site), [Place(self.inbox, 0)])[Place(self.inbox, 0)]

    def end(self, place: Place) -> int:
        return self.log.reader().end(place)

    def commits(self, group: str, place: Place, offset: int) -> None:
        writer = self.log.transactional(f"test {group}")
        writer.begin()
        writer.commit({place: offset}, group=group)

    def decides(self) -> None:
        """All that is asked."""
        for machine in MACHINES:
            requests = self.topics.requests(machine)
            for each in map(self.asked_by, read_to_end(self.log, requests)):
                self.decided.add(each)
            self.commits(self.topics.decider(machine), Place(requests, 0), self.end(Place(requests, 0)))

    def asked_by(self, message: Message) -> tuple[str, str]:
        request = decode_request(message.value)
        return request.subject, request.id

    @property
    def asked(self) -> int:
        return self.end(Place(self.topics.requests("file"), 0))

    @property
    def letters(self) -> list[DeadLetter]:
        return [DeadLetter.read(each) for each in read_to_end(self.log, self.topics.deadletter)]

    def settles(self) -> int:
        """Decided, looked at, and looked at again: how many were taken."""
        taken = 0
        for _ in range(3):
            self.decides()
            taken += self.again.run_once()
        return taken


@pytest.fixture
def site() -> Site:
    site = Site()
    site.intake_takes()
    assert site.settles() == 0
    return site


def test_on_kafka_a_message_that_was_passed_over_is_taken_again_once(kafka):
    log = KafkaLog(kafka)
    site = Site(log, Topics(f"t{uuid4().hex[:8]}"))
    site.intake_takes()
    assert site.settles() == 0
    site.says()
    lost = site.says()
    broken = site.says(b"not json")
    site.intake_takes(but=[lost, broken])
    assert site.asked == 1
    assert site.settles() == 2
    assert (site.asked, len(site.letters)) == (2, 1)
    site.again = site.look()
    assert site.settles() == 0
    log.close()


def test_what_was_taken_refused_or_not_understood_is_left_alone(site):
    site.says()
    site.says(b"not json")
    site.says(an_event(id="x", data={"stream": "nobodys", "uri": "s3://landing/a.asdf"}))
    site.says(
        {
            "Records": [
                {
                    "eventSource": "aws:s3",
                    "eventName": "ObjectRemoved:Delete",
                    "eventTime": "2026-11-21T05:00:00Z",
                    "s3": {"bucket": {"name": "landing"}, "object": {"key": "a.asdf"}},
                }
            ]
        }
    )
    site.intake_takes()
    asked, letters = site.asked, len(site.letters)
    assert site.settles() == 0
    assert (site.asked, len(site.letters)) == (asked, letters)


def test_a_message_that_was_passed_over_is_taken_again_once(site):
    site.says()
    lost = site.says()
    broken = site.says(b"not json")
    site.says()
    site.intake_takes(but=[lost, broken])
    asked = site.asked
    assert site.settles() == 2
    assert site.asked == asked + 1
    assert [letter.origin for letter in site.letters] == [f"{INBOX}/0/{broken}"]
    assert site.settles() == 0
    site.again = site.look()
    assert site.settles() == 0
    assert site.asked == asked + 1


def test_a_dead_letter_from_long_before_its_message_was_let_go_of_counts(site):
    site.says(b"not json")
    site.handles()
    assert site.settles() == 0
    site.lets_go()
    assert site.settles() == 0
    assert len(site.letters) == 1


def test_large_messages_are_looked_at_a_few_at_a_time(site, monkeypatch):
    monkeypatch.setattr("consumers.inbox_again._HELD_BYTES", 1)
    monkeypatch.setattr("consumers.inbox_again._AT_ONCE", 2)
    lost = [site.says() for _ in range(5)]
    site.intake_takes(but=lost)
    taken = []
    for _ in range(5):
        site.decides()
        taken.append(site.again.run_once())
    assert taken == [0, 2, 2, 1, 0]
    assert site.asked == 5


def test_requests_that_were_lost_with_their_topic_are_asked_again(site):
    site.says()
    site.says()
    site.intake_takes()
    site.log.remove(TOPICS.requests("file"))
    site.log.ensure(topic_specs(TOPICS, dict.fromkeys(MACHINES, 1), ["roman-soc"]))
    assert site.settles() == 2
    assert site.asked == 2


def test_what_is_asked_and_not_decided_yet_is_waited_for(site):
    site.says()
    site.intake_takes()
    for _ in range(5):
        assert site.again.run_once() == 0
    assert site.asked == 1
    assert site.settles() == 0
    assert site.asked == 1


def test_what_intake_has_not_come_to_yet_is_none_of_its_business(site):
    site.says()
    assert site.settles() == 0
    assert site.asked == 0


def test_a_message_from_before_the_rules_of_today_is_left_to_people(site):
    lost = site.says()
    site.intake_takes(but=[lost])
    site.since = NOW
    assert site.settles() == 0


def test_messages_that_were_deleted_unread_are_told_once(site):
    first = site.says()
    site.says()
    third = site.says()
    site.log.drop_before(Place(INBOX, 0), third)
    assert site.settles() == 0
    [letter] = site.letters
    assert (letter.code, letter.sender, letter.origin) == ("INBOX_GONE", "roman-soc", f"{INBOX}/0/{first}")
    assert f"offsets {first} to {third - 1} of {INBOX}/0 were deleted before intake" in letter.reason
    site.commits(group_of("t"), Place(INBOX, 0), third)
    site.again = site.look()
    assert site.settles() == 0
    assert len(site.letters) == 1


def test_what_was_deleted_after_it_was_taken_is_nobodys_loss(site):
    site.says()
    site.intake_takes()
    site.log.drop_before(Place(INBOX, 0), site.end(Place(INBOX, 0)))
    assert site.settles() == 0
    assert site.letters == []


def test_a_site_that_looks_for_the_first_time_does_not_go_through_its_past():
    site = Site()
    lost = site.says()
    site.intake_takes(but=[lost])
    assert site.settles() == 0
