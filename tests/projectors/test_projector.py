"""The laws of projection, on a real PostgreSQL."""

import select
from typing import Any

import orjson
import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, make_url, text

from events.file import FileStarted
from projectors import PROJECTIONS, merge
from projectors.file_status import file_status
from projectors.follower import Follower, LostPositionError
from projectors.ledger import ledger
from projectors.projection import Folded
from projectors.projector import CHANNEL, STREAM_CHANNEL
from projectors.release import NotTaintedError, StillTaintedError, release
from tests.projectors.histories import SHA, STARTED, Desks, a_life, append, arrived, on_log, random_histories

TABLES = [ledger.name, *(projection.name for projection in PROJECTIONS), "tainted"]
ONE, TWO = "roman-wfi/r0001", "roman-wfi/r0002"


def drain(follower: Follower) -> int:
    """Step until nothing comes."""
    count = 0
    while applied := follower.step(0.0):
        count += applied
    return count


def contents(engine: Engine) -> dict[str, list[Any]]:
    """Every row of every read model."""
    query = "SELECT to_jsonb(t) FROM projection.{} t ORDER BY to_jsonb(t)::text"
    with engine.connect() as connection:
        return {name: list(connection.scalars(text(query.format(name)))) for name in TABLES}


def erase(engine: Engine) -> None:
    names = ", ".join(f"projection.{name}" for name in [*TABLES, "position"])
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {names}"))


def one(engine: Engine, query: str, **values: Any) -> dict[str, Any]:
    with engine.connect() as connection:
        return dict(connection.execute(text(query), values).mappings().one())


@pytest.fixture
def broken(monkeypatch):
    """Lets the fold of one fact raise for one file, until told otherwise."""

    def breaks(fact: str, file: str = ONE) -> None:
        sound = file_status.folds[fact]

        def raises(record):
            if record.subject == file:
                raise ZeroDivisionError("a fold gone wrong")
            return sound(record)

        monkeypatch.setitem(file_status.folds, fact, raises)

    return breaks


def test_a_single_record_goes_in_one_call_and_only_from_where_its_follower_stands(engine, following):
    desks = Desks()
    desks.ask("file", ONE, "arrive", arrived(SHA[0]) | {"warnings": []})
    log = on_log(desks.sealed)
    first, second = following(log), following(log)
    first.take_over()
    assert first.step(0.0) == 1
    second.take_over()
    desks.ask("file", TWO, "arrive", arrived(SHA[1]) | {"warnings": []})
    append(log, desks.sealed[1:])
    with pytest.raises(LostPositionError, match="another follower has taken over"):
        first.step(0.0)
    assert [row["file"] for row in contents(engine)["file_status"]] == [ONE]
    assert second.step(0.0) == 1
    assert {row["file"] for row in contents(engine)["file_status"]} == {ONE, TWO}


def test_a_life_is_shown_from_announced_to_complete(engine, following):
    desks = Desks()
    a_life(desks)
    follower = following(on_log(desks.sealed))
    follower.take_over()
    assert drain(follower) == 5
    file = one(engine, "SELECT * FROM v1.file")
    assert (file["file"], file["stream"], file["name"]) == (ONE, "roman-wfi", "r0001")
    assert (file["state"], file["version"], file["best_version"], file["attempt"]) == ("COMPLETE", 1, 1, 1)
    assert (file["bucket"], file["code"], file["is_tainted"]) == ("archive", None, False)
    times = one(engine, "SELECT * FROM v1.file_timeline")
    stages = ("queued", "processing", "validated", "transferring", "transferred", "complete")
    passed = [times[f"{stage}_at"] for stage in stages]
    assert passed == sorted(passed)
    attempt = one(engine, "SELECT * FROM v1.attempt")
    assert (attempt["worker"], attempt["host"], attempt["outcome"]) == ("worker-1", "host-2", "COMPLETE")
    assert attempt["wall_s"] == pytest.approx(0.173)
    assert attempt["peak_rss_bytes"] == 2000
    assert attempt["log_tail"] == "a\tb\\c\nd"
    assert one(engine, "SELECT message FROM v1.warning")["message"] == "tab\there, back\\slash"
    assert one(engine, "SELECT * FROM v1.qa_value WHERE check_name = 'grade'")["value_text"] == "B"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), batch=st.integers(2, 40))
def test_rebuilt_rows_equal_live_rows_whatever_the_batches(engine, following, seed, batch):
    """Law 3: what meets in a batch and what meets in the database come to the same."""
    log = on_log(random_histories(seed))
    found = []
    for size in (batch, 2000):
        erase(engine)
        follower = following(log, batch=size)
        follower.take_over()
        drain(follower)
        follower.close()
        found.append(contents(engine))
    assert found[0]["tainted"] == []
    assert len(found[0]["ledger"]) == 150
    assert found[0] == found[1]


def test_one_record_a_batch_gives_the_same_rows_as_all_in_one(engine, following):
    log = on_log(random_histories(1))
    found = []
    for size in (1, 2000):
        erase(engine)
        follower = following(log, batch=size)
        follower.take_over()
        drain(follower)
        found.append(contents(engine))
    assert found[0] == found[1]


def test_rows_merged_one_by_one_are_those_merged_together(engine, following, monkeypatch):
    """A few rows of a batch take another way into their tables, and come to the same there."""
    told = rb"""it's \"a\"\tb\\N\\' %s :x"""
    sealed = [
        (machine, subject, value.replace(b"worker-1", told))
        for machine, subject, value in random_histories(3)
    ]
    found = []
    for few in (0, 10_000):
        monkeypatch.setattr(merge, "FEW", few)
        erase(engine)
        follower = following(on_log(sealed), batch=7)
        follower.take_over()
        drain(follower)
        found.append(contents(engine))
    assert found[0] == found[1]
    workers = {row["worker"] for row in found[0]["attempt"]} - {None}
    assert orjson.loads(b'"%s"' % told) in workers


@pytest.mark.parametrize("seed", range(4))
def test_the_views_say_of_every_file_what_its_machine_says(engine, following, seed):
    desks_records = random_histories(seed, length=300)
    follower = following(on_log(desks_records))
    follower.take_over()
    drain(follower)
    for name, file in states_of(desks_records).items():
        shown = one(engine, "SELECT * FROM v1.file WHERE file = :file", file=name)
        assert shown["state"] == file.newest.state
        assert (shown["version"], shown["attempt"]) == (file.newest.number, file.newest.attempt)
        assert (shown["is_held"], shown["is_embargoed"]) == (file.is_held, file.embargoed)
        assert shown["pending"] == file.pending
        assert shown["witnesses"] == file.newest.witnesses
        for version in file.versions.values():
            query = "SELECT state, attempt FROM v1.file_version WHERE file = :file AND version = :version"
            found = one(engine, query, file=name, version=version.number)
            assert (found["state"], found["attempt"]) == (version.state, version.attempt)


def states_of(sealed) -> dict[str, Any]:
    """The files' states, folded by the machine from the same records."""
    from events.envelope import decode_record
    from machines.file import FILE

    states: dict[str, Any] = {}
    for machine, subject, value in sealed:
        record = decode_record(value)
        if machine == "file" and not record.is_refusal:
            FILE.evolve(states.setdefault(subject, FILE.new()), record)
    return states


def test_a_refusal_changes_nothing_but_the_ledger(engine, following):
    desks = Desks()
    a_life(desks)
    log = on_log(desks.sealed)
    follower = following(log)
    follower.take_over()
    drain(follower)
    before = contents(engine)
    more = Desks(subjects=desks.subjects, asked=desks.asked)
    more.ask("file", ONE, "start", STARTED, version=1, attempt=1)
    more.ask("file", "roman-wfi/unknown", "retry", {}, reason="why not")
    append(log, more.sealed)
    assert drain(follower) == 2
    after = contents(engine)
    assert len(after.pop("ledger")) == len(before.pop("ledger")) + 2
    assert after == before
    refusal = one(engine, "SELECT * FROM v1.refusal WHERE subject = :file", file=ONE)
    assert (refusal["request"], refusal["state"]) == ("file.start", "COMPLETE")
    assert refusal["reasons"] == ["start needs QUEUED, found COMPLETE"]


def test_a_new_version_takes_the_place_of_the_old_one_which_stays_readable(engine, following):
    desks = Desks()
    a_life(desks)
    desks.ask("file", ONE, "arrive", arrived(SHA[1], witness="inbox.soc/0/2"))
    follower = following(on_log(desks.sealed))
    follower.take_over()
    drain(follower)
    file = one(engine, "SELECT * FROM v1.file")
    assert (file["version"], file["state"], file["best_version"]) == (2, "QUEUED", 1)
    old = one(engine, "SELECT * FROM v1.file_version WHERE version = 1")
    assert (old["state"], old["is_superseded"]) == ("COMPLETE", True)


def test_a_problem_is_open_until_the_version_goes_on(engine, following):
    desks = Desks()
    where = {"version": 1, "attempt": 1}
    desks.ask("file", ONE, "arrive", arrived(SHA[0]))
    failure = {
        "code": "SOURCE_GONE",
        "failure_class": "transient",
        "message": "no such file",
        "found": "nothing",
    }
    desks.ask("file", ONE, "fail", failure | {"due_at": "2026-11-21T06:00:00Z"}, **where)
    desks.ask("file", ONE, "acknowledge", {"codes": ["SOURCE_GONE"]}, reason="known", **where)
    log = on_log(desks.sealed)
    follower = following(log)
    follower.take_over()
    drain(follower)
    file = one(engine, "SELECT * FROM v1.file")
    assert (file["state"], file["code"], file["failed_from"]) == ("ERROR", "SOURCE_GONE", "QUEUED")
    assert file["is_acknowledged"]
    assert file["acknowledged"]["SOURCE_GONE"]["reason"] == "known"
    assert file["due_at"].isoformat() == "2026-11-21T06:00:00+00:00"
    more = Desks(subjects=desks.subjects, asked=desks.asked)
    more.ask("file", ONE, "retry", {}, reason="it is back")
    append(log, more.sealed)
    drain(follower)
    file = one(engine, "SELECT * FROM v1.file")
    assert (file["state"], file["attempt"]) == ("QUEUED", 2)
    assert {file[name] for name in ("code", "message", "found", "failed_from", "due_at")} == {None}
    assert not file["is_acknowledged"]


def test_a_fold_that_raises_puts_its_subject_aside_and_no_other(engine, following, broken):
    """Nothing of the event is applied, nothing later of its subject is, the ledger goes on, and the views say so."""
    broken("file.registered")
    desks = Desks()
    a_life(desks, ONE)
    a_life(desks, TWO)
    desks.ask("file", ONE, "note", {"text": "later"}, reason="r")
    log = on_log(desks.sealed)
    follower = following(log)
    follower.take_over()
    assert drain(follower) == 11
    first = one(engine, "SELECT * FROM v1.file WHERE file = :file", file=ONE)
    assert (first["state"], first["is_tainted"], first["note"]) == ("TRANSFERRED", True, None)
    second = one(engine, "SELECT * FROM v1.file WHERE file = :file", file=TWO)
    assert (second["state"], second["is_tainted"]) == ("COMPLETE", False)
    taint = one(engine, "SELECT * FROM projection.tainted")
    assert (taint["subject"], taint["sequence"], taint["type"]) == (ONE, 5, "file.registered")
    assert taint["error"] == "ZeroDivisionError: a fold gone wrong"
    assert (
        one(engine, "SELECT max(sequence) AS s FROM v1.file_history WHERE file = :file", file=ONE)["s"] == 6
    )


def test_a_fold_that_says_what_its_column_cannot_mean_puts_its_subject_aside(engine, following, monkeypatch):
    sound: Any = file_status.folds["file.registered"]

    def confused(record):
        return sound(record) | ({"versions": "one"} if record.subject == ONE else {})

    monkeypatch.setitem(file_status.folds, "file.registered", confused)
    desks = Desks()
    a_life(desks, ONE)
    a_life(desks, TWO)
    follower = following(on_log(desks.sealed))
    follower.take_over()
    assert drain(follower) == 10
    first = one(engine, "SELECT * FROM v1.file WHERE file = :file", file=ONE)
    assert (first["state"], first["version"], first["is_tainted"]) == ("TRANSFERRED", 1, True)
    assert one(engine, "SELECT * FROM v1.file WHERE file = :file", file=TWO)["state"] == "COMPLETE"
    assert "found ['str'], wanted int" in one(engine, "SELECT * FROM projection.tainted")["error"]


def test_a_quarantine_outlives_the_follower(engine, following, broken):
    broken("file.registered")
    desks = Desks()
    a_life(desks)
    log = on_log(desks.sealed)
    first = following(log)
    first.take_over()
    drain(first)
    more = Desks(subjects=desks.subjects, asked=desks.asked)
    more.ask("file", ONE, "note", {"text": "later"}, reason="r")
    append(log, more.sealed)
    second = following(log)
    second.take_over()
    assert drain(second) == 1
    assert one(engine, "SELECT * FROM v1.file")["note"] is None


def test_a_released_subject_is_folded_anew_from_its_whole_history(engine, following, broken, monkeypatch):
    desks = Desks()
    a_life(desks, ONE)
    a_life(desks, TWO)
    desks.ask("file", ONE, "note", {"text": "later"}, reason="r")
    log = on_log(desks.sealed)
    sound = following(log)
    sound.take_over()
    drain(sound)
    wanted = contents(engine)
    erase(engine)
    with monkeypatch.context() as patch:
        patch.setitem(file_status.folds, "file.registered", lambda record: {"file": 1 / 0})
        follower = following(log)
        follower.take_over()
        drain(follower)
        with pytest.raises(StillTaintedError, match="sequence 5"), engine.begin() as connection:
            release(connection, "file", ONE)
    for file, records in ((ONE, 6), (TWO, 5)):
        with engine.begin() as connection:
            assert release(connection, "file", file) == records
    assert contents(engine) == wanted
    with pytest.raises(NotTaintedError), engine.begin() as connection:
        release(connection, "file", ONE)


def test_what_postgresql_cannot_hold_puts_its_subject_aside_and_no_other(engine, following):
    """The batch is taken apart until the record stands alone; its place in the ledger is kept."""
    desks = Desks()
    a_life(desks, ONE)
    a_life(desks, TWO)
    sealed = [
        (machine, subject, value.replace(b"worker-1", b"w\\u0000rker") if subject == ONE else value)
        for machine, subject, value in desks.sealed
    ]
    follower = following(on_log(sealed))
    follower.take_over()
    drain(follower)
    assert one(engine, "SELECT * FROM v1.file WHERE file = :file", file=TWO)["state"] == "COMPLETE"
    first = one(engine, "SELECT * FROM v1.file WHERE file = :file", file=ONE)
    assert (first["state"], first["is_tainted"]) == ("QUEUED", True)
    rows = one(engine, "SELECT count(*) AS all, count(data) AS with_data FROM projection.ledger")
    assert rows == {"all": 10, "with_data": 9}
    assert drain(follower) == 0


def test_whoever_listens_is_woken_after_a_batch(engine, following, postgres):
    desks = Desks()
    a_life(desks)
    log = on_log(desks.sealed)
    follower = following(log)
    follower.take_over()
    address = make_url(postgres).set(drivername="postgresql").render_as_string(hide_password=False)
    listener = psycopg2.connect(address)
    listener.autocommit = True
    listener.cursor().execute(f"LISTEN {CHANNEL}; LISTEN {STREAM_CHANNEL}")
    drain(follower)
    assert heard(listener) == [CHANNEL]
    more = Desks()
    more.ask("stream", "keck", "configure", {"configuration": {"stream": "keck"}})
    append(log, more.sealed)
    drain(follower)
    assert heard(listener) == [CHANNEL, STREAM_CHANNEL]
    listener.close()


def heard(listener: Any) -> list[str]:
    assert select.select([listener], [], [], 10)[0]
    listener.poll()
    channels = [notice.channel for notice in listener.notifies]
    listener.notifies.clear()
    return channels


def test_a_fact_is_folded_by_one_function_a_projection():
    projection = Folded(file_status.table)
    projection.on(FileStarted)(lambda record: None)
    with pytest.raises(TypeError, match=r"file\.started is folded already"):
        projection.on(FileStarted)(lambda record: None)
