"""A stream's rules for checks: what cannot be meant is refused before it is a fact."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from consumers.checks.comparison import UnfitError, require_fit
from consumers.checks.judging import Rule
from consumers.checks.rules import judging_of
from events.stream import StreamConfiguration
from events.stream_checks import CheckRule

LIMITS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
COMPARISONS = ["<", "<=", ">", ">=", "==", "!=", "between", "one_of"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"comparison": "<", "threshold": "10"}, {"comparison": "<"}, {"comparison": "<", "threshold": [1]},
        {"comparison": "between", "threshold": 1}, {"comparison": "between", "threshold": [2, 1]},
        {"comparison": "between", "threshold": [1, "2"]}, {"comparison": "one_of", "threshold": "F158"},
        {"comparison": "one_of", "threshold": []}, {"comparison": "==", "threshold": [1]},
        {"comparison": "roughly", "threshold": 1}, {"threshold": math.nan}, {"threshold": math.inf},
        {"threshold": True}, {"threshold": [math.nan, 1]}, {"level": "fatal"}, {"purposes": ["fun"]}, {"unit": "s"},
        {"check": "Seeing"}, {"check": ""}, {"check": "x" * 61}, {"check": "a b"}, {"threshold": "x" * 201},
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_meant_is_refused(wanted):
    with pytest.raises(ValidationError):
        CheckRule(**{"check": "seeing", **wanted})


def _fits(rule: Rule) -> bool:
    try:
        require_fit(rule.comparison or "", rule.threshold)
    except UnfitError:
        return False
    return True


@given(comparison=st.sampled_from(COMPARISONS), threshold=LIMITS | st.lists(LIMITS, max_size=3))
def test_what_is_taken_can_be_compared_with(comparison, threshold):
    try:
        rule = CheckRule(check="seeing", comparison=comparison, threshold=threshold)
    except ValidationError:
        return
    (told,) = judging_of(StreamConfiguration(stream="a", qa=(rule,))).rules
    assert _fits(told)


def test_rules_are_kept_as_they_were_written():
    rules = [
        {"check": "seeing", "level": "critical", "comparison": "<=", "threshold": 2, "purposes": ["science"]},
        {"check": "filter", "comparison": "one_of", "threshold": ["F158", "F146"], "required": True},
    ]
    found = StreamConfiguration.model_validate({"stream": "a", "qa": rules})
    again = StreamConfiguration.model_validate_json(found.model_dump_json())
    assert again == found
    assert [type(rule.threshold) for rule in again.qa] == [int, tuple]


def test_rules_that_are_too_many_to_go_with_every_file_are_refused():
    long = {"check": "filter", "comparison": "one_of", "threshold": ["x" * 190] * 200}
    with pytest.raises(ValidationError, match="bytes"):
        StreamConfiguration.model_validate({"stream": "a", "qa": [long] * 2})
    with pytest.raises(ValidationError):
        StreamConfiguration.model_validate({"stream": "a", "qa": [{"check": "seeing"}] * 201})


def test_the_purpose_of_the_stream_counts_only_where_it_has_rules_for_it():
    plain = StreamConfiguration(stream="a")
    ruled = StreamConfiguration.model_validate(
        {"stream": "a", "purposes": [{"pattern": ".*", "value": "test"}]}
    )
    assert judging_of(plain, purpose="science").purpose is None
    assert judging_of(ruled, purpose="science").purpose == "science"
