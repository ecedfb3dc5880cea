"""Pauses in which more is gathered, ended early where the processors have nothing else to do.

What goes together costs each of them less, and that is worth a wait while all cores are busy. While they are not, as
when the last files of many are under way, nobody gains by it, and whoever waits loses.
"""

import threading
import time
from collections.abc import Callable

import psutil

__all__ = ["LOOK_S", "SLACK", "SPARE", "Slack"]

LOOK_S = 0.05
"""No pause is cut shorter than this; the system counts the processors' time in hundredths of a second."""

SPARE = 0.4
"""So much of all cores' time unused, from 0 to 1, is slack: one core of two at rest, but no gaps between busy steps."""

_ENOUGH = 0.9
"""A wait may end a little early; what it was for is looked at all the same."""

_STALE = 4
"""After so many times ``LOOK_S`` without a look the share is of a time that is over, and counting begins anew."""


def _cores() -> tuple[float, float]:
    """Seconds that the machine's cores had nothing to do since its start, and all of their seconds."""
    times = psutil.cpu_times()
    idle_s = times.idle + getattr(times, "iowait", 0.0)
    return idle_s, sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)


class Slack:
    """Whether the cores have time to spare, as one process sees it; for all of its threads."""

    def __init__(
        self,
        read: Callable[[], tuple[float, float]] = _cores,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._at_s = float("-inf")
        self._before = (0.0, 0.0)
        self._is_there = False

    def is_there(self) -> bool:
        """There was time to spare since the last look, if that was a moment ago; else counting begins now."""
        with self._lock:
            now = self._clock()
            since_s = now - self._at_s
            if since_s < _ENOUGH * LOOK_S:
                return self._is_there
            (idle, whole), before = self._read(), self._before
            passed = whole - before[1]
            is_fresh = since_s < _STALE * LOOK_S and passed > 0
            self._is_there = is_fresh and idle - before[0] >= SPARE * passed
            self._at_s, self._before = now, (idle, whole)
            return self._is_there

    def pause(self, at_most_s: float, wait: Callable[[float], object] = time.sleep) -> None:
        """Wait so long, or until there is slack. ``wait`` is true where nobody has to wait any longer.

        What counts is how long ``wait`` was asked to take: its clock may be another one than this machine's.
        """
        left_s = at_most_s
        self.is_there()
        while left_s > 0:
            if wait(min(left_s, LOOK_S)) or self.is_there():
                return
            left_s = round(left_s - LOOK_S, 6)


SLACK = Slack()
"""This machine's."""
