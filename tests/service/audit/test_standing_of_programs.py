"""Views of observing programs and groups that are not what the ledger says of them are divergent; good ones are not."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from events.ids import partition_of
from projectors.database import make_engine
from service.audit.standing_check import StandingCheck
from tests.machines.given import Story
from tests.machines.given_op import PUBLISHED, an_op, take
from tests.machines.op_asker import WORDS, Asker
from tests.projectors.histories import PARTITIONS
from tests.projectors.projected import project
from tests.service.audit.test_ledger_check import Ledger

_FORGED = """
    INSERT INTO projection.op_status
    SELECT (jsonb_populate_record(s, '{"op": "eid_0"}')).* FROM projection.op_status s
"""
Offended = Callable[..., list[str]]


@pytest.fixture
def offended(postgres: str) -> Iterator[Offended]:
    """What is divergent of one subject's views once it is in them, and a statement has spoilt them."""
    engine = make_engine(postgres, "test", pool_size=4)

    def of(story: Story, statement: str | None = None) -> list[str]:
        sealed = [(story.machine, story.subject, decision.value) for decision in story.decisions]
        project(engine, sealed)
        ledger = Ledger().take(sealed)
        assert ledger.raised == {}
        if statement is not None:
            with engine.begin() as connection:
                connection.execute(text(statement.replace(":", r"\:")))
        raw: Any = engine.raw_connection()
        try:
            partition = partition_of(story.subject, PARTITIONS)
            check = StandingCheck(
                raw.driver_connection,
                machine=story.machine,
                place="t/0",
                partition=partition,
                tally=ledger.tally,
            )
            check.run(ledger.subjects)
        finally:
            raw.close()
        divergent = ledger.tally.counters["divergent"]
        assert divergent.n >= 1
        return [each.found for each in divergent.offenders if "snapshot" not in each.found]

    yield of
    engine.dispose()


def published_and_held() -> Story:
    story = an_op(*PUBLISHED)
    take(story, "hold")
    return story


@pytest.mark.parametrize("seed", range(4))
def test_a_program_that_the_view_shows_as_the_ledger_says_is_none(offended: Offended, seed: int):
    asker = Asker(Random(seed))
    for _ in range(40):
        asker.ask(asker.dice.choice(WORDS))
        asker.go_on()
    assert offended(asker.story) == []


@pytest.mark.parametrize("seed", range(4))
def test_nor_is_a_group(offended: Offended, seed: int):
    story, dice = Story("group", "dkist/BLKGA"), Random(seed)
    story.ask("expect", {"kind": "dataset", "by": "policy", "ranges": [{"first": 0, "last": 4}]})
    for _ in range(20):
        status = dice.choice(["seen", "complete", "invalid"])
        story.ask("member", {"kind": "dataset", "member": "m", "place": dice.randint(0, 6), "status": status})
    assert offended(story) == []


def test_a_group_that_is_shown_otherwise_is_found(offended: Offended):
    story = Story("group", "dkist/BLKGA")
    story.ask("expect", {"kind": "dataset", "by": "policy", "ranges": [{"first": 0, "last": 4}]})
    (told,) = offended(story, "UPDATE projection.group_status SET state = 'Complete'")
    assert told.startswith("the view shows ('Complete'")


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
    (told,) = offended(published_and_held(), statement)
    assert told.startswith(found)
