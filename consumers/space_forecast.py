"""When a disk will be full, if it goes on filling as it has."""

from collections import deque
from dataclasses import dataclass, field

from consumers.readings import Disk, Reading

__all__ = ["SpaceForecast", "hours_left"]

_EVERY_S = 30.0
_KEPT = 720  # six hours
_AT_LEAST_S = 60.0

Sample = tuple[float, int]
"""Seconds of a clock that never jumps, and bytes used."""


def hours_left(samples: "deque[Sample]", disk: Disk, *, full_share: float) -> float | None:
    """Hours until the disk is ``full_share`` full, by a line through what was seen; None: it is not filling."""
    whole = disk.used_bytes + disk.free_bytes
    left = full_share * whole - disk.used_bytes
    if left <= 0:
        return 0.0
    if len(samples) < 2 or samples[-1][0] - samples[0][0] < _AT_LEAST_S:
        return None
    rate = _slope(samples)
    return left / rate / 3600 if rate > 0 else None


def _slope(samples: "deque[Sample]") -> float:
    """Bytes a second, least squares: one large file that came or went does not turn the forecast over."""
    count = len(samples)
    mean_s = sum(at for at, _ in samples) / count
    mean_bytes = sum(used for _, used in samples) / count
    spread = sum((at - mean_s) ** 2 for at, _ in samples)
    return sum((at - mean_s) * (used - mean_bytes) for at, used in samples) / spread if spread else 0.0


@dataclass(slots=True)
class SpaceForecast:
    """Remembers how full each disk was, every half minute for six hours."""

    full_share: float = 0.95
    _seen: dict[str, "deque[Sample]"] = field(default_factory=dict)

    def note(self, reading: Reading) -> None:
        """One more look."""
        for disk in reading.disks:
            samples = self._seen.setdefault(disk.path, deque(maxlen=_KEPT))
            if not samples or reading.at_s - samples[-1][0] >= _EVERY_S:
                samples.append((reading.at_s, disk.used_bytes))

    def hours(self, disk: Disk) -> float | None:
        """Until this disk is full; None: it is not filling, or too little has been seen."""
        return hours_left(self._seen.get(disk.path, deque()), disk, full_share=self.full_share)
