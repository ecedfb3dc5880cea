"""A follower moves its position with its work, stops before what it can't pass, and survives outages."""

import threading
import time
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from events.ids import partition_of
from events.log import LogUnavailableError, Place, TopicSpec
from events.memory_log import MemoryLog
from events.slack import Slack
from projectors import follower as follower_module
from projectors.follower import Follower, HaltError, LostPositionError
from projectors.projector import Projector
from tests.projectors.histories import PARTITIONS, TOPICS, Desks, a_life, append, on_log

ONE, TWO = "roman-wfi/r0001", "roman-wfi/r0002"


def lives(*names: str) -> Desks:
    desks = Desks()
    for name in names:
        a_life(desks, name)
    return desks


def position(engine: Engine, machine: str = "file") -> dict[int, int]:
    query = text("SELECT partition, next_offset FROM projection.position WHERE machine = :machine")
    with engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(query, {"machine": machine})}


def applied(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(text("SELECT count(*) FROM projection.ledger")) or 0


def test_a_function_is_called_with_the_records_inside_the_transaction_of_the_position(engine, following):
    seen: list[Any] = []

    def apply(connection, batch):
        seen.extend((record.type, raw) for record, raw in batch)
        if len(seen) > 5:
            raise RuntimeError("not this time")

    desks = lives(ONE)
    log = on_log(desks.sealed)
    follower = following(log, apply=apply, machines=("file",))
    follower.take_over()
    assert follower.step(0.0) == 5
    assert [kind for kind, _ in seen][:2] == ["file.arrived", "file.started"]
    assert seen[0][1] == desks.sealed[0][2]
    before = position(engine)
    append(log, lives(TWO).sealed)
    with pytest.raises(HaltError, match=r"raised at file/.* RuntimeError: not this time"):
        follower.step(0.0)
    assert position(engine) == before


def test_of_two_on_one_partition_only_the_later_one_can_write(engine, following):
    log = on_log(lives(ONE).sealed)
    first, second = following(log, batch=2), following(log, batch=2)
    first.take_over()
    assert first.step(0.0) == 2
    second.take_over()
    with pytest.raises(LostPositionError, match="another follower has taken over"):
        first.step(0.0)
    assert second.step(0.0) == 2
    assert applied(engine) == 4


def test_one_that_reads_behind_its_successor_has_lost_its_position_and_raises_no_alarm(engine, following):
    """The tables are ahead of what it reads: to it every record would stand there twice."""
    sealed = lives(ONE).sealed
    log = on_log(sealed[:2])
    first = following(log)
    first.take_over()
    first.step(0.0)
    second = following(log)
    second.take_over()
    append(log, sealed[2:])
    second.step(0.0)
    first._sequences.forget()
    with pytest.raises(LostPositionError, match="another follower has taken over"):
        first.step(0.0)
    assert applied(engine) == 5


def test_one_whose_epoch_was_given_twice_sees_by_the_position_that_another_was_there(engine, following):
    """A database put back to an older state counts its epochs from there once more."""
    sealed = lives(ONE).sealed
    log = on_log(sealed[:2])
    first, second = following(log), following(log)
    first.take_over()
    first.step(0.0)
    second.take_over()
    append(log, sealed[2:])
    second.step(0.0)
    with engine.begin() as connection:
        connection.execute(text("UPDATE projection.position SET owner_epoch = 1"))
    first._sequences.forget()
    first.step(0.0)
    append(log, lives(TWO).sealed)
    assert first.step(0.0) == 5
    assert applied(engine) == 10


def test_partitions_may_be_shared_between_followers(engine, following):
    names = [f"roman-wfi/r{number:04d}" for number in range(10)]
    log = on_log(lives(*names).sealed)
    halves = [following(log, partitions=[number]) for number in range(PARTITIONS)]
    counts = []
    for half in halves:
        half.take_over()
        counts.append(half.step(0.0))
    assert sum(counts) == 50
    assert all(counts)
    assert applied(engine) == 50


def test_two_writing_at_the_same_moment_cannot_both_win(engine, following):
    """The first holds the row of the position; the second waits for it, and then finds it moved."""
    log = on_log(lives(ONE).sealed)
    inside, go_on = threading.Event(), threading.Event()

    def slow(connection, batch):
        inside.set()
        go_on.wait(10)

    first = following(log, apply=slow, machines=("file",))
    first.take_over()
    outcomes: list[Any] = []

    def step() -> None:
        try:
            outcomes.append(first.step(0.0))
        except LostPositionError as error:
            outcomes.append(error)

    thread = threading.Thread(target=step)
    thread.start()
    assert inside.wait(10)
    second = following(log, apply=lambda connection, batch: None, machines=("file",))
    taker = threading.Thread(target=second.take_over)
    taker.start()
    go_on.set()
    thread.join(10)
    taker.join(10)
    assert outcomes == [5]
    assert second.step(0.0) == 0  # it takes over where the first one ended


def test_a_batch_that_was_applied_is_not_applied_again(engine, following):
    """The same position set back behind our back: the tables would have the records twice, so the follower stops."""
    log = on_log(lives(ONE).sealed)
    follower = following(log)
    follower.take_over()
    follower.step(0.0)
    with engine.begin() as connection:
        connection.execute(text("UPDATE projection.position SET next_offset = 0"))
    again = following(log)
    again.take_over()
    with pytest.raises(HaltError, match="database refuses"):
        again.step(0.0)
    assert applied(engine) == 5


def test_a_hole_in_a_history_is_an_alarm_and_what_stands_before_it_is_applied(engine, following):
    sealed = lives(ONE).sealed
    follower = following(on_log([*sealed[:2], *sealed[3:]]))
    follower.take_over()
    with pytest.raises(
        HaltError, match=rf"{ONE} has sequence 4, wanted 3; a record is missing; see meridian recover"
    ):
        follower.step(0.0)
    assert applied(engine) == 2
    with pytest.raises(HaltError, match="wanted 3"):
        follower.step(0.0)


def test_a_hole_is_seen_across_a_restart(engine, following):
    sealed = lives(ONE).sealed
    log = on_log(sealed[:2])
    first = following(log)
    first.take_over()
    first.step(0.0)
    append(log, sealed[3:])
    second = following(log)
    second.take_over()
    with pytest.raises(HaltError, match="wanted 3"):
        second.step(0.0)


def test_a_record_that_stands_twice_is_an_alarm(engine, following):
    sealed = lives(ONE).sealed
    follower = following(on_log([*sealed[:2], sealed[1], *sealed[2:]]))
    follower.take_over()
    with pytest.raises(HaltError, match="stands there twice"):
        follower.step(0.0)
    assert applied(engine) == 2


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"not json", "offset 5"),
        (b'{"id": "x"}', "offset 5"),
        (None, "tombstone"),
        (b"future", "dataschema"),
        (b"unknown", "type: found file.evaporated"),
    ],
)
def test_what_cannot_be_read_stops_the_follower_before_it(engine, following, value, why):
    sealed = lives(ONE).sealed
    special = {
        b"future": sealed[0][2].replace(b"/schemas/file.arrived/2", b"/schemas/file.arrived/99"),
        b"unknown": sealed[0][2].replace(b'"type":"file.arrived"', b'"type":"file.evaporated"'),
    }
    log = on_log(sealed)
    log.writer().send(
        TOPICS.events("file"), key=ONE.encode(), value=special.get(value, value), partition=_place(ONE)
    )
    follower = following(log)
    follower.take_over()
    with pytest.raises(HaltError, match=why) as found:
        follower.step(0.0)
    assert "meridian recover --explain" in str(found.value)
    assert applied(engine) == 5


def _place(subject: str) -> int:
    return partition_of(subject, PARTITIONS)


def test_a_topic_of_the_same_name_with_another_id_is_not_followed(engine, following):
    log = on_log(lives(ONE).sealed)
    following(log).take_over()
    other = on_log(lives(ONE).sealed)
    other.remove(TOPICS.events("file"))
    other.ensure([TopicSpec("something else", 1), TopicSpec(TOPICS.events("file"), 2)])
    follower = following(other)
    with pytest.raises(HaltError, match="another topic of the same name"):
        follower.take_over()


def test_a_position_ahead_of_the_log_is_an_alarm(engine, following):
    log = on_log(lives(ONE).sealed)
    following(log).take_over()
    with engine.begin() as connection:
        connection.execute(text("UPDATE projection.position SET next_offset = 1000 WHERE machine = 'file'"))
    with pytest.raises(HaltError, match="1000, the log has 0 to"):
        following(log).take_over()


def test_a_missing_topic_is_named(engine, following):
    with pytest.raises(HaltError, match=r"found no topic test\.file\.events"):
        following(MemoryLog()).take_over()


def test_the_position_passes_over_aborted_records_and_commit_markers(engine, following):
    log = on_log([])
    place = _place(ONE)
    writer = log.transactional("decider")
    sealed = lives(ONE).sealed
    writer.begin()
    writer.send(TOPICS.events("file"), key=b"x", value=b"given up", partition=place)
    writer.abort()
    writer.begin()
    for _, subject, value in sealed:
        writer.send(TOPICS.events("file"), key=subject.encode(), value=value, partition=place)
    writer.commit({}, group="g")
    follower = following(log)
    follower.take_over()
    assert follower.step(0.0) == 5
    follower.step(0.0)
    end = log.reader().end(Place(TOPICS.events("file"), place))
    assert position(engine)[place] == end


class Interrupted:
    """A log whose readers fail now and then."""

    def __init__(self, log: MemoryLog) -> None:
        self.log, self.failures = log, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.log, name)

    def reader(self, *, committed: bool = True) -> Any:
        reader, outer = self.log.reader(committed=committed), self
        poll = reader.poll

        def sometimes(**arguments: Any) -> Any:
            if outer.failures:
                outer.failures -= 1
                raise LogUnavailableError("the broker does not answer")
            return poll(**arguments)

        reader.poll = sometimes  # type: ignore[method-assign]
        return reader


class Trickle(Interrupted):
    """A log whose readers get three records with one fetch."""

    def reader(self, *, committed: bool = True) -> Any:
        reader = self.log.reader(committed=committed)
        poll = reader.poll

        def some(*, at_most: int, timeout_s: float) -> Any:
            return poll(at_most=min(3, at_most), timeout_s=timeout_s)

        reader.poll = some  # type: ignore[method-assign]
        return reader


def running(follower: Follower) -> tuple[threading.Thread, threading.Event, list[BaseException]]:
    stop, raised = threading.Event(), list[BaseException]()

    def run() -> None:
        try:
            follower.run(stop, poll_s=0.02)
        except BaseException as error:  # noqa: BLE001  # whatever it is, the test looks at it
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, stop, raised


def until(condition, timeout_s: float = 20.0) -> bool:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_running_outlives_outages_of_database_and_log(engine, following, postgres):
    names = [f"roman-wfi/r{number:04d}" for number in range(60)]
    log = Interrupted(on_log(lives(*names[:20]).sealed))
    follower = following(log, batch=7)
    thread, stop, raised = running(follower)
    assert until(lambda: applied(engine) > 20)
    with engine.connect() as connection:
        mine = "application_name = 'test' AND datname = current_database() AND pid <> pg_backend_pid()"
        connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}"))
    append(log.log, lives(*names[20:40]).sealed)
    log.failures = 2
    append(log.log, lives(*names[40:]).sealed)
    assert until(lambda: _applied(engine) == 300)
    stop.set()
    thread.join(10)
    assert raised == []


def _applied(engine: Engine) -> int:
    try:
        return applied(engine)
    except OperationalError:
        return -1


@pytest.mark.parametrize(("apart_s", "together"), [(0.02, [3, 6, 1]), (0.0, [3, 3, 3, 1])])
def test_after_a_pause_all_that_it_gathered_is_one_batch(engine, following, apart_s, together):
    batches: list[int] = []
    log = Trickle(on_log(lives(ONE, TWO).sealed))
    follower = following(log, apply=lambda _, batch: batches.append(len(batch)), apart_s=apart_s)
    thread, stop, raised = running(follower)
    assert until(lambda: sum(batches) == 10)
    stop.set()
    thread.join(5)
    assert (batches, raised) == (together, [])


def test_where_the_cores_have_time_to_spare_no_batch_is_waited_for(engine, following, monkeypatch):
    looks = count()
    monkeypatch.setattr(
        follower_module, "SLACK", Slack(lambda: (2.0 * (seconds := next(looks)), 2.0 * seconds))
    )
    applied_in: list[int] = []
    log = Trickle(on_log(lives(ONE, TWO).sealed))
    thread, stop, raised = running(
        following(log, apply=lambda _, batch: applied_in.append(len(batch)), apart_s=3600)
    )
    assert until(lambda: sum(applied_in) == 10)
    stop.set()
    thread.join(5)
    assert raised == []


def test_what_nobody_goes_on_beside_is_written_by_the_thread_that_reads(engine, following):
    """A record alone is not handed to another thread and waited for; several are, and the next ones are read."""
    written: list[tuple[int, str]] = []

    def apply(_, batch):
        written.append((len(batch), threading.current_thread().name.rstrip("_0")))

    thread, stop, raised = running(following(Trickle(on_log(lives(ONE, TWO).sealed)), apply=apply))
    assert until(lambda: sum(count for count, _ in written) == 10)
    stop.set()
    thread.join(5)
    assert raised == []
    assert written == [(3, "projector-writer")] * 3 + [(1, thread.name)]


def test_running_ends_when_another_has_taken_over(engine, following):
    log = on_log(lives(ONE).sealed)
    follower = following(log)
    thread, stop, raised = running(follower)
    assert until(lambda: applied(engine) == 5)
    following(log).take_over()
    append(log, lives(TWO).sealed)
    thread.join(10)
    stop.set()
    assert [type(error) for error in raised] == [LostPositionError]


@pytest.mark.parametrize(("files", "at_most"), [(30, 10), (5, 2)])
def test_running_applies_a_bad_batch_in_pieces_and_goes_on(engine, following, files, at_most):
    """While a batch is written the next one is folded already: that one is folded again after the bad one.

    Two at a time, each batch is written before the next is read.
    """
    names = [f"roman-wfi/r{number:04d}" for number in range(files)]
    sealed = [
        (machine, subject, value.replace(b"worker-1", b"w\\u0000rker") if subject == names[3] else value)
        for machine, subject, value in lives(*names).sealed
    ]
    follower = following(on_log(sealed), batch=at_most)
    thread, stop, raised = running(follower)
    assert until(lambda: applied(engine) == files * 5)
    stop.set()
    thread.join(10)
    assert raised == []
    with engine.connect() as connection:
        complete = connection.scalar(
            text("SELECT count(*) FROM v1.file WHERE state = 'COMPLETE' AND NOT is_tainted")
        )
        tainted = connection.scalar(text("SELECT array_agg(subject) FROM projection.tainted"))
    assert complete == files - 1
    assert tainted == [names[3]]


def test_a_function_that_the_database_refuses_halts_naming_the_record(engine, following):
    def apply(connection, batch):
        for record, _ in batch:
            connection.execute(text("SELECT 1 / (:sequence - 3)"), {"sequence": record.sequence})

    follower = following(on_log(lives(ONE).sealed), apply=apply, machines=("file",))
    follower.take_over()
    with pytest.raises(HaltError, match=rf"refuses file/\d offset 2 \(file.validated of {ONE}\)"):
        follower.step(0.0)
    assert position(engine)[_place(ONE)] == 2


def test_freshness_says_how_far_the_views_have_read(engine, following):
    follower = following(on_log(lives(ONE).sealed), apply=Projector())
    follower.take_over()
    follower.step(0.0)
    with engine.connect() as connection:
        query = "SELECT * FROM v1.freshness WHERE machine = 'file' AND next_offset > 0"
        row = connection.execute(text(query)).mappings().one()
    assert (row["follower"], row["next_offset"]) == ("projector", 5)
    assert row["last_event_at"].isoformat() == "2026-11-21T05:00:05+00:00"
    assert row["applied_at"] is not None
