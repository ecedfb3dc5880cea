"""How the supervisor is told what shall run, and how one waits for it: by a file each way, and a signal."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress

from service.settings import PROJECT, Settings
from service.stack.failure import StackError
from service.stack.lock import holder
from service.stack.place import Place, write_whole
from service.stack.state import ChildState, Condition, Role, StackState, Wanted, read_state

__all__ = ["Progress", "ask", "await_ready", "current_state", "end"]

Progress = Callable[[str], None]

_LOOK_EVERY_S = 0.03
_NUDGE_EVERY_S = 1.0
_FAILURES_ALLOWED = 2  # a server that can't start twice in a row will not the third time


def ask(
    settings: Settings,
    place: Place,
    *,
    servers: Sequence[str],
    roles: Sequence[Role] | None,
    owner: int | None,
) -> Wanted:
    """Writes down what shall run: these servers beside those that do, and these roles instead of those that do."""
    earlier = _earlier(place) if current_state(place) else Wanted(id="")
    wanted = Wanted(
        id=uuid.uuid4().hex,
        servers=tuple(dict.fromkeys((*earlier.servers, *servers))),
        roles=earlier.roles if roles is None else tuple(_informed(role, settings) for role in roles),
        java_home=settings.java_home,
        postgres_bin=settings.postgres_bin,
        cache=settings.cache,
        owner=owner,
    )
    write_whole(place.wanted, wanted.model_dump(mode="json"))
    return wanted


def current_state(place: Place) -> StackState | None:
    """What the running supervisor last wrote; None when none runs."""
    pid = holder(place.lock)
    state = read_state(place)
    return state if state and state.pid == pid else None


def await_ready(place: Place, wanted: Wanted, *, progress: Progress, limit_s: float) -> None:
    """Until every wanted server answers and every wanted role runs; raises StackError if that will not be."""
    deadline = time.monotonic() + limit_s
    nudge_at = time.monotonic()
    started: subprocess.Popen[bytes] | None = None
    told: set[str] = set()
    while True:
        state = current_state(place)
        heard = state is not None and state.wanted == wanted.id
        if not heard and time.monotonic() >= nudge_at:
            started = _nudge(place, started)
            nudge_at = time.monotonic() + _NUDGE_EVERY_S
        children = state.children if state and heard else {}
        servers = [children[name] for name in wanted.servers if name in children]
        for child in servers:
            _look(child, told, progress)
        roles = [children[role.name] for role in wanted.roles if role.name in children]
        if (
            heard
            and len(told) == len(wanted.servers)
            and sum(role.has_run for role in roles) == len(wanted.roles)
        ):
            return
        if time.monotonic() > deadline:
            raise StackError(_late(place, servers, limit_s))
        time.sleep(_LOOK_EVERY_S)


def end(pid: int, place: Place, limit_s: float) -> None:
    """Asks the supervisor to stop everything, and kills it when it does not within the limit."""
    deadline = time.monotonic() + limit_s
    with suppress(ProcessLookupError):  # it ended just now
        os.kill(pid, signal.SIGTERM)
    while holder(place.lock) == pid:
        if time.monotonic() > deadline:
            with suppress(ProcessLookupError):  # it ended just now
                os.kill(pid, signal.SIGKILL)
        time.sleep(_LOOK_EVERY_S)
    with suppress(ChildProcessError):  # it is ours to bury only if we started it
        os.waitpid(pid, 0)


def _look(child: ChildState, told: set[str], progress: Progress) -> None:
    if child.condition is Condition.READY and child.name not in told:
        told.add(child.name)
        progress(f"{child.name} {child.version} answers on port {child.port} after {child.ready_after_s} s")
    if child.failures >= _FAILURES_ALLOWED:
        raise StackError(f"{child.name} does not start: {child.reason}; its log is {child.log}")


def _nudge(place: Place, started: subprocess.Popen[bytes] | None) -> subprocess.Popen[bytes] | None:
    """Tells the running supervisor to look again, or starts one that outlives us, if none runs."""
    pid = holder(place.lock)
    if pid:
        with suppress(ProcessLookupError):  # it ended just now; the next nudge starts another
            os.kill(pid, signal.SIGHUP)
        return started
    if started is None:
        return _start_supervisor(place)
    if started.poll() is not None:
        log = place.logs / "supervisor.log"
        raise StackError(
            f"the local stack's supervisor ended with code {started.returncode}; see the end of {log}"
        )
    return started


def _start_supervisor(place: Place) -> subprocess.Popen[bytes]:
    with (place.logs / "supervisor.log").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "service.stack.supervisor", str(place.root)],
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONSAFEPATH": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _late(place: Place, servers: list[ChildState], limit_s: float) -> str:
    found = ", ".join(f"{child.name} is {child.condition} {child.reason}".strip() for child in servers)
    return (
        f"the local stack in {place.root} is not ready after {limit_s:g} s: {found or 'no server was started'}; "
        f"see {place.logs / 'supervisor.log'}"
    )


def _earlier(place: Place) -> Wanted:
    with suppress(OSError, ValueError):  # nothing was wanted before
        return Wanted.model_validate_json(place.wanted.read_bytes())
    return Wanted(id="")


def _informed(role: Role, settings: Settings) -> Role:
    """The role with all settings it must share, whether they came from the environment, a file or the command line."""
    told = settings.environment()
    return role.model_copy(update={"environment": told | role.environment})
