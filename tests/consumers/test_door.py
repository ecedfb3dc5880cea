"""Every message at the door becomes a request, an answer or a dead letter, whatever happens on the way."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from consumers.answer import Answer
from consumers.dead_record import DeadLetter
from consumers.door import Door, Rules, TakeFunction
from consumers.intake import take
from consumers.patience import GaveUp, PatientDoor
from consumers.reading import read_to_end
from events.log import LogError, LogUnavailableError, Message, Sent, SentAll, Writer
from events.memory_log import MemoryLog
from events.topic_specs import topic_specs
from events.topics import Topics
from projectors.stream_rules import RulesUnavailableError
from tests.consumers.at_the_door import (
    NOW,
    Streams,
    a_message,
    a_stream,
    an_event,
    an_s3_record,
    saying,
)

TOPICS = Topics("t")


@pytest.fixture
def memory():
    memory = MemoryLog(now_ms=lambda: 1_795_239_667_000)
    memory.ensure(topic_specs(TOPICS, {"file": 2, "stream": 1}, ["roman-soc", "keck"]))
    return memory


def a_door(
    memory: MemoryLog,
    rules: Rules | None = None,
    *,
    taking: TakeFunction = take,
    writer: Writer | None = None,
) -> Door:
    return Door(
        writer=writer or memory.writer(),
        topics=TOPICS,
        rules=rules or Streams(a_stream()),
        take=taking,
        clock=lambda: NOW,
    )


def on(memory: MemoryLog, topic: str) -> list[Message]:
    return list(read_to_end(memory, topic))


def letters(memory: MemoryLog) -> list[DeadLetter]:
    return [DeadLetter.read(message) for message in on(memory, TOPICS.deadletter)]


def answers(memory: MemoryLog, sender: str = "roman-soc") -> list[Answer]:
    return [Answer.decode(message.value) for message in on(memory, TOPICS.answers(sender))]


def test_a_request_goes_to_its_machine_under_its_subject(memory):
    a_door(memory).handle(
        [
            a_message(an_event()),
            a_message(an_event(id="2", type="instrument.online", data={"stream": "roman-wfi"})),
        ]
    )
    (asked,), (state,) = on(memory, "t.file.requests"), on(memory, "t.stream.requests")
    assert (asked.key, state.key) == (b"roman-wfi/r0001_cal", b"roman-wfi")
    assert asked.headers == ()
    assert letters(memory) == []
    assert answers(memory) == []


def test_a_refused_message_is_kept_with_its_bytes_and_origin_and_the_sender_is_told(memory):
    message = a_message(b"not json", headers=(("ce_id", b"77"), ("x", b"\xff")))
    a_door(memory).handle([message])
    (letter,), (answer,) = letters(memory), answers(memory)
    assert (letter.value, letter.code, letter.sender) == (b"not json", "NOT_AN_EVENT", "roman-soc")
    assert (letter.origin, letter.origin_key, letter.size_bytes) == ("t.inbox.roman-soc/3/1188", b"k", 8)
    assert letter.origin_headers == (("ce_id", b"77"), ("x", b"\xff"))
    assert letter.received_at == NOW
    assert (answer.accepted, answer.event_id, answer.code, answer.origin) == (
        False,
        "77",
        "NOT_AN_EVENT",
        letter.origin,
    )
    assert answer.reasons[0] in letter.reason


def test_an_answer_without_an_event_id_is_keyed_by_where_the_message_stood(memory):
    a_door(memory).handle([a_message(None, key=None)])
    assert [message.key for message in on(memory, "t.answers.roman-soc")] == [b"t.inbox.roman-soc/3/1188"]
    (letter,) = letters(memory)
    assert (letter.value, letter.origin_key, letter.size_bytes) == (None, None, 0)


def test_what_is_known_and_not_taken_is_answered_and_not_kept(memory):
    a_door(memory).handle([a_message({"imageName": "MC_1", "timestampEndOfReadout": 1.0})])
    assert [answer.code for answer in answers(memory)] == ["NOT_TAKEN"]
    assert letters(memory) == []


def test_of_a_notification_the_good_records_are_asked_for_and_the_whole_is_kept_once(memory):
    records = [
        an_s3_record("a.fits"),
        an_s3_record("b.fits"),
        an_s3_record(".c.fits"),
        an_s3_record(".d.fits"),
    ]
    a_door(memory).handle([a_message({"Records": records})])
    assert {message.key for message in on(memory, "t.file.requests")} == {b"roman-wfi/a", b"roman-wfi/b"}
    assert [answer.code for answer in answers(memory)] == ["BAD_NAME", "BAD_NAME"]
    (letter,) = letters(memory)
    assert ".c.fits" in letter.reason
    assert ".d.fits" in letter.reason


def test_an_unknown_stream_is_looked_up_once_before_it_is_refused(memory):
    rules = Streams(a_stream(), now=(a_stream(), a_stream("keck-kcwi", senders=("roman-soc",))))
    a_door(memory, rules).handle([a_message(saying(stream="keck-kcwi"))])
    assert [message.key for message in on(memory, "t.file.requests")] == [b"keck-kcwi/r0001_cal"]
    assert rules.looks == 1


def test_a_flood_of_unknown_streams_is_looked_up_once_a_batch(memory):
    rules = Streams(a_stream())
    a_door(memory, rules).handle(
        [a_message(saying(stream=f"s{number}"), offset=number) for number in range(50)]
    )
    assert rules.looks == 1
    assert {letter.code for letter in letters(memory)} == {"UNKNOWN_STREAM"}


def test_a_fault_of_ours_costs_one_message_its_place_and_not_the_stream(memory):
    def breaks(message, rules, at):
        if message.offset == 2:
            raise ZeroDivisionError("seven is not eight")
        return take(message, rules, at)

    a_door(memory, taking=breaks).handle(
        [a_message(an_event(id=str(number)), offset=number) for number in (1, 2, 3)]
    )
    assert len(on(memory, "t.file.requests")) == 2
    (letter,), (answer,) = letters(memory), answers(memory)
    assert (letter.code, answer.code, answer.event_id) == ("INTAKE_FAILED", "INTAKE_FAILED", "2")
    assert "seven is not eight" in letter.reason
    assert "in breaks" in (letter.traceback or "")


def test_a_value_of_more_than_eight_mebibytes_is_cut_and_says_so(memory):
    a_door(memory).handle([a_message(b"x" * (8 * 1024 * 1024 + 1))])
    (letter,) = letters(memory)
    assert (len(letter.value or b""), letter.size_bytes, letter.is_cut) == (
        8 * 1024 * 1024,
        8 * 1024 * 1024 + 1,
        True,
    )
    assert letter.code == "TOO_LARGE"


def test_headers_without_end_are_left_out_and_counted(memory):
    a_door(memory).handle(
        [a_message(b"x", headers=tuple((f"h{number}", b"y" * 1000) for number in range(500)))]
    )
    (message,) = on(memory, TOPICS.deadletter)
    assert sum(len(name) + len(value) for name, value in message.headers) < 300 * 1024
    assert int(dict(message.headers)["headers-left-out"]) > 200


class Failing:
    """A writer that does not take records of a topic above a size."""

    def __init__(
        self, memory: MemoryLog, *, topic: str, above: int = 0, error: type[LogError] = LogError
    ) -> None:
        self.memory, self.topic, self.above, self.error = memory.writer(), topic, above, error

    def send(self, topic: str, *, value: bytes | None, **other: Any) -> Sent:
        if topic == self.topic and len(value or b"") > self.above:
            raise self.error(f"{topic} does not take {len(value or b'')} bytes")
        return self.memory.send(topic, value=value, **other)

    def send_all(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> SentAll:
        for _, value in records:
            if topic == self.topic and len(value) > self.above:
                raise self.error(f"{topic} does not take {len(value)} bytes")
        return self.memory.send_all(topic, records)

    def flush(self, timeout_s: float) -> None:
        self.memory.flush(timeout_s)

    def close(self) -> None:
        self.memory.close()


def test_a_dead_letter_that_the_log_finds_too_large_is_kept_small(memory):
    writer = Failing(memory, topic=TOPICS.deadletter, above=100_000)
    a_door(memory, writer=writer).handle(
        [a_message(b"x" * 2_000_000, headers=(("h", b"v"),)), a_message(an_event(), offset=2)]
    )
    (letter,) = letters(memory)
    assert letter.is_cut
    assert letter.size_bytes == 2_000_000
    assert len(letter.value or b"") == 64 * 1024
    assert len(on(memory, "t.file.requests")) == 1


def test_a_request_that_the_log_does_not_take_is_waited_for_and_never_dropped(memory):
    with pytest.raises(LogUnavailableError):
        a_door(memory, writer=Failing(memory, topic="t.file.requests")).handle([a_message(an_event())])


def test_an_answer_that_the_log_does_not_take_holds_nothing_up(memory):
    a_door(memory, writer=Failing(memory, topic="t.answers.roman-soc")).handle(
        [a_message(b"x"), a_message(an_event(), offset=2)]
    )
    assert len(letters(memory)) == len(on(memory, "t.file.requests")) == 1


class Stop(threading.Event):
    """Told to stop after some waits."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.left = after

    def wait(self, timeout: float | None = None) -> bool:
        self.left -= 1
        return self.left < 0


def patient(
    memory: MemoryLog, writers: Sequence[Writer], *, rules: Rules | None = None, waits: int = 5
) -> PatientDoor:
    left = list(writers)
    return PatientDoor(
        open_writer=lambda: left.pop(0),
        open_door=lambda writer: a_door(memory, rules, writer=writer),
        stop=Stop(waits),
    )


def test_while_the_log_is_away_nothing_is_let_go_and_then_all_is_written(memory):
    away = [Failing(memory, topic="t.file.requests", error=LogUnavailableError) for _ in range(3)]
    patient(memory, [*away, memory.writer()]).handle(
        [a_message(an_event(id=str(number))) for number in range(3)]
    )
    assert len(on(memory, "t.file.requests")) == 3


def test_while_the_rules_cannot_be_read_nothing_is_let_go(memory):
    class Away(Streams):
        def refresh(self):
            if self.looks < 2:
                self.looks += 1
                raise RulesUnavailableError("the database does not answer")
            return super().refresh()

    rules = Away(now=(a_stream(),))
    patient(memory, [memory.writer()], rules=rules).handle([a_message(an_event())])
    assert len(on(memory, "t.file.requests")) == 1
    assert letters(memory) == []


def test_told_to_stop_it_gives_up_without_letting_go(memory):
    away = [Failing(memory, topic="t.file.requests", error=LogUnavailableError) for _ in range(3)]
    with pytest.raises(GaveUp):
        patient(memory, away, waits=2).handle([a_message(an_event())])
