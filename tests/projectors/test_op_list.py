"""Observing programs listed a page at a time, and what explains one, read from the views of random lives."""

from typing import Any

import pytest
from sqlalchemy import text

from consumers.policies import ranking
from projectors.op_list import OpFilter, op_page
from projectors.op_search import close_ops, now_of, queued
from projectors.op_story import gather, whole
from service.op_queue import ranked
from service.op_why import OpStory, op_why
from service.op_why_text import lines_of
from tests.machines.given_op import OP_ID, PUBLISHED, VISP, an_op
from tests.projectors.histories import on_log
from tests.projectors.many_ops import fill
from tests.projectors.op_histories import op_histories
from tests.projectors.test_projector import drain


@pytest.fixture
def read(engine, following):
    def of(sealed):
        follower = following(on_log(sealed))
        follower.take_over()
        drain(follower)
        follower.close()
        return engine

    return of


def a_life(*steps):
    story = an_op(*steps)
    return [("op", story.subject, decision.value) for decision in story.decisions]


def story_of(connection, op):
    members = gather(connection, op)
    assert members is not None
    return OpStory(**members)


def in_queue(connection):
    found = queued(connection, ranking(), at=now_of(connection), limit=1000)
    assert found.length == len(found.rows)
    return [(row["op"], row["program"]) for row in found.rows]


def names(connection, **wanted):
    return {row["op"] for row in op_page(connection, OpFilter(**wanted)).ops}


@pytest.mark.parametrize("seed", range(4))
def test_pages_put_together_are_all_ops_once_and_each_filter_finds_what_it_says(read, seed):
    sealed, ops, _ = op_histories(seed, length=90)
    with read(sealed).connect() as connection:
        found, after = [], None
        while True:
            page = op_page(connection, OpFilter(), after=after, limit=1)
            found += [(row["since_at"], row["op"]) for row in page.ops]
            after = page.next
            if after is None:
                break
        known = {name: op for name, op in ops.items() if op.state.is_known}
        assert found == sorted(found)
        assert [name for _, name in found] == list(dict.fromkeys(name for _, name in found))
        assert {name for _, name in found} == set(known)
        for state in {op.state for op in known.values()}:
            assert names(connection, states=(state,)) == {n for n, op in known.items() if op.state == state}
        for owner in {op.owner for op in known.values()} - {None}:
            assert names(connection, owners=(owner,)) == {n for n, op in known.items() if op.owner == owner}
        with_visp = {
            name for name, op in known.items()
            if any(each.cover["datasets"] for each in op.programs.values() if each.name == VISP)
        }  # fmt: skip
        assert names(connection, programs=(VISP,)) == with_visp
        assert names(connection, programs=(VISP,), instruments=("nirsp",)) == set()
        told = {row["op"]: row for row in connection.execute(text("SELECT * FROM v1.op")).mappings()}
        for row in told.values():
            for name in ("proposal", "experiment"):
                same = {op for op, other in told.items() if other[name] == row[name] is not None}
                assert names(connection, **{f"{name}s": (row[name],)}) == (same if row[name] else set())
            since, until = row["since_at"], row["since_at"]
            assert names(connection, since=since) == {
                o for o, other in told.items() if other["since_at"] >= since
            }
            assert names(connection, until=until) == {
                o for o, other in told.items() if other["since_at"] < until
            }
        assert names(connection, proposals=("of nobody",)) == set()
        for name, op in known.items():
            if "" in op.announced:
                assert told[name]["announced_datasets"] == op.announced[""]
        overdue = text(
            "SELECT op FROM v1.op WHERE (overdue_to IS NOT NULL OR owner_due_at <= now()) AND state <> 'Published'"
        )
        assert names(connection, overdue=True) == set(connection.execute(overdue).scalars())


@pytest.mark.parametrize("seed", range(4))
def test_every_op_of_random_lives_is_explained_part_by_part(read, seed):
    sealed, ops, _ = op_histories(seed, length=90)
    with read(sealed).connect() as connection:
        for name, op in ops.items():
            if not op.state.is_known:
                assert gather(connection, name) is None
                assert whole(connection, name) is None
                continue
            answer = op_why(story_of(connection, name))
            assert answer.state == op.state
            parts = {each.part for each in answer.stands}
            assert {f"program {each}" for each in op.programs} <= parts
            assert set(op.failures) <= parts
            assert {each.part for each in answer.stands if each.state == "Error"} == set(op.failures)
            open_ = {f"attempt {n} on {each.program}" for n, each in op.attempts.items() if each.is_open}
            assert open_ <= parts
            for program in op.programs.values():
                [stand] = [each for each in answer.stands if each.part == f"program {program.name}"]
                assert stand.state == program.state
                claim = f"meridian op claim {name} --program {program.name}"
                queue = set(in_queue(connection))
                assert (claim in {each.command for each in stand.help}) == ((name, program.name) in queue)
            assert lines_of(answer)[0].startswith(f"{name}: {op.state} since ")


def test_a_failed_verdict_is_explained_by_its_findings_and_is_in_no_queue(read):
    with read(a_life("discover", "ready", "not pass")).connect() as connection:
        [stand] = op_why(story_of(connection, OP_ID)).stands
        [finding] = stand.failed
        assert (finding.criterion, finding.value, finding.threshold, finding.margin) == (
            "health",
            0.9,
            0.75,
            0.15,
        )
        assert in_queue(connection) == []
        assert close_ops(connection, OP_ID[:-2]) == [OP_ID]
        assert close_ops(connection, "100%_") == []


WEIGHTS: tuple[dict[str, Any], ...] = (
    {},
    {"mark": -3.0, "priority": 0.5, "age_per_day": -0.3, "age_at_most": 40.0, "size_per_tenfold": 7.0},
    {"age_at_most": 0.0, "instruments": {}},
    {"age_at_most": 30.0, "size_per_tenfold": 7.0},
    {"age_per_day": 0.05, "size_per_tenfold": 3.0, "instruments": {"VISP": -20.0, "VBI": 5.0}},
)


@pytest.mark.parametrize("weights", WEIGHTS, ids=str)
def test_the_first_of_a_long_queue_are_those_that_ranking_all_of_it_puts_first(engine, weights):
    by = ranking().model_copy(update=weights)
    with engine.begin() as connection:
        fill(connection, 2000, queued=0.4)
        at = now_of(connection)
        all_of_it = [dict(row) for row in connection.execute(text("SELECT * FROM v1.op_queue")).mappings()]
        everything = ranked(all_of_it, by, at=at)
        for limit in (1, 7, 150, 5000):
            found = queued(connection, by, at=at, limit=limit)
            assert found.length == len(everything) > 700
            assert ranked(found.rows, by, at=at) == everything[:limit]


SHAPES = {
    "all equally long": "since_at = '2026-01-01T00:00:00Z'",
    "all alike": "since_at = '2026-01-01T00:00:00Z', frames = 100",
    "all from the future": "since_at = now() + interval '1 day'",
    "in a few heaps": "since_at = date_trunc('month', since_at), frames = 10 ^ (length(op) % 3)",
}


@pytest.mark.parametrize("queued_share", [0.2, 1.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_ties_go_by_name_wherever_the_limit_cuts_them(engine, shape, queued_share):
    """What bounds a queue is the age that the last of the first has: here many have it, or all of them."""
    by = ranking()
    with engine.begin() as connection:
        fill(connection, 1500, queued=queued_share)
        connection.execute(
            text(f"UPDATE projection.op_program SET {SHAPES[shape]} WHERE since_at IS NOT NULL")
        )
        at = now_of(connection)
        all_of_it = [dict(row) for row in connection.execute(text("SELECT * FROM v1.op_queue")).mappings()]
        everything = ranked(all_of_it, by, at=at)
        assert len({row["score"] for row in everything}) < len(everything), "no tie: nothing is tried"
        for limit in (1, 2, 40, 199, 640, 5000):
            found = queued(connection, by, at=at, limit=limit)
            assert found.length == len(everything) > 1500 * queued_share * 0.8
            assert [(row["op"], row["program"]) for row in ranked(found.rows, by, at=at)] == [
                (row["op"], row["program"]) for row in everything[:limit]
            ]


def test_what_can_be_claimed_has_a_place_and_what_is_held_or_claimed_has_none(read):
    with read(a_life("discover", "ready", "pass", "stage")).connect() as connection:
        assert in_queue(connection) == [(OP_ID, VISP)]


@pytest.mark.parametrize("more", ["claim", "hold"])
def test_what_is_taken_has_no_place(read, more):
    with read(a_life("discover", "ready", "pass", "stage", more)).connect() as connection:
        assert in_queue(connection) == []


def test_all_that_is_known_of_a_published_op_is_shown(read):
    with read(a_life(*PUBLISHED)).connect() as connection:
        members = whole(connection, OP_ID)
    assert members is not None
    assert [each["program"] for each in members["instrument_programs"]] == [VISP]
    assert [each["state"] for each in members["attempt_rows"]] == ["Published"]
    assert [each["criterion"] for each in members["criteria"]] == ["health"]
    assert [each["dataset"] for each in members["dataset_rows"]] == ["A"]
    assert "nobody" in {each["waited_for"] for each in members["waited"]}
