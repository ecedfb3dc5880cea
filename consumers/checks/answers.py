"""What a check answered, made into results; what is no answer at all is the check's own fault."""

import math
from dataclasses import replace
from typing import Any

from consumers.checks.check import Check, Judged
from consumers.checks.comparison import holds, in_words
from consumers.checks.judging import InForce
from consumers.formats.inspection import QaResult
from consumers.formats.text import as_scalar, shortened

__all__ = ["NonsenseError", "results_of"]

MAX_PARTS = 100


class NonsenseError(TypeError):
    """A check answered with something that is neither a value nor ``Judged``."""


def results_of(each: Check, force: InForce, answer: object) -> list[QaResult]:
    """One result a part. Of a file that does not tell, there is one only where the stream requires it."""
    if answer is None:
        if force.required:
            message = "the file does not tell it, and the stream requires it"
            return [_result(each, force, Judged(passed=False, message=message))]
        # Noted where it would have decided; else silence costs no row.
        silent = Judged(message="the file does not tell it")
        return [_result(each, force, silent)] if force.level == "critical" else []
    if isinstance(answer, list | tuple):
        if len(answer) > MAX_PARTS:
            raise NonsenseError(f"found {len(answer)} parts, wanted at most {MAX_PARTS}")
        return [_result(each, force, _judged(part, alone=False)) for part in answer]
    return [_result(each, force, _judged(answer, alone=True))]


def _judged(answer: object, *, alone: bool) -> Judged:
    """The answer as ``Judged``, its value a plain one."""
    if not isinstance(answer, Judged):
        if not alone:
            raise NonsenseError(f"found a part that is {type(answer).__name__}, wanted Judged")
        return Judged(_plain(answer))
    if answer.passed is not None and not isinstance(answer.passed, bool):
        raise NonsenseError(f"found passed {answer.passed!r:.60}, wanted true, false or nothing")
    if not all(text is None or isinstance(text, str) for text in (answer.message, answer.part)):
        raise NonsenseError("found a message or part that is no text")
    return replace(answer, value=_plain(answer.value))


def _plain(value: Any) -> Any:
    """Numbers of numpy as Python's; all else must be a scalar already."""
    if type(value).__module__ == "numpy" and hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = value.item()
    if value is None or isinstance(value, str | int | float):
        return value
    raise NonsenseError(f"found {type(value).__name__}, wanted a number, a text, true, false or nothing")


def _result(each: Check, force: InForce, judged: Judged) -> QaResult:
    value, passed = judged.value, judged.passed
    if passed is None and force.compares and value is not None:
        passed = holds(value, str(force.comparison), force.threshold)
    return QaResult(
        check=each.name,
        level=force.level,
        passed=passed,
        value=_storable(value),
        unit=each.unit,
        threshold=in_words(force.threshold) if force.compares else None,
        comparison=force.comparison if force.compares else None,
        message=None if judged.message is None else shortened(judged.message, 500),
        part=None if judged.part is None else shortened(judged.part, 100),
    )


def _storable(value: Any) -> float | int | str | None:
    """As JSON can hold it: NaN and infinities by their names, true and false as words."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    found = as_scalar(value)
    return shortened(found, 500) if isinstance(found, str) else found
