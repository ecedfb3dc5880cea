"""The decider's store in PostgreSQL: what it says of many subjects and of a few, and how it saves them."""

import select
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from sqlalchemy import text

from projectors.database import make_engine
from projectors.outcome import CHANNEL
from service.decider.halts import StoreUnavailableError
from service.decider.store import OutcomeRow, Watermark
from service.snapshots import FEW, Snapshots


@pytest.fixture
def engine(postgres):
    engine = make_engine(postgres, "test")
    yield engine
    engine.dispose()


def shown(engine, subjects):
    """Views have a record of each."""
    rows = [
        {"offset": number, "id": str(uuid4()), "subject": subject} for number, subject in enumerate(subjects)
    ]
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO projection.ledger (machine, partition, ledger_offset, event_id, subject, sequence, type, "
                "time, actor, requestid, ownerepoch, chain, is_refusal) VALUES ('file', 0, :offset, :id, :subject, 1, "
                "'file.arrived', now(), 'x', 'x', 1, 'x', false)"
            ),
            rows,
        )


@pytest.mark.parametrize("more", [0, FEW])
def test_snapshots_are_loaded_and_a_lost_one_is_told_from_a_subject_that_is_new(engine, more):
    store = Snapshots(engine, machine="file", partition=0)
    store.save(
        [("roman/kept", 3, b'{"x":1}'), ("roman/kept too", 1, b"{}")], [], Watermark(1, 1, "topic", 1, 1)
    )
    shown(engine, ["roman/lost", "roman/kept"])
    new = ["roman/new", *(f"roman/new {number}" for number in range(more))]
    asked = ["roman/kept", "roman/lost", "roman/kept too", *new]

    assert store.load(asked) == {"roman/kept": b'{"x":1}', "roman/kept too": b"{}"}
    assert store.lost(["roman/lost", *new]) == ["roman/lost"]


def test_what_was_looked_up_is_told_once(engine):
    store = Snapshots(engine, machine="file", partition=0)
    assert store.load(["roman/a"]) == {}
    assert store.lost(["roman/a"]) == []
    shown(engine, ["roman/a", "roman/b"])
    assert store.lost(["roman/a"]) == ["roman/a"]
    assert store.load(["roman/c"]) == {}
    assert store.lost(["roman/b", "roman/c"]) == ["roman/b"]


def test_another_machine_s_subject_of_the_same_name_is_another_one(engine):
    file, group = (Snapshots(engine, machine=machine, partition=0) for machine in ("file", "group"))
    group.save([("roman/a", 1, b"{}")], [], Watermark(1, 1, "topic", 1, 1))
    shown(engine, ["roman/b"])
    for store, subject, lost in [
        (file, "roman/a", []),
        (group, "roman/b", []),
        (file, "roman/b", ["roman/b"]),
    ]:
        assert (store.load([subject]), store.lost([subject])) == ({}, lost)


ROW = OutcomeRow(
    "6f2c6a0e-3f8e-5d0c-9b55-5a3f2b0f5a11", 1, 1, "d", "file.noted", None, None, None, "2026-11-21"
)


@pytest.mark.parametrize("outcomes", [[], [ROW]])
@pytest.mark.parametrize("count", [0, 1, FEW, FEW + 1])
def test_whoever_saves_is_marked_before_a_row_is_touched_and_notice_is_given_of_outcomes(
    engine, count, outcomes
):
    store, successor = (Snapshots(engine, machine="file", partition=3) for _ in range(2))
    store.save([(f"roman/{number}", 1, b"{}") for number in range(count)], [], Watermark(1, 1, "topic", 1, 1))
    listening = _session(engine, autocommit=True)
    listening.cursor().execute(f"LISTEN {CHANNEL}")
    saved = [(f"roman/{number}", 2, b"[]") for number in range(count)]

    other = _session(engine, autocommit=False)  # its lock stops the save at its first row
    wanted = "decider.snapshot" if count else "decider.outcome" if outcomes else "decider.watermark"
    asked = other.cursor()
    asked.execute(f"LOCK TABLE {wanted} IN EXCLUSIVE MODE")
    with ThreadPoolExecutor(1) as pool:
        saving = pool.submit(store.save, saved, outcomes, Watermark(2, 2, "topic", 1, 1))
        try:
            while not _waits_for(asked, wanted):
                assert not saving.done()
            assert successor.cut_off_predecessors() == 1
        finally:
            other.close()
        with pytest.raises(StoreUnavailableError):
            saving.result(20)

    store.save(saved, outcomes, Watermark(2, 2, "topic", 1, 1))
    assert store.watermark() == Watermark(2, 2, "topic", 1, 1)
    assert store.load([name for name, _, _ in saved]) == {name: state for name, _, state in saved}
    select.select([listening], [], [], 20.0 if outcomes else 0.0)
    listening.poll()
    assert [each.channel for each in listening.notifies] == [CHANNEL for _ in outcomes]
    listening.close()


def _waits_for(cursor, table):
    cursor.execute("SELECT FROM pg_locks WHERE NOT granted AND relation = to_regclass(%s)", (table,))
    return cursor.rowcount > 0


def _session(engine, *, autocommit):
    opened = engine.raw_connection()
    session = opened.dbapi_connection
    opened.detach()
    session.autocommit = autocommit
    return session
