"""Which cell comes next: by chance, among those that have had the fewest turns for their share."""

from collections import Counter
from collections.abc import Sequence
from random import Random

from service.faults.cell import Cell
from service.faults.injection import Injection

__all__ = ["Choice", "may_begin"]

_AHEAD = 1.0
_IN_VAIN = 3
"""A cell that did not fire has its turn again, so often."""


class Choice:
    """Turns for cells; the same for the same seed."""

    def __init__(self, cells: Sequence[Cell], *, dice: Random, at_most: int | None = None) -> None:
        """``at_most``: turns of each cell, where the cell itself does not say fewer."""
        self._cells = [cell for cell in cells if cell.not_here() is None]
        self._dice = dice
        self._at_most = at_most
        self._turns: Counter[str] = Counter()
        self._vain: Counter[str] = Counter()

    def next(self) -> Cell | None:
        """A cell that has a turn left; None: there is none."""
        left = [cell for cell in self._cells if self._turns[cell.name] < self._limit(cell)]
        if not left:
            return None
        fewest = min(self._had(cell) for cell in left)
        waiting = [cell for cell in left if self._had(cell) < fewest + _AHEAD]
        (cell,) = self._dice.choices(waiting, weights=[each.share for each in waiting])
        self._turns[cell.name] += 1
        return cell

    def again(self, cell: Cell) -> None:
        """Its last turn was in vain: it gets it back, unless it has been in vain too often."""
        self._vain[cell.name] += 1
        if self._vain[cell.name] <= _IN_VAIN:
            self._turns[cell.name] -= 1

    def _had(self, cell: Cell) -> float:
        return self._turns[cell.name] / cell.share

    def _limit(self, cell: Cell) -> float:
        return min(
            float("inf") if self._at_most is None else self._at_most,
            float("inf") if cell.times is None else cell.times,
        )


def may_begin(cell: Cell, live: Sequence[Injection]) -> bool:
    """Nothing that is under way disturbs what this cell disturbs, or wants to be alone."""
    if cell.alone:
        return not live
    taken = {what for injection in live for what in injection.cell.disturbs}
    return not taken.intersection(cell.disturbs) and not any(injection.cell.alone for injection in live)
