"""What the decider's store says of subjects it is asked for: many in two questions, a few in one."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from projectors.database import make_engine
from service.decider.store import Watermark
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
