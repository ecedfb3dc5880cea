"""Apache Kafka as one process that is broker and controller (KRaft), on loopback."""

import base64
import json
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

from service.stack.failure import StackError
from service.stack.java import Java
from service.stack.kafka_probe import count_brokers
from service.stack.place import write_whole
from service.stack.ports import LOOPBACK
from service.stack.server import Launch

__all__ = ["Detour", "KafkaServer", "Quorum"]

LOGGING = Path(__file__).with_name("kafka_log4j2.properties")

PROPERTIES = """\
# Written at every start; changes made here are lost.
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
listeners=PLAINTEXT://{host}:{port}{proxied},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}{advertised}
log.dirs={folder}

# Kafka's own topics have a copy on each broker, and need no fifty partitions.
min.insync.replicas={in_sync}
offsets.topic.replication.factor={copies}
offsets.topic.num.partitions=8
transaction.state.log.replication.factor={copies}
transaction.state.log.min.isr={in_sync}
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor={copies}
share.coordinator.state.topic.min.isr={in_sync}
share.coordinator.state.topic.num.partitions=8

# The ledger is kept for ever, and so are the offsets of groups that have no members.
log.retention.ms=-1
offsets.retention.minutes=10512000
auto.create.topics.enable=false
# A dead letter holds 8 MiB of bytes as they came, and says in its headers where they came from.
message.max.bytes=10485760

# Clients are served at once: nobody else will join the group.
group.initial.rebalance.delay.ms=0
# After a kill the new process waits until its predecessor's session has ended (9 s by default).
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
num.network.threads=2
num.io.threads=4
num.recovery.threads.per.data.dir=2
"""

_COMPILER = ("-XX:TieredStopAtLevel=1",)
"""Java's quick compiler alone. The other took two fifths of the broker's processor time in its first minutes, on cores
that are everybody's, and made it no faster: as many decided a second, for as much time of its own threads."""


@dataclass(frozen=True, slots=True)
class Detour:
    """A listener of its own for clients behind a proxy, which are told the proxy's port and so stay behind it."""

    port: int
    proxy_port: int


@dataclass(frozen=True, slots=True)
class Quorum:
    """Which node this is, from 1, of those whose controllers listen on these ports; all have one cluster's id."""

    node: int
    controller_ports: tuple[int, ...]
    cluster_id: str


class KafkaServer:
    """One node, its log in ``folder``; a ``detour`` leads through a proxy, and in a ``quorum`` it is one of several."""

    name = "kafka"

    def __init__(
        self,
        *,
        folder: Path,
        java: Java,
        jars: list[Path],
        version: str,
        port: int,
        controller_port: int,
        detour: Detour | None = None,
        quorum: Quorum | None = None,
    ) -> None:
        self.folder = folder
        self.java = java
        self.jars = jars
        self.version = version
        self.port = port
        self.controller_port = controller_port
        self.detour = detour
        self.quorum = quorum

    @property
    def endpoint(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def prepare(self) -> Launch:
        properties = self.folder / "server.properties"
        log = self.folder / "log"
        properties.write_text(self._properties(log))
        if not (log / "meta.properties").exists():
            self._format(properties)
        heap = ("-Xms256m", "-Xmx512m", "-XX:+UseSerialGC")
        logging = f"-Dlog4j2.configurationFile={LOGGING}"
        return Launch((*self._java(*heap, *_COMPILER, logging), "kafka.Kafka", str(properties)))

    def is_ready(self) -> bool:
        """Alone it knows of itself; of several, of as many as they need to go on."""
        known = count_brokers(LOOPBACK, self.port)
        return known == 1 if self.quorum is None else known > len(self.quorum.controller_ports) // 2

    def _properties(self, log: Path) -> str:
        proxied = advertised = ""
        if self.detour is not None:
            proxied = f",PROXIED://{LOOPBACK}:{self.detour.port}"
            advertised = f",PROXIED://{LOOPBACK}:{self.detour.proxy_port}"
        controllers = (self.controller_port,) if self.quorum is None else self.quorum.controller_ports
        return PROPERTIES.format(
            host=LOOPBACK,
            port=self.port,
            controller_port=self.controller_port,
            node=1 if self.quorum is None else self.quorum.node,
            voters=",".join(f"{number}@{LOOPBACK}:{port}" for number, port in enumerate(controllers, 1)),
            copies=len(controllers),
            in_sync=len(controllers) // 2 + 1,
            folder=log,
            proxied=proxied,
            advertised=advertised,
        )

    def _java(self, *options: str) -> tuple[str, ...]:
        return (str(self.java.path), *options, "-cp", ":".join(map(str, self.jars)))

    def _format(self, properties: Path) -> None:
        """Gives the log folder its identity."""
        java = self._java(*_COMPILER, "-XX:+UseSerialGC")
        # With "=": an identifier may begin with a dash.
        tool = (
            "kafka.tools.StorageTool",
            "format",
            "--ignore-formatted",
            f"--cluster-id={self._cluster_id()}",
        )
        done = subprocess.run(
            [*java, *tool, "-c", str(properties)], capture_output=True, text=True, check=False, timeout=120
        )
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-500:]
            raise StackError(
                f"{self.folder} can't be formatted for Kafka: {said}; wanted a folder with space to write"
            )

    def _cluster_id(self) -> str:
        """Chosen once and written down first, so that a format cut short can be done again."""
        if self.quorum is not None:
            return self.quorum.cluster_id
        note = self.folder / "cluster.json"
        if not note.exists():
            write_whole(note, base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode())
        chosen: str = json.loads(note.read_text())
        return chosen
