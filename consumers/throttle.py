"""How much work may begin now, by what the machine can bear; and why not more. Pure: readings in, admission out."""

from collections.abc import Iterable
from dataclasses import dataclass

from consumers.readings import Disk, Reading

__all__ = ["Admission", "Bounds", "Pause", "Standing", "admit", "in_words"]

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """From where on less is begun. Of a disk: from ``catch_up_share`` on only live files, from ``full_share`` none."""

    busy_cpu_share: float = 0.95
    busy_items_of_core: int = 40
    memory_reserve_bytes: int = 512 * MIB
    item_bytes: int = 128 * MIB
    """What a reader of an ordinary file is reckoned to take at once."""
    large_bytes: int = 600 * MIB
    """What one of a large file, or of a preview, is reckoned to take."""
    catch_up_share: float = 0.85
    full_share: float = 0.95
    catch_up_of_threads: float = 0.67
    """Catch-up takes no more than this part of the threads, so that what comes live never waits for one."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What this worker has under way: all of it, and of that the large ones and those of catch-up."""

    items: int = 0
    large: int = 0
    catch_up: int = 0


@dataclass(frozen=True, slots=True)
class Pause:
    """What does not begin for now: ``catch-up``, ``copying``, ``large``, ``more``; why, and the way out."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Admission:
    """How many more may begin: of all, of large ones, of catch-up; and whether a preview may, once there is quiet.

    ``pauses`` says what is held back, and why.
    """

    items: int
    large: int
    catch_up: int
    preview: bool = True
    pauses: tuple[Pause, ...] = ()

    @property
    def is_full(self) -> bool:
        """A disk is full: only what makes room may begin."""
        return any(pause.what == "copying" for pause in self.pauses)


def admit(
    reading: Reading, standing: Standing, *, threads: int, ahead: int, large_at_once: int, bounds: Bounds
) -> Admission:
    """What may begin beside what is under way; if that is nothing, one item always may, unless a disk is full."""
    pauses: list[Pause] = []
    fullest = max(reading.disks, key=lambda disk: disk.used_share, default=None)
    if fullest is not None and fullest.used_share >= bounds.full_share:
        return Admission(0, 0, 0, False, (Pause("copying", _full(fullest, bounds.full_share)),))
    at_once = _by_cpu(reading, threads + ahead, bounds, pauses)
    fits = _by_memory(reading, standing, bounds, pauses)
    items = max(0, min(at_once - standing.items, fits))
    if not standing.items:
        items = max(1, items)
    large = min(
        items, max(0, large_at_once - standing.large), _large_that_fit(reading, standing, bounds, pauses)
    )
    catch_up = max(1, int(threads * bounds.catch_up_of_threads)) - standing.catch_up
    if fullest is not None and fullest.used_share >= bounds.catch_up_share:
        catch_up = 0
        pauses.append(Pause("catch-up", _filling(fullest, bounds.catch_up_share)))
    preview = catch_up > 0 and _spare(reading, bounds) >= bounds.large_bytes
    return Admission(items, large, max(0, min(items, catch_up)), preview, tuple(pauses))


def _spare(reading: Reading, bounds: Bounds) -> int:
    return reading.memory_free_bytes - bounds.memory_reserve_bytes


def _by_cpu(reading: Reading, at_once: int, bounds: Bounds, pauses: list[Pause]) -> int:
    """While all cores are taken, some items a core and no more: others would only make each of them slower.

    Some, not one: most of an item's life is waiting for others' answers, and what several of them ask together costs
    the cores less than what each of them asks alone.
    """
    few = bounds.busy_items_of_core * max(1, reading.cores)
    if reading.cpu_share < bounds.busy_cpu_share or at_once <= few:
        return at_once
    why = f"{reading.cores} cores are {reading.cpu_share:.0%} busy; {few} items at once until they have time again"
    pauses.append(Pause("more", why))
    return few


def _by_memory(reading: Reading, standing: Standing, bounds: Bounds, pauses: list[Pause]) -> int:
    fits = max(0, _spare(reading, bounds) // bounds.item_bytes)
    if not fits:
        why = (
            f"{_gb(reading.memory_free_bytes)} of memory are free, {_gb(bounds.memory_reserve_bytes)} are kept for "
            f"others; {standing.items} items end first"
        )
        pauses.append(Pause("more", why))
    return fits


def _large_that_fit(reading: Reading, standing: Standing, bounds: Bounds, pauses: list[Pause]) -> int:
    fits = max(0, _spare(reading, bounds) // bounds.large_bytes)
    if not fits and not standing.large:
        why = f"{_gb(reading.memory_free_bytes)} of memory are free, a large file may take {_gb(bounds.large_bytes)}"
        pauses.append(Pause("large", why))
        return 0 if standing.items else 1  # alone it may have all there is
    return fits


def _full(disk: Disk, share: float) -> str:
    return (
        f"{_used(disk)}, from {share:.0%} on nothing is copied; make room there, then work goes on by itself"
    )


def _filling(disk: Disk, share: float) -> str:
    return f"{_used(disk)}, from {share:.0%} on only live files are taken; make room there"


def _used(disk: Disk) -> str:
    return f"{disk.path} is {disk.used_share:.1%} full, {_gb(disk.free_bytes)} are left"


def _gb(count: int) -> str:
    return f"{count / 1e9:.1f} GB"


def in_words(pauses: Iterable[Pause]) -> list[str]:
    """For status and logs."""
    return [f"{pause.what}: {pause.why}" for pause in pauses]
