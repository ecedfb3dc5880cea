"""Lives of observing programs: what they ask is decided as they say, and none is asked on before it stands there."""

from collections import Counter
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from service.faults.program_life import BESIDE_THE_ATTEMPT, ENDS, Step, plan
from service.faults.programs_under_way import AT_ONCE, ProgramsUnderWay, Telling, worded
from tests.service.faults.played_program import PlayedProgram

LIVES = 40


def lives_of(end: str, products: Path) -> list[list[Step]]:
    return [list(plan("eid_1", Random(seed), products, end=end)) for seed in range(LIVES)]


@pytest.mark.parametrize("end", ENDS)
def test_a_life_ends_where_it_is_to_end_and_they_differ(tmp_path, end):
    lives = lives_of(end, tmp_path)
    assert {life[-1].leads_to for life in lives} == {end}
    assert (len({tuple(step.said.name for step in life) for life in lives}) > 1) == (end != "Discovered")


def test_only_what_comes_from_outside_is_said_and_the_sites_own_work_is_left_to_it(tmp_path):
    said = Counter(step.said.name for end in ENDS for life in lives_of(end, tmp_path) for step in life)
    assert {"dataset.changed", "op.discover", "op.claim", "op.hand_in", "op.review", "op.publish"} <= set(
        said
    )
    assert not {"op.judge", "op.not_needed", "op.inverted", "op.step_done", "op.published"} & set(said)


@pytest.mark.parametrize("end", ENDS)
def test_each_step_is_decided_as_it_says_and_leads_where_it_says(tmp_path, end):
    refused = 0
    for steps in lives_of(end, tmp_path):
        played = PlayedProgram("eid_1")
        for number, step in enumerate(steps):
            is_refused = played.hear(worded("eid_1", step, str(UUID(int=number + 1 << 64))), tmp_path)
            assert is_refused == step.is_refused, step
            played.work()
            assert played.standing == step.leads_to, step
            refused += is_refused
        assert str(played.state.state) == BESIDE_THE_ATTEMPT.get(end, end)
    assert (refused > 0) == (end != "Discovered")


def test_those_under_way_are_asked_on_only_where_all_before_is_acknowledged_and_done(tmp_path):
    programs = ProgramsUnderWay(tmp_path, seed=3)
    for _ in range(2 * AT_ONCE):
        programs.begin()
    first = programs.take({})
    assert len(first) == AT_ONCE
    assert programs.take({}) == []  # not acknowledged
    for each in first:
        programs.acknowledged(each)
    assert programs.wanted == {each.word.op: each.leads_to for each in first}
    assert programs.take({}) == []  # acknowledged, and nobody has seen what came of it
    (there, *_) = first
    again = programs.take({there.word.op: there.leads_to})
    assert {each.word.op for each in again} <= {there.word.op}
    assert all(each.word.id != there.word.id for each in again)


def test_lives_are_the_same_for_the_same_seed_repeat_some_ids_and_come_to_their_ends(tmp_path):
    said = lived(ProgramsUnderWay(tmp_path, seed=7), 60)
    assert ids_of(said) == ids_of(lived(ProgramsUnderWay(tmp_path, seed=7), 60))
    assert ids_of(said) != ids_of(lived(ProgramsUnderWay(tmp_path, seed=8), 60))
    again = [each.again for each in said if each.again is not None]
    assert 0.03 < len(again) / len(said) < 0.3
    assert {each.id for each in again} <= {each.word.id for each in said}
    ends = Counter(each.leads_to for each in said if each.ends)
    assert ends["Published"] > 15
    assert len(ends) > 5


def lived(programs: ProgramsUnderWay, count: int) -> list[Telling]:
    """So many lives, in a site in which everything is done at once."""
    said: list[Telling] = []
    while programs.over < count:
        programs.begin()
        for each in programs.take(dict(programs.wanted)):
            said.append(each)
            programs.acknowledged(each)
    return said


def ids_of(said: list[Telling]) -> list[str]:
    return [each.word.id for each in said]
