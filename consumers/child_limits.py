"""What a child may use while it reads one file, and who holds it to that.

Of time a file has two measures, and both grow with its size from ``SAME_UP_TO_BYTES`` on. Processor time is what its
reader itself uses, however busy the machine is: a file that takes more of it is INVALID. The wall clock is a bound that
holds for every child, whatever the load: at its end the child is killed. That alone tells against a file only where
its reader had the machine and did nothing with it; one that was waiting for a processor or a disk is looked into again,
each time with fewer others before it. If that does not help either, the attempt fails, and the file is not INVALID.
"""

import math
import os
import resource
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

__all__ = ["Limits", "Room", "apply_limits", "has_room_left", "renew_cpu_limit"]

GIB = 1024**3
BEHIND_NICE, AHEAD_BY = 15, 10
SAME_UP_TO_BYTES = 128 * 1024**2
"""Files up to here have the same time; larger ones more, in proportion."""
PROCESSOR_SHARE = 2 / 3
"""Of the time by the clock, what may be processor time: whoever only computes and has a core to itself meets that."""
LEFT_AT_MOST = 8
"""A child whose files leave more than this part of its memory behind does not read another."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one file. ``memory_bytes`` comes on top of what the libraries take before the file is opened.

    ``wall_s`` is less than the 10 s that no child may live, for one that was killed needs a moment to be gone.
    """

    memory_bytes: int = GIB // 2
    cpu_s: int = 6
    wall_s: float = 9.0
    file_bytes: int = 64 * GIB
    open_files: int = 64
    nice: int = 5

    @classmethod
    def of_seconds(cls, wall_s: float) -> Self:
        """So long by the clock, and the processor time that goes with it."""
        return cls(wall_s=wall_s, cpu_s=max(1, int(wall_s * PROCESSOR_SHARE)))

    def for_size(self, size_bytes: int) -> Self:
        """For a file of this size."""
        times = max(1.0, size_bytes / SAME_UP_TO_BYTES)
        return replace(self, cpu_s=math.ceil(self.cpu_s * times), wall_s=self.wall_s * times)

    def behind(self) -> Self:
        """For a file that is to take little from others."""
        return replace(self, nice=max(self.nice, BEHIND_NICE))

    def ahead(self) -> Self:
        """For a file whose reader was held up by others: fewer of them go before it."""
        return replace(self, nice=max(0, self.nice - AHEAD_BY))

    def to_dict(self) -> dict[str, Any]:
        """The limits as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The limits that ``to_dict`` wrote."""
        return cls(**plain)


@dataclass(frozen=True, slots=True)
class Room:
    """What a process had mapped when its limit of memory was set, and how much more it may map."""

    mapped_bytes: int
    more_bytes: int


def apply_limits(limits: Limits, *, files: int = 1) -> Room:
    """Bind this process for good: memory, CPU time, no new files, few open ones. The parent watches the clock.

    With several ``files`` the limit of CPU time is that of the first, until ``renew_cpu_limit``.
    """
    mapped = _address_space_bytes()
    _lower(resource.RLIMIT_AS, mapped + limits.memory_bytes)
    # SIGXCPU, which says why, before SIGKILL
    _lower(resource.RLIMIT_CPU, limits.cpu_s, hard=files * limits.cpu_s + 2)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    _lower(resource.RLIMIT_CORE, 0)
    os.nice(limits.nice)
    return Room(mapped, limits.memory_bytes)


def renew_cpu_limit(limits: Limits) -> None:
    """For the next file: as much CPU time as the first had."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(usage.ru_utime + usage.ru_stime) + limits.cpu_s
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(
        resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
    )


def has_room_left(room: Room) -> bool:
    """Whether what the files so far have left in memory is little beside what the next may take."""
    return _address_space_bytes() - room.mapped_bytes < room.more_bytes / LEFT_AT_MOST


def _lower(kind: int, wanted: int, *, hard: int | None = None) -> None:
    _, ceiling = resource.getrlimit(kind)
    if ceiling == resource.RLIM_INFINITY:
        ceiling = wanted if hard is None else max(hard, wanted)
    resource.setrlimit(kind, (min(wanted, ceiling), min(ceiling, wanted if hard is None else hard)))


def _address_space_bytes() -> int:
    """What the process has mapped by now; where the system does not tell, what the libraries are known to take."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except FileNotFoundError:
        return 2 * GIB
    return pages * resource.getpagesize()
