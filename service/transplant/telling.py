"""Where a long export or import stands, said now and then."""

import time
from collections.abc import Callable

__all__ = ["Telling"]

_EVERY_S = 2.0


class Telling:
    """``said`` gets a line every two seconds at most; a step that is over sooner is not told."""

    def __init__(self, said: Callable[[str], None]) -> None:
        self._said = said
        self._began = self._next = time.monotonic()
        self._next += _EVERY_S
        self._step, self._total, self._done = "", 0, 0

    def step(self, name: str, total: int) -> None:
        """What is done now, and of how many records."""
        self._step, self._total, self._done = name, total, 0
        self._began = time.monotonic()

    def more(self, count: int) -> None:
        """So many more of them are done."""
        self._done += count
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY_S
        rate = self._done / max(now - self._began, 1e-3)
        percent = f"{100 * self._done // self._total} %, " if self._total else ""
        self._said(f"{self._step}: {percent}{self._done:,} of {self._total:,} records, {rate:,.0f} a second")
