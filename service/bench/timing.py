"""Wall clock and processor time of one measurement, and how quiet the machine was before it."""

import os
import resource
import time
from pathlib import Path
from typing import Any

__all__ = ["Timer", "how_quiet"]

TURNS = 1_000_000
STATUS = Path("/proc/self/status")


class Timer:
    """Made where a measurement begins. Processor time is that of this process, all its threads together."""

    def __init__(self) -> None:
        self.before = how_quiet()
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def seconds(self) -> float:
        """Since it began."""
        return time.perf_counter() - self._wall

    def per(self, count: int) -> dict[str, Any]:
        """Of ``count`` items: how many a second, processor time of each, memory at its most."""
        wall, cpu = self.seconds(), time.process_time() - self._cpu
        return {
            "rate": count / wall,
            "cpu_us": round(cpu / count * 1_000_000, 1),
            "rss_mb": _peak_rss_mb(),
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


def _peak_rss_mb() -> int:
    """Of this program alone: what ``getrusage`` tells begins with the memory of the process that started it."""
    if STATUS.is_file():
        lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
