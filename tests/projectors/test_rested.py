"""Sessions that died while they rested are found out before use; those in use are not asked each time."""

from contextlib import closing

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from projectors.database import make_engine
from projectors.rested import RESTED_S, asked_after_rest

PID = text("SELECT pg_backend_pid()")


class Clock:
    """It stands until it is moved on."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def engine(postgres: str, clock, monkeypatch):
    """A pool of two sessions, resting by this clock."""
    monkeypatch.setattr(
        "projectors.database.asked_after_rest", lambda engine: asked_after_rest(engine, clock)
    )
    one = make_engine(postgres, "test-rested", pool_size=2)
    yield one
    one.dispose()


@pytest.fixture
def other_engine(postgres: str):
    """Somebody else's, who may end sessions."""
    one = make_engine(postgres, "test-ends")
    yield one
    one.dispose()


@pytest.fixture
def asked(engine, monkeypatch) -> list[object]:
    """Whom the pool asks whether it lives."""
    found: list[object] = []
    do_ping = engine.dialect.do_ping

    def counted(session):
        found.append(session)
        return do_ping(session)

    monkeypatch.setattr(engine.dialect, "do_ping", counted)
    return found


def used(engine: Engine) -> int:
    with engine.connect() as connection:
        pid: int = connection.execute(PID).scalar_one()
    return pid


def end(engine: Engine, *pids: int) -> None:
    with engine.connect() as connection:
        for pid in pids:
            connection.execute(text("SELECT pg_terminate_backend(:pid, 2000)"), {"pid": pid})


def test_a_session_in_use_is_not_asked_and_one_that_has_rested_is(engine, asked, clock):
    first = used(engine)
    assert [used(engine) for _ in range(3)] == [first] * 3
    assert asked == [], "a new one has just answered, and so has one that was in use"
    clock.now_s += RESTED_S
    assert used(engine) == first
    assert len(asked) == 1
    used(engine)
    assert len(asked) == 1


def test_one_that_died_while_it_rested_is_replaced_and_so_are_the_others(engine, clock, other_engine):
    with engine.connect() as one, engine.connect() as other:
        dead = {one.execute(PID).scalar_one(), other.execute(PID).scalar_one()}
    end(other_engine, *dead)
    clock.now_s += RESTED_S
    assert used(engine) not in dead
    clock.now_s -= RESTED_S  # what has rested with it is not asked, and not used either
    with engine.connect() as one, engine.connect() as other:
        assert dead.isdisjoint({one.execute(PID).scalar_one(), other.execute(PID).scalar_one()})


def test_one_that_dies_right_after_use_fails_once_and_the_pool_is_new(engine, other_engine):
    with engine.connect() as one, closing(engine.connect()) as other:
        dead = {one.execute(PID).scalar_one(), other.execute(PID).scalar_one()}
    end(other_engine, *dead)
    with pytest.raises(OperationalError):
        used(engine)
    assert used(engine) not in dead
