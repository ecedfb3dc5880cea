"""The process that runs the local stack: `python -m service.stack.supervisor FOLDER`, started by `local.up`."""

import asyncio
import logging
import os
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil

from service.stack.child import Child
from service.stack.failure import StackError
from service.stack.fleet import PORTS, RoleProgram, local_environment, maker
from service.stack.lock import hold
from service.stack.orphans import stop_orphans, write_traces
from service.stack.place import Place, write_whole
from service.stack.ports import keep_ports
from service.stack.state import ChildState, Condition, Role, StackState, Wanted

__all__ = ["Supervisor", "main"]

log = logging.getLogger(__name__)

_OWNER_EVERY_S = 1.0


class Supervisor:
    """Keeps the wanted servers running, and the wanted roles once every server is ready."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._servers: dict[str, Child] = {}
        self._roles: dict[str, tuple[Role, Child]] = {}
        self._wanted = Wanted(id="")
        self._ports = keep_ports(place.ports, PORTS)
        self._started_at = datetime.now(UTC)
        self._ending = asyncio.Event()
        self._moved = asyncio.Event()
        self._asked = True
        self._owner: psutil.Process | None = None
        self._untold = ""

    async def run(self) -> None:
        """Until SIGTERM. SIGHUP says that what is wanted has changed."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ending.set)
        loop.add_signal_handler(signal.SIGHUP, self._ask)
        self._ask()
        follower, ending = asyncio.create_task(self._follow()), asyncio.create_task(self._ending.wait())
        owned = asyncio.create_task(self._outlive_owner())
        await asyncio.wait([follower, ending, owned], return_when=asyncio.FIRST_COMPLETED)
        await self._stop()
        if follower.done():
            follower.result()  # it never returns: this raises what broke it
        for task in (follower, ending, owned):
            task.cancel()

    async def _outlive_owner(self) -> None:
        """Returns soon after the owner's end; never, if nobody owns this stack. Tells now what it could not before."""
        while True:
            await asyncio.sleep(_OWNER_EVERY_S)
            if self._untold:
                self._write()
            if self._wanted.owner and not self._is_alive(self._wanted.owner):
                log.info("owner ended", extra={"owner": self._wanted.owner})
                return

    def _is_alive(self, owner: int) -> bool:
        if self._owner is None or self._owner.pid != owner:
            with suppress(psutil.NoSuchProcess):  # ended before we looked
                self._owner = psutil.Process(owner)
        return self._owner is not None and self._owner.pid == owner and self._owner.is_running()

    def _ask(self) -> None:
        self._asked = True
        self._moved.set()

    async def _follow(self) -> None:
        """Brings what runs in line with what is wanted, whenever somebody asks or a child has changed."""
        while True:
            await self._moved.wait()
            self._moved.clear()
            if self._asked:
                self._asked = False
                await self._apply()
            if all(child.state.condition is Condition.READY for child in self._servers.values()):
                self._start_wanted_roles()

    async def _apply(self) -> None:
        self._wanted = Wanted.model_validate_json(self._place.wanted.read_bytes())
        roles = {role.name: role for role in self._wanted.roles}
        log.info("asked", extra={"servers": self._wanted.servers, "roles": list(roles)})
        for name in self._wanted.servers:
            if name not in self._servers:
                self._start_server(name)
        unwanted = [name for name, (role, _) in self._roles.items() if roles.get(name) != role]
        await asyncio.gather(*(self._roles[name][1].stop() for name in unwanted))
        for name in unwanted:
            del self._roles[name]
        self._write()

    def _start_server(self, name: str) -> None:
        state = ChildState(name=name, is_server=True, log=self._log(name), port=self._ports[name])
        child = Child(maker(name, self._wanted, self._place, self._ports), state, changed=self._write)
        self._servers[name] = child
        child.start()

    def _start_wanted_roles(self) -> None:
        for role in self._wanted.roles:
            if role.name not in self._roles:
                environment = local_environment(self._wanted.servers, self._place, self._ports)
                program = RoleProgram(role, environment)
                state = ChildState(name=role.name, is_server=False, log=self._log(role.name))
                child = Child(program.itself, state, changed=self._write)
                self._roles[role.name] = (role, child)
                child.start()

    async def _stop(self) -> None:
        """Roles first, since they need the servers to end well."""
        log.info("stopping")
        await asyncio.gather(*(child.stop() for _, child in self._roles.values()))
        await asyncio.gather(*(child.stop() for child in self._servers.values()))

    def _log(self, name: str) -> Path:
        return self._place.logs / f"{name}.log"

    def _write(self) -> None:
        """Tell how all stands. On a full disk nobody can be told, and the children are looked after all the same."""
        try:
            self._write_down()
            self._untold = ""
        except StackError as error:
            if str(error) != self._untold:
                log.warning("state not told, tried again", extra={"reason": str(error)})
            self._untold = str(error)
        self._moved.set()

    def _write_down(self) -> None:
        children = [*self._servers.values(), *(child for _, child in self._roles.values())]
        write_traces(self._place.children, [child.trace for child in children if child.trace])
        state = StackState(
            pid=os.getpid(),
            started_at=self._started_at,
            wanted=self._wanted.id,
            ports=self._ports,
            children={child.state.name: child.state for child in children},
        )
        write_whole(self._place.state, state.model_dump(mode="json"))


def main() -> int:
    """Takes the lock, clears away what a dead predecessor left, and supervises."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to look again
    place = Place(Path(sys.argv[1]))
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    logging.getLogger().handlers[0].setFormatter(_Fields("%(asctime)s %(levelname)s %(message)s"))
    try:
        with hold(place.lock):
            for orphan in stop_orphans(place.children):
                log.warning("orphan stopped", extra={"orphan": orphan})
            asyncio.run(Supervisor(place).run())
            place.state.unlink(missing_ok=True)
            place.children.unlink(missing_ok=True)
    except StackError as error:
        log.error("not started", extra={"reason": str(error)})
        return 1
    return 0


class _Fields(logging.Formatter):
    """The message, then the fields that are not every record's."""

    _usual = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

    def format(self, record: logging.LogRecord) -> str:
        fields = [f"{name}={value}" for name, value in vars(record).items() if name not in self._usual]
        return " ".join([super().format(record), *fields])


if __name__ == "__main__":
    sys.exit(main())
