"""Cells that the design names and that can't be run yet: they stand in the report with their reason, as not proven."""

from random import Random

from service.faults.arena import Arena
from service.faults.cell import Cell, NotFiredError, Steps

__all__ = ["not_built"]


def not_built(name: str, row: str, reason: str) -> Cell:
    """A cell that is never run."""
    return Cell(name, row, _never, ("everything",), alone=True, not_here=lambda: reason)


def _never(arena: Arena, _dice: Random) -> Steps:
    yield from arena.until(lambda: False, within_s=0.0, what="a cell that is built", fails=NotFiredError)
