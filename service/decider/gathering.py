"""How long requests are left to gather: a transaction costs the same with one in it and with fifty."""

import time
from collections import deque
from collections.abc import Callable

__all__ = ["Gathering"]

WINDOW_S = 1.0
BUSY = 20
"""So many requests within the window that came with others, and the pause is as long as it may be."""

ENOUGH = 50
"""Of so many in one transaction each costs little already."""


class Gathering:
    """Told of each transaction. One request alone makes no pause and is no sign of more; several make it longer.

    Requests that come one after the other, each once the one before is answered, are many, and nobody gains by a pause.
    """

    def __init__(self, at_most_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_most_s = at_most_s
        self._clock = clock
        self._came: deque[tuple[float, int]] = deque()
        self._of_late = 0

    def pause_s(self, requests: int) -> float:
        """How long to wait after a transaction of so many before the next is begun."""
        if requests <= 1:
            return 0.0
        now = self._clock()
        self._came.append((now, requests))
        self._of_late += requests
        while self._came[0][0] < now - WINDOW_S:
            self._of_late -= self._came.popleft()[1]
        if requests >= ENOUGH:
            return 0.0
        return self._at_most_s * min(1.0, self._of_late / BUSY)
