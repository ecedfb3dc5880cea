"""Three brokers of one cluster, for a site that is to outlive one of them."""

import base64
import uuid
from collections.abc import Callable, Generator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random

from service.faults.arena import Arena
from service.faults.aside import aside
from service.faults.cell import Steps
from service.faults.own_streams import mark_of
from service.faults.servers import ServerProcess
from service.stack.kafka_server import KafkaServer, Quorum
from service.stack.ports import keep_ports
from service.stack.server import Server

__all__ = ["BROKERS", "Cluster", "back", "three_brokers"]

BROKERS = 3
_UP_S = 120.0


class Cluster:
    """Three servers, each broker and controller, in one folder; to be stopped."""

    def __init__(self, arena: Arena, folder: Path) -> None:
        folder.mkdir()
        names = [f"{kind}-{number}" for number in range(1, BROKERS + 1) for kind in ("broker", "controller")]
        self._ports = keep_ports(folder / "ports.json", names)
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        self.brokers = [
            ServerProcess(
                f"broker-{number}",
                self._maker(arena, folder, number, cluster_id),
                arena.place.logs / f"broker-{number}.log",
            )
            for number in range(1, BROKERS + 1)
        ]

    @property
    def bootstrap(self) -> str:
        """All of them."""
        return ",".join(f"127.0.0.1:{self._ports[f'broker-{number}']}" for number in range(1, BROKERS + 1))

    def are_ready(self) -> bool:
        """Each knows of at least two."""
        return all(broker.is_ready() for broker in self.brokers)

    def stop(self) -> None:
        """Kill what still runs: nobody needs its data any more."""
        for broker in self.brokers:
            broker.kill()

    def _maker(self, arena: Arena, folder: Path, number: int, cluster_id: str) -> Callable[[], Server]:
        def make() -> Server:
            alone = arena.servers["kafka"].server
            assert isinstance(alone, KafkaServer)  # noqa: S101 - the arena's own
            own = folder / f"broker-{number}"
            own.mkdir(exist_ok=True)
            return KafkaServer(
                folder=own,
                java=alone.java,
                jars=alone.jars,
                version=alone.version,
                port=self._ports[f"broker-{number}"],
                controller_port=self._ports[f"controller-{number}"],
                quorum=Quorum(
                    number,
                    tuple(self._ports[f"controller-{each}"] for each in range(1, BROKERS + 1)),
                    cluster_id,
                ),
            )

        return make


def three_brokers(arena: Arena, dice: Random) -> Generator[None, None, Cluster]:
    """Make them and yield until each has heard of another."""
    cluster = Cluster(arena, arena.root / f"cluster-{mark_of(dice)}")
    with ExitStack() as on_failure:
        on_failure.callback(cluster.stop)
        for broker in cluster.brokers:
            yield from aside(partial(_format, broker))
            broker.start()
            yield
        yield from arena.until(cluster.are_ready, within_s=_UP_S, what="a cluster of three brokers")
        on_failure.pop_all()
    return cluster


def back(cluster: Cluster, number: int, arena: Arena) -> Steps:
    """Start one again and yield until it is one of them."""
    cluster.brokers[number].start()
    yield from arena.until(
        cluster.brokers[number].is_ready, within_s=_UP_S, what="the broker back in its cluster"
    )


def _format(broker: ServerProcess) -> None:
    """Its folder is made ready here, which takes seconds; the start itself, which must not happen aside, does not."""
    broker.server.prepare()
