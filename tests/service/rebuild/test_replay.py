"""Filling from the ledger: after a kill it goes on, one at a time, to any moment of the past, and without effects."""

import os
import signal
import subprocess
import sys
import threading
from datetime import timedelta
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from events.log import Place, TopicSpec
from events.memory_log import MemoryLog
from projectors.projector import Projector
from projectors.read_models import READ_MODELS
from projectors.rebuild_fill import Filling, fill, live_ends
from projectors.rebuild_log import EffectError, ReadOnlyLog
from projectors.rebuild_targets import STANDBY, ClaimedError, past_name
from service.rebuild import RebuildError
from tests.projectors.histories import BEGIN
from tests.service.rebuild.a_ledger import Ledger, until

PROJECT = Path(__file__).resolve().parents[3]
NAMES = [f"roman-wfi/r{number:04d}" for number in range(60)]


def a_projected_ledger(ledger: Ledger) -> None:
    ledger.lives(*NAMES)
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == 300)


def replaying(*more: str) -> subprocess.Popen[bytes]:
    """``meridian replay all`` as a process."""
    command = [sys.executable, "-m", "service", "replay", "all", "--quiet", *more]
    return subprocess.Popen(command, cwd=PROJECT, env={**os.environ, "PYTHONPATH": str(PROJECT)})


def half_filled(ledger: Ledger) -> None:
    """As a run leaves it that was ended on its way."""
    with ledger.rebuild() as rebuild:
        target = rebuild._begun(STANDBY, "standby", READ_MODELS, None)
        ends = {key: end // 2 for key, end in live_ends(ledger.engine).items()}
        fill(Filling(ledger.log, ledger.topics, ledger.engine, target.models, ends))
    assert 100 < ledger.count(f"{STANDBY}.ledger") < 200


@pytest.mark.parametrize("processes", ["1", "2"])
def test_killed_in_the_middle_it_goes_on_and_leaves_no_process_behind(ledger, processes):
    a_projected_ledger(ledger)
    half_filled(ledger)
    with ledger.engine.connect() as holding:
        # Nobody gets to the end of a batch, so the kill falls into one.
        holding.exec_driver_sql(f"LOCK TABLE {STANDBY}.qa_value IN EXCLUSIVE MODE")
        first = replaying("--processes", processes)
        table = f"{STANDBY}.qa_value"
        waiting = f"SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '{table}'::regclass"
        until(lambda: ledger.one(waiting) > 0)
        children = psutil.Process(first.pid).children(recursive=True)
        with (
            ledger.rebuild() as rebuild,
            pytest.raises(ClaimedError, match=f"meridian replay.*process {first.pid}"),
        ):
            rebuild.replay()
        first.send_signal(signal.SIGKILL)
        first.wait()
        holding.rollback()
    until(lambda: not any(each.is_running() for each in children), "a child outlived its parent")
    assert ledger.one("SELECT state FROM rebuild.target") == "filling"
    with ledger.rebuild() as rebuild:
        rebuild.replay()
        assert ledger.rows(STANDBY) == ledger.rows("projection")
        assert rebuild.verify(every_row=True).differing == []


def test_what_was_begun_by_other_code_is_begun_anew(ledger):
    a_projected_ledger(ledger)
    with ledger.rebuild() as rebuild:
        rebuild.replay()
        ledger.say("UPDATE rebuild.target SET state = 'filling', fold_version = 'older'")
        ledger.say(f"UPDATE {STANDBY}.file_version SET state = 'wrong'")
        rebuild.replay()
        assert ledger.rows(STANDBY) == ledger.rows("projection")


def test_a_moment_of_the_past_can_be_queried_and_never_swapped(ledger):
    a_projected_ledger(ledger)
    moment = BEGIN + timedelta(seconds=52)  # in the middle of the life of the eleventh file
    with ledger.rebuild() as rebuild:
        done = rebuild.replay(until=moment)
        assert done.views == f"v1_{past_name(moment)}"
        assert ledger.count(f"{done.views}.ledger") == 52
        state = f"SELECT state FROM {done.views}.file WHERE file = :file"
        assert ledger.one(state, file=NAMES[9]) == "COMPLETE"
        assert ledger.one(state, file=NAMES[10]) == "PROCESSING"
        assert ledger.one(state, file=NAMES[11]) is None
        assert ledger.count("v1.file") == 60
        assert ledger.one(f"SELECT has_table_privilege('meridian_analyst', '{done.views}.file', 'SELECT')")
        with pytest.raises(RebuildError, match="found nothing in projection_standby"):
            rebuild.swap(agreed=lambda _: True)
        ledger.lives("roman-wfi/later")
        until(lambda: ledger.count("v1.file") == 61)
        assert ledger.count(f"{done.views}.ledger") == 52
        rebuild.drop(done.target.schema_name)
        assert ledger.one(f"SELECT to_regnamespace('{done.views}')") is None


def test_a_past_moment_is_what_the_views_were_then(ledger):
    """The state of a moment is the state that a projector shows that has read so far."""
    ledger.lives(*NAMES[:5])
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == 25)
    then = ledger.rows("projection")
    moment = BEGIN + timedelta(seconds=25)
    ledger.lives(*NAMES[3:8])
    until(lambda: ledger.count("projection.ledger") == 50)
    with ledger.rebuild() as rebuild:
        done = rebuild.replay(until=moment)
        assert ledger.rows(done.target.schema_name) == then


def everything_else(ledger: Ledger) -> dict[str, object]:
    """Ends of all topics, and every row of every table that is no view's."""
    reader = ledger.log.reader(committed=False)
    names = [name for name in ledger.log.names() if name.startswith(ledger.topics.site)]
    counts = ledger.log.partitions(names)
    ends = {f"{name}/{n}": reader.end(Place(name, n)) for name in sorted(names) for n in range(counts[name])}
    reader.close()
    tables = """
        SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
        WHERE schemaname IN ('decider', 'work', 'operations', 'projection') ORDER BY 1
    """
    with ledger.engine.connect() as connection:
        rows = {
            table: connection.scalar(
                text(f"SELECT array_agg(to_jsonb(t) ORDER BY to_jsonb(t)::text) FROM {table} t")
            )
            for table in connection.scalars(text(tables)).all()
        }
    return {"topics": ends, **rows}


def test_a_replay_writes_nothing_but_its_own_tables(ledger):
    a_projected_ledger(ledger)
    ledger.stop()
    before = everything_else(ledger)
    assert len(before) > 20
    with ledger.rebuild(processes=2) as rebuild:
        rebuild.replay()
        rebuild.replay(until=BEGIN + timedelta(seconds=100))
    assert everything_else(ledger) == before


def test_a_process_that_fills_is_given_no_object_store(ledger, monkeypatch):
    from service.rebuild_processes import _environment

    assert not [name for name in _environment() if name.startswith("MERIDIAN_")]


@pytest.mark.parametrize(
    "reach",
    [
        lambda log: log.writer(),
        lambda log: log.transactional("t.file.0"),
        lambda log: log.ensure([TopicSpec("t.file.events", 1)]),
    ],
)
def test_whoever_reaches_for_an_effect_while_history_is_read_is_refused(reach):
    log = ReadOnlyLog(MemoryLog(), {})
    with pytest.raises(EffectError, match="history is read without any effect"):
        reach(log)


def test_a_fold_that_sends_something_ends_the_replay_and_sends_nothing(ledger, monkeypatch):
    """A projector that got hold of the log it is fed from, as a careless change might bring about."""
    a_projected_ledger(ledger)
    ledger.stop()
    before = everything_else(ledger)
    logs: list[ReadOnlyLog] = []
    made = ReadOnlyLog.__init__
    prepare = Projector.prepare

    def noticing(self, *arguments):
        made(self, *arguments)
        logs.append(self)

    def careless(self, batch):
        logs[-1].writer().send(ledger.topics.requests("file"), key=b"k", value=b"v")
        return prepare(self, batch)

    monkeypatch.setattr(ReadOnlyLog, "__init__", noticing)
    monkeypatch.setattr(Projector, "prepare", careless)
    with ledger.rebuild() as rebuild, pytest.raises(EffectError, match="reached for a writer"):
        rebuild.replay()
    assert everything_else(ledger) == before


def test_several_at_once_and_only_one_fills(ledger):
    a_projected_ledger(ledger)
    said: list[str] = []

    def one() -> None:
        with ledger.rebuild() as rebuild:
            try:
                rebuild.replay()
                said.append("filled")
            except (ClaimedError, RebuildError) as error:
                said.append(str(error))

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said.count("filled") == 1
    assert all("wanted it free" in each or "filled already" in each for each in said if each != "filled")
    assert ledger.rows(STANDBY, READ_MODELS) == ledger.rows("projection", READ_MODELS)
