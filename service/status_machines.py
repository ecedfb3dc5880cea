"""Of ``status``: how the machines of workers are off, what they hold back and why, when their disks will be full."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from service.wording import counted, duration

__all__ = ["machine_attention", "machine_lines"]

Row = Mapping[str, Any]

SOON_H = 24.0
"""A disk that is full within a day is somebody's business today."""


def machine_attention(workers: Iterable[Row]) -> Iterator[str]:
    """What a person should look at: work that is held back for want of space or memory, disks that fill up."""
    alive = [row for row in workers if row["is_alive"]]
    for row in alive:
        for pause in row["pauses"]:
            if pause["what"] != "more":
                yield f"{row['worker']} holds back {pause['what']}: {pause['why']}"
    for host, disk in _disks(alive):
        hours = disk["hours_left"]
        if hours is not None and hours < SOON_H:
            yield f"{disk['path']} on {host} is too full to copy anything in {_in(hours)}, as it fills now; make room"


def machine_lines(workers: Iterable[Row]) -> Iterator[str]:
    """One line a worker, one a disk."""
    alive = [row for row in workers if row["is_alive"]]
    for row in alive:
        memory = (
            f"{row['memory_free_bytes'] / 1e9:.1f} of {row['memory_total_bytes'] / 1e9:.1f} GB of memory free"
        )
        held = "; ".join(f"{pause['what']} wait: {pause['why']}" for pause in row["pauses"])
        state = f"{counted(row['items'], 'item')} under way, cores {row['cpu_share']:.0%} busy, {memory}"
        yield f"{row['worker']}: {state}{f'; {held}' if held else ''}"
    for host, disk in _disks(alive):
        whole = disk["used_bytes"] + disk["free_bytes"]
        filling = (
            "not filling" if disk["hours_left"] is None else f"full in {_in(disk['hours_left'])} at this rate"
        )
        used = f"{disk['used_bytes'] / whole:.0%} full" if whole else "of no size"
        yield f"disk {disk['path']} on {host}: {used}, {disk['free_bytes'] / 1e9:.1f} GB left, {filling}"


def _disks(workers: Iterable[Row]) -> list[tuple[str, Row]]:
    """Each disk once, however many workers share it."""
    found: dict[tuple[str, str], Row] = {}
    for row in workers:
        for disk in row["disks"]:
            found.setdefault((row["host"], disk["path"]), disk)
    return [(host, disk) for (host, _), disk in found.items()]


def _in(hours: float) -> str:
    return duration(timedelta(hours=hours))
