"""How values stand to thresholds: laws, and thresholds that nothing can be compared with."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.checks.comparison import UnfitError, holds, in_words, require_fit

NUMBERS = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
ANYTHING = NUMBERS | st.floats() | st.text(max_size=5) | st.booleans() | st.none()
ORDERED = ("<", "<=", ">", ">=")


@given(value=NUMBERS, threshold=NUMBERS)
def test_of_two_opposite_comparisons_exactly_one_holds(value, threshold):
    assert holds(value, "<", threshold) is not holds(value, ">=", threshold)
    assert holds(value, ">", threshold) is not holds(value, "<=", threshold)
    assert holds(value, "==", threshold) is not holds(value, "!=", threshold)


@given(value=NUMBERS, low=NUMBERS, high=NUMBERS)
def test_between_is_both_ends(value, low, high):
    low, high = min(low, high), max(low, high)
    assert holds(value, "between", (low, high)) is (holds(value, ">=", low) and holds(value, "<=", high))


@given(value=ANYTHING, threshold=NUMBERS, comparison=st.sampled_from(ORDERED))
def test_what_is_no_finite_number_stands_in_no_order(value, threshold, comparison):
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    assert is_number or not holds(value, comparison, threshold)
    assert is_number or not holds(value, "between", (threshold, threshold))


@given(value=ANYTHING, comparison=st.text(max_size=8), threshold=ANYTHING | st.lists(ANYTHING).map(tuple))
def test_a_threshold_is_refused_or_gives_an_answer(value, comparison, threshold):
    try:
        require_fit(comparison, threshold)
    except UnfitError:
        return
    assert holds(value, comparison, threshold) in {True, False}
    assert isinstance(in_words(threshold), str | int | float)


@given(
    value=ANYTHING,
    comparison=st.sampled_from((*ORDERED, "==", "!=", "between", "one_of")),
    threshold=ANYTHING,
)
def test_whatever_is_compared_with_gives_an_answer_or_is_refused(value, comparison, threshold):
    fits = True
    try:
        require_fit(comparison, threshold)
    except UnfitError:
        fits = False
    assert not fits or holds(value, comparison, threshold) in {True, False}


@pytest.mark.parametrize(
    ("comparison", "threshold"),
    [
        ("<", "10"), ("<=", math.nan), (">", math.inf), (">=", True), ("<", None), ("<", (1,)),
        ("between", 1), ("between", (1,)), ("between", (2, 1)), ("between", ("a", "b")), ("between", (0, math.nan)),
        ("one_of", ()), ("one_of", "F158"), ("one_of", (None,)), ("==", (1,)), ("==", None), ("==", math.nan),
        ("~", 1), ("", 1),
    ],
)  # fmt: skip
def test_thresholds_with_which_nothing_can_be_compared(comparison, threshold):
    with pytest.raises(UnfitError):
        require_fit(comparison, threshold)


@pytest.mark.parametrize(
    ("value", "comparison", "threshold", "expected"),
    [
        (1, "==", 1.0, True), (True, "==", 1, False), ("1", "==", 1, False), ("F158", "one_of", ("F146", "F158"), True),
        ("f158", "one_of", ("F158",), False), (2, "one_of", (1, 2.0), True), ("a", "!=", "b", True),
        (0.1 + 0.2, "<=", 0.3, False), (0, "between", (0, 0), True),
    ],
)  # fmt: skip
def test_how_values_stand(value, comparison, threshold, expected):
    assert holds(value, comparison, threshold) is expected
