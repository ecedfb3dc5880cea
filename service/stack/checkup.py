"""The result of one check."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Check", "Outcome", "judged"]


class Outcome(StrEnum):
    """How serious it is."""

    FINE = "fine"
    ATTENTION = "attention"  # works, but not as well as it could
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was found, and what to do about it; there is nothing to do when it is fine."""

    name: str
    outcome: Outcome
    found: str
    remedy: str = ""


def judged(name: str, *, fine: bool, found: str, remedy: str, otherwise: Outcome = Outcome.WRONG) -> Check:
    """A check that is fine, or else ``otherwise`` with its remedy."""
    return Check(name, Outcome.FINE, found) if fine else Check(name, otherwise, found, remedy)
