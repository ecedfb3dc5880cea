"""What a child may use while it reads one file, and who holds it to that."""

import os
import resource
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

__all__ = ["Limits", "apply_limits"]

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one file. ``memory_bytes`` comes on top of what the libraries take before the file is opened."""

    memory_bytes: int = GIB // 2
    cpu_s: int = 120
    wall_s: float = 300.0
    file_bytes: int = 64 * GIB
    open_files: int = 64
    nice: int = 5

    def to_dict(self) -> dict[str, Any]:
        """The limits as JSON holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The limits that ``to_dict`` wrote."""
        return cls(**plain)


def apply_limits(limits: Limits) -> None:
    """Bind this process for good: memory, CPU time, no new files, few open ones. The parent watches the clock."""
    _lower(resource.RLIMIT_AS, _address_space_bytes() + limits.memory_bytes)
    _lower(
        resource.RLIMIT_CPU, limits.cpu_s, hard=limits.cpu_s + 2
    )  # SIGXCPU, which says why, before SIGKILL
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, limits.open_files)
    _lower(resource.RLIMIT_CORE, 0)
    os.nice(limits.nice)


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
