"""Children that outlived their supervisor: written down when started, found again, and stopped if they are the same."""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from service.stack.lock import boot
from service.stack.place import write_whole

__all__ = ["Trace", "stop_orphans", "trace", "write_traces"]


_SAME_START_S = (
    2.0  # the time of boot is known in whole seconds, and may round the other way when asked again
)
_NAMED_WITHIN_S = 1.0


class Trace(BaseModel):
    """Enough of a process to know it again, even after its number went to another."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int
    boot: str
    created_s: float
    argv: tuple[str, ...]
    stop_signal: int
    stop_limit_s: float

    def process(self) -> psutil.Process | None:
        """The process, if it still runs and is the one that was written down."""
        if self.boot != boot():
            return None
        with suppress(psutil.Error):  # gone, or not ours to look at: not the one we started
            found = psutil.Process(self.pid)
            same = (
                abs(found.create_time() - self.created_s) < _SAME_START_S
                and tuple(found.cmdline()) == self.argv
            )
            return found if same and found.status() != psutil.STATUS_ZOMBIE else None
        return None


_TRACES = TypeAdapter(list[Trace])


def trace(name: str, pid: int, *, stop_signal: int, stop_limit_s: float) -> Trace | None:
    """What to write down of a child that was just started; nothing if it has ended already."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return Trace(
            name=name,
            pid=pid,
            boot=boot(),
            created_s=process.create_time(),
            argv=_argv(process),
            stop_signal=stop_signal,
            stop_limit_s=stop_limit_s,
        )
    return None


def _argv(process: psutil.Process) -> tuple[str, ...]:
    """The command of a process. For a moment after its `exec` it has none yet, and could not be known again by that."""
    latest = time.monotonic() + _NAMED_WITHIN_S
    while not (argv := process.cmdline()) and time.monotonic() < latest:
        time.sleep(0.001)
    return tuple(argv)


def write_traces(path: Path, traces: Iterable[Trace]) -> None:
    """Replaces the list."""
    write_whole(path, [each.model_dump() for each in traces])


def stop_orphans(path: Path) -> list[str]:
    """Stops whatever is left of a supervisor that died, and says what it was. No other process is touched."""
    orphans = [(each, process) for each in _read(path) if (process := each.process())]
    for each, process in orphans:
        with suppress(psutil.NoSuchProcess):  # it was just ending by itself
            process.send_signal(each.stop_signal)
    limit_s = max((each.stop_limit_s for each, _ in orphans), default=0)
    _, alive = psutil.wait_procs([process for _, process in orphans], timeout=limit_s)
    for process in alive:
        with suppress(ProcessLookupError):  # each child leads a group of its own
            os.killpg(process.pid, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=5)
    path.unlink(missing_ok=True)
    return [f"{each.name} ({each.pid})" for each, _ in orphans]


def _read(path: Path) -> list[Trace]:
    try:
        return _TRACES.validate_json(path.read_bytes())
    except FileNotFoundError:
        return []
    except ValidationError:
        return []  # written by another version of Meridian; its children end with their supervisor anyway
