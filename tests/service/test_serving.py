"""Roles are at work once they lead, hold their partitions and have a session; not as soon as they run."""

from threading import Event
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from projectors.database import make_engine
from service.leadership import _lock, led
from service.serving import await_serving, not_serving
from service.settings import Settings

LEASES = """
    INSERT INTO decider.lease (machine, partition, owner, owner_epoch, expires_at)
    SELECT 'file', n, 'x', 1, now() + CAST(:ahead AS interval) FROM generate_series(1, :count) AS n
    ON CONFLICT (machine, partition) DO UPDATE SET expires_at = excluded.expires_at
"""
NAMES = ("projector", "dispatch", "timers")


@pytest.fixture
def engine(postgres):
    engine = make_engine(postgres, "serving-test", pool_size=10)
    yield engine
    engine.dispose()


@pytest.fixture
def wiring(postgres):
    settings = Settings(site="here", partitions={"file": 2, "op": 1})
    return SimpleNamespace(settings=settings, engine=lambda **_: make_engine(postgres, "other"))


def lease(engine, count, ahead="1 minute"):
    with engine.begin() as connection:
        connection.execute(text(LEASES), {"count": count, "ahead": ahead})


def test_each_role_is_missed_until_it_is_at_work(engine, wiring, postgres):
    partitions = sum(wiring.settings.partitions.values())
    none = f"decider (of 0 of {partitions} partitions)"
    assert not_serving(wiring, engine) == [none, *NAMES, "worker"]
    lease(engine, partitions - 1)
    assert not_serving(wiring, engine)[0] == f"decider (of {partitions - 1} of {partitions} partitions)"
    lease(engine, partitions)
    worker = make_engine(postgres, "meridian-worker")
    with worker.connect():
        assert not_serving(wiring, engine) == list(NAMES)
        with _lock(engine, "here.projector", 20.0, Event()):
            with engine.connect() as connection:
                assert led(connection, ["here.projector", "there.projector"]) == {"here.projector"}
            assert not_serving(wiring, engine) == ["dispatch", "timers"]
        assert not_serving(wiring, engine) == list(NAMES), "who has gone leads no more"
    worker.dispose()
    lease(engine, partitions, "-1 minute")
    assert none in not_serving(wiring, engine), "leases that have run out are nobody's"


def test_a_site_that_is_halted_is_not_waited_for(engine, wiring):
    assert await_serving(wiring, within_s=0.0) != []
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO decider.halt VALUES ('decider', 'file', 0, 'CODE_IS_WRONG', 'm', '{}', now())")
        )
    assert await_serving(wiring, within_s=0.0) == []
