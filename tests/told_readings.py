"""A machine as a test says it is."""

from dataclasses import dataclass, field

from consumers.readings import Disk, Reading

__all__ = ["IDLE", "Told", "disk", "reading"]

GB = 1_000_000_000


def disk(used_share: float, *, path: str = "/data", whole_bytes: int = 100 * GB) -> Disk:
    """A disk that is so full."""
    used = round(used_share * whole_bytes)
    return Disk(path, used, whole_bytes - used)


def reading(
    *,
    at_s: float = 0.0,
    cores: int = 2,
    cpu: float = 0.1,
    memory_free: int = 16 * GB,
    disks: tuple[Disk, ...] | None = None,
) -> Reading:
    """A machine that has nothing to do, but for what is said."""
    return Reading(at_s, cores, cpu, memory_free, 23 * GB, (disk(0.2),) if disks is None else disks)


IDLE = reading()


@dataclass
class Told:
    """Readings that say what they were told last."""

    reading: Reading = field(default=IDLE)

    def now(self) -> Reading:
        return self.reading
