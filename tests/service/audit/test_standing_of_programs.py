"""Views of observing programs and groups that are not what the ledger says of them are divergent; good ones are not."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from events.ids import partition_of
from projectors.database import make_engine
from projectors.follower import Follower
from projectors.positions import position
from projectors.projector import MACHINES, Projector
from service.audit.standing_check import StandingCheck
from tests.machines.given_op import OP_ID, PUBLISHED, an_op, take
from tests.projectors.histories import PARTITIONS, TOPICS, on_log
from tests.projectors.test_projector import drain
from tests.service.audit.test_ledger_check import Ledger

_FORGED = """
    INSERT INTO projection.op_status
    SELECT (jsonb_populate_record(s, '{"op": "eid_0"}')).* FROM projection.op_status s
"""
Offended = Callable[[str | None], list[str]]


@pytest.fixture
def offended(postgres: str) -> Iterator[Offended]:
    """What is divergent of a published program that is held, once its rows have been changed."""
    engine = make_engine(postgres, "test", pool_size=4)
    story = an_op(*PUBLISHED)
    take(story, "hold")
    sealed = [("op", story.subject, decision.value) for decision in story.decisions]
    follower = Follower(
        log=on_log(sealed), topics=TOPICS, engine=engine, name="projector", machines=MACHINES, apply=Projector(),
        positions_table=position,
    )  # fmt: skip
    follower.take_over()
    drain(follower)
    follower.close()

    def after(statement: str | None) -> list[str]:
        ledger = Ledger().take(sealed)
        assert ledger.raised == {}
        with engine.begin() as connection:
            for each in [statement] if statement else []:
                connection.execute(text(each.replace(":", r"\:")))
        raw: Any = engine.raw_connection()
        try:
            check = StandingCheck(
                raw.driver_connection,
                machine="op",
                place="t/0",
                partition=partition_of(OP_ID, PARTITIONS),
                tally=ledger.tally,
            )
            check.run(ledger.subjects)
        finally:
            raw.close()
        divergent = ledger.tally.counters["divergent"]
        assert divergent.n >= 1
        return [each.found for each in divergent.offenders if "snapshot" not in each.found]

    yield after
    engine.dispose()


def test_a_program_that_the_view_shows_as_the_ledger_says_is_none(offended: Offended):
    assert offended(None) == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE projection.op_status SET state = 'Inverted'", "the view shows ('Inverted'"),
        ("UPDATE projection.op_status SET sequence = 3", "the view shows ('Published', None, 3"),
        ("UPDATE projection.op_status SET is_held = false", "the view shows (False,)"),
        ("DELETE FROM projection.op_status", "no row of version 0"),
        (_FORGED, "a row of the view, version 0 in Published"),
    ],
)
def test_one_that_is_shown_otherwise_is_found(offended: Offended, statement: str, found: str):
    (told,) = offended(statement)
    assert told.startswith(found)
