"""One child process kept alive: prepared, started, probed, restarted with growing pauses, stopped within a limit."""

import asyncio
import logging
import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from service.stack.account import demoted
from service.stack.bond import bonded
from service.stack.failure import StackError
from service.stack.orphans import Trace, trace
from service.stack.server import Launch, Server
from service.stack.state import ChildState, Condition

__all__ = ["Child"]

log = logging.getLogger(__name__)

_PROBE_EVERY_S = 0.05
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_HEALTHY_AFTER_S = 60.0
_LONGEST_LOG_BYTES = 20 << 20
_LOG_EVERY_S = 30.0
_QUOTED_LINES = 8


class Child:
    """Runs what ``make`` returns until it is told to stop; every change is reported by calling ``changed``."""

    def __init__(self, make: Callable[[], Server], state: ChildState, *, changed: Callable[[], None]) -> None:
        self._make = make
        self._changed = changed
        self._launch = Launch(())
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.state = state
        self.trace: Trace | None = None

    def start(self) -> None:
        """Begins, in the running loop."""
        self._task = asyncio.create_task(self._keep(), name=self.state.name)

    async def stop(self) -> None:
        """Asks the process to stop, waits for its limit, and kills what is left of its group."""
        self._stopping.set()
        if self._process and self._process.returncode is None:
            await self._end(self._process)
        if self._task:
            await self._task
        self._say(Condition.STOPPED, pid=None)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        with suppress(ProcessLookupError):  # it ended while we were asking
            process.send_signal(self._launch.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), self._launch.stop_limit_s)
        except TimeoutError:
            log.warning("child did not stop in time", extra={"child": self.state.name, "pid": process.pid})
        with suppress(ProcessLookupError):  # usually nobody is left
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    async def _keep(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._stopping.is_set():
            began = time.monotonic()
            code = await self._run_once()
            if self._stopping.is_set():
                return
            if code in self._launch.final_codes:
                self._say(Condition.ENDED, pid=None, reason=f"ended with code {code}")
                return
            healthy = time.monotonic() - began > _HEALTHY_AFTER_S
            pause_s = _FIRST_PAUSE_S if healthy else min(pause_s * 2, _LONGEST_PAUSE_S)
            self._say(Condition.WAITING, pid=None, restarts=self.state.restarts + 1)
            with suppress(TimeoutError):  # the pause is over
                await asyncio.wait_for(self._stopping.wait(), pause_s)

    async def _run_once(self) -> int | None:
        """One life of the process; its exit code, or None if it never lived."""
        try:
            self._say(Condition.PREPARING)
            server = await asyncio.to_thread(self._make)
            self._launch = await asyncio.to_thread(server.prepare)
            if self._stopping.is_set():
                return None
            await self._spawn()
            self.state.version = server.version
            return await self._watch(server)
        except (StackError, OSError) as error:
            self._failed(str(error))
            return None
        except (
            Exception
        ) as error:  # whatever it is, the child is not given up: nobody else would start it again
            log.exception("child not looked after", extra={"child": self.state.name})
            self._failed(f"{type(error).__name__}: {error}")
            return None
        finally:
            if self._process and self._process.returncode is None:
                await self._end(self._process)
            self.trace = None

    async def _spawn(self) -> None:
        launch = self._launch
        _rotate(self.state.log)
        with self.state.log.open("ab") as output:
            options = demoted(launch.account) | {"cwd": str(launch.folder)}
            self._process = await asyncio.create_subprocess_exec(
                *launch.argv,
                env={**os.environ, **launch.environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=bonded(launch.stop_signal),
                **options,
            )
        pid = self._process.pid
        self.trace = trace(
            self.state.name, pid, stop_signal=launch.stop_signal, stop_limit_s=launch.stop_limit_s
        )
        log.info("child started", extra={"child": self.state.name, "pid": pid})
        self._say(Condition.STARTING, pid=pid)

    async def _watch(self, server: Server) -> int:
        assert self._process  # noqa: S101
        began = time.monotonic()
        ended = asyncio.ensure_future(self._process.wait())
        while not ended.done():
            if await asyncio.to_thread(server.is_ready):
                self.state.ready_after_s = round(time.monotonic() - began, 2)
                self.state.failures = 0
                log.info("child ready", extra={"child": self.state.name, "seconds": self.state.ready_after_s})
                self._say(Condition.READY, reason="")
                break
            await asyncio.wait([ended], timeout=_PROBE_EVERY_S)
        was_ready = self.state.condition is Condition.READY
        while not ended.done():
            if not (await asyncio.wait([ended], timeout=_LOG_EVERY_S))[0]:
                await asyncio.to_thread(_shorten, self.state.log)
        code = ended.result()
        if not self._stopping.is_set() and (not was_ready or code not in self._launch.final_codes):
            self._failed(f"ended with code {code}: {_last_lines(self.state.log)}")
        return code

    def _failed(self, reason: str) -> None:
        log.error("child failed", extra={"child": self.state.name, "reason": reason})
        self.state.failures += 1
        self.state.reason = reason
        self._changed()

    def _say(self, condition: Condition, **changes: object) -> None:
        self.state.condition = condition
        for name, value in changes.items():
            setattr(self.state, name, value)
        self._changed()


def _rotate(path: Path) -> None:
    """Keeps a log and its predecessor, each of a readable size at every start."""
    if path.exists() and path.stat().st_size > _LONGEST_LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))


def _shorten(path: Path) -> None:
    """The same while its child runs, which goes on writing to the same file, always at its end."""
    try:
        if path.stat().st_size > _LONGEST_LOG_BYTES:
            shutil.copyfile(path, path.with_suffix(".log.1"))
            os.truncate(path, 0)
    except OSError as error:  # no room for a copy: it is kept whole
        log.warning("log not shortened", extra={"path": str(path), "error": str(error)})


def _last_lines(path: Path) -> str:
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 4000))
        lines = stream.read().decode(errors="replace").splitlines()
    return " | ".join(line.strip() for line in lines[-_QUOTED_LINES:])
