"""A format whose one check does what the file tells it to: whatever a check can do wrong, and a good one beside it."""

import ctypes
import os
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from consumers.checks.check import Check, Judged, check
from consumers.checks.registry import known_checks
from consumers.formats import Expected
from consumers.formats.format import Content
from consumers.formats.metadata import Metadata

FORMATS = ("bad-checks",)


def warm_up():
    """In the process that forks the children: what an entry point of another package would add."""
    found: Any = known_checks()
    found.update({each.name: each for each in (good, told_what_to_do)})


def read(source, seen, expected: Expected, findings):
    return Content(Metadata(target=source.read().decode()))


@check(formats=FORMATS, wanted=("==", "well"))
def good(file):
    """All is well."""
    return "well"


@check(formats=FORMATS, wanted=("<=", 1))
def told_what_to_do(file):
    """Does what the file says."""
    order, _, argument = file.metadata.target.partition(" ")
    return ORDERS[order](argument)


def _raise(text: str) -> None:
    raise LookupError(text)


def _spin(_: str) -> None:
    while True:
        pass


def _spin_and_swallow(_: str) -> None:
    """As a loop over files does that goes on after each error."""
    while True:
        try:
            _spin("")
        except Exception:  # noqa: BLE001 - as careless as can be
            continue


def _swallow_refusal(_: str) -> int:
    try:
        socket.create_connection(("127.0.0.1", 9))
    except OSError:
        return 0
    return 0


def _deeper(_: str) -> None:
    _deeper(_)


ORDERS: dict[str, Callable[[str], Any]] = {
    "answer": float,
    "crash": lambda _: ctypes.string_at(0),
    "end": lambda code: os._exit(int(code)),
    "exit": lambda code: sys.exit(int(code)),
    "fill-memory": lambda _: len(bytearray(2 * 1024**3)),
    "list": lambda _: [1, 2],
    "many": lambda count: [Judged(0, part=str(number)) for number in range(int(count))],
    "nothing": lambda _: None,
    "object": lambda _: object(),
    "pass-with-a-word": lambda _: Judged(0, passed="yes"),  # type: ignore[arg-type]
    "connect": _swallow_refusal,
    "raise": _raise,
    "recurse": _deeper,
    "sleep": lambda seconds: time.sleep(float(seconds)),
    "spin": _spin,
    "spin-and-swallow": _spin_and_swallow,
    "text": lambda text: text,
}

__all__ = ["Check", "good", "told_what_to_do"]
