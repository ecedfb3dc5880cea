"""Deadlines: asked when due, by one leader, and by a second one without harm."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from consumers import deadlines
from consumers.sender import Sender
from consumers.timers import Timers
from events.envelope import decode_request
from events.log import Place
from events.memory_log import MemoryLog
from events.topic_specs import topic_specs
from events.topics import Topics
from tests.consumers.at_work import BEGIN, dispatched
from tests.machines.given import a_file

TOPICS = Topics("test")


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self):
        return self.now


@pytest.fixture
def log() -> MemoryLog:
    log = MemoryLog()
    log.ensure(topic_specs(TOPICS, {"file": 1}, ()))
    return log


def timers(database: Engine, log: MemoryLog, clock: Clock) -> Timers:
    return Timers(engine=database, sender=Sender(log.writer), topics=TOPICS, clock=clock, source="test")


def asked(log: MemoryLog):
    reader = log.reader()
    reader.assign({Place(TOPICS.requests("file"), 0): 0})
    found = reader.poll(at_most=100, timeout_s=0)
    return [decode_request(message.value) for messages in found.values() for message in messages]


def state(database: Engine) -> str:
    with database.connect() as connection:
        return str(connection.execute(text("SELECT state FROM work.deadline")).scalar_one())


def test_a_deadline_is_asked_when_its_time_has_come_and_not_before(database: Engine, log: MemoryLog):
    failed = a_file("arrive", "start", "fail-due").decisions[-1].record
    clock = Clock()
    with database.begin() as connection:
        dispatched(connection, failed)
    leader = timers(database, log, clock)
    with database.connect() as connection:
        clock.now = BEGIN + timedelta(minutes=59, seconds=59)
        assert leader.step(connection) == 0
        clock.now = BEGIN + timedelta(hours=1)
        assert leader.step(connection) == 1
        assert leader.step(connection) == 0
    (request,) = asked(log)
    assert (request.type, request.subject, request.version) == ("file.retry", "roman/a", 1)
    assert (request.data, request.actor, request.causationid) == ({"due_sequence": 3}, "deadline", failed.id)
    assert request.id == deadlines.request_id_of(failed.id)
    assert state(database) == "delivered"


def test_the_decider_takes_what_a_deadline_asks_and_dispatch_closes_it(database: Engine):
    story = a_file("arrive", "start", "fail-due")
    failed = story.decisions[-1].record
    retried = story.ask("retry", {"due_sequence": 3}, version=1)
    assert retried.type == "file.retried"
    retried.requestid = deadlines.request_id_of(failed.id)
    with database.begin() as connection:
        dispatched(connection, failed)
        dispatched(connection, retried)
    assert state(database) == "done"


def test_a_retry_by_a_person_cancels_the_deadline(database: Engine, log: MemoryLog):
    story = a_file("arrive", "start", "fail-due")
    with database.begin() as connection:
        dispatched(connection, story.decisions[-1].record)
        dispatched(connection, story.ask("retry", reason="at once"))
    assert state(database) == "cancelled"
    clock = Clock()
    clock.now = BEGIN + timedelta(days=1)
    with database.connect() as connection:
        assert timers(database, log, clock).step(connection) == 0


def test_a_second_leader_asks_the_same_request(database: Engine, log: MemoryLog):
    with database.begin() as connection:
        dispatched(connection, a_file("arrive", "start", "fail-due").decisions[-1].record)
    clock = Clock()
    clock.now = BEGIN + timedelta(days=1)
    with database.connect() as first, database.connect() as second:
        found = deadlines.due(first, at=clock.now)
        first.rollback()
        assert timers(database, log, clock).step(second) == 1
        assert [each.request_id for each in found] == [asked(log)[0].id]


def test_who_has_lost_the_lead_asks_for_nothing_more(database: Engine, log: MemoryLog):
    clock = Clock()
    clock.now = BEGIN + timedelta(days=1)
    stop, lost = threading.Event(), threading.Event()
    lost.set()
    with database.begin() as connection:
        dispatched(connection, a_file("arrive", "start", "fail-due").decisions[-1].record)
    timers(database, log, clock).run(stop, lost)
    assert asked(log) == []
    lost.clear()
    thread = threading.Thread(target=timers(database, log, clock).run, args=(stop, lost), daemon=True)
    thread.start()
    for _ in range(100):
        if asked(log) or stop.wait(0.05):
            break
    assert len(asked(log)) == 1
    lost.set()
    thread.join(5)
    assert not thread.is_alive()


def test_an_embargo_is_lifted_by_its_deadline_and_a_new_end_replaces_the_old(database: Engine):
    story = a_file("arrive", "embargo")
    with database.begin() as connection:
        dispatched(connection, *(decision.record for decision in story.decisions))
        dispatched(connection, story.ask("extend", {"until": "2028-01-01T00:00:00Z"}))
        rows = connection.execute(
            text("SELECT request, due_sequence, state FROM work.deadline ORDER BY due_at")
        ).all()
    assert [tuple(row) for row in rows] == [("file.lift", 2, "cancelled"), ("file.lift", 3, "waiting")]
