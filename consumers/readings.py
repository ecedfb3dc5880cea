"""How the machine is off right now: processor, memory, disks; read here, or told by whoever stands in for it."""

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

__all__ = ["Disk", "LiveReadings", "Reading", "Readings"]

_FRESH_S = 0.5
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Disk:
    """One file system: how much of it is used, and what is left for us."""

    path: str
    used_bytes: int
    free_bytes: int

    @property
    def used_share(self) -> float:
        """From 0 to 1, as ``df`` tells it: what only root may still fill counts as used."""
        whole = self.used_bytes + self.free_bytes
        return self.used_bytes / whole if whole else 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """All of it at one moment. ``at_s``: seconds of a clock that never jumps; ``cpu_share``: of all cores, 0 to 1."""

    at_s: float
    cores: int
    cpu_share: float
    memory_free_bytes: int
    memory_total_bytes: int
    disks: tuple[Disk, ...]


class Readings(Protocol):
    """Whoever knows how the machine is off."""

    def now(self) -> Reading:
        """The newest reading; asking costs next to nothing."""


class LiveReadings:
    """This machine, by psutil. A reading is kept for half a second, which is also what the processor's share is of."""

    def __init__(self, disks: Sequence[Path], *, cgroup: Path = _CGROUP) -> None:
        self._disks = tuple(disks)
        self._cgroup = cgroup
        self._lock = threading.Lock()
        self._last: Reading | None = None
        psutil.cpu_percent(None)  # the first call only begins to count

    def now(self) -> Reading:
        with self._lock:
            if self._last is None or time.monotonic() - self._last.at_s >= _FRESH_S:
                self._last = self._read()
            return self._last

    def _read(self) -> Reading:
        memory = psutil.virtual_memory()
        total, free = memory.total, memory.available
        limit = _number(self._cgroup / "memory.max")
        if limit is not None and limit < total:
            total, free = limit, min(free, max(0, limit - (_number(self._cgroup / "memory.current") or 0)))
        return Reading(
            at_s=time.monotonic(),
            cores=_cores(),
            cpu_share=psutil.cpu_percent(None) / 100,
            memory_free_bytes=free,
            memory_total_bytes=total,
            disks=tuple(_disk(path) for path in self._disks),
        )


def _cores() -> int:
    """Those this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _disk(path: Path) -> Disk:
    """The file system of a folder, or of the nearest one above it that is there."""
    while not path.exists() and path != path.parent:
        path = path.parent
    found = psutil.disk_usage(str(path))
    return Disk(str(path), found.used, found.free)


def _number(path: Path) -> int | None:
    """What a control group's file says; None where there is none or no limit."""
    try:
        told = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(told) if told.isdigit() else None
