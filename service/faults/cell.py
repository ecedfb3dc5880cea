"""One cell of the matrix: what is done to a running site, and what has to get through for it to have healed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.faults.arena import Arena

__all__ = ["ALL_PARTS", "HEAL_WITHIN_S", "QUICK", "Cell", "CellFailedError", "NotFiredError", "Steps"]

HEAL_WITHIN_S = 60.0
"""A site that has not caught up so long after the fault's end is stuck."""

QUICK = 16
"""The share of a cell that a site has left behind in a few seconds."""

ALL_PARTS = ("intake", "decider", "projector", "dispatch", "worker")
"""In the order of the way of one fact; work through the last of them has passed all."""

Steps = Iterator[None]
"""What an injection does, as a generator: each ``yield`` lets the others go on; it ends when the fault has ended."""


class CellFailedError(AssertionError):
    """The site did not do what the laws want of it; the message says what was found and what was wanted."""


class NotFiredError(Exception):
    """The fault could not be brought about this time: no proof of anything, and no failure."""


@dataclass(frozen=True)
class Cell:
    """``inject`` brings the fault about and takes it away again. It must not block for longer than some 0.5 s.

    ``disturbs`` names what it touches (a role, a server, ``ledger``): no two injections that touch the same run at
    once; ``alone``: nothing else at all runs meanwhile. ``heals``: the parts through which new work has to get after
    the fault's end. ``times``: as often at most in one run (60 s freezes: once). ``not_here`` says why this
    machine can't run it, or None. ``share``: turns for each one of a slow cell, since some are over in seconds.
    """

    name: str
    row: str
    inject: Callable[["Arena", Random], Steps]
    disturbs: tuple[str, ...]
    heals: tuple[str, ...] = ALL_PARTS
    alone: bool = False
    times: int | None = None
    share: int = 1
    heal_within_s: float = HEAL_WITHIN_S
    not_here: Callable[[], str | None] = lambda: None
