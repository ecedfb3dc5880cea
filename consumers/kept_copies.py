"""Fetched copies, kept between the step that looked at a file and the one that archives it: one fetch, not two."""

import logging
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

__all__ = ["KeptCopies"]

log = logging.getLogger(__name__)

_PREFIX = "kept-"
_GB = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Kept:
    path: Path
    size_bytes: int
    since_s: float


class KeptCopies:
    """Of one worker process, below its staging folder; safe for its threads.

    Whatever is lost here is fetched again: a copy is dropped when it is older than ``age_s``, and the oldest go when
    all of them take more than ``at_most_bytes``. What processes that are gone left behind is removed at the start.
    """

    def __init__(self, staging_dir: Path, *, at_most_bytes: int = 20 * _GB, age_s: float = 3600.0) -> None:
        self._staging = staging_dir
        self._at_most_bytes = at_most_bytes
        self._age_s = age_s
        self._folder = staging_dir / f"{_PREFIX}{socket.gethostname()}-{os.getpid()}"
        self._lock = threading.Lock()
        self._copies: dict[tuple[str, str], _Kept] = {}
        self._count = 0
        _remove_left(staging_dir, mine=self._folder)

    @property
    def size_bytes(self) -> int:
        """What all of them take."""
        with self._lock:
            return sum(copy.size_bytes for copy in self._copies.values())

    def keep(self, path: Path, *, uri: str, sha256: str) -> bool:
        """Take a fetched copy over; False where it is none to be kept, such as a file that lies where it landed."""
        if not path.is_relative_to(self._staging):
            return False
        size = path.stat().st_size
        if size > self._at_most_bytes:
            return False
        with self._lock:
            self._count += 1
            target = self._folder / str(self._count) / path.name
        target.parent.mkdir(parents=True)
        path.rename(target)
        with self._lock:
            same = self._copies.pop((uri, sha256), None)
            gone = [] if same is None else [same]
            self._copies[uri, sha256] = _Kept(target, size, time.monotonic())
            gone += self._too_much()
        _remove(gone)
        return True

    @contextmanager
    def taken(self, uri: str, sha256: str) -> Iterator[Path | None]:
        """The copy with these bytes, or None. Removed when the block ends; kept on where it ends with an error."""
        with self._lock:
            gone = self._too_old()
            copy = self._copies.pop((uri, sha256), None)
        _remove(gone)
        if copy is None:
            yield None
            return
        try:
            yield copy.path
        except BaseException:
            with self._lock:
                self._copies[uri, sha256] = copy
            raise
        _remove([copy])

    def clear(self) -> None:
        """Drop them all: the disk is full, or the worker stops."""
        with self._lock:
            gone = list(self._copies.values())
            self._copies.clear()
        _remove(gone)
        with suppress(OSError):
            self._folder.rmdir()
        if gone:
            log.info("kept copies dropped", extra={"copies": len(gone)})

    def _too_old(self) -> list[_Kept]:
        until = time.monotonic() - self._age_s
        old = [key for key, copy in self._copies.items() if copy.since_s < until]
        return [self._copies.pop(key) for key in old]

    def _too_much(self) -> list[_Kept]:
        """The oldest, until the rest fits; they stand in the order in which they came."""
        gone = self._too_old()
        left = sum(copy.size_bytes for copy in self._copies.values())
        for key in list(self._copies):
            if left <= self._at_most_bytes:
                break
            copy = self._copies.pop(key)
            left -= copy.size_bytes
            gone.append(copy)
        return gone


def _remove(copies: list[_Kept]) -> None:
    for copy in copies:
        shutil.rmtree(copy.path.parent, ignore_errors=True)


def _remove_left(staging_dir: Path, *, mine: Path) -> None:
    """Folders of processes of this host that are gone, and what an earlier process of our own number left."""
    own = f"{_PREFIX}{socket.gethostname()}-"
    for folder in staging_dir.glob(f"{own}*"):
        number = folder.name.removeprefix(own)
        if folder == mine or not (number.isdigit() and psutil.pid_exists(int(number))):
            shutil.rmtree(folder, ignore_errors=True)
