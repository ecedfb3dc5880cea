"""One supervisor for each data folder: a lock that the system takes back when its holder dies, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from service.stack.failure import StackError

__all__ = ["boot", "hold", "holder", "turn"]

_PATIENCE_S = 2.0  # somebody who only looks whether the lock is held, holds it for an instant


def boot() -> str:
    """A name for the time since the machine was started, within which process numbers mean something."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return str(int(psutil.boot_time()))


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Holds the lock, with our process number written in it; raises StackError when another does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _acquire(descriptor, path)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {boot()}\n".encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def holder(path: Path) -> int | None:
    """The process that holds the lock now, if any does. What the file says counts only while it is locked."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise StackError(f"{path} belongs to another user; run as the one who started the stack") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        words = os.pread(descriptor, 100, 0).decode().split()
        return int(words[0]) if words else None
    else:
        return None
    finally:
        os.close(descriptor)


@contextmanager
def turn(path: Path) -> Iterator[None]:
    """One after the other: waits until nobody else is in this block. Raises StackError where there is no room."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StackError(
            f"{path} can't be written: {error.strerror or error}; wanted room in {path.parent} and the right to "
            "write there; free some, or set MERIDIAN_DATA to another folder"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, path: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StackError(
                    f"{path} is held by process {holder(path)}, which runs this stack already; "
                    "stop it with ./meridian down, or set MERIDIAN_DATA to another folder"
                ) from None
            time.sleep(0.02)
        else:
            return
