"""What a check is: a named function of one file, with what it declares of itself; streams may say otherwise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consumers.checks.comparison import Comparison, Threshold, require_fit
from consumers.formats.inspection import Level, Scalar

if TYPE_CHECKING:
    from consumers.checks.look import Look

__all__ = ["Answer", "Check", "Judged", "check", "code_of"]


@dataclass(frozen=True, slots=True)
class Judged:
    """An answer with more than a value: ``passed`` where no threshold can tell, words, or the part looked at."""

    value: Scalar = None
    passed: bool | None = None
    message: str | None = None
    part: str | None = None


Answer = Scalar | Judged | Sequence[Judged]
"""A value to hold against the threshold; None where the file does not tell; several for a file of several parts."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check by its name. ``formats`` and ``purposes`` are those it can judge; empty: all."""

    name: str
    look: "Callable[[Look], Answer]"
    says: str
    level: Level = "advisory"
    unit: str | None = None
    comparison: Comparison | None = None
    threshold: Threshold | None = None
    formats: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()

    def judges(self, format_name: str, purpose: str | None) -> bool:
        """Whether it can say anything of such a file; of a file of no known purpose, every check can."""
        fits = not self.formats or format_name in self.formats
        return fits and (not self.purposes or purpose is None or purpose in self.purposes)


def check(
    *,
    level: Level = "advisory",
    unit: str | None = None,
    wanted: tuple[Comparison, Threshold] | None = None,
    formats: tuple[str, ...] = (),
    purposes: tuple[str, ...] = (),
) -> "Callable[[Callable[[Look], Answer]], Check]":
    """Make a function the check of its name; its docstring says what it looks for. Raises ValueError if it can't."""

    def made(look: "Callable[[Look], Answer]") -> Check:
        comparison, threshold = wanted or (None, None)
        if wanted is not None:
            require_fit(*wanted)
        says = " ".join((look.__doc__ or "").split())
        if not says:
            raise ValueError(f"check {look.__name__}: found no docstring, wanted what it looks for")
        return Check(look.__name__, look, says, level, unit, comparison, threshold, formats, purposes)

    return made


def code_of(name: str) -> str:
    """The code that a file gets for a failed check, such as QA_EXPOSURE_POSITIVE."""
    return f"QA_{name.upper()}"[:64]
