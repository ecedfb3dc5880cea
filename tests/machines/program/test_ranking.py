from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from consumers.policies import ranking
from machines.program.ranking import Candidate, Ranking, rank, score

NOW = datetime(2026, 1, 10, tzinfo=UTC)
WEIGHTS = ranking()


def a_candidate(op="op-1", days=10.0, **members):
    return Candidate(op, "id.1", members.pop("instrument", "VISP"), NOW - timedelta(days=days), **members)


def order(*candidates):
    return [each.candidate.op_id for each in rank(candidates, WEIGHTS, at=NOW)]


def test_each_term_moves_the_place_as_people_expect():
    plain = a_candidate("plain", frames=1000)
    assert order(plain, a_candidate("marked", 0, frames=10**6, mark=True, priority=-90))[0] == "marked"
    assert order(plain, a_candidate("urgent", frames=1000, priority=1))[0] == "urgent"
    assert order(plain, a_candidate("old", 11, frames=1000))[0] == "old"
    assert order(plain, a_candidate("small", frames=100))[0] == "small"
    assert order(plain, a_candidate("context", frames=1000, instrument="VBI"))[0] == "plain"


def test_a_score_is_the_sum_of_its_terms_and_all_five_are_shown():
    (ranked,) = rank([a_candidate(frames=1000, priority=2, mark=True)], WEIGHTS, at=NOW)
    assert [each.name for each in ranked.terms] == ["mark", "priority", "age", "size", "instrument"]
    assert ranked.why.startswith(
        "+1000.0 mark (marked) +20.0 priority (+2) +2.7 age (10.0 d) -15.0 size (1000 frames)"
    )
    assert ranked.score == 1017.74


def test_age_gives_so_much_and_no_more_and_the_future_none():
    ancient, newer = (
        score(a_candidate(days=5000), WEIGHTS, at=NOW),
        score(a_candidate(days=4000), WEIGHTS, at=NOW),
    )
    assert ancient[0] == newer[0]
    assert score(a_candidate(days=-5), WEIGHTS, at=NOW)[0] == score(a_candidate(days=0), WEIGHTS, at=NOW)[0]


CANDIDATES = st.lists(
    st.builds(
        a_candidate, st.sampled_from("abcdef"), st.floats(-10, 1000), frames=st.none() | st.integers(0, 10**6),
        priority=st.integers(-100, 100), mark=st.booleans(), instrument=st.sampled_from(["VISP", "VBI"]),
    ),
    max_size=12,
)  # fmt: skip


@given(CANDIDATES, st.randoms())
def test_the_order_is_that_of_the_scores_and_never_chance(candidates, random):
    ranked = rank(candidates, WEIGHTS, at=NOW)
    assert [each.rank for each in ranked] == list(range(1, len(candidates) + 1))
    scores = [each.score for each in ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(
        each.score == pytest.approx(sum(term.points for term in each.terms), abs=1e-3) for each in ranked
    )
    shuffled = random.sample(candidates, len(candidates))
    assert [each.candidate[:4] for each in rank(shuffled, WEIGHTS, at=NOW)] == [
        each.candidate[:4] for each in ranked
    ]


@pytest.mark.parametrize(
    "members", [{"mark": float("nan")}, {"age_at_most": -1}, {"size_per_tenfold": "big"}]
)
def test_weights_that_are_none_are_refused(members):
    with pytest.raises(ValidationError):
        Ranking.model_validate({**WEIGHTS.model_dump(), **members})
