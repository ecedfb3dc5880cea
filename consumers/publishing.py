"""The steps of publishing an attempt, in order: each is an item of its own, so that one that fails goes on alone."""

from collections.abc import Iterable

__all__ = ["REPORTED_STEPS", "STEPS", "next_step"]

REPORTED_STEPS = ("package", "archive", "announce", "cite")
"""Each is reported as done, and the next begins."""

STEPS = (*REPORTED_STEPS, "publish")
"""The last looks once more whether all stands, and reports the publication."""


def next_step(done: Iterable[str]) -> str:
    """The first step that is not done yet."""
    over = frozenset(done)
    return next(step for step in STEPS if step not in over)
