"""The ranked queue: every term of each score, and the rows it came from."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.policies import ranking
from service.op_queue import ranked

NOW = datetime(2026, 1, 10, tzinfo=UTC)


def a_row(op, **members):
    return {
        "op": op, "program": "id.1", "instrument": "VISP", "waiting_since_at": NOW - timedelta(days=10),
        "frames": 1000, "priority": 0, "mark": False, **members,
    }  # fmt: skip


def test_each_row_tells_its_place_and_the_terms_that_its_score_is_the_sum_of():
    rows = ranked(
        [a_row("plain"), a_row("urgent", priority=2), a_row("marked", mark=True)], ranking(), at=NOW
    )
    assert [(row["rank"], row["op"]) for row in rows] == [(1, "marked"), (2, "urgent"), (3, "plain")]
    for row in rows:
        points = {name: row[f"points_{name}"] for name in ("mark", "priority", "age", "size", "instrument")}
        assert {each["name"]: each["points"] for each in row["terms"]} == points
        assert row["score"] == pytest.approx(sum(points.values()))
    assert rows[1]["points_priority"] == 20
    assert rows[1]["why"].startswith("+0.0 mark (no) +20.0 priority (+2) +2.7 age (10.0 d)")
    assert rows[1]["priority"] == 2


def test_two_programs_of_one_op_have_each_a_place():
    rows = ranked(
        [a_row("op-1", program="id.1"), a_row("op-1", program="id.2", mark=True)], ranking(), at=NOW
    )
    assert [(row["rank"], row["program"]) for row in rows] == [(1, "id.2"), (2, "id.1")]


def test_what_nobody_has_said_gives_no_points():
    [row] = ranked([a_row("op-1", frames=None, instrument=None, waiting_since_at=None)], ranking(), at=NOW)
    assert (row["score"], row["rank"]) == (0, 1)
    assert "unknown frames" in row["why"]


@given(
    st.permutations(
        [("op-1", "id.1"), ("op-1", "id.2"), ("op-10", "id.1"), ("op-2", "id.1"), ("Op-3", "id.9")]
    )
)
def test_of_programs_that_are_alike_the_names_decide_and_never_the_order_in_which_they_were_read(names):
    rows = ranked([a_row(op, program=program) for op, program in names], ranking(), at=NOW)
    assert [(row["op"], row["program"]) for row in rows] == sorted(names)
    assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5]
    assert len({row["score"] for row in rows}) == 1


def test_of_equal_scores_who_waits_longer_comes_first_even_where_age_gives_no_more_points():
    rows = [
        a_row("a-newer", waiting_since_at=NOW - timedelta(days=4000)),
        a_row("z-older", waiting_since_at=NOW - timedelta(days=5000)),
    ]
    assert [row["op"] for row in ranked(rows, ranking(), at=NOW)] == ["z-older", "a-newer"]


def test_a_program_that_is_told_twice_has_one_place():
    assert len(ranked([a_row("op-1", frames=1), a_row("op-1", frames=1)], ranking(), at=NOW)) == 1
