"""A reader that does what the file tells it to: what a library with a hole in it would do for an attacker."""

import ctypes
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

from consumers.formats.format import Content
from consumers.formats.metadata import Metadata

LIBC = ctypes.CDLL(None, use_errno=True)


def warm_up():
    """There is nothing to load."""


def read(source, seen, expected, findings):
    order, _, argument = source.read().decode().partition(" ")
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


ORDERS: dict[str, Callable[[str], Any]] = {
    "connect": lambda port: socket.create_connection(("127.0.0.1", int(port))),
    "connect-without-python": _connect_without_python,
    "connect-and-swallow": _swallow,
    "crash": lambda _: ctypes.string_at(0),
    "end": lambda code: os._exit(int(code)),
    "environment": lambda name: os.environ.get(name, "not there"),
    "fetch": lambda url: urllib.request.urlopen(url).read(),
    "fill-memory": _fill_memory,
    "fork": lambda _: os.fork(),
    "kill-server": lambda _: LIBC.kill(os.getppid(), signal.SIGKILL),
    "kill-self": lambda _: LIBC.kill(os.getpid(), signal.SIGKILL),
    "nothing": lambda _: "done",
    "open": lambda path: Path(path).read_text(),
    "raise": _raise,
    "run": lambda command: subprocess.run([command], check=False),
    "say-much": lambda count: "y" * int(count),
    "shout": _shout,
    "sleep": lambda seconds: time.sleep(float(seconds)),
    "spin": _spin,
    "write": lambda path: Path(path).write_text("here"),
}
