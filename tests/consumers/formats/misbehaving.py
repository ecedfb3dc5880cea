"""A reader that does what the file tells it to: what a library with a hole in it would do for an attacker."""

import ctypes
import gc
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from consumers.child_clock import standing_of
from consumers.child_note import Note
from consumers.formats.format import Content
from consumers.formats.inspection import InvalidFileError
from consumers.formats.metadata import Metadata

LIBC = ctypes.CDLL(None, use_errno=True)


def warm_up():
    """There is nothing to load."""


def read(source, seen, expected, findings):
    order, _, argument = source.read().decode().partition(" ")
    if POISON:
        ORDERS[POISON[0]]("")
    value = ORDERS[order](argument)
    findings.record("answer", value if isinstance(value, int | float | str | None) else str(value))
    return Content(Metadata(target=str(value)))


def _connect_without_python(port: str) -> str:
    """Past the audit events, straight through the C library: only the kernel can say no to this."""
    address = b"\x02\x00" + int(port).to_bytes(2, "big") + bytes([127, 0, 0, 1]) + bytes(8)
    fd = LIBC.socket(2, 1, 0)
    connected = LIBC.connect(fd, address, len(address))
    return "connected" if connected == 0 else os.strerror(ctypes.get_errno())


def _swallow(argument: str) -> str:
    """A library that goes on when it is refused, as asdf does with references it cannot follow."""
    try:
        socket.create_connection(("127.0.0.1", int(argument)))
    except OSError:
        return "went on"
    return "connected"


def _fill_memory(_: str) -> int:
    return len(bytearray(2 * 1024**3))


def _spin(_: str) -> None:
    while True:
        pass


def _raise(text: str) -> None:
    raise RuntimeError(text)


def _shout(count: str) -> None:
    sys.stderr.write("x" * int(count) + "\x1b[31mend of the log\n")


def _burn(seconds: str) -> str:
    began = time.process_time()
    while time.process_time() - began < float(seconds):
        pass
    return "burnt"


KEPT: list[bytearray] = []
POISON: list[str] = []


def _poison(order: str) -> str:
    """A file in order, after which every other that this process reads goes wrong."""
    POISON.append(order)
    return "poisoned"


def _find_fault(_: str) -> None:
    raise InvalidFileError("MADE_UP", "found nothing wrong with it")


def _keep(count: str) -> str:
    """A library that never gives its memory back."""
    KEPT.append(bytearray(int(count)))
    return "kept"


def _say_too_much(_: str) -> None:
    """Past our own code, to whom the child reports: more than anybody would."""
    os.write(4, b"\x7f\xff\xff\xff")
    time.sleep(60)


def _say_it_deep(_: str) -> None:
    """The same, and as deep as no message goes."""
    message = b"[" * 100_000
    os.write(4, len(message).to_bytes(4, "big") + message)
    time.sleep(60)


def _standing(_: str) -> str:
    standing = standing_of()
    return "not told" if standing is None else standing.state


def _notes_in_reach(_: str) -> int:
    """Of how many files it could say what they are at: its own, and of every other whose memory was left to it."""
    notes = [each for each in gc.get_objects() if isinstance(each, Note)]
    return sum(not each._page.closed for each in notes)


ORDERS: dict[str, Callable[[str], Any]] = {
    "connect": lambda port: socket.create_connection(("127.0.0.1", int(port))),
    "connect-without-python": _connect_without_python,
    "connect-and-swallow": _swallow,
    "burn": _burn,
    "crash": lambda _: ctypes.string_at(0),
    "end": lambda code: os._exit(int(code)),
    "environment": lambda name: os.environ.get(name, "not there"),
    "fetch": lambda url: urllib.request.urlopen(url).read(),
    "fill-memory": _fill_memory,
    "find-fault": _find_fault,
    "fork": lambda _: os.fork(),
    "keep": _keep,
    "kill-server": lambda _: LIBC.kill(os.getppid(), signal.SIGKILL),
    "kill-self": lambda _: LIBC.kill(os.getpid(), signal.SIGKILL),
    "notes-in-reach": _notes_in_reach,
    "nothing": lambda _: "done",
    "open": lambda path: Path(path).read_text(),
    "poison": _poison,
    "raise": _raise,
    "run": lambda command: subprocess.run([command], check=False),
    "say-it-deep": _say_it_deep,
    "say-much": lambda count: "y" * int(count),
    "say-too-much": _say_too_much,
    "standing": _standing,
    "shout": _shout,
    "sleep": lambda seconds: time.sleep(float(seconds)),
    "spin": _spin,
    "who": lambda _: str(os.getpid()),
    "write": lambda path: Path(path).write_text("here"),
}
