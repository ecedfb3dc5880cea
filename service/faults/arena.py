"""A whole site of the harness's own, each server and role of which can be hit, and the proxies between them."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from events import failpoints, without
from service.children import CHILD_MARK
from service.demo.metadata_store import MetadataStore, metadata_store
from service.faults.cell import CellFailedError, NotFiredError, Steps
from service.faults.load import Load
from service.faults.role_process import RoleProcess
from service.faults.s3_faults import S3FaultProxy
from service.faults.servers import NAMES, make_servers
from service.faults.tcp_proxy import TcpProxy
from service.faults.watch import Watch
from service.settings import PROJECT, Settings
from service.site import prepare
from service.stack.checkup import Outcome
from service.stack.doctor_servers import positions
from service.stack.endpoints import Endpoints, S3Access
from service.stack.erasing import erased
from service.stack.place import Place
from service.stack.postgres_home import note_of
from service.stack.postgres_server import database_url
from service.wiring import Wiring

__all__ = ["PARTITIONS", "ROLES", "SITE", "Arena"]

SITE = "faults"
PARTITIONS = {"file": 3, "group": 1, "identity": 1, "op": 1, "stream": 1}
ROLES = {
    "decider-1": "decider",
    "decider-2": "decider",  # stands by
    "projector": "projector",
    "consumers": "consumers",  # dispatch, intake, folders, reconciler, and a worker of their own
    "worker": "worker",
    "timers": "timers",
}
"""Our processes by name, and the role each runs. The worker is a process of its own here, to be hit alone."""

_FIRE_WITHIN_S = 30.0
_START_S = 120.0
_STOP_S = 12.0
_ELSEWHERE = ("kafka", "database", "s3_endpoint", "s3_access_key", "s3_secret_key")


class Arena:
    """Use as a context: servers and roles run inside it. ``tend`` has to be called often.

    Roles reach their servers through ``kafka_proxy``, ``postgres_proxies`` and ``s3_proxy``; ``wiring``, for the
    harness itself, goes straight to them.
    """

    def __init__(
        self, settings: Settings, *, switched_off: str | None = None, folder: Path | None = None
    ) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="meridian-faults-", dir=folder))
        self.root.chmod(0o755)  # PostgreSQL's user passes through
        self.settings = settings.model_copy(
            update={
                "data": self.root / "data",
                "site": SITE,
                "s3_bucket": f"{SITE}-archive",
                "partitions": PARTITIONS,
                **dict.fromkeys(_ELSEWHERE),
            }
        )
        self.place = Place(self.settings.data)
        self.place.make()
        self.landing = self.root / "landing"
        self.products = self.root / "products"
        """What is handed in for observing programs."""
        for folder_of in (self.landing, self.products):
            folder_of.mkdir()
        (self.root / "failpoints").mkdir()
        self.kafka_proxy = TcpProxy(server_port=0)
        self.kafka_proxy.start()
        self.servers, self.ports = make_servers(self.place, self.kafka_proxy)
        self.postgres_proxies = {
            role: TcpProxy(server_port=self.ports["postgres"]) for role in ROLES.values()
        }
        """Each role has its own, so that one can be cut off alone."""
        self.s3_proxy = S3FaultProxy(server_port=self.ports["s3"])
        for proxy in (*self.postgres_proxies.values(), self.s3_proxy):
            proxy.start()
        self._switched_off = switched_off
        self.wiring = Wiring(
            self.settings, self._endpoints(self.ports["kafka"], self.ports["postgres"]), "faults"
        )
        self.roles = self._roles()
        self.intruders: list[RoleProcess] = []
        self.watch = Watch(self.wiring)
        self.load: Load | None = None
        """What is sent all the time; there once the run has begun it."""
        self.beside = ExitStack()
        """What runs in this process until the arena closes."""
        self.metadata_store: MetadataStore = self.beside.enter_context(metadata_store())
        """What publications are announced to."""
        self.is_kept = False

    # --- being there

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        for server in self.servers.values():
            server.start()
        for server in self.servers.values():
            server.await_ready()
        prepare(self.wiring, lambda _: None)
        for role in self.roles.values():
            role.start()
        self.watch.start()

    def close(self) -> None:
        """Stop everything; the folder is erased, unless something is to be looked at in it."""
        self.watch.stop()
        processes = (*self.roles.values(), *self.intruders)
        for process in processes:
            process.thaw()
            process.terminate()
        until = time.monotonic() + _STOP_S
        for process in processes:
            process.end(until=until)
        for server in self.servers.values():
            server.stop()
        for proxy in (self.kafka_proxy, self.s3_proxy, *self.postgres_proxies.values()):
            proxy.stop()
        self.beside.close()
        if not self.is_kept:
            for path in (note_of(self.place), self.root):
                if path is not None:
                    erased(path)

    def keep_evidence(self) -> Path:
        """The folder stays when the arena closes."""
        self.is_kept = True
        return self.root

    def tend(self) -> None:
        """Start roles again that have died and are not held down."""
        for role in self.roles.values():
            role.tend()

    # --- what cells do

    def arm(self, role: str, orders: str) -> None:
        """Arm a failpoint (``name:action:nth``) in the running processes of a role; whoever reaches it first acts."""
        control = self._control(role)
        fresh = control.with_suffix(".new")
        fresh.write_text(orders)
        fresh.rename(control)

    def disarm(self, role: str) -> None:
        """What is armed there is armed no more."""
        self._control(role).unlink(missing_ok=True)

    def fired(self, role: str) -> bool:
        """What was armed has acted, or was disarmed."""
        return not self._control(role).exists()

    def until(
        self,
        condition: Callable[[], bool],
        *,
        within_s: float,
        what: str,
        fails: type[Exception] = CellFailedError,
    ) -> Steps:
        """Yield until it holds; raises ``fails`` (CellFailedError) with ``what`` was wanted once the time is up."""
        began = time.monotonic()
        while not condition():
            if time.monotonic() - began > within_s:
                raise fails(f"wanted {what} within {within_s:.0f} s, found that it did not come")
            yield

    def hit(
        self, role: str, orders: str, *, also: tuple[str, ...] = (), within_s: float = _FIRE_WITHIN_S
    ) -> Steps:
        """Arm a failpoint, in other roles too, and yield until it has acted in one of them.

        Raises NotFiredError if nobody came by.
        """
        roles = (role, *also)
        for each in roles:
            self.arm(each, orders)
        try:
            yield from self.until(
                lambda: any(map(self.fired, roles)),
                within_s=within_s,
                what=f"{orders} reached",
                fails=NotFiredError,
            )
        finally:
            for each in roles:
                self.disarm(each)

    def intruder(self, role: str) -> RoleProcess:
        """A process that does a role's work without asking whether it may: the first one there is not told."""
        process = self._process(f"intruder-{role}", role)
        process.command = ("-m", "service.faults.intruder", role)
        self.intruders.append(process)
        process.start()
        return process

    def pause(self, seconds: float) -> Steps:
        """Yield for so long."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            yield

    def restarted(self, server: str) -> Steps:
        """Start a server again and yield until it answers."""
        self.servers[server].start()
        yield from self.until(
            self.servers[server].is_ready, within_s=_START_S, what=f"{server} answering again"
        )

    def started_as_advised(self) -> str:
        """Where a broker serves all but the deciders' positions it is started again, as the doctor says; else ''."""
        kafka = self.servers["kafka"]
        found = positions(self.settings, self.wiring.endpoints) if kafka.is_ready() else None
        if found is None or found.outcome is Outcome.FINE:
            return ""
        kafka.kill()
        kafka.start()
        return f"the broker was started again, as meridian doctor advises: {found.found}"

    def of(self, role: str) -> list[RoleProcess]:
        """The processes that run a role, or the one of that name."""
        return [each for each in self.roles.values() if role in {each.role, each.name}]

    def stopped(self, role: str) -> RoleProcess | None:
        """The process of a role that has stopped itself at a failpoint."""
        return next((each for each in self.of(role) if _is_stopped(each.pid)), None)

    # --- how

    def _roles(self) -> dict[str, RoleProcess]:
        return {name: self._process(name, role) for name, role in ROLES.items()}

    def _process(self, name: str, role: str) -> RoleProcess:
        environment = {**self._environment(role), failpoints.CONTROL: str(self._control(role))}
        return RoleProcess(name, role, environment=environment, log=self.place.logs / f"{name}.log")

    def _control(self, role: str) -> Path:
        return self.root / "failpoints" / ROLES.get(role, role)

    def _endpoints(self, kafka: int, postgres: int) -> Endpoints:
        made = self.place.credentials()
        s3 = S3Access(f"http://127.0.0.1:{self.ports['s3']}", made.s3_access_key, made.s3_secret_key)
        return Endpoints(f"127.0.0.1:{kafka}", database_url(postgres, made.database_password), s3)

    def _environment(self, role: str) -> Mapping[str, str]:
        """What our roles are told: the site, and its servers behind the proxies."""
        settings = self.settings
        endpoints = self._endpoints(self.kafka_proxy.port, self.postgres_proxies[role].port)
        told = {
            **endpoints.environment(),
            "MERIDIAN_S3_ENDPOINT": f"http://127.0.0.1:{self.s3_proxy.port}",
            "MERIDIAN_SITE": settings.site,
            "MERIDIAN_DATA": str(settings.data),
            "MERIDIAN_S3_BUCKET": settings.s3_bucket,
            "MERIDIAN_S3_PARTS_ABOVE_MIB": "8",  # so that some of the load goes up in parts
            "MERIDIAN_PARTITIONS": ",".join(f"{name}={count}" for name, count in settings.partitions.items()),
            "MERIDIAN_LOG_LEVEL": "info",
            "PYTHONPATH": str(PROJECT),
            "PYTHONSAFEPATH": "1",
            CHILD_MARK: "1",
        }
        return told | ({without.VARIABLE: self._switched_off} if self._switched_off else {})

    def logs(self) -> Iterator[Path]:
        """The logs of everything that ran."""
        yield from sorted(self.place.logs.glob("*.log"))

    def deaths(self) -> dict[str, int]:
        """How often each role has died so far."""
        return {name: len(role.deaths) for name, role in self.roles.items()}

    def pids(self) -> dict[str, int]:
        """What runs now: servers and roles."""
        found = {
            **{name: self.servers[name].pid for name in NAMES},
            **{n: r.pid for n, r in self.roles.items()},
        }
        return {name: pid for name, pid in found.items() if pid is not None}


def _is_stopped(pid: int | None) -> bool:
    import psutil

    with suppress(psutil.NoSuchProcess):
        return pid is not None and psutil.Process(pid).status() == psutil.STATUS_STOPPED
    return False
