"""Work and deadlines of observing programs that are missing are found, by their facts and by where programs stand."""

import pytest
from sqlalchemy import text

from projectors.database import make_engine
from service.audit.findings import Tally
from service.audit.owed_check import check_owed
from tests.consumers.at_work import dispatched
from tests.machines.given_op import PREPROCESSED, WORKING, an_op
from tests.projectors.projected import project


@pytest.fixture
def site(postgres):
    """Reads an OP's records into the views and into the work, as if it were now; then says what the audit finds."""
    engine = make_engine(postgres, "test", pool_size=4)

    def of(story):
        records = [decision.record for decision in story.decisions]
        sealed = [("op", story.subject, decision.value) for decision in story.decisions]
        project(engine, sealed)
        with engine.begin() as connection:
            dispatched(connection, *records)
            connection.execute(text(_AS_FAR))
            connection.execute(text("UPDATE projection.ledger SET time = now()"))
        return engine

    yield of
    engine.dispose()


_AS_FAR = """
    INSERT INTO work.position
    SELECT (jsonb_populate_record(NULL::work.position, to_jsonb(p) || '{"follower": "dispatch"}')).*
    FROM projection.position p
"""


def lost(engine):
    tally = Tally()
    raw = engine.raw_connection()
    try:
        check_owed(raw.driver_connection, "test", tally)
    finally:
        raw.close()
    return [f"{each.found}; wanted {each.wanted}" for each in tally.counters["lost"].offenders]


LIVES = {
    "ready": ("discover", "ready"),
    "passed": ("discover", "ready", "pass"),
    "claimed": WORKING,
    "handed in": (*WORKING, "hand in"),
}


@pytest.mark.parametrize("life", LIVES)
def test_what_is_owed_is_there_and_is_missed_when_it_is_gone(site, life):
    engine = site(an_op(*LIVES[life]))
    assert lost(engine) == []
    with engine.begin() as connection:
        items = connection.execute(text("DELETE FROM work.item WHERE state <> 'done'")).rowcount
        deadlines = connection.execute(text("DELETE FROM work.deadline")).rowcount
    found = lost(engine)
    assert len(found) >= items + deadlines > 0
    assert any("deadline" in each for each in found) == (deadlines > 0)


def test_work_that_was_closed_too_early_is_missed_by_where_the_program_stands(site):
    engine = site(an_op("discover", "ready", "pass"))
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE work.item SET state = 'done', finished_at = now() WHERE state = 'open'")
        )
    [found] = lost(engine)
    assert "Invertible" in found


def test_what_has_failed_waits_for_no_work(site):
    story = an_op("discover", "ready", "pass")
    failed = {
        "step": "preprocess",
        "code": "NO_ROOM",
        "failure_class": "data",
        "message": "x",
        "program": "id.visp",
    }
    story.ask("fail", failed)
    engine = site(story)
    assert lost(engine) == []


def test_a_program_that_can_be_claimed_waits_for_no_work(site):
    assert lost(site(an_op(*PREPROCESSED))) == []
