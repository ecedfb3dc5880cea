"""What a record of a type may do between the two states that it names: worked out once, then looked up."""

from typing import NamedTuple

from service.audit.lives import BEGINNINGS, ENDS, is_legal

__all__ = ["Step", "Steps"]

_WHOLE = frozenset(
    f"file.{word}"
    for word in [
        "adopted",
        "registered",
        "damaged",
        "restored",
        "held",
        "unheld",
        "embargoed",
        "extended",
        "lifted",
    ]
) | {"stream.held", "stream.unheld", "op.held", "op.unheld"}

_PROBLEMS = frozenset(
    f"file.{word}"
    for word in [
        "failed",
        "rejected",
        "conflicted",
        "damaged",
        "retried",
        "reprocessed",
        "restored",
        "registered",
        "dismissed",
    ]
)

_KEPT = 10_000
"""Lives name a few hundred; a forged ledger may name as many as it likes."""


class Step(NamedTuple):
    """``begins``: what stood before does not matter. ``nothing``: the state of what nobody has spoken of yet."""

    is_legal: bool
    is_refusal: bool
    begins: bool
    nothing: str | None
    is_whole: bool
    """The fact concerns a subject as a whole, not one of its versions."""
    is_end: bool
    """The fact may oblige us to announce what waited behind a version."""
    sets_problem: bool
    """The fact opens a problem of its version, or closes it."""


class Steps(dict[tuple[str, str | None, str | None], Step]):
    """By type, the state before and the state after; whatever is looked up is there."""

    def __missing__(self, key: tuple[str, str | None, str | None]) -> Step:
        """Raises TypeError for a state after that is no text."""
        kind, fromstate, tostate = key
        if tostate.__class__ is not str and tostate is not None:
            raise TypeError(f"found the tostate {tostate!r}, wanted a text")
        if len(self) >= _KEPT:
            self.clear()
        step = self[key] = Step(
            is_legal=is_legal(kind, fromstate, tostate),
            is_refusal=kind.endswith(".refused"),
            begins=kind in BEGINNINGS,
            nothing="Free" if kind.startswith("identity.") else None,
            is_whole=kind in _WHOLE,
            is_end=kind in ENDS,
            sets_problem=kind in _PROBLEMS,
        )
        return step
