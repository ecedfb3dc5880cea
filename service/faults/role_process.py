"""One of our roles as a child process that can be killed, frozen, thawed, held down and started with other settings."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from service.faults.child import Child
from service.faults.servers import family, signal_all

__all__ = ["RoleProcess"]

_PAUSE_S = 0.3
_STOP_S = 12.0


class RoleProcess(Child):
    """``python -m service run ROLE``, started again whenever it has died, unless it is held down."""

    def __init__(self, name: str, role: str, *, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.role = role
        self.log = log
        self.extra: dict[str, str] = {}
        """Variables for its next starts, over those of the arena."""
        self.command: tuple[str, ...] = ("-m", "service", "run", role)
        self.is_held_down = False
        self.deaths: list[int] = []
        """Exit codes of its lives so far; below zero: the signal."""
        self._environment = environment
        self._not_before = 0.0

    def start(self) -> None:
        """Start it, unless it runs."""
        if self.is_alive:
            return
        with self.log.open("ab") as output:
            # Its end of the pipe tells it that we are gone, even when we were killed.
            self._process = subprocess.Popen(
                [sys.executable, *self.command],
                env={**os.environ, **self._environment, **self.extra},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
            )

    def tend(self) -> None:
        """Start it again after a short pause if it has died."""
        if self._process is None or self.is_alive:
            return
        if self._not_before == 0.0:
            self.deaths.append(self._process.returncode)
            self._not_before = time.monotonic() + _PAUSE_S
        if not self.is_held_down and time.monotonic() >= self._not_before:
            self._not_before = 0.0
            self.start()

    def kill(self) -> None:
        """SIGKILL to the process alone; its children see the end of their pipes."""
        if self._process is not None and self.is_alive:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """SIGSTOP to it and its children."""
        if self.pid is not None:
            signal_all(family(self.pid), signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT to it and its children."""
        if self.pid is not None:
            signal_all(family(self.pid), signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM; `tend` starts it again."""
        if self._process is not None and self.is_alive:
            self._process.terminate()

    def hold_down(self) -> None:
        """Kill it, and leave it so until `release`."""
        self.is_held_down = True
        self.kill()

    def release(self) -> None:
        """Let it run again."""
        self.is_held_down = False

    def end(self, *, until: float) -> None:
        """Wait for its end after `terminate`, and kill it when it takes too long."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            signal_all(family(self._process.pid), signal.SIGKILL)
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
