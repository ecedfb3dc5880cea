"""Roles as children of one process: started, started again when they end, stopped together."""

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping

from service.settings import PROJECT
from service.wiring import Wiring

__all__ = ["CHILD_MARK", "keep_children"]

log = logging.getLogger(__name__)

CHILD_MARK = "_MERIDIAN_IS_CHILD"
"""In the environment of a child: the end of its standard input means that its parent is gone."""

STOP_S = 8.5
_LOOK_S = 0.25
_HEALTHY_AFTER_S = 60.0
_PAUSES_S = (0.2, 1.0, 5.0)


class _Kept:
    """One role: its process, and how soon it may be started again."""

    def __init__(self, role: str, environment: Mapping[str, str]) -> None:
        self.role = role
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._failures = 0
        self._not_before = 0.0

    def look(self) -> None:
        """Start it if it does not run and its pause is over."""
        now = time.monotonic()
        process = self._process
        if process is not None and process.poll() is not None:
            healthy = now - self._began > _HEALTHY_AFTER_S
            self._failures = 0 if healthy else self._failures + 1
            pause = _PAUSES_S[min(self._failures, len(_PAUSES_S) - 1)]
            fields = {"child": self.role, "exit": process.returncode, "pause_s": pause}
            log.error("child ended, started again", extra=fields)
            self._not_before, self._process = now + pause, None
        if self._process is None and now >= self._not_before:
            command = [sys.executable, "-m", "service", "run", self.role]
            # Its end of the pipe tells it that we are gone, even when we were killed.
            self._process = subprocess.Popen(command, env=self._environment, stdin=subprocess.PIPE)
            self._began = now

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def bury(self, *, until: float) -> None:
        """Wait for its end, and kill it when it takes too long."""
        process = self._process
        if process is None:
            return
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("child did not stop in time, killed", extra={"child": self.role, "pid": process.pid})
            process.kill()
            process.wait()


def keep_children(roles: Iterable[str], wiring: Wiring, stop: threading.Event) -> None:
    """Run these roles until ``stop``; returns once all have ended."""
    environment = _environment(wiring)
    kept = [_Kept(role, environment) for role in roles]  # one role may stand here several times
    try:
        while not stop.is_set():
            for each in kept:
                each.look()
            stop.wait(_LOOK_S)
    finally:
        for each in kept:
            each.ask_to_stop()
        until = time.monotonic() + STOP_S
        for each in kept:
            each.bury(until=until)


def _environment(wiring: Wiring) -> dict[str, str]:
    """Our own, with every setting, wherever it came from, and the servers as we know them."""
    path = os.pathsep.join([str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {
        **os.environ,
        **wiring.settings.environment(),
        **wiring.endpoints.environment(),
        CHILD_MARK: "1",
        "PYTHONPATH": path,
    }
