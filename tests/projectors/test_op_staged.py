"""Staged inputs as the views show them, and which of them a policy wants to go."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import Engine, text

from consumers.housekeeping import ACTOR, Housekeeping
from consumers.sender import Sender
from consumers.staged_inputs import unstagings_wanted
from events.envelope import decode_request
from events.log import Place
from events.memory_log import MemoryLog
from events.space_policy import Quota
from events.topic_specs import topic_specs
from events.topics import Topics
from projectors.op_story import gather
from service.op_why import OpStory, op_why
from service.op_why_text import lines_of
from tests.machines.given import Story
from tests.machines.given_op import INVERTIBLE, VISP, cover, take
from tests.projectors.test_op_views import read, shown
from tests.projectors.test_projector import erase

STAGED_AT = datetime(2026, 11, 21, 5, tzinfo=UTC)


def an_op(name: str, *then: str, size: int = 100) -> Story:
    """Its inputs are staged, and then these steps were taken."""
    story = Story("op", name)
    for step in INVERTIBLE:
        take(story, step)
    stage(story, f"file:///work/{name}", size)
    for step in then:
        take(story, step)
    return story


def stage(story: Story, location: str, size: int) -> None:
    told = {"program": VISP, "cover": cover(story), "location": location, "files": 2, "size_bytes": size}
    assert story.ask("preprocessed", told).type == "op.preprocessed"


def unstage(story: Story, **how: Any) -> None:
    told = {"program": VISP, "policy": "staged-age", "because": "old"}
    assert story.ask("unstage", told | how).type == "op.unstaging"


def gone(story: Story, *, is_gone: bool = True) -> None:
    told = {
        "program": VISP,
        "location": f"file:///work/{story.subject}",
        "is_gone": is_gone,
        "message": "so it is",
    }
    assert story.ask("unstaged", told).type == "op.unstaged"


def folded(engine: Engine, following: Any, *stories: Story) -> None:
    """All of these, from the beginning."""
    erase(engine)
    read(following, [("op", each.subject, decision.value) for each in stories for decision in each.decisions])


def wanted(engine: Engine, *, days: float = 0.0, at_most: int = 10, **quota: Any) -> list[tuple[str, str]]:
    at = STAGED_AT + timedelta(days=days)
    with engine.connect() as connection:
        found = list(unstagings_wanted(connection, Quota(**quota), at=at, at_most=at_most))
    assert all(each.location == f"file:///work/{each.op}" and each.program == VISP for each in found)
    return [(each.op, each.policy) for each in found]


def test_without_a_limit_nothing_is_wanted_and_what_is_worked_with_never(engine, following):
    held = an_op("held", "hold")
    folded(
        engine,
        following,
        an_op("free"),
        an_op("worked", "claim"),
        an_op("released", "claim", "release"),
        held,
    )
    assert wanted(engine, days=100) == []
    assert wanted(engine, days=9, max_age_days=10) == []
    assert wanted(engine, days=11, max_age_days=10) == [("free", "staged-age"), ("released", "staged-age")]
    assert wanted(engine, days=11, max_age_days=10, at_most=1) == [("free", "staged-age")]
    assert wanted(engine, max_bytes=0) == [("released", "staged-quota"), ("free", "staged-quota")][::-1]


def test_a_quota_takes_what_waits_for_nobody_first_and_counts_what_has_to_stay(engine, following):
    changed = an_op("changed")
    changed.ask("requalify", {"program": VISP}, reason="other criteria")
    folded(engine, following, an_op("waits"), an_op("worked", "claim"), changed)
    assert wanted(engine, max_bytes=300) == []
    assert wanted(engine, max_bytes=299) == [("changed", "staged-quota")]
    assert wanted(engine, max_bytes=199) == [("changed", "staged-quota"), ("waits", "staged-quota")]
    assert wanted(engine, max_bytes=250, down_to=0.1) == [
        ("changed", "staged-quota"),
        ("waits", "staged-quota"),
    ]
    both = wanted(engine, days=2, max_age_days=1, max_bytes=0)
    assert both == [("changed", "staged-age"), ("waits", "staged-age")], "each once"


def test_what_is_on_its_way_out_or_gone_is_not_wanted_and_what_was_left_is(engine, following):
    going, over, left = an_op("going"), an_op("over"), an_op("left")
    for each in (going, over, left):
        unstage(each)
    gone(over)
    gone(left, is_gone=False)
    folded(engine, following, going, over, left)
    assert wanted(engine, days=0.9, max_age_days=0.1) == [("left", "staged-age")]
    again = wanted(engine, days=1.1, max_age_days=1)
    assert again == [("going", "staged-age"), ("left", "staged-age")], (
        "whoever was to remove it may have been lost"
    )
    rows = {row["op"]: row for row in shown(engine, "SELECT * FROM v1.op_staged")}
    assert [rows[name]["removed_at"] is not None for name in ("going", "over", "left")] == [
        False,
        True,
        False,
    ]
    assert [rows[name]["removing_at"] is not None for name in ("going", "over", "left")] == [
        True,
        True,
        False,
    ]
    assert [rows[name]["was_left"] for name in ("going", "over", "left")] == [None, False, True]
    assert (rows["left"]["message"], rows["over"]["because"], rows["over"]["size_bytes"]) == (
        "so it is",
        "old",
        100,
    )


def why(engine: Engine, op: str) -> str:
    with engine.connect() as connection:
        members = gather(connection, op)
    assert members is not None
    return "\n".join(lines_of(op_why(OpStory(**members))))


def test_the_views_and_why_tell_where_inputs_are_until_they_are_back(engine, following):
    story = an_op("eid")
    folded(engine, following, story)
    assert [row["is_current"] for row in shown(engine, "SELECT * FROM v1.op_staged")] == [True]
    waiting = shown(engine, "SELECT waiting_since_at FROM v1.op_queue")
    unstage(story)
    gone(story)
    folded(engine, following, story)
    [program] = shown(engine, "SELECT * FROM v1.op_program")
    assert (program["staged_location"], program["unstaged_because"]) == (None, "old")
    assert shown(engine, "SELECT staged_location FROM v1.op_queue") == [{"staged_location": None}]
    assert "its staged inputs were removed (old); they are staged again for whoever claims it" in why(
        engine, "eid"
    )
    take(story, "claim")
    folded(engine, following, story)
    assert "which had been removed, are being staged again" in why(engine, "eid")
    stage(story, "file:///work/eid-again", 100)
    folded(engine, following, story)
    [attempt] = shown(engine, "SELECT * FROM v1.op_attempt")
    [program] = shown(engine, "SELECT * FROM v1.op_program")
    assert attempt["staged_location"] == program["staged_location"] == "file:///work/eid-again"
    assert (program["unstaged_because"], attempt["state"]) == (None, "Working")
    assert program["since_at"] == waiting[0]["waiting_since_at"], "it waits since it could first be claimed"
    rows = shown(engine, "SELECT location, is_current, removed_at FROM v1.op_staged ORDER BY location")
    assert [(row["location"], row["is_current"], row["removed_at"] is None) for row in rows] == [
        ("file:///work/eid", False, False), ("file:///work/eid-again", True, True),
    ]  # fmt: skip


@pytest.mark.parametrize("limit", [{"max_age_days": 1}, {"max_bytes": 0}])
def test_housekeeping_asks_by_the_policy_of_the_home_once_a_day(engine, following, limit):
    folded(engine, following, an_op("free"), an_op("worked", "claim"))
    with engine.begin() as connection:
        statement = (
            "INSERT INTO work.stream_configuration (stream, configuration_version, configuration) "
            "VALUES ('dkist', 1, CAST(:told AS jsonb))"
        )
        told = {"stream": "dkist", "programs": {"staged": limit}}
        connection.execute(text(statement), {"told": orjson.dumps(told).decode()})
    log, topics = MemoryLog(), Topics("t")
    log.ensure(topic_specs(topics, {"op": 1, "file": 1}, ()))
    clock = {"now": STAGED_AT + timedelta(days=2)}
    keeper = Housekeeping(
        engine=engine, sender=Sender(log.writer), topics=topics, clock=lambda: clock["now"], source="w"
    )
    assert [keeper.run_once(), keeper.run_once()] == [1, 1]
    clock["now"] += timedelta(days=1)
    keeper.run_once()
    reader = log.reader()
    reader.assign({Place(topics.requests("op"), 0): 0})
    asked = [
        decode_request(message.value)
        for found in reader.poll(at_most=10, timeout_s=0).values()
        for message in found
    ]
    assert [each.id == asked[0].id for each in asked] == [True, True, False]
    assert {(each.type, each.subject, each.actor) for each in asked} == {("op.unstage", "free", ACTOR)}
    assert asked[0].data["location"] == "file:///work/free"
