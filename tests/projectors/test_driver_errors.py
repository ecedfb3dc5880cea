"""A database that is away is one kind of error, whoever asked it and by whichever call."""

import time

import psycopg2
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from projectors.database import make_engine
from projectors.driver_errors import wrapped, wrapping
from projectors.listening import listening
from projectors.outcome import Outcomes
from projectors.stream_rules import LiveRules, RulesUnavailableError
from service.decider.halts import StoreUnavailableError
from service.snapshots import store_cursor

AWAY = "postgresql://nobody@127.0.0.1:9/none"
REQUEST = ("roman/a", "7f0c5ee4-2c79-4cd8-8f0e-0d8b0e8f1c11")


def test_waiting_for_an_outcome_without_a_database_is_an_outage_and_no_bug():
    with pytest.raises(OperationalError):
        Outcomes(make_engine(AWAY, "test"), site="s").wait([REQUEST], timeout_s=0.1)


def test_listening_and_reading_rules_without_a_database_are_outages():
    engine = make_engine(AWAY, "test")
    with pytest.raises(OperationalError), listening(engine, "any"):
        pass
    with pytest.raises(RulesUnavailableError):
        LiveRules(engine).refresh()


def test_an_answer_cut_off_has_no_class_and_is_an_outage():
    assert isinstance(
        wrapped(psycopg2.DatabaseError("no message from the libpq"), "SELECT 1"), OperationalError
    )


def test_what_the_database_refuses_keeps_its_class():
    assert isinstance(wrapped(psycopg2.IntegrityError("twice"), "INSERT"), IntegrityError)
    with pytest.raises(IntegrityError), wrapping("INSERT"):
        raise psycopg2.IntegrityError("twice")


def test_a_session_that_is_ended_while_it_listens_is_an_outage(postgres):
    engine, other = make_engine(postgres, "test-listener"), make_engine(postgres, "test-other")
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'test-listener'"
    with listening(engine, "some_words") as notices:
        assert notices.wait(0.01) is None
        with other.begin() as connection:
            connection.execute(text("NOTIFY some_words, 'word'"))
        assert notices.wait(5.0) == {"word"}
        with other.connect() as connection:
            connection.execute(text(end))
        with pytest.raises(OperationalError):
            [notices.wait(5.0) for _ in range(3)]  # the end comes in pieces
    for each in (engine, other):
        each.dispose()


def test_a_cut_within_a_statement_is_an_outage_by_every_engine(postgres, monkeypatch):
    engine = make_engine(postgres, "test")

    def cut(*_: object) -> None:
        raise psycopg2.DatabaseError("error with status PGRES_TUPLES_OK and no message from the libpq")

    with engine.connect() as connection:
        monkeypatch.setattr(engine.dialect, "do_execute", cut)
        with pytest.raises(OperationalError) as found:
            connection.execute(text("SELECT 1"))
        assert isinstance(found.value, DBAPIError)
        assert connection.invalidated
    engine.dispose()


def test_a_session_that_falls_silent_in_a_transaction_lets_go_of_its_locks_and_hears_of_an_outage(postgres):
    frozen = make_engine(postgres, "test-frozen", idle_in_transaction_s=0.3)
    successor = make_engine(postgres, "test-successor", lock_timeout_s=10.0)
    halt = text("INSERT INTO decider.halt VALUES ('decider', 'file', 0, 'A', 'b', '{}', now())")
    with frozen.connect() as zombie:
        zombie.execute(halt)
        with successor.begin() as connection:
            assert connection.execute(halt).rowcount == 1  # it waits for the zombie's row, and gets it
        with pytest.raises(OperationalError):
            zombie.execute(text("SELECT 1"))


def test_the_store_of_a_decider_that_fell_silent_is_an_outage(postgres):
    engine = make_engine(postgres, "test-frozen", idle_in_transaction_s=0.2)

    def fall_silent() -> None:
        with store_cursor(engine) as cursor:
            cursor.execute("SELECT 1")
            time.sleep(0.6)
            cursor.execute("SELECT 1")

    with pytest.raises(StoreUnavailableError):
        fall_silent()
