"""Named places where a test may kill, freeze or fail the process. Inert unless armed, in a build that may."""

import os
import random
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from events.breakable import order

__all__ = [
    "ACTIONS",
    "CONTROL",
    "POINTS",
    "VARIABLE",
    "FailpointError",
    "UnknownFailpointError",
    "arm",
    "arm_from",
    "disarm",
    "during",
    "reach",
    "watched",
]

VARIABLE = "MERIDIAN_FAILPOINT"
"""``name:action:nth``, several with commas; ``nth`` (1 if left out) counts how often the place is reached."""

CONTROL = "MERIDIAN_FAILPOINT_FILE"
"""A file with the same text, looked at while the process runs. Whoever acts on it removes it first: it acts once."""

ACTIONS = ("kill", "stop", "exit", "exception", "delay")

_FOLLOWER = ("after_fetch", "before_compare_and_set", "before_commit", "during_commit", "after_commit")
_DECIDER = (
    "after_poll", "after_begin", "after_send", "before_offsets", "after_offsets", "during_commit", "after_commit",
    "before_snapshot",
)  # fmt: skip
_WORKER = ("after_lease", "mid_upload", "between_parts", "after_put", "after_report")

POINTS = frozenset(
    [f"decider.{name}" for name in _DECIDER]
    + [f"{follower}.{name}" for follower in ("projector", "dispatch") for name in _FOLLOWER]
    + ["projector.mid_batch"]
    + [f"worker.{name}" for name in _WORKER]
    + [
        f"publication.{name}"
        for name in ("after_package", "after_archive", "after_announce", "after_cite", "before_published")
    ]
    + [
        f"{who}.{name}"
        for who in ("intake", "client", "publish")
        for name in ("before_produce", "after_produce")
    ]
)
"""Every place there is."""

EXIT_CODE = 70
DELAY_S = 3.0
_LOOK_S = 0.05
_DURING_S = 0.004  # what a commit of a small transaction takes


class FailpointError(Exception):
    """Raised at a failpoint whose action is ``exception``."""


class UnknownFailpointError(ValueError):
    """A failpoint that does not exist was asked for; the message names those that do."""


@dataclass(slots=True)
class _Armed:
    action: str
    left: int
    control: Path | None


_armed: dict[str, _Armed] = {}
_lock = threading.Lock()


def reach(name: str) -> None:
    """The process is at this place; nothing happens unless it is armed."""
    if _armed:
        action = _due(name)
        if action is not None:
            _act(name, action)


@contextmanager
def during(name: str) -> Iterator[None]:
    """Around a call to a server: the process is killed or stopped while it runs, an exception is raised after it."""
    action = _due(name) if _armed else None
    if action is None:
        yield
        return
    if action in {"exception", "delay"}:
        yield
        _act(name, action)
        return
    threading.Thread(target=_act_soon, args=(name, action), daemon=True).start()
    yield


def watched(stream: BinaryIO, name: str) -> BinaryIO:
    """A file that is being sent, with this place after each piece of it, since its client reads it only to send it."""
    return _Watched(stream, name) if _armed else stream  # type: ignore[return-value]  # as far as clients read it


def arm(orders: str, *, control: Path | None = None) -> None:
    """Arm what ``name:action:nth,…`` says, instead of what was armed. Raises UnknownFailpointError."""
    wanted = dict(_parsed(each.strip(), control) for each in orders.split(",") if each.strip())
    with _lock:
        _armed.clear()
        _armed.update(wanted)


def disarm() -> None:
    """Nothing is armed."""
    with _lock:
        _armed.clear()


def arm_from(environment: Mapping[str, str]) -> None:
    """At the start of a process: arm what its environment says, and watch its control file."""
    orders = order(environment, VARIABLE)
    if orders is not None:
        arm(orders)
    control = order(environment, CONTROL)
    if control is not None:
        threading.Thread(target=_watch, args=(Path(control),), name="failpoints", daemon=True).start()


def _parsed(text: str, control: Path | None) -> tuple[str, _Armed]:
    name, _, rest = text.partition(":")
    action, _, nth = rest.partition(":")
    if name not in POINTS:
        raise UnknownFailpointError(
            f"found the failpoint {name!r}, wanted one of {', '.join(sorted(POINTS))}"
        )
    if action not in ACTIONS or not (nth or "1").isdigit() or nth == "0":
        raise UnknownFailpointError(
            f"found {text!r}, wanted {name}:ACTION:NTH with one of {', '.join(ACTIONS)}"
        )
    return name, _Armed(action, int(nth or "1"), control)


def _due(name: str) -> str | None:
    """The action of this place if its turn has come; it has it once."""
    with _lock:
        armed = _armed.get(name)
        if armed is None:
            return None
        armed.left -= 1
        if armed.left > 0:
            return None
        del _armed[name]
    return armed.action if armed.control is None or _is_ours(armed.control) else None


def _is_ours(control: Path) -> bool:
    """Of several processes with one control file, the one that removes it acts; a restarted one finds nothing."""
    try:
        control.unlink()
    except FileNotFoundError:
        return False
    return True


def _act(name: str, action: str) -> None:
    if action == "exception":
        raise FailpointError(name)
    if action == "delay":
        time.sleep(DELAY_S)
    elif action == "exit":
        os._exit(EXIT_CODE)
    else:
        os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGSTOP)


def _act_soon(name: str, action: str) -> None:
    time.sleep(random.random() * _DURING_S)  # noqa: S311 - the moment, not a secret
    _act(name, action)


def _watch(control: Path) -> None:
    seen: tuple[int, int] | None = None
    while True:
        found = _version(control)
        if found != seen:
            disarm()
            with suppress(OSError, ValueError):  # gone again, or wrong: nothing is armed, and the file stays
                arm(control.read_text(), control=control)
            seen = found
        time.sleep(_LOOK_S)


def _version(control: Path) -> tuple[int, int] | None:
    try:
        status = control.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


class _Watched:
    def __init__(self, stream: BinaryIO, name: str) -> None:
        self._stream = stream
        self._name = name

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        reach(self._name)
        return piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
