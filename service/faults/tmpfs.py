"""A small file system in memory, laid over a folder, so that it can be full."""

import errno
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

__all__ = ["Ballast", "copy_folder", "lay_over", "take_away", "why_not_here"]


@cache
def why_not_here() -> str | None:
    """Why no file system can be mounted here; None: it can, it was tried."""
    with tempfile.TemporaryDirectory(prefix="meridian-mount-") as folder:
        reason = _mount(Path(folder), size_bytes=1 << 20)
        if reason is None:
            take_away(Path(folder))
    return None if reason is None else f"a file system of limited size can't be mounted: {reason}"


def lay_over(folder: Path, *, size_bytes: int) -> None:
    """What is in ``folder`` is hidden until `take_away`; owner and mode stay. Raises OSError."""
    found = folder.stat()
    reason = _mount(folder, size_bytes=size_bytes)
    if reason is not None:
        raise OSError(f"{folder}: {reason}")
    os.chown(folder, found.st_uid, found.st_gid)
    folder.chmod(found.st_mode & 0o7777)


def take_away(folder: Path) -> None:
    """Unmount, also while somebody has files open there; harmless if nothing is mounted."""
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=False, timeout=20)


def copy_folder(source: Path, target: Path) -> None:
    """All that is in ``source``, owners, modes and holes as they are; ``target`` is made if it is not there."""
    target.mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", "--sparse=always", f"{source}/.", str(target)], check=True, timeout=180)


class Ballast:
    """Takes all the room that is left beside some bytes, until `drop`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ballast"

    def fill(self, *, spare_bytes: int = 0) -> None:
        """No more than ``spare_bytes`` are free afterwards, whoever else takes room meanwhile."""
        with self._path.open("wb") as ballast:
            taken = 0
            while (size := self._free_bytes() - spare_bytes) > 0:
                try:
                    os.posix_fallocate(ballast.fileno(), taken, size)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    continue  # somebody took some of it between the look and the taking
                taken += size

    def _free_bytes(self) -> int:
        found = os.statvfs(self._path.parent)
        return found.f_bavail * found.f_frsize

    def drop(self) -> None:
        """Make room."""
        self._path.unlink(missing_ok=True)


def _mount(folder: Path, *, size_bytes: int) -> str | None:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "meridian-faults", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    except OSError as error:
        return str(error)
    return None if done.returncode == 0 else done.stderr.strip() or f"mount exits with {done.returncode}"
