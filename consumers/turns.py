"""Whose turn it is at a worker: steps of files and steps of observing programs, so that neither waits for the other."""

from collections.abc import Iterable

from consumers.claims import WorkItem
from consumers.effects import PROGRAM_STEPS

__all__ = ["Turns"]


class Turns:
    """Asked once a claim: however much there is of the one, every other claim begins with the other."""

    def __init__(self) -> None:
        self._programs_first = False

    def programs_first(self, have: Iterable[WorkItem], *, room: int, threads: int) -> int:
        """How many steps of programs may be claimed before the files this time: with those under way, half the threads.

        A program's step may read a hundred gigabytes; the other half of the threads stays with the files.
        """
        self._programs_first = not self._programs_first
        if not self._programs_first:
            return 0
        under_way = sum(item.effect in PROGRAM_STEPS for item in have)
        return max(0, min(room, max(1, threads // 2) - under_way))
