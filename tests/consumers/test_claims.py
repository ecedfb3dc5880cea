"""Claiming work on a real database: order, limits, holds, leases, fences."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, text

from consumers import breakers, claims, held, work_items
from consumers.redriving import redrive
from tests.consumers.at_work import Files, a_stream, claim, claim_light, dispatched, names, state_of


@pytest.fixture
def connection(database: Engine):
    with database.connect() as connection:
        a_stream(connection)
        yield connection
        connection.rollback()


@pytest.fixture
def files(connection):
    return Files(connection)


def test_items_are_claimed_live_before_catch_up_and_then_by_age(connection, files):
    files.arrive("roman/old", priority="catch-up")
    files.arrive("roman/a")
    files.arrive("roman/b")
    assert names(claim(connection, at_most=2)) == ["a", "b"]
    assert names(claim(connection, at_most=2)) == ["old"]
    assert claim(connection) == []


def test_a_claimed_item_carries_what_its_effect_needs(connection, files):
    files.arrive("roman/a")
    (item,) = claim(connection)
    assert (item.effect, item.subject, item.version, item.attempt) == ("ingest", "roman/a", 1, 1)
    assert (item.sender, item.sender_event_id, item.base_attempt) == ("somebody", "e1", 1)
    assert item.payload["brief"]["content"]["uri"] == "file:///landing/a.fits"
    assert item.lease_epoch == 1
    assert not item.is_taken_over


def test_of_one_subject_only_the_first_unfinished_item_is_claimed(connection, files):
    story = files.arrive("roman/a")
    first = claim(connection)
    # A second item of the same subject that nothing has overtaken: a later version, in flight beside the first.
    connection.execute(
        text("""INSERT INTO work.item (event_id, effect, lane, subject, stream, version, attempt, sequence, work_class,
            priority, queued_at, created_at, state, report_id, payload)
            SELECT gen_random_uuid(), effect, lane, subject, stream, 2, 1, 9, work_class, priority, queued_at,
            created_at, 'open', gen_random_uuid(), payload FROM work.item WHERE effect = 'ingest'""")
    )
    assert claim(connection) == []
    claims.give_back(connection, first)
    assert [item.version for item in claim(connection)] == [1]
    files.go_on(story, "start", "validated")
    assert [(item.version, item.effect) for item in claim(connection)] == [(1, "transfer")]


def test_a_parked_item_blocks_its_own_subject_only(connection, files):
    story = files.arrive("roman/a")
    (item,) = claim(connection)
    work_items.park(connection, item.lease, code="EFFECT_BUG", reason="it raised")
    files.arrive("roman/b")
    other = files.arrive("roman/c")
    files.go_on(other, "start", "validated")
    assert names(claim(connection)) == ["b", "c"]
    assert story.where == "QUEUED"
    assert redrive(connection, [(item.subject, item.sequence + 1)]) == 1
    (again,) = claim(connection)
    assert (again.key, again.try_number) == (item.key, 2)
    assert again.report_id != item.report_id


def test_items_of_streams_that_are_not_worked_on_wait(connection, files):
    for name, state in (("standby", "Standby"), ("disabled", "Disabled"), ("offline", "Offline")):
        a_stream(connection, name, state=state)
        files.arrive(f"{name}/a", stream=name)
    files.arrive("unknown/a", stream="unknown")
    assert [item.stream for item in claim(connection)] == ["offline"]


def test_a_held_stream_and_a_held_file_wait_until_they_are_released(connection, files):
    stream = a_stream(connection, "keck")
    story = files.arrive("keck/a", stream="keck")
    files.arrive("keck/b", stream="keck")
    dispatched(connection, stream.ask("hold", reason="storm"))
    assert claim(connection) == []
    dispatched(connection, stream.ask("unhold", reason="over"))
    dispatched(connection, story.ask("hold", reason="look at it first"))
    assert names(claim(connection)) == ["b"]
    dispatched(connection, story.ask("unhold", reason="fine"))
    assert names(claim(connection)) == ["a"]


def test_class_limits_of_a_stream_hold_over_all_its_effects(connection, files):
    a_stream(connection, "keck", class_limits={"normal": 2, "large": 1})
    stories = [files.arrive(stream="keck") for _ in range(4)]
    files.go_on(stories[0], "start", "validated")
    for _ in range(3):
        files.arrive(stream="keck", work_class="large")
    assert Counter(item.work_class for item in claim(connection)) == {"normal": 2, "large": 1}
    assert claim(connection) == []


def test_a_worker_takes_no_more_large_items_than_it_has_room_for(connection, files):
    for _ in range(3):
        files.arrive(work_class="large")
    files.arrive("roman/small")
    found = claim(connection, large_at_most=1)
    assert Counter(item.work_class for item in found) == {"normal": 1, "large": 1}


def test_a_worker_takes_no_more_of_catch_up_than_it_may_and_all_that_is_live(connection, files):
    for _ in range(3):
        files.arrive(priority="catch-up")
    for _ in range(2):
        files.arrive()
    assert Counter(item.priority for item in claim(connection, catch_up_at_most=1)) == {0: 2, 1: 1}
    assert claim(connection, catch_up_at_most=0) == []
    assert Counter(item.priority for item in claim(connection)) == {1: 2}


def test_an_item_that_waits_is_not_claimed_before_its_time(connection, files):
    files.arrive("roman/a")
    (item,) = claim(connection)
    soon = connection.execute(text("SELECT clock_timestamp() + interval '0.2 s'")).scalar_one()
    assert claims.wait(connection, item, until=soon, code="STORAGE_UNAVAILABLE", error="connection refused")
    assert claim(connection) == []
    connection.execute(text("SELECT pg_sleep(0.25)"))
    assert names(claim(connection)) == ["a"]


def test_two_workers_never_get_the_same_item(database: Engine):
    with database.begin() as connection:
        a_stream(connection)
        files = Files(connection)
        for _ in range(120):
            files.arrive()
    found: list[tuple[str, str]] = []

    def work(owner: str) -> None:
        while True:
            with database.begin() as connection:
                items = claim(connection, owner=owner, at_most=7)
            if not items:
                return
            found.extend(item.key for item in items)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 120
    assert len(set(found)) == 120


def test_a_lease_that_ran_out_is_taken_over_and_the_late_finisher_is_fenced(connection, files):
    files.arrive("roman/a")
    (mine,) = claim(connection, owner="slow", lease_s=0.05)
    assert claims.still_mine(connection, [mine])
    connection.execute(text("SELECT pg_sleep(0.1)"))
    assert claims.release_expired(connection) == 1
    assert not claims.still_mine(connection, [mine])
    (theirs,) = claim(connection, owner="quick")
    assert (theirs.key, theirs.report_id, theirs.lease_epoch) == (mine.key, mine.report_id, 2)
    assert theirs.is_taken_over
    assert not claims.still_mine(connection, [mine])
    assert claims.mark_reported(connection, [(mine, b"late")]) == 0
    assert not claims.wait(connection, mine, until=None, code="X", error="late")
    assert not work_items.park(connection, mine.lease, code="X", reason="late")
    assert claims.heartbeat(connection, [mine, theirs], lease_s=30) == {theirs.key}
    assert claims.mark_reported(connection, [(theirs, b"in time")]) == 1


def test_a_heartbeat_keeps_a_lease(connection, files):
    files.arrive("roman/a")
    (item,) = claim(connection, lease_s=0.05)
    claims.heartbeat(connection, [item], lease_s=30)
    connection.execute(text("SELECT pg_sleep(0.1)"))
    assert claims.release_expired(connection) == 0
    assert claims.still_mine(connection, [item])


def test_a_worker_that_stops_hands_back_what_it_has_and_nothing_else(connection, files):
    files.arrive("roman/a")
    files.arrive("roman/b")
    claim(connection, owner="w1", at_most=1)
    claim(connection, owner="w2", at_most=1)
    assert claims.release_owned(connection, "w1") == 1
    assert names(claim(connection, owner="w3")) == ["a"]


def test_that_all_is_well_with_a_file_of_a_watched_folder_is_told_to_nobody(connection, files):
    for actor in ("folder-roman", "folder-keck"):
        story = files.arrive(f"roman/{actor}", actor=actor)
        files.go_on(story, "start", "validated", "transferred", "registered")
    told = [(item.subject, item.payload["type"]) for item in claim_light(connection, effects=("answer",))]
    assert sorted(told) == [("roman/folder-keck", "file.arrived")], "of one subject one at a time"
    rows = connection.execute(
        text("""SELECT state, finished_at = created_at FROM work.item
            WHERE effect = 'answer' AND subject = 'roman/folder-roman'""")
    )
    assert [tuple(row) for row in rows] == [("done", True)] * 2
    worse = files.arrive("roman/bad", actor="folder-roman")
    files.go_on(worse, "start")
    files.reject(worse)
    bad = [item.payload["type"] for item in claim_light(connection, effects=("answer",))]
    assert bad == ["file.rejected"], "what is wrong is told to whoever may listen"


def test_of_what_waits_for_no_stream_only_that_is_looked_for_of_which_something_is_open(connection, files):
    assert claims.stand(connection).open_light == set()
    files.arrive("roman/a")
    assert claims.stand(connection).open_light == {"answer"}, "a step of a file waits for its stream"
    assert len(claim_light(connection)) == 1
    assert claims.stand(connection).open_light == set(), "what is under way is nobody else's"


def test_answers_do_not_wait_for_the_copy_of_their_file(connection, files):
    files.arrive("roman/a")
    claim(connection)
    found = claim_light(connection)
    assert [(item.effect, item.subject) for item in found] == [("answer", "roman/a")]


def test_nothing_is_claimed_while_the_gate_is_shut(connection, files):
    files.arrive("roman/a")
    held.shut_gate(connection, "dispatch", "far behind")
    assert claim(connection) == []
    assert claim_light(connection) == []
    assert held.open_gate(connection, "dispatch")
    assert names(claim(connection)) == ["a"]


def test_a_server_that_is_away_holds_up_its_own_work_only_and_comes_back_in_a_ramp(connection, files):
    stories = [files.arrive() for _ in range(6)]
    for story in stories[:4]:
        files.go_on(story, "start", "validated")
    breakers.trip(connection, breakers.ARCHIVE, code="STORAGE_UNAVAILABLE", error="connection refused")
    assert {item.effect for item in claim(connection)} == {"ingest"}
    connection.execute(text("UPDATE work.breaker SET retry_at = clock_timestamp()"))
    probe = claim(connection)
    assert [item.effect for item in probe] == ["transfer"]
    assert claim(connection) == []
    claims.mark_reported(connection, [(probe[0], b"")])
    breakers.succeed(connection, breakers.ARCHIVE)
    assert [item.effect for item in claim(connection)] == ["transfer", "transfer"]


def test_a_source_that_is_away_holds_up_its_own_stream_only(connection, files):
    a_stream(connection, "keck")
    files.arrive("keck/a", stream="keck")
    files.arrive("roman/a")
    breakers.trip(connection, breakers.store_of("keck"), code="STORAGE_UNAVAILABLE", error="refused")
    assert [item.stream for item in claim(connection)] == ["roman"]


def test_after_postgresqls_clock_was_set_back_by_an_hour_nothing_waits_so_long(connection, files):
    files.arrive("roman/a")
    files.go_on(files.arrive("roman/b"), "start", "validated")
    (item,) = [item for item in claim(connection) if item.subject == "roman/a"]
    breakers.trip(connection, breakers.ARCHIVE, code="STORAGE_UNAVAILABLE", error="refused")
    connection.execute(text("UPDATE work.breaker SET retry_at = clock_timestamp() + interval '1 hour'"))
    connection.execute(text("UPDATE work.item SET lease_until = clock_timestamp() + interval '1 hour'"))
    assert claims.release_expired(connection) == 2
    assert names(claim(connection)) == ["a", "b"]
    assert breakers.trip(connection, breakers.ARCHIVE, code="X", error="refused") < soon(
        connection, minutes=1
    )
    later = soon(connection, minutes=60)
    again = replace(item, lease_epoch=item.lease_epoch + 1)
    assert claims.wait(connection, again, until=later, code="X", error="before the clock was set back")
    assert "a" in names(claim(connection))


def soon(connection, *, minutes: int) -> datetime:
    """So long from now, by PostgreSQL's clock."""
    now = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now + timedelta(minutes=minutes)


def test_many_failures_at_once_count_as_one_and_the_pause_grows_with_each_probe(connection, caplog):
    for _ in range(5):
        breakers.trip(connection, breakers.ARCHIVE, code="STORAGE_UNAVAILABLE", error="refused")
    failures = text("SELECT failures FROM work.breaker")
    assert connection.execute(failures).scalar_one() == 1
    assert [record.message for record in caplog.records] == ["work waits for a server"]
    pauses = []
    for _ in range(4):
        connection.execute(text("UPDATE work.breaker SET retry_at = clock_timestamp()"))
        until = breakers.trip(connection, breakers.ARCHIVE, code="X", error="refused")
        pauses.append(
            (until - connection.execute(text("SELECT clock_timestamp()")).scalar_one()).total_seconds()
        )
    assert [round(pause) for pause in pauses] == [2, 4, 8, 15]


def test_a_refused_step_has_one_more_try_to_report_that_and_is_then_parked(connection, files):
    story = files.arrive("roman/a")
    (item,) = claim(connection)
    refusal = story.ask("validated", {"sha256": "x"}, version=1, attempt=1)
    refusal.requestid = item.report_id
    dispatched(connection, refusal)
    (again,) = claim(connection)
    assert again.payload["refused"]["code"] == "INVALID_REQUEST"
    assert (again.try_number, again.report_id == item.report_id) == (2, False)
    refusal.requestid = again.report_id
    dispatched(connection, refusal)
    assert state_of(connection, item) == "parked"


def test_an_outcome_closes_an_item_even_when_nobody_has_marked_it_reported(connection, files):
    story = files.arrive("roman/a")
    (item,) = claim(connection)
    files.go_on(story, "start")
    fact = story.ask("reject", {"code": "EMPTY_FILE", "message": "0 bytes"}, version=1, attempt=1)
    fact.requestid = item.report_id
    dispatched(connection, fact)
    assert state_of(connection, item) == "done"
    assert claims.mark_reported(connection, [(item, b"late")]) == 0


def test_what_a_dismissed_file_owed_is_stale(connection, files):
    story = files.arrive("roman/a")
    (item,) = claim(connection)
    dispatched(connection, story.ask("dismiss", reason="a test frame"))
    assert state_of(connection, item) == "stale"
    assert not claims.still_mine(connection, [item])


def test_dispatching_a_batch_twice_changes_nothing(connection, files):
    story = files.arrive("roman/a")
    files.go_on(story, "start", "validated")
    claims.mark_reported(connection, [(item, b"sent") for item in claim(connection)])
    rows = text("SELECT * FROM work.item ORDER BY created_at, effect")
    before = connection.execute(rows).all()
    assert {row.state for row in before} >= {"stale", "reported"}
    dispatched(connection, *(decision.record for decision in story.decisions))
    assert connection.execute(rows).all() == before


def test_of_files_that_came_together_the_one_that_is_furthest_goes_first(connection, files):
    stories = [files.arrive() for _ in range(4)]
    connection.execute(text("UPDATE work.version SET queued_at = '2026-11-21 05:00Z'"))
    connection.execute(text("UPDATE work.item SET queued_at = '2026-11-21 05:00Z'"))
    files.go_on(stories[3], "start", "validated")
    assert [item.effect for item in claim(connection, at_most=2)] == ["transfer", "ingest"]
