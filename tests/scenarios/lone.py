"""A server with a supervisor of its own, so that it can be killed for as long as wanted and brought back."""

import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.settings import Settings, load
from service.site import bring_up, site_roles
from service.stack import local
from service.wiring import Wiring

__all__ = ["Lone", "LoneSite", "a_site_of_lone_servers"]

NAMES = ("kafka", "postgres", "s3")
NOWHERE: dict[str, dict[str, Any]] = {
    "kafka": {"kafka": "127.0.0.1:9"},
    "postgres": {"database": "postgresql://nobody@127.0.0.1:9/none"},
    "s3": {"s3_endpoint": "http://127.0.0.1:9", "s3_access_key": "a", "s3_secret_key": "b"},
}


class Lone:
    """One of the local stack's servers in a folder of its own; the others are said to be elsewhere."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        elsewhere = {key: value for each in NAMES if each != name for key, value in NOWHERE[each].items()}
        self.settings = load(data=folder / name, **elsewhere)

    def start(self) -> None:
        """Up, at the address it had before."""
        local.up(self.settings)

    def kill(self) -> None:
        """Gone at once, as by SIGKILL, and not started again by anybody."""
        state = local.status(self.settings)
        assert state is not None, f"{self.name} does not run"
        pid = state.children[self.name].pid
        assert pid is not None, f"{self.name} does not run"
        os.kill(state.pid, signal.SIGSTOP)  # its supervisor would start it again
        os.kill(pid, signal.SIGKILL)
        os.kill(state.pid, signal.SIGKILL)
        until = time.monotonic() + 10
        while local.status(self.settings) is not None:
            assert time.monotonic() < until, f"the supervisor of {self.name} does not end"
            time.sleep(0.02)

    def erase(self) -> None:
        """Down, and nothing is left."""
        local.down(self.settings, erase=True)


@dataclass
class LoneSite:
    """A whole site whose servers can be taken away one by one."""

    wiring: Wiring
    servers: dict[str, Lone]
    data: Path

    @property
    def landing(self) -> Path:
        """Where files arrive."""
        folder = self.data.parent / "landing"
        folder.mkdir(exist_ok=True)
        return folder

    def restart_roles(self) -> None:
        """Roles that have ended are started again, as an operator does it; the others stay as they are."""
        settings = self.wiring.settings
        local.up(settings, roles=[])
        local.up(settings, roles=site_roles())

    def log_of(self, role: str) -> Path:
        """A role's log."""
        return self.data / "logs" / f"{role}.log"


@contextmanager
def a_site_of_lone_servers(
    *, with_roles: bool = True, progress: Callable[[str], None] = lambda _: None, site: str = "lone"
) -> Iterator[LoneSite]:
    """Servers, tables, bucket and roles; all of it gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="meridian-lone-") as name, ExitStack() as ends:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL's own user passes through
        servers = {each: Lone(each, folder) for each in NAMES}
        for server in servers.values():
            ends.callback(server.erase)
            server.start()
        settings = _together(servers.values(), folder / "site", site)
        ends.callback(local.down, settings, erase=True)
        wiring = bring_up(settings, with_roles=with_roles, progress=progress)
        yield LoneSite(wiring, servers, settings.data)


def _together(servers: "Sequence[Lone] | Any", data: Path, site: str) -> Settings:
    found = {server.name: local.endpoints(server.settings) for server in servers}
    s3 = found["s3"].s3
    return load(
        data=data,
        site=site,
        kafka=found["kafka"].kafka,
        database=found["postgres"].database,
        s3_endpoint=s3.endpoint,
        s3_access_key=s3.access_key,
        s3_secret_key=s3.secret_key,
    )
