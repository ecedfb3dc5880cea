"""A file and the sum that a manifest has of it, in whatever order they come: what differs is said, with both sums."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.machines.given import SHA_A, SHA_B, STARTED, Story, arrival, current, findings

GOOD, OTHER = "0" * 32, "1" * 32
DIFFERS = "MANIFEST_MISMATCH"


def naming(value: str = GOOD, *, version: int = 1, manifest: str = "n.md5") -> dict[str, object]:
    kind = "MD5" if len(value) == 32 else "SHA-256"
    return {"manifest": manifest, "manifest_version": version, "algorithm": kind, "sum": value}


def read(story: Story, **more):
    story.ask("start", STARTED, **current(story))
    return story.ask("validated", findings(**more), **current(story))


def warned(story: Story) -> list[str]:
    return story.state.state.newest.warnings


@pytest.mark.parametrize("order", list(permutations(["attest", "arrive", "read"])))
@pytest.mark.parametrize(
    ("value", "agrees"), [(GOOD, True), (OTHER, False), (SHA_A, True), (SHA_B, False)], ids=lambda each: str(each)[:2]
)  # fmt: skip
def test_whichever_came_first_both_sums_are_compared(order, value, agrees):
    if order.index("read") < order.index("arrive"):
        return  # nothing to read yet
    story, facts = Story("file", "keck/a"), []
    for step in order:
        if step == "attest":
            facts.append(story.ask("attest", naming(value)))
        elif step == "arrive":
            story.ask("arrive", arrival())
        else:
            facts.append(read(story, md5=GOOD))
    last = facts[-1]
    told = last.data if last.type == "file.attested" else last.data["attested"]
    assert told["agrees"] is agrees
    assert told["found"] == (GOOD if len(value) == 32 else SHA_A)
    found = [each for each in last.data["warnings"] if each["code"] == DIFFERS]
    assert [(each["found"], each["wanted"]) for each in found] == ([] if agrees else [(told["found"], value)])
    assert all(told["found"] in each["message"] and value in each["message"] for each in found)
    assert warned(story) == ([] if agrees else [DIFFERS])
    assert last.tostate == "TRANSFERRING", "a finding, and no state"


def test_a_file_that_is_not_wanted_as_it_is_is_compared_too():
    story = Story("file", "keck/a")
    story.ask("attest", naming())
    story.ask("arrive", arrival())
    story.ask("start", STARTED, **current(story))
    cut = {"code": "TRUNCATED", "message": "cut", "sha256": SHA_A, "md5": OTHER}
    rejected = story.ask("reject", cut, **current(story))
    assert rejected.data["attested"] == {"manifest": "n.md5", "agrees": False, "found": OTHER}
    assert [each["code"] for each in rejected.data["warnings"]] == [DIFFERS]


def test_what_no_manifest_names_is_no_news():
    story = Story("file", "keck/a")
    story.ask("arrive", arrival())
    fact = read(story, md5=GOOD)
    assert "attested" not in fact.data
    assert fact.data["warnings"] == []


def test_without_a_sum_of_this_kind_nothing_is_said_of_it():
    story = Story("file", "keck/a")
    story.ask("attest", naming())
    story.ask("arrive", arrival())
    assert read(story).data["attested"] == {"manifest": "n.md5"}
    assert warned(story) == []


def test_a_newer_list_that_agrees_withdraws_the_warning_and_an_older_one_is_not_heard():
    story = Story("file", "keck/a")
    story.ask("arrive", arrival())
    read(story, md5=GOOD)
    story.ask("attest", naming(OTHER))
    assert warned(story) == [DIFFERS]
    fact = story.ask("attest", naming(GOOD, version=2))
    assert (fact.data["agrees"], fact.data["withdraws"]) == (True, [DIFFERS])
    assert warned(story) == []
    assert "version 2 has spoken" in story.ask("attest", naming(OTHER)).data["reasons"][0]
    assert "said so already" in story.ask("attest", naming(GOOD, version=2)).data["reasons"][0]
    assert warned(story) == []


STEPS = ["arrive", "other", "start", "read", "cut", "good", "wrong", "newer", "again"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=14))
def test_whatever_comes_the_warning_holds_exactly_while_the_sums_differ(steps):
    story = Story("file", "keck/a")
    for number, step in enumerate(steps):
        file = story.state.state
        sums: dict[str, Any] = {"md5": (GOOD, OTHER)[number % 2]}
        now = current(story) if file.newest else {"version": 1, "attempt": 1}
        asks: dict[str, tuple[str, Any, Any]] = {
            "arrive": ("arrive", arrival(), {}),
            "other": ("arrive", arrival(None, witness=f"inbox/0/{number}", uri=f"file:///{number}"), {}),
            "start": ("start", STARTED, now),
            "read": ("validated", findings(**({} if number % 5 == 0 else sums)), now),
            "cut": ("reject", {"code": "TRUNCATED", "message": "cut", **sums}, now),
            "good": ("attest", naming(GOOD, version=number + 1), {}),
            "wrong": ("attest", naming(OTHER, version=number + 1), {}),
            "newer": ("attest", naming(GOOD, version=1, manifest=f"{number}.md5"), {}),
            "again": ("reprocess", {}, {"reason": "because"}),
        }
        word, data, more = asks[step]
        assert story.ask(word, data, **more).data.get("code") != "INTERNAL"
        assert story.desk.dump(story.desk.load(story.desk.dump(story.state))) == story.desk.dump(story.state)
        newest, said = file.newest, file.attested
        if newest is None or said is None:
            continue
        differs = newest.md5 is not None and newest.md5 != said["sum"]
        assert (DIFFERS in newest.warnings) is differs, (step, steps)
