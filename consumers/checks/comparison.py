"""How a value stands to a threshold; what cannot be compared is said to be so, never taken as passed."""

import math
import operator
from collections.abc import Callable
from typing import Literal, cast, get_args

from consumers.formats.inspection import Scalar
from consumers.formats.text import shortened

__all__ = ["Comparison", "Threshold", "UnfitError", "holds", "in_words", "require_fit"]

Comparison = Literal["<", "<=", ">", ">=", "==", "!=", "between", "one_of"]
Threshold = Scalar | tuple[Scalar, ...]

ORDERED: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class UnfitError(ValueError):
    """The threshold is none that anything could be compared with in this way: a mistake in a rule, not in a file."""


def require_fit(comparison: str, threshold: Threshold) -> None:
    """Raise UnfitError for a threshold of the wrong kind, such as a text for ``<=``, or for NaN."""
    if comparison not in get_args(Comparison):
        raise UnfitError(
            f"found the comparison {comparison!r}, wanted one of {', '.join(get_args(Comparison))}"
        )
    if comparison in ORDERED:
        fits = _is_number(threshold)
    elif comparison == "between":
        fits = _is_range(threshold)
    elif comparison == "one_of":
        fits = isinstance(threshold, tuple) and bool(threshold) and all(map(_is_value, threshold))
    else:
        fits = not isinstance(threshold, tuple) and _is_value(threshold)
    if not fits:
        raise UnfitError(f"found the threshold {threshold!r:.100}, with which nothing is {comparison}")


def holds(value: Scalar, comparison: str, threshold: Threshold) -> bool:
    """Whether it does; a value of the wrong kind, and NaN, do not. The threshold has been found fit."""
    if comparison == "one_of":
        return any(_is_equal(value, each) for each in cast("tuple[Scalar, ...]", threshold))
    if comparison in {"==", "!="}:
        return _is_equal(value, cast("Scalar", threshold)) is (comparison == "==")
    if not _is_number(value):
        return False
    number = cast("float", value)
    if comparison == "between":
        low, high = cast("tuple[float, float]", threshold)
        return low <= number <= high
    return ORDERED[comparison](number, cast("float", threshold))


def in_words(threshold: Threshold | None) -> float | int | str | None:
    """A threshold as a result holds it: a number, or words."""
    if isinstance(threshold, tuple):
        return shortened(", ".join(str(each) for each in threshold), 100)
    return str(threshold) if isinstance(threshold, bool) else threshold


def _is_equal(value: Scalar, other: Scalar) -> bool:
    """Numbers by value, all else by kind and value: a text is no number, and true is not 1."""
    if _is_number(value) and _is_number(other):
        return value == other
    return type(value) is type(other) and value == other


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_value(value: object) -> bool:
    return isinstance(value, str | bool) or _is_number(value)


def _is_range(threshold: Threshold) -> bool:
    if not isinstance(threshold, tuple) or len(threshold) != 2 or not all(map(_is_number, threshold)):
        return False
    low, high = cast("tuple[float, float]", threshold)
    return low <= high
