"""How far every reader is behind, and since when: also of a decider, of intake, and after a quiet night."""

from datetime import UTC, datetime, timedelta

import pytest

from consumers.intake_watch import group_of
from events.log import LogUnavailableError, Place, TopicSpec
from events.memory_log import MemoryLog
from events.topics import Topics
from service.status import _of_workers
from service.status_lags import lag_attention, lag_lines, lags

TOPICS = Topics("keck")
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
EVENTS, REQUESTS, INBOX = TOPICS.events("file"), TOPICS.requests("file"), TOPICS.inbox("summit")


class Clock:
    def __init__(self):
        self.at = NOW - timedelta(hours=9)

    def ms(self) -> int:
        return int(self.at.timestamp() * 1000)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def log(clock):
    log = MemoryLog(now_ms=clock.ms)
    log.ensure(TopicSpec(name, 2) for name in (EVENTS, REQUESTS, INBOX))
    return log


def write(log, topic: str, *, partition: int = 0) -> None:
    writer = log.writer()
    writer.send(topic, key=b"k", value=b"{}", partition=partition)
    writer.flush(1.0)


def read(log, topic: str, group: str, offset: int) -> None:
    """A transaction commits how far its group has come."""
    writer = log.transactional(group)
    writer.begin()
    writer.commit({Place(topic, 0): offset}, group=group)


def at(offset: int, *, partition: int = 0, follower: str = "projector", last_h: float = 9.0) -> dict:
    last = NOW - timedelta(hours=last_h)
    return {
        "follower": follower, "machine": "file", "partition": partition, "next_offset": offset,
        "last_event_at": last,
    }  # fmt: skip


def found(log, *positions) -> dict[str, dict]:
    return {row["part"]: row for row in lags(log, TOPICS, ["file"], positions, NOW)}


def test_one_record_after_a_quiet_night_is_no_nine_hours_of_lag(log, clock):
    clock.at = NOW - timedelta(seconds=2)
    write(log, EVENTS)
    row = found(log, at(0))["projector"]
    assert (row["behind"], row["seconds"]) == (1, 2.0)
    assert list(lag_attention([row])) == []
    assert list(lag_lines([row])) == ["projector: 1 records, 2 s behind"]


def test_one_request_that_nobody_decides_is_told_with_its_age(log, clock):
    clock.at = NOW - timedelta(minutes=10)
    write(log, REQUESTS)
    write(log, REQUESTS)
    read(log, REQUESTS, TOPICS.decider("file"), 1)
    row = found(log)["decider"]
    assert (row["behind"], row["seconds"]) == (1, 600.0)
    assert list(lag_attention([row])) == ["decider is 1 records behind, the oldest waits for 600 s"]


def test_announcements_that_nobody_reads_are_told(log, clock):
    clock.at = NOW - timedelta(minutes=5)
    write(log, INBOX, partition=1)
    clock.at = NOW
    write(log, INBOX)
    row = found(log)["intake"]
    assert (row["behind"], row["seconds"]) == (2, 300.0)
    read(log, INBOX, group_of("keck"), 1)
    assert found(log)["intake"]["behind"] == 1


def test_marks_of_transactions_are_nothing_to_be_read(log):
    writer = log.transactional("owner")
    writer.begin()
    writer.send(EVENTS, key=b"k", value=b"{}", partition=0)
    writer.commit({}, group="g")
    assert log.reader().end(Place(EVENTS, 0)) == 2
    row = found(log, at(1), at(0, partition=1))["projector"]
    assert (row["behind"], row["seconds"]) == (0, 0.0)
    assert list(lag_lines([row])) == ["projector: has read all"]


def test_what_kafka_let_go_before_it_was_read_is_told(log, clock, monkeypatch):
    for _ in range(5):
        write(log, INBOX)
    read(log, INBOX, group_of("keck"), 1)
    reader = type(log.reader())
    monkeypatch.setattr(reader, "beginning", lambda _, place: 3 if place.topic == INBOX else 0)
    row = found(log)["intake"]
    assert (row["behind"], row["gone"]) == (2, 2)
    assert any(
        line.startswith("2 records were gone from Kafka before intake") for line in lag_attention([row])
    )


def test_a_log_that_does_not_answer_is_no_reader_that_has_read_all(log, monkeypatch):
    def away(*_):
        raise LogUnavailableError("no answer from kafka at h:1")

    monkeypatch.setattr(log, "committed", away)
    with pytest.raises(LogUnavailableError):
        found(log)


def test_work_that_no_worker_is_there_for_is_told():
    work = [{"state": "open", "items": 3}, {"state": "parked", "items": 9}]
    told = list(_of_workers({"work": work, "workers": [{"is_alive": False}]}))
    assert told[0].startswith(
        "no worker has given a sign for 30 s, with 3 work items to do; meridian up, or "
    )
    assert list(_of_workers({"work": work, "workers": [{"is_alive": True}]})) == []
    assert list(_of_workers({"work": work[1:], "workers": []})) == []
