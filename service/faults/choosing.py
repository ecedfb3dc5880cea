"""Which cell comes next: by chance, among those that have had the fewest turns for their share."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from service.faults.cell import Cell
from service.faults.injection import Injection

__all__ = ["Choice", "Hand", "Turn", "may_begin"]

_AHEAD = 1.0
_IN_VAIN = 3
"""A cell that did not fire has its turn again, so often."""

_HELD = 6
"""Turns that a site holds: where the first has to wait for what is under way, another goes before it."""
_OVERTAKEN = 6
"""So often at most; then nothing else begins there until it has."""


@dataclass(slots=True)
class Turn:
    """One cell with the seed of its dice; ``number`` is its place among all that were drawn."""

    number: int
    cell: Cell
    seed: int
    overtaken: int = 0


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


class Hand:
    """The turns that one site has drawn and not begun yet, the oldest first."""

    def __init__(self, draw: Callable[[], Turn | None]) -> None:
        """``draw`` gives the next turn of the run, None while there is none."""
        self._draw = draw
        self._held: list[Turn] = []

    @property
    def is_empty(self) -> bool:
        """Nothing is held, and nothing is left to draw."""
        self._fill()
        return not self._held

    def take(self, live: Sequence[Injection]) -> Turn | None:
        """The oldest turn that may begin beside what is under way; None: each that is held has to wait."""
        self._fill()
        for place, turn in enumerate(self._held):
            if may_begin(turn.cell, live):
                for passed in self._held[:place]:
                    passed.overtaken += 1
                return self._held.pop(place)
            if turn.overtaken >= _OVERTAKEN:
                return None
        return None

    def _fill(self) -> None:
        while len(self._held) < _HELD and (turn := self._draw()) is not None:
            self._held.append(turn)


def may_begin(cell: Cell, live: Sequence[Injection]) -> bool:
    """Nothing that is under way disturbs what this cell disturbs, or wants to be alone."""
    if cell.alone:
        return not live
    taken = {what for injection in live for what in injection.cell.disturbs}
    return not taken.intersection(cell.disturbs) and not any(injection.cell.alone for injection in live)
