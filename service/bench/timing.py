"""Wall clock and processor time of one measurement, and how quiet the machine was before it."""

import os
import time
from typing import Any

from service.peak_memory import peak_rss_mb

__all__ = ["Timer", "how_quiet"]

TURNS = 1_000_000


class Timer:
    """Made where a measurement begins. Processor time is that of this process, all its threads together."""

    def __init__(self) -> None:
        self.before = how_quiet()
        self.begin()

    def begin(self) -> None:
        """Measure from here on, and no more from where it was made."""
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def seconds(self) -> float:
        """Since it began."""
        return time.perf_counter() - self._wall

    def per(self, count: int) -> dict[str, Any]:
        """Of ``count`` items: how many a second, processor time of each, memory at its most in MB (10^6 bytes)."""
        wall, cpu = self.seconds(), time.process_time() - self._cpu
        return {
            "rate": count / wall,
            "cpu_us": round(cpu / count * 1_000_000, 1),
            "rss_mb": peak_rss_mb(),
            **self.before,
        }


def how_quiet() -> dict[str, float]:
    """The load of the last minute, and how long a fixed loop takes: where neighbours are busy it takes longer."""
    began = time.perf_counter()
    total = 0
    for number in range(TURNS):
        total += number
    return {
        "load_before": round(os.getloadavg()[0], 2),
        "loop_ms": round((time.perf_counter() - began) * 1000, 1),
    }
