"""The most memory that this process has had."""

import resource
from pathlib import Path

__all__ = ["peak_rss_mb"]

STATUS = Path("/proc/self/status")


def peak_rss_mb() -> int:
    """Resident memory at its most, in MB (10^6 bytes), of this program alone.

    What ``getrusage`` tells begins with the memory of the process that started it.
    """
    if STATUS.is_file():
        lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024 // 1_000_000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // 1_000_000
