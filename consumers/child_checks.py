"""What a child says before each check, and how long one may take: a check that goes wrong is found out by name."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from consumers.checks.judge import Watch
from consumers.child_clock import OwnClock
from consumers.child_guard import Guard, GuardedError
from consumers.child_limits import Limits

__all__ = ["CheckTimeoutError", "blamed", "during", "watched"]

SHARE_OF_PROCESSOR = 0.5
"""Of the processor time that a file has, what one check may take, asleep or at work: less than would end the child."""
A_MOMENT_S = 0.01


class CheckTimeoutError(Exception):
    """A check takes longer than any should."""


def watched(limits: Limits, guard: Guard, tell: Callable[[dict[str, Any]], None], clock: OwnClock) -> Watch:
    """Tell which check begins, and end it after a while; what it was refused is the check's doing, not the file's.

    The while is its own, by ``clock``: time in which it waited for a processor is not counted.
    """
    allowed_s = limits.cpu_s * SHARE_OF_PROCESSOR
    began_s = 0.0

    def too_long(_number: int, _frame: FrameType | None) -> None:
        left_s = began_s + allowed_s - clock.now_s()
        if left_s < A_MOMENT_S:
            raise CheckTimeoutError(f"not finished after {allowed_s:g} s")
        signal.setitimer(signal.ITIMER_REAL, left_s)

    @contextmanager
    def watch(name: str, is_critical: bool) -> Iterator[None]:
        nonlocal began_s
        tell({"checking": {"name": name, "is_critical": is_critical}})
        began_s = clock.now_s()
        before = len(guard.tried)
        signal.signal(signal.SIGALRM, too_long)
        signal.setitimer(signal.ITIMER_REAL, allowed_s)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if len(guard.tried) > before:
            tried = guard.tried[before:]
            del guard.tried[before:]
            raise GuardedError(f"{tried[0]}: refused to a check")

    return watch


def blamed(told: dict[str, Any]) -> str | None:
    """The check during which a child met a limit or crashed, where the file can be judged without it."""
    checking = told.get("checking")
    return None if checking is None or checking["is_critical"] else str(checking["name"])


def during(told: dict[str, Any]) -> str:
    """What a child was at when it ended, in words."""
    checking = told.get("checking")
    return "reading it" if checking is None else f"its check {checking['name']}"
