"""The connection to a Kafka cluster: how clients are made, what is asked of the whole, its errors in our words."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka import errors as kafka_errors
from kafka.admin import OffsetSpec
from kafka.structs import OffsetAndMetadata

from events.log import FencedError, LogError, LogUnavailableError, Place, TopicSpec

__all__ = [
    "KafkaAdmin",
    "KafkaConnection",
    "QuietProducer",
    "is_fenced",
    "let_go",
    "next_offsets",
    "translated",
]

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")
Client = TypeVar("Client")

REPLICAS_WANTED = 3

_FETCHED_BYTES = 4 * 1024 * 1024
_WIDE_BYTES = 1024 * 1024

_FETCH: dict[str, Any] = {
    "fetch_min_bytes": 1,  # the broker answers as soon as there is anything …
    # … and else after this long: each question costs both sides a millisecond, and most of a site's dozen readers
    # hear nothing for long. A change of assignment may have to wait for the answer too.
    "fetch_max_wait_ms": 1000,
    "fetch_max_bytes": _FETCHED_BYTES,
    "retry_backoff_ms": 20,
    "auto_offset_reset": "none",  # positions are the caller's: one that is gone is an error, not a jump
    "enable_auto_commit": False,
    "allow_auto_create_topics": False,
    "metrics_enabled": False,
}
_WRITE: dict[str, Any] = {
    "enable_idempotence": True,  # said aloud: otherwise a conflicting setting turns it off silently
    "acks": "all",
    "batch_size": 1024 * 1024,
    "max_request_size": 10 * 1024 * 1024,  # deadletter takes 9 MiB
    "allow_auto_create_topics": False,
    "metrics_enabled": False,
}
_RETRY_AFTER_S = 0.05
_UNKNOWN_FOR_S = 2.0  # a topic just made is not known to every broker at once
_FENCED = (kafka_errors.ProducerFencedError, kafka_errors.InvalidProducerEpochError)
_UNKNOWN = (kafka_errors.UnknownTopicOrPartitionError,)
_HALF_BACK = (  # it answers, and serves all but this; mostly for a moment
    kafka_errors.NotCoordinatorError,
    kafka_errors.CoordinatorNotAvailableError,
    kafka_errors.CoordinatorLoadInProgressError,
)
_LATER = (
    kafka_errors.RetriableError,
    kafka_errors.UnknownBrokerIdError,
    kafka_errors.BrokerNotAvailableError,
    kafka_errors.InvalidReplicationFactorError,  # brokers that are still to come up
    kafka_errors.IllegalStateError,  # the client's own state, such as closed: the next client may do
)


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """Where the cluster is and how to talk to it; ``security`` in the client's terms (``sasl_…``, ``ssl_…``)."""

    bootstrap: str
    client_id: str = "meridian"
    security: Mapping[str, Any] = field(default_factory=dict)
    patience_s: float = 10.0
    stop: threading.Event = field(default_factory=threading.Event)
    """Once set, nobody waits for a broker that is away."""
    deep: bool = False
    """One fetch may be filled by one partition; else it brings a little of each."""

    def servers(self) -> list[str]:
        """The brokers that are named, ``host:port`` each."""
        return sorted({each.strip() for each in self.bootstrap.split(",")})

    def settings(self) -> dict[str, Any]:
        """What every client of ours is made with."""
        return {
            "bootstrap_servers": self.servers(),
            "client_id": self.client_id,
            "bootstrap_timeout_ms": int(self.patience_s * 1000),
            "request_timeout_ms": min(int(self.patience_s * 1000), 7000),
            "reconnect_backoff_max_ms": 500,  # by default a broker that is back goes unnoticed for up to 30 s
            **self.security,
        }

    def reach(self) -> None:
        """Wait until a broker accepts a connection; raises LogUnavailableError after ``patience_s``.

        Asked before each client is made: one that finds no broker leaves its thread behind.
        """
        began = time.monotonic()
        while not self.is_reachable():
            waited_s = time.monotonic() - began
            if waited_s >= self.patience_s or self.stop.wait(_RETRY_AFTER_S):
                raise LogUnavailableError(
                    f"kafka at {self.bootstrap}: nothing listens there, waited {waited_s:.1f} s; "
                    "start it with meridian up, or name another in MERIDIAN_KAFKA"
                )

    def is_reachable(self) -> bool:
        """One of the brokers accepts a connection now."""
        return any(map(_accepts, self.servers()))

    def consumer(self, *, committed: bool) -> KafkaConsumer:
        """A consumer without a group; ``committed``: only records of committed transactions."""
        isolation = "read_committed" if committed else "read_uncommitted"
        each = _FETCHED_BYTES if self.deep else _WIDE_BYTES
        return self._made(
            KafkaConsumer, _FETCH | {"isolation_level": isolation, "max_partition_fetch_bytes": each}
        )

    def producer(self, **more: Any) -> KafkaProducer:
        """An idempotent producer; which partition a record goes to is said with the record."""
        return self._made(QuietProducer, _WRITE | {"max_block_ms": int(self.patience_s * 1000)} | more)

    def admin(self) -> KafkaAdminClient:
        """A client for questions to the cluster."""
        return self._made(KafkaAdminClient, {})

    def _made(self, client: type[Client], more: Mapping[str, Any]) -> Client:
        self.reach()
        try:
            return client(**self.settings(), **more)
        except kafka_errors.KafkaError as error:
            raise translated(error, "connect", self.bootstrap) from error


class QuietProducer(KafkaProducer):  # type: ignore[misc]  # the client has no types
    """One that is dropped, or outlives its process's work, is closed without a word: nobody is left to be told."""

    def close(self, timeout: float | None = None, null_logger: bool = False) -> None:
        """As the client has it; ``null_logger`` it says itself where nobody has asked for this."""
        with suppress(Exception) if null_logger else nullcontext():
            super().close(timeout, null_logger)


class KafkaAdmin:
    """Questions to the cluster, each answered within the connection's patience; connects when first asked."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self._client: KafkaAdminClient | None = None
        self._lock = threading.Lock()

    def ensure(self, specs: Iterable[TopicSpec]) -> None:
        """Create those topics that are missing; another process may be doing the same."""
        wanted = {spec.name: spec for spec in specs}
        missing = [wanted[name] for name in wanted.keys() - self.partitions(wanted).keys()]
        if not missing:
            return
        replicas = min(REPLICAS_WANTED, self._brokers())
        request = {spec.name: _creation(spec, replicas) for spec in missing}
        self._ask("create topics", lambda client: _create(client, request))
        self._ask("wait for new topics", lambda client: client.wait_for_topics(list(request)))

    def topic_ids(self, names: Iterable[str]) -> dict[str, str]:
        """The cluster's id of each existing topic."""
        return {topic["name"]: str(topic["topic_id"]) for topic in self._existing(names)}

    def partitions(self, names: Iterable[str]) -> dict[str, int]:
        """The partition count of each existing topic."""
        return {topic["name"]: len(topic["partitions"]) for topic in self._existing(names)}

    def names(self) -> list[str]:
        """All topics, internal ones left out."""
        topics = self._ask("list topics", lambda client: client.describe_topics())
        return sorted(topic["name"] for topic in topics if not topic["is_internal"])

    def committed(self, group: str, places: Iterable[Place]) -> dict[Place, int | None]:
        """Offsets that transactions have committed for this group; None where there is none."""
        asked = [TopicPartition(*place) for place in places]
        if not asked:
            return {}
        offsets = self._ask(
            f"committed offsets of group {group}", lambda client: client.list_group_offsets({group: asked})
        )[group]
        return {Place(*each): _at_or_none(offsets.get(each)) for each in asked}

    def end(self, place: Place) -> int:
        """One past the last record of any kind, open transactions included (the broker's high watermark)."""
        return self._offset(place, OffsetSpec.LATEST)

    def beginning(self, place: Place) -> int:
        """The first offset that is still kept."""
        return self._offset(place, OffsetSpec.EARLIEST)

    def cut(self, place: Place, *, before: int) -> None:
        """Delete what stands before this offset; nothing else can be deleted from within."""
        self._ask("delete records", lambda client: client.delete_records({TopicPartition(*place): before}))

    def cluster_id(self) -> str:
        """The cluster's own id, given when it was made."""
        return str(self._ask("describe the cluster", lambda client: client.describe_cluster())["cluster_id"])

    def transaction_version(self) -> int:
        """Which protocol of transactions the whole cluster has settled on; 0 where it does not say."""
        features = self._ask("features of the cluster", lambda client: client.describe_features())
        return int(features.get("transaction.version", {}).get("finalized", (0, 0))[1])

    def close(self) -> None:
        """Let go of the connection; a later question opens another."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _offset(self, place: Place, spec: OffsetSpec) -> int:
        partition = TopicPartition(*place)
        # Read_uncommitted by default, whatever the reader's own isolation: that is the end which is meant.
        found = self._ask(
            f"offsets of {place.topic}/{place.partition}",
            lambda client: client.list_partition_offsets({partition: spec}),
        )
        return int(found[partition].offset)

    def _existing(self, names: Iterable[str]) -> list[dict[str, Any]]:
        asked = list(names)
        if not asked:
            return []
        topics = self._ask("describe topics", lambda client: client.describe_topics(asked))
        for topic in topics:
            error = kafka_errors.for_code(topic["error_code"])
            if error not in {kafka_errors.NoError, *_UNKNOWN}:
                raise translated(error(), f"topic {topic['name']}: describe it", self._connection.bootstrap)
        return [topic for topic in topics if topic["error_code"] == 0]

    def _brokers(self) -> int:
        """How many there are when all are up: a ledger made while two of three start would have one copy for ever."""
        cluster = self._ask("describe the cluster", lambda client: client.describe_cluster())
        return max(len(cluster["brokers"]), len(self._connection.servers()))

    def _ask(self, what: str, question: Callable[[KafkaAdminClient], Answer]) -> Answer:
        started = time.monotonic()
        while True:
            try:
                return question(self._connected())
            except Exception as error:
                waited = time.monotonic() - started
                limit = _UNKNOWN_FOR_S if isinstance(error, _UNKNOWN) else self._connection.patience_s
                if not isinstance(error, _LATER) or waited >= limit or self._connection.stop.is_set():
                    self._forget_a_broken_client(error)
                    raise translated(error, what, self._connection.bootstrap) from error
            time.sleep(_RETRY_AFTER_S)

    def _connected(self) -> KafkaAdminClient:
        with self._lock:
            if self._client is None:
                self._client = self._connection.admin()
            return self._client

    def _forget_a_broken_client(self, error: Exception) -> None:
        if not isinstance(error, kafka_errors.KafkaError | LogError):
            extra = {"broker": self._connection.bootstrap, "error": repr(error)}
            log.warning("admin client given up", extra=extra)
            with self._lock:
                self._client = None


def translated(error: BaseException, what: str, where: str) -> LogError:
    """A failure of the Kafka client as the error of the log that says what the caller may do next."""
    found = f"{type(error).__name__}: {error}"
    if isinstance(error, LogError):
        return error
    if is_fenced(error):
        return FencedError(f"{what}: another owner has taken over ({found}); stop writing")
    if isinstance(error, _UNKNOWN):
        return LogError(f"{what}: found no such topic or partition at {where}; create it with meridian up")
    if isinstance(error, kafka_errors.AuthorizationError):
        return LogError(
            f"{what}: not allowed at {where} ({found}); give this principal the right in its ACLs"
        )
    if isinstance(error, _LATER) or not isinstance(error, kafka_errors.KafkaError):
        # What is no error of Kafka's is the client's own fault as well, such as a dead thread.
        return LogUnavailableError(
            f"{what}: no answer from kafka at {where} ({found}); it goes on when the broker is back, "
            f"{'meridian doctor' if isinstance(error, _HALF_BACK) else 'meridian status'} says whether it is"
        )
    return LogError(f"{what}: kafka at {where} refused it ({found})")


def is_fenced(error: BaseException) -> bool:
    """Kafka says so in several ways: by type, by an error inside an error, by a name inside a text."""
    inner = [each for each in (*error.args, error.__cause__) if isinstance(each, BaseException)]
    return isinstance(error, _FENCED) or any(map(is_fenced, inner)) or "ProducerFencedError" in str(error)


def next_offsets(offsets: Mapping[Place, int]) -> dict[TopicPartition, OffsetAndMetadata]:
    """Offsets as the client takes them for a group."""
    return {TopicPartition(*place): OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()}


def let_go(producer: KafkaProducer) -> None:
    """Close a producer without waiting for what it still holds."""
    try:
        producer.close(timeout=0)
    except kafka_errors.KafkaTimeoutError:
        # With records under way its close() stops here and leaves the sender running; this ends that thread, and
        # spares whoever drops the producer a second try, which waits for a second and then fails the same way.
        producer._sender.force_close()
        producer._closed = True


def _create(client: KafkaAdminClient, request: dict[str, Any]) -> None:
    for topic in client.create_topics(request, raise_errors=False)["topics"]:
        error = kafka_errors.for_code(topic["error_code"])
        if error not in {kafka_errors.NoError, kafka_errors.TopicAlreadyExistsError}:
            raise error(f"topic {topic['name']}: {topic.get('error_message') or error.__name__}")


def _creation(spec: TopicSpec, replicas: int) -> dict[str, Any]:
    config = dict(spec.config)
    if replicas >= REPLICAS_WANTED:
        config.setdefault("min.insync.replicas", "2")  # what is acknowledged survives the loss of a broker
    return {"num_partitions": spec.partitions, "replication_factor": replicas, "configs": config}


def _accepts(server: str) -> bool:
    host, _, port = server.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=1).close()
    except OSError:
        return False
    return True


def _at_or_none(found: Any) -> int | None:
    return None if found is None or found.offset < 0 else int(found.offset)
