"""Free loopback ports, the same ones from run to run as long as nobody else has taken them."""

import json
import socket
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from service.stack.place import write_whole

__all__ = ["LOOPBACK", "is_free", "keep_ports", "kept_ports"]

LOOPBACK = "127.0.0.1"


def kept_ports(path: Path, names: Collection[str]) -> dict[str, int]:
    """Ports of earlier runs, for those names that have one."""
    with suppress(OSError, ValueError):  # a lost or broken note only means new ports
        noted = json.loads(path.read_text())
        return {name: noted[name] for name in names if name in noted}
    return {}


def keep_ports(path: Path, names: Collection[str]) -> dict[str, int]:
    """A port for each name: the one written down if it is still free, else a new one, written down."""
    kept = kept_ports(path, names)
    ports = {name: port for name, port in kept.items() if is_free(port)}
    ports |= _new_ports([name for name in names if name not in ports], taken=set(ports.values()))
    if ports != kept:
        write_whole(path, ports)
    return ports


def is_free(port: int) -> bool:
    """Whether a server could listen there now; one that has just stopped does not count as there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def _new_ports(names: list[str], *, taken: set[int]) -> dict[str, int]:
    """Distinct ports from the system, all held open until the last is chosen."""
    probes: list[socket.socket] = []
    chosen: dict[str, int] = {}
    try:
        while len(chosen) < len(names):
            probe = socket.socket()
            probes.append(probe)
            probe.bind((LOOPBACK, 0))
            port: int = probe.getsockname()[1]
            if port not in taken:
                chosen[names[len(chosen)]] = port
    finally:
        for probe in probes:
            probe.close()
    return chosen
