"""No network, no other program, no other file for a process that reads untrusted files."""

import ctypes
import os
import signal
import sys
import sysconfig
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["Guard", "GuardedError", "die_with_parent", "leave_network"]

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38

# What a reader of files has no business with, by how the names of Python's audit events begin.
FORBIDDEN = (
    "ctypes.dlopen", "ftplib.", "http.", "imaplib.", "os.chmod", "os.chown", "os.exec", "os.fork", "os.kill",
    "os.link", "os.mkdir", "os.posix_spawn", "os.remove", "os.rename", "os.rmdir", "os.spawn", "os.startfile",
    "os.symlink", "os.system", "os.truncate", "poplib.", "pty.", "shutil.", "smtplib.", "socket.", "subprocess.",
    "urllib.", "webbrowser.",
)  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class GuardedError(PermissionError):
    """The process tried what it may not."""


def leave_network() -> str:
    """Move this process into a network of its own, in which there is nothing; says how, or ``none``.

    Root keeps its user, anybody else becomes the only user of a name space of their own. Where the system allows
    neither (most containers), the guard below is what is left.
    """
    if sys.platform != "linux":
        return "none"
    libc = ctypes.CDLL(None, use_errno=True)
    for flags in (CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET):
        if libc.unshare(flags) == 0:
            return "network namespace"
    return "none"


def die_with_parent() -> None:
    """Let the kernel kill this process when its parent ends, and let no program it might start gain rights."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


class _Watched(dict[str, bool]):
    """Whether an event is of interest: asked ten thousand times a file, so worked out once a name."""

    def __missing__(self, event: str) -> bool:
        self[event] = event == "open" or event.startswith(FORBIDDEN)
        return self[event]


_IS_WATCHED = _Watched()


class Guard:
    """Refuses network, other programs and other files by Python's audit events; cannot be taken off again.

    It stops what Python code does, not what a library's machine code would do: that is what the empty network and the
    limits are for. ``tried`` lists what of network and programs was refused, even where a library swallowed that.
    """

    def __init__(self) -> None:
        self.tried: list[str] = []
        own = f"/proc/{os.getpid()}/"
        self._readable = (*_library_folders(), f"{own}io", f"{own}schedstat", f"{own}stat", f"{own}statm")

    def put_on(self) -> None:
        """Start refusing."""
        sys.addaudithook(self._look)

    def _look(self, event: str, arguments: tuple[Any, ...]) -> None:
        if _IS_WATCHED[event]:
            if event == "open":
                self._look_at_open(*arguments[:3])
            else:
                self._refuse(f"{event} {str(arguments)[:100]}")

    def _look_at_open(self, path: object, mode: object, flags: object) -> None:
        if isinstance(path, int):
            return  # a descriptor that is open already
        writes = (isinstance(flags, int) and flags & WRITING) or (
            isinstance(mode, str) and set(mode) & set("wax+")
        )
        name = os.fsdecode(path) if isinstance(path, str | bytes) else str(path)
        if writes or not os.path.realpath(name).startswith(self._readable):
            print(
                f"refused: open {name[:200]!r}", file=sys.stderr
            )  # libraries look for settings; the log tells
            raise GuardedError(f"open {name[:200]!r}: refused to a reader of untrusted files")

    def _refuse(self, what: str) -> None:
        if len(self.tried) < 10:
            self.tried.append(what)
        raise GuardedError(f"{what}: refused to a reader of untrusted files")


@cache  # worked out before the fork: looking for it takes a child longer than looking at a small file
def _library_folders() -> tuple[str, ...]:
    """Where Python, its packages and our own code lie: libraries load parts of themselves when first needed."""
    named = [*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, str(Path(__file__).parent)]
    folders = {os.path.realpath(name) for name in named if name} - {os.sep}
    return (*(folder + os.sep for folder in folders), "/usr/share/zoneinfo/", os.devnull)
