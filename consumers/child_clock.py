"""Whether a process had the machine to itself: how long it waited for a processor, and whether it waits for a disk."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["HELD_UP_SHARE", "OwnClock", "Standing", "standing_of"]

HELD_UP_SHARE = 0.25
"""Of a reader's time: one that waited longer for a processor was held up by others."""

WANTS_THE_MACHINE = frozenset({"R", "D"})
"""States of a process that is ready to run, or waits for a disk."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the system counts of a process: seconds for which it ran, and for which it was ready to and others ran."""

    ran_s: float
    waited_s: float
    state: str

    def is_held_up(self, after_s: float) -> bool:
        """Whether others had the machine so much of this time that slowness says nothing about who is slow."""
        return self.state in WANTS_THE_MACHINE or self.waited_s > HELD_UP_SHARE * after_s


def standing_of(pid: int | None = None) -> Standing | None:
    """How a process stands, by default this one; None where the system does not tell, or the process is gone."""
    place = Path("/proc") / str(os.getpid() if pid is None else pid)
    try:
        ran, waited, *_ = (place / "schedstat").read_text(encoding="ascii").split()
        state = (place / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
    except (OSError, ValueError, IndexError):
        return None
    return Standing(int(ran) / 1e9, int(waited) / 1e9, state)


class OwnClock:
    """The time that passes, less what this process has waited for a processor since it began.

    For the process that makes it. What the system counts is opened once: it is read before every check of every file.
    """

    def __init__(self) -> None:
        self._fd: int | None = None  # where this system does not tell, all time is its own
        with suppress(OSError, ValueError, IndexError):
            fd = os.open("/proc/self/schedstat", os.O_RDONLY)
            _waited_s(fd)
            self._fd = fd

    def now_s(self) -> float:
        """Seconds, from any beginning."""
        return time.monotonic() - (0.0 if self._fd is None else _waited_s(self._fd))


def _waited_s(fd: int) -> float:
    return int(os.pread(fd, 100, 0).split()[1]) / 1e9
