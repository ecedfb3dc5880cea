"""The tests' servers in containers, where an engine answers."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import cache
from pathlib import Path

import psycopg2

from service.settings import Settings, load
from service.stack import S3Access, StackError
from service.stack.kafka_probe import count_brokers
from service.stack.ports import keep_ports
from service.stack.s3_probe import ask

KAFKA_IMAGE = "apache/kafka:4.3.1"
POSTGRES_IMAGE = "postgres:18"
S3_IMAGE = "andrewgaul/s3proxy:4.1.0"

KEY, SECRET = "meridian-tests", "meridian-tests-secret"
LIMIT_S = 180.0  # the first time, images are pulled


@cache
def engine_answers() -> bool:
    """Whether there is a container engine that does as it is told, not only its command."""
    if not shutil.which("docker"):
        return False
    with suppress(OSError, subprocess.SubprocessError):
        return subprocess.run(["docker", "info"], capture_output=True, timeout=5, check=False).returncode == 0
    return False


def start(settings: Settings, names: Sequence[str], folder: Path) -> Settings:
    """Starts these servers, waits for them as for any others, and returns settings that name them."""
    from testcontainers.core.container import DockerContainer

    ports = keep_ports(folder / "ports.json", names)
    given: dict[str, object] = {}
    started = []
    for name in names:
        container, named, is_ready = _MAKERS[name](DockerContainer, ports[name])
        started.append(container.start().get_wrapped_container().id)
        (folder / "containers.json").write_text(json.dumps(started))
        _await(name, is_ready)
        given |= named
    return load(**{**settings.model_dump(), **given})


def stop(folder: Path) -> None:
    """Removes the session's containers, whichever process started them."""
    note = folder / "containers.json"
    if note.exists():
        subprocess.run(
            ["docker", "rm", "--force", "--volumes", *json.loads(note.read_text())],
            check=True,
            capture_output=True,
        )


def _await(name: str, is_ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not is_ready():
        if time.monotonic() > deadline:
            raise StackError(f"{name} in its container does not answer after {LIMIT_S:g} s; see docker logs")
        time.sleep(0.2)


def _kafka(container, port: int):
    options = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": "OUTSIDE://:9092,INSIDE://:9094,CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"OUTSIDE://127.0.0.1:{port},INSIDE://localhost:9094",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "OUTSIDE:PLAINTEXT,INSIDE:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "INSIDE",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_LOG_RETENTION_MS": "-1",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_MESSAGE_MAX_BYTES": "10485760",
    }
    made = container(KAFKA_IMAGE).with_envs(**options).with_bind_ports(9092, port)
    return made, {"kafka": f"127.0.0.1:{port}"}, lambda: count_brokers("127.0.0.1", port) == 1


def _postgres(container, port: int):
    options = {"POSTGRES_USER": "meridian", "POSTGRES_PASSWORD": SECRET, "POSTGRES_DB": "meridian"}
    made = container(POSTGRES_IMAGE).with_envs(**options).with_bind_ports(5432, port)
    address = f"postgresql://meridian:{SECRET}@127.0.0.1:{port}/meridian"

    def is_ready() -> bool:
        with suppress(psycopg2.OperationalError), closing(psycopg2.connect(address, connect_timeout=3)):
            return True
        return False

    return made, {"database": address}, is_ready


def _s3(container, port: int):
    options = {
        "S3PROXY_ENDPOINT": "http://0.0.0.0:8080",
        "S3PROXY_AUTHORIZATION": "aws-v2-or-v4",
        "S3PROXY_IDENTITY": KEY,
        "S3PROXY_CREDENTIAL": SECRET,
        "JCLOUDS_PROVIDER": "filesystem-nio2",
        "JCLOUDS_FILESYSTEM_BASEDIR": "/data",
    }
    made = container(S3_IMAGE).with_envs(**options).with_bind_ports(8080, port)
    access = S3Access(f"http://127.0.0.1:{port}", KEY, SECRET)
    named = {"s3_endpoint": access.endpoint, "s3_access_key": KEY, "s3_secret_key": SECRET}
    return made, named, lambda: ask(access, "GET", "/").status == 200


_MAKERS = {"kafka": _kafka, "postgres": _postgres, "s3": _s3}
