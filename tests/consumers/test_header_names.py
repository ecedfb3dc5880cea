"""A record whose header name is no UTF-8 is a dead letter with all its bytes, and holds up nobody behind it."""

import orjson
import pytest

from consumers.dead_record import DeadLetter, dead_letter
from consumers.deadletter import DeadLetters, Which
from consumers.header_names import kept_name, original_name, readable_name, unreadable
from consumers.intake import Refused, take
from consumers.reading import read_to_end
from events.kafka_log import KafkaLog
from events.log import Message
from events.topics import Topics
from tests.bad_names import BAD_NAME, send_with_bad_name
from tests.consumers.at_the_door import NOW, a_message, a_stream, an_event, rules_of
from tests.consumers.test_intake_process import (
    SENDER,
    engine,
    log,
    running,
    settings,
    topics,
    wait_for,
)

__all__ = ["engine", "log", "settings", "topics"]  # fixtures

NAME = BAD_NAME.decode("utf-8", "surrogateescape")


def test_such_a_name_is_kept_without_loss_and_shown_without_harm():
    assert kept_name("ce_id") == "ce_id"
    assert kept_name(NAME).isascii()
    assert original_name(kept_name(NAME)) == NAME
    assert original_name("base64:no such thing") == "base64:no such thing"
    assert readable_name(NAME) == "\\xff\\xfename"
    assert unreadable((("ce_id", b""), (NAME, b""))) == [NAME]


def test_a_good_event_with_such_a_header_is_refused_and_the_reason_names_it():
    message = a_message(an_event(), headers=(("content-type", b"application/cloudevents+json"), (NAME, b"x")))
    outcome = take(message, rules_of(a_stream()), NOW)
    assert isinstance(outcome, Refused)
    assert (outcome.code, outcome.is_kept) == ("HEADER_NOT_TEXT", True)
    assert "\\xff\\xfename" in outcome.reasons[0]


def test_its_dead_letter_gives_back_the_headers_as_they_were():
    message = a_message(b"x", headers=((NAME, b"kept"), ("good", b"1")))
    key, value, headers = dead_letter(message, sender=SENDER, code="c", reason="r", at=NOW)
    assert all(name.encode() for name, _ in headers)
    letter = DeadLetter.read(Message("deadletter", 0, 0, key, value, headers))
    assert letter.origin_headers == message.headers


def with_one_between(log: KafkaLog, topics: Topics) -> None:
    """Three records of one partition, the middle one with such a name."""
    inbox = topics.inbox(SENDER)
    for name in ("before", "after"):
        writer = log.writer()
        writer.send(inbox, key=None, value=orjson.dumps(an_event(id=name)), partition=0)
        writer.close()
        if name == "before":
            send_with_bad_name(log, inbox, b"between", partition=0)


@pytest.mark.parametrize("reader", ["reads as it comes", "finds it there"])
def test_at_the_door_both_its_neighbours_come_through(log, topics, engine, settings, reader):
    if reader == "finds it there":
        with_one_between(log, topics)
    with running(settings):
        if reader == "reads as it comes":
            with_one_between(log, topics)
        found = wait_for(log, topics.requests("file"), 2, limit_s=60)
        wait_for(log, topics.deadletter, 1)
    assert [orjson.loads(each.value or b"")["correlationid"] for each in found] == ["before", "after"]
    letters = DeadLetters(log, topics)
    [listed] = letters.each()
    letter = letters.show(listed.letter.id).letter
    assert (letter.code, letter.value) == ("HEADER_NOT_TEXT", b"between")
    assert letter.origin_headers == (("good", b"1"), (NAME, b"kept"))


def test_sent_again_it_leaves_the_name_behind(log, topics, engine, settings):
    send_with_bad_name(log, topics.inbox(SENDER), orjson.dumps(an_event(id="again")), partition=0)
    with running(settings):
        wait_for(log, topics.deadletter, 1)
        done = list(
            DeadLetters(log, topics).redrive(
                Which(), actor="ada", reason="the value is good", clock=lambda: NOW
            )
        )
        assert [each.against for each in done] == [None]
        [asked] = wait_for(log, topics.requests("file"), 1)
    assert orjson.loads(asked.value or b"")["correlationid"] == "again"
    assert len(list(read_to_end(log, topics.inbox(SENDER)))) == 2
