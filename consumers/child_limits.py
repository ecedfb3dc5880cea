"""What a child may use while it reads one file, and who holds it to that."""

import math
import os
import resource
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self

__all__ = ["Limits", "Room", "apply_limits", "has_room_left", "renew_cpu_limit"]

GIB = 1024**3
BEHIND_NICE = 15
BEHIND_TIMES = 4
LEFT_AT_MOST = 8
"""A child whose files leave more than this part of its memory behind does not read another."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one file. ``memory_bytes`` comes on top of what the libraries take before the file is opened."""

    memory_bytes: int = GIB // 2
    cpu_s: int = 120
    wall_s: float = 300.0
    file_bytes: int = 64 * GIB
    open_files: int = 64
    nice: int = 5

    def behind(self) -> Self:
        """For a file that is to take little from others: what then comes slowly has more time, and no more else.

        Not the last of all: while the machine is busy, a process that gets next to nothing would meet its clock, and
        its file would be INVALID for that.
        """
        return replace(self, nice=max(self.nice, BEHIND_NICE), wall_s=BEHIND_TIMES * self.wall_s)

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
