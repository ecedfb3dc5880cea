"""A gap in what should come: noticed by purpose and time of day, once, and over when something comes."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from consumers.sender import Sender
from consumers.silence import SilenceWatch, expected_since
from events.envelope import decode_request
from events.log import Place
from events.memory_log import MemoryLog
from events.metadata_policy import Cadence
from events.topic_specs import topic_specs
from events.topics import Topics

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=9)


def opened(between, at, enabled_at=LONG_AGO):
    return expected_since(Cadence(every_s=60, between=between), at=at, enabled_at=enabled_at)


def at(hour: int, minute: int = 0, day: int = 21) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def test_without_a_time_of_day_files_are_expected_since_the_stream_is_enabled():
    assert opened(None, NOW) == LONG_AGO


def test_a_time_of_day_may_go_over_midnight():
    night = ("22:00", "04:30")
    assert opened(night, at(23, 15)) == at(22)
    assert opened(night, at(3, day=22)) == at(22)
    assert opened(night, at(4, 29, day=22)) == at(22)
    assert opened(night, at(4, 30)) is None
    assert opened(night, at(21, 59)) is None
    assert opened(night, at(3, day=22), enabled_at=at(1, day=22)) == at(1, day=22)


TIMES = st.times().map(lambda each: f"{each:%H:%M}")


@given(st.tuples(TIMES, TIMES), st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)))
def test_the_window_has_begun_at_its_first_minute_less_than_a_day_ago(between, moment):
    begin = opened(between, moment.replace(tzinfo=UTC), enabled_at=datetime(2020, 1, 1, tzinfo=UTC))
    if begin is None:
        assert between[0] != between[1]
        return
    assert f"{begin:%H:%M}" == between[0]
    assert timedelta(0) <= moment.replace(tzinfo=UTC) - begin < timedelta(days=1)


@pytest.fixture
def watched(database: Engine):
    """A stream that expects science every ten minutes and calibration at its leisure, enabled nine days ago."""
    policy = {"by_purpose": {"science": {"cadence": {"every_s": 600}}, "calibration": {}}}
    with database.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO projection.stream_status
                (stream, state, since_at, configuration, sequence, event_id, partition, ledger_offset)
            VALUES ('roman', 'Enabled', :since, jsonb_build_object('metadata', CAST(:policy AS jsonb)), 1,
                    '11111111-1111-5111-8111-111111111111', 0, 0)
            """),
            {"since": LONG_AGO, "policy": json.dumps(policy)},
        )
    log, topics, clock = MemoryLog(), Topics("test"), [NOW]
    log.ensure(topic_specs(topics, {"stream": 1}, ()))

    def asked():
        watch = SilenceWatch(
            engine=database, sender=Sender(log.writer), topics=topics, clock=lambda: clock[0], source="test"
        )
        before = _requests(log, topics)
        assert [watch.run_once(), watch.run_once()][1] == 0, "the same is asked once"
        return _requests(log, topics)[len(before) :]

    return database, asked, clock


def _requests(log, topics):
    reader = log.reader()
    reader.assign({Place(topics.requests("stream"), 0): 0})
    return [
        decode_request(each.value)
        for batch in reader.poll(at_most=100, timeout_s=0.2).values()
        for each in batch
    ]


def a_file(engine: Engine, name: str, queued_at: datetime, purpose: str = "science") -> None:
    with engine.begin() as connection:
        connection.execute(
            text("""
            INSERT INTO projection.file_version (file, version, stream, name, state, attempt, since_at, queued_at, uri,
                sequence, event_id, partition, ledger_offset, witnesses, purpose)
            VALUES (:file, 1, 'roman', :name, 'QUEUED', 1, :at, :at, 'file:///x', 1,
                    '11111111-1111-5111-8111-111111111111', 0, 0, 1, :purpose)
            """),
            {"file": f"roman/{name}", "name": name, "at": queued_at, "purpose": purpose},
        )


def test_a_gap_longer_than_the_cadence_is_noticed_with_the_last_sign(watched):
    engine, asked, _ = watched
    last = NOW - timedelta(minutes=25)
    a_file(engine, "a", last)
    a_file(engine, "dark", NOW - timedelta(minutes=1), "calibration")
    (request,) = asked()
    assert (request.type, request.subject) == ("stream.silent", "roman")
    assert request.data["purpose"] == "science"
    assert request.data["since_at"] == request.data["last_at"] == "2026-11-21T11:35:00Z"
    assert asked()[0].id == request.id, "whoever looks asks the same"


def test_nothing_is_noticed_while_files_come(watched):
    engine, asked, clock = watched
    a_file(engine, "a", NOW - timedelta(minutes=9))
    assert asked() == []
    clock[0] += timedelta(minutes=2)
    assert [each.type for each in asked()] == ["stream.silent"]


def test_nothing_is_expected_of_a_stream_that_is_not_enabled_or_not_for_long_enough(watched):
    engine, asked, _ = watched
    with engine.begin() as connection:
        connection.execute(text("UPDATE projection.stream_status SET state = 'Offline'"))
    assert asked() == []
    with engine.begin() as connection:
        told = {"since": NOW - timedelta(minutes=5)}
        connection.execute(
            text("UPDATE projection.stream_status SET state = 'Enabled', since_at = :since"), told
        )
    assert asked() == []


def test_a_silence_is_over_with_the_first_file_that_comes_after_it(watched):
    engine, asked, _ = watched
    silence = [{"purpose": "science", "since_at": "2026-11-21T11:00:00.000Z", "every_s": 600}]
    with engine.begin() as connection:
        told = {"silences": json.dumps(silence)}
        connection.execute(
            text("UPDATE projection.stream_status SET silences = CAST(:silences AS jsonb)"), told
        )
    assert asked() == []
    a_file(engine, "a", NOW - timedelta(minutes=20))
    (request,) = asked()
    assert (request.type, request.data["heard_at"]) == ("stream.heard", "2026-11-21T11:40:00Z")
