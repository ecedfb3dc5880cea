"""Work that takes a while, done in a thread of its own while the other injections go on."""

import threading
import time
from collections.abc import Callable, Generator
from typing import TypeVar

from service.faults.cell import CellFailedError

__all__ = ["aside", "patiently"]

Result = TypeVar("Result")
_LONGEST_S = 150.0
_AGAIN_S = 1.0


def aside(work: Callable[[], Result]) -> Generator[None, None, Result]:
    """What ``work`` returns or raises; yields until then. Not for starting servers: they end with their thread."""
    found: list[Result] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again where it is waited for
            raised.append(error)

    thread = threading.Thread(target=run, name="aside", daemon=True)
    thread.start()
    while thread.is_alive():
        yield
    if raised:
        raise raised[0]
    return found[0]


def patiently(
    work: Callable[[], Result],
    *,
    what: str,
    errors: tuple[type[Exception], ...],
    within_s: float = _LONGEST_S,
) -> Generator[None, None, Result]:
    """As `aside`, tried again after each of these errors: what another fault brings about is not this one's doing."""
    stop = threading.Event()

    def run() -> Result:
        until = time.monotonic() + within_s
        while True:
            try:
                return work()
            except errors as error:
                if time.monotonic() > until or stop.wait(_AGAIN_S):
                    raise CellFailedError(f"wanted {what} within {within_s:.0f} s, found {error}") from error

    try:
        return (yield from aside(run))
    finally:
        stop.set()  # whoever gives the injection up does not leave a thread behind
