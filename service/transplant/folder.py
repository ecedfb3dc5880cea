"""The folder of an export: written under another name and given its own in one step, so it is whole or not there."""

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from service.transplant.manifest import TransplantError

__all__ = ["Written", "lines_of", "new_folder", "write_lines"]

_BUFFER_BYTES = 1024 * 1024


@dataclass(slots=True)
class Written:
    """What a file has come to."""

    lines: int = 0
    bytes: int = 0
    sha256: str = ""


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Where to write; it becomes ``path`` at the end, and goes if anything is raised. Raises TransplantError.

    What another export has left behind that was killed goes too.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise TransplantError(
            f"{path}: found that it is there already, wanted a new folder or an empty one; name another"
        )
    parent = path.absolute().parent
    if not parent.is_dir():
        raise TransplantError(f"{path}: found no folder {parent}, wanted it to write into; make it first")
    partial = parent / f".{path.name}.partial"
    partial.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(partial, os.O_RDONLY)
    try:
        _lock(handle, path)
        for left in partial.iterdir():
            left.unlink()
        try:
            yield partial
            os.fsync(handle)
            partial.rename(path)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        _sync(parent)
    finally:
        os.close(handle)


def write_lines(path: Path, lines: Iterable[bytes]) -> Written:
    """These lines, each with its end, onto the disk."""
    written, summed = Written(), sha256()
    with path.open("wb", buffering=_BUFFER_BYTES) as file:
        for line in lines:
            file.write(line)
            summed.update(line)
            written.lines += 1
            written.bytes += len(line)
        file.flush()
        os.fsync(file.fileno())
    written.sha256 = summed.hexdigest()
    return written


def lines_of(path: Path, written: Written) -> Iterator[bytes]:
    """The lines of a file, and in ``written`` what they come to."""
    summed = sha256()
    with path.open("rb", buffering=_BUFFER_BYTES) as file:
        for line in file:
            summed.update(line)
            written.lines += 1
            written.bytes += len(line)
            yield line
    written.sha256 = summed.hexdigest()


def _lock(handle: int, path: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise TransplantError(
            f"{path}: found another export at work on it, wanted to be alone; wait for it, or name another folder"
        ) from error


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
