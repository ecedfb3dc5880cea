"""The ranked queue: every term of each score, and the rows it came from."""

from datetime import UTC, datetime, timedelta

import pytest

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
