"""The arena's servers as its own children: each can be killed, frozen, thawed and started again at will."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from service.faults.child import Child
from service.faults.tcp_proxy import TcpProxy
from service.stack.account import demoted
from service.stack.bond import bonded
from service.stack.failure import StackError
from service.stack.fleet import PORTS, maker
from service.stack.kafka_server import Detour, KafkaServer
from service.stack.place import Place
from service.stack.ports import keep_ports
from service.stack.server import Launch, Server
from service.stack.state import Wanted

__all__ = ["NAMES", "ServerProcess", "family", "make_servers", "signal_all"]

NAMES = ("kafka", "postgres", "s3")
_READY_WITHIN_S = 90.0


class ServerProcess(Child):
    """One server. Used from its arena's thread, whose end it would follow."""

    def __init__(self, name: str, make: Callable[[], Server], log: Path) -> None:
        self.name = name
        self.log = log
        self._make = make
        self._server: Server | None = None
        self._launch = Launch(())

    @property
    def server(self) -> Server:
        """How it is started and asked."""
        if self._server is None:
            self._server = self._make()
        return self._server

    def start(self) -> None:
        """Start it; it may take a while until ``is_ready``."""
        if self.is_alive:
            return
        self._launch = self.server.prepare()
        options = demoted(self._launch.account) | {"cwd": str(self._launch.folder)}
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._launch.argv,
                env={**os.environ, **self._launch.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=bonded(self._launch.stop_signal),  # noqa: PLW1509 - it makes one system call
                **options,
            )

    def is_ready(self) -> bool:
        """It answers a question that only a working server can answer."""
        return self.is_alive and self.server.is_ready()

    def await_ready(self) -> None:
        """Block until it answers; raises StackError. Not for cells."""
        until = time.monotonic() + _READY_WITHIN_S
        while not self.is_ready():
            if not self.is_alive or time.monotonic() > until:
                last = self.log.read_text(errors="replace")[-800:]
                raise StackError(f"{self.name} did not come up within {_READY_WITHIN_S:.0f} s: {last}")
            time.sleep(0.1)

    def kill(self) -> None:
        """SIGKILL to it and all its children at once, as when its machine dies."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def freeze(self) -> None:
        """SIGSTOP to it and all its children."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """As it wishes to be stopped, then as it must."""
        if self._process is None or not self.is_alive:
            return
        self.thaw()
        self._process.send_signal(self._launch.stop_signal)
        try:
            self._process.wait(self._launch.stop_limit_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def _signal(self, number: int) -> None:
        if self.is_alive and self._process is not None:
            signal_all(family(self._process.pid), number)


def family(pid: int) -> list[psutil.Process]:
    """A process and all its descendants, itself first."""
    try:
        head = psutil.Process(pid)
        return [head, *head.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def signal_all(processes: list[psutil.Process], number: int) -> None:
    """Whoever has gone meanwhile is passed over."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def make_servers(place: Place, kafka_proxy: TcpProxy) -> tuple[dict[str, ServerProcess], Mapping[str, int]]:
    """The three servers on ports of their own, not yet started; and the ports. ``kafka_proxy`` listens already."""
    ports = keep_ports(place.ports, {**PORTS, "kafka_detour": "kafka"})
    wanted = Wanted(id="faults", servers=NAMES)
    kafka_proxy.server_port = ports["kafka_detour"]

    def kafka() -> Server:
        server = maker("kafka", wanted, place, ports)()
        if isinstance(server, KafkaServer):
            server.detour = Detour(port=ports["kafka_detour"], proxy_port=kafka_proxy.port)
        return server

    makers = {"kafka": kafka, **{name: maker(name, wanted, place, ports) for name in ("postgres", "s3")}}
    return {name: ServerProcess(name, makers[name], place.logs / f"{name}.log") for name in NAMES}, ports
