"""The simulation is tested too: with one safeguard of the product taken out, some program breaks a law."""

import re
from itertools import count

import pytest
from sqlalchemy import text

from consumers import work_items
from events import chain
from machines import desk
from projectors import positions
from service.decider import owner
from service.decider.batch import BatchDecider
from service.decider.takeover import Resumed
from tests.simulation import sql_projection
from tests.simulation.database import MEANINGS
from tests.simulation.laws import LawBrokenError
from tests.simulation.machine import DecidersUnderFire, Program, SiteUnderFire, ViewsUnderFire
from tests.simulation.ports import SimulatedLog, SimulatedStore
from tests.simulation.running import run

pytestmark = pytest.mark.slow

SEED = 1


def law_broken(program: type[Program], *, programs: int = 4000) -> int:
    """The law that the first bad program breaks; mostly it is among the first hundred."""
    with pytest.raises(LawBrokenError) as found:
        run(program, programs=programs, number=SEED, shrink=False)
    return found.value.law


def test_without_a_fence_two_owners_write(monkeypatch):
    """Transactional ids of their own: nobody fences another, or only their stores do, again and again for ever."""
    whole, numbers = SimulatedLog.transactional, count()
    monkeypatch.setattr(
        SimulatedLog, "transactional", lambda self, name: whole(self, f"{name}.{next(numbers)}")
    )
    assert law_broken(DecidersUnderFire) in {0, 1, 2}


def test_without_dedupe_a_repeated_request_has_two_records(monkeypatch):
    monkeypatch.setattr(SimulatedStore, "digests", lambda self, ids: {})
    assert law_broken(DecidersUnderFire) == 2


def test_going_on_at_the_committed_offset_alone_goes_back_behind_the_ledger(monkeypatch):
    def committed_only(seat, *, logs, group, tail):
        return Resumed(logs.committed(group, [seat.requests])[seat.requests] or 0)

    monkeypatch.setattr(owner, "resume_at", committed_only)
    assert law_broken(DecidersUnderFire) == 2


def test_a_memory_that_outlives_a_doubt_does_not_fit_the_ledger(monkeypatch):
    monkeypatch.setattr(BatchDecider, "forget", lambda self: None)
    assert law_broken(DecidersUnderFire) in {0, 1, 2}


def test_reading_what_is_not_committed_is_believing_what_never_happened(monkeypatch):
    whole = SimulatedLog.reader
    monkeypatch.setattr(SimulatedLog, "reader", lambda self, *, committed=True: whole(self, committed=False))
    assert law_broken(ViewsUnderFire) in {0, 1, 2, 3}


def test_a_chain_over_the_wrong_record_is_no_chain(monkeypatch):
    whole = chain.seal
    monkeypatch.setattr(desk, "seal", lambda previous, body: whole("", body))
    assert law_broken(DecidersUnderFire) in {0, 1}


def test_a_position_without_compare_and_set_lets_two_write(monkeypatch):
    whole, in_words = positions._move_statement, positions._move_in_words

    def unconditional(table):
        return text(whole(table).text.partition("AND next_offset")[0])

    def unconditional_words(*given):
        return re.sub("AND next_offset = .* RETURNING", "RETURNING", in_words(*given))

    monkeypatch.setattr(positions, "_move_statement", unconditional)
    monkeypatch.setattr(positions, "_move_in_words", unconditional_words)
    for table in (positions.position, work_items.position):
        monkeypatch.setitem(MEANINGS, unconditional(table).text, sql_projection._move)
    assert law_broken(ViewsUnderFire) in {0, 3}


def test_items_that_no_outcome_closes_wait_for_ever(monkeypatch):
    monkeypatch.setattr(work_items, "close", lambda connection, closings: 0)
    assert law_broken(SiteUnderFire, programs=30) in {0, 5}
