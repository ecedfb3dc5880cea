"""Trust of streams: lost by bad files, earned back by good ones, and what a reader of files behind others gets."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.child import Limits
from consumers.obligations import obligations
from consumers.owed import Judged
from consumers.trust import trust_in
from events.trust_policy import TrustPolicy
from tests.machines.given import FAILED, Story, a_file, current

histories = st.text(alphabet="gb", max_size=100)
policies = st.builds(TrustPolicy, latest=st.integers(1, 100), bad_share=st.floats(0, 1, allow_nan=False)).map(
    lambda policy: policy.model_dump()
)


@pytest.mark.parametrize(
    ("policy", "latest", "is_behind"),
    [
        ({}, None, True),
        ({}, "g", False),
        ({}, "b", True),
        ({}, "gb", False),
        ({}, "gbb", True),
        ({}, "b" * 80 + "g" * 10 + "b" * 10, False),
        ({}, "g" * 80 + "b" * 11 + "g" * 9, True),
        ({"latest": 2}, "bbbgg", False),
        ({"bad_share": 0.0}, "g" * 19 + "b", True),
        ({"bad_share": 1.0}, "b" * 20, False),
        ({"bad_share": 1.0}, None, False),
    ],
)
def test_a_stream_goes_behind_others_by_what_its_latest_files_were(policy, latest, is_behind):
    assert trust_in(policy, latest).is_behind is is_behind


@given(policy=policies, history=histories)
def test_whatever_was_good_files_earn_trust_back(policy, history):
    assert not trust_in(policy, history + "g" * policy["latest"]).is_behind


@given(policy=policies, history=histories.filter(bool))
def test_a_good_file_never_costs_trust(policy, history):
    if not trust_in(policy, history).is_behind:
        assert not trust_in(policy, history + "g").is_behind


def test_it_says_why_and_what_ends_it():
    assert "11 of its last 20 files" in str(trust_in({}, "g" * 80 + "b" * 11 + "g" * 9).why)
    assert "none of its files" in str(trust_in({}, None).why)
    assert trust_in({}, "g").why is None


def judged(story: Story) -> list[Judged]:
    return [each for each in obligations(story.decisions[-1].record) if isinstance(each, Judged)]


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        (("arrive", "start", "validated"), [True]),
        (("arrive", "start", "reject"), [False]),
        (("arrive", "start", "validated", "transferred"), []),
        (("arrive", "fail"), []),
        (("arrive", "dismiss"), []),
    ],
)
def test_only_what_was_looked_into_is_judged(steps, wanted):
    story = a_file(*steps)
    assert [(each.stream, each.is_good) for each in judged(story)] == [
        ("roman", is_good) for is_good in wanted
    ]


def test_a_file_whose_reader_was_killed_counts_against_its_stream():
    story = a_file("arrive", "start")
    story.ask("fail", {**FAILED, "code": "CHILD_KILLED"}, **current(story))
    assert [each.is_good for each in judged(story)] == [False]


def test_who_goes_behind_gets_less_of_the_machine_and_as_much_time():
    limits = Limits(memory_bytes=7, cpu_s=9, wall_s=2.0, nice=5)
    behind = limits.behind()
    assert behind.nice > limits.nice
    assert replace(behind, nice=limits.nice) == limits
    assert Limits(nice=19).behind().nice == 19
