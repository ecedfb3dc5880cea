"""The log as the rest of Meridian sees it: ports for reading, writing, transactions and topics, and their errors."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

__all__ = [
    "FencedError",
    "Headers",
    "Log",
    "LogError",
    "LogUnavailableError",
    "Message",
    "Place",
    "Reader",
    "Sent",
    "SentAll",
    "TopicSpec",
    "TransactionInDoubtError",
    "TransactionalWriter",
    "Writer",
]

Headers = tuple[tuple[str, bytes], ...]


class LogError(Exception):
    """Something about the log; the subclasses say what the caller may do next."""


class LogUnavailableError(LogError):
    """The log does not answer now; later may work. Nothing is known to be lost."""


class FencedError(LogError):
    """Another owner has taken over; this one has to stop writing at once."""


class TransactionInDoubtError(LogError):
    """A send, offsets or commit failed: the transaction may or may not stand. Only the log can tell."""


class Place(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class Message(NamedTuple):
    """One record as it lies on the log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    timestamp_ms: int = 0


class Sent(Protocol):
    """A promise that a record is on the log."""

    def result(self, timeout_s: float) -> tuple[int, int]:
        """Partition and offset, once acknowledged; raises LogError."""


class SentAll(Protocol):
    """A promise that records handed over together are on the log."""

    def offsets(self, timeout_s: float) -> list[int]:
        """The offset of each, in order, once all are acknowledged; raises LogError."""


@dataclass(slots=True, frozen=True)
class TopicSpec:
    """A topic as it should be; ``config`` in Kafka's own terms."""

    name: str
    partitions: int
    config: Mapping[str, str] = field(default_factory=dict)


class Reader(Protocol):
    """Reads assigned partitions from given offsets; no group, positions are the caller's."""

    def assign(self, positions: Mapping[Place, int]) -> None:
        """Read these partitions from these offsets, and no others."""

    def poll(self, *, at_most: int, timeout_s: float) -> dict[Place, list[Message]]:
        """What has come, in order within each partition; waits up to ``timeout_s`` for the first."""

    def position(self, place: Place) -> int:
        """The offset that is read next; passes over commit markers and aborted records."""

    def end(self, place: Place) -> int:
        """The uncommitted end: one past the last record of any kind, commit markers and open transactions included."""

    def beginning(self, place: Place) -> int:
        """The first offset that is still kept."""

    def pause(self, places: Iterable[Place]) -> None:
        """Return nothing of these partitions for now."""

    def resume(self, places: Iterable[Place]) -> None:
        """Return them again."""

    def close(self) -> None:
        """Let go."""


class Writer(Protocol):
    """Writes single records, idempotent, acknowledged by all replicas."""

    def send(
        self,
        topic: str,
        *,
        key: bytes | None,
        value: bytes | None,
        partition: int | None = None,
        headers: Headers = (),
    ) -> Sent:
        """Hand a record over; ``partition`` None lets ``partition_of(key)`` decide."""

    def send_all(self, topic: str, records: Sequence[tuple[bytes, bytes]]) -> SentAll:
        """Hand many records over, key and value each, to the partitions of their keys; in order within each."""

    def flush(self, timeout_s: float) -> None:
        """Wait until everything handed over is acknowledged; raises LogUnavailableError."""

    def close(self) -> None:
        """Flush and let go."""


class TransactionalWriter(Protocol):
    """Writes records and request offsets in one transaction; a successor with the same id fences this one."""

    def begin(self) -> None:
        """Open a transaction."""

    def foretell(self, place: Place, offsets: Mapping[Place, int], *, group: str) -> None:
        """Say where records of the open transaction will go, and which next offsets will be committed with it.

        The log hears of it while the caller still works on the records; nothing is waited for, and nothing stands
        before the commit, which is told the same.
        """

    def send(
        self, topic: str, *, key: bytes | None, value: bytes, partition: int, headers: Headers = ()
    ) -> Sent:
        """Hand a record over as part of the open transaction."""

    def send_all(self, topic: str, records: Sequence[tuple[bytes, bytes]], *, partition: int) -> SentAll:
        """Hand many records of one partition over, key and value each, as part of the open transaction."""

    def commit(self, offsets: Mapping[Place, int], *, group: str) -> None:
        """Commit records and next offsets together. FencedError, or TransactionInDoubtError: only the log can tell."""

    def abort(self) -> None:
        """Give up the open transaction, as far as that is possible."""

    def close(self) -> None:
        """Let go without waiting."""


class Log(Protocol):
    """A log with topics."""

    def reader(self, *, committed: bool = True) -> Reader:
        """A reader; ``committed``: only records of committed transactions."""

    def writer(self) -> Writer:
        """A writer of single records."""

    def transactional(self, transactional_id: str) -> TransactionalWriter:
        """A writer whose construction fences every earlier one of the same id and closes what it left open."""

    def committed(self, group: str, places: Iterable[Place]) -> dict[Place, int | None]:
        """Offsets that transactions have committed for this group."""

    def ensure(self, specs: Iterable[TopicSpec]) -> None:
        """Create those topics that are missing; leaves existing ones as they are."""

    def topic_ids(self, names: Iterable[str]) -> dict[str, str]:
        """The cluster's id of each existing topic: another id is another topic of the same name."""

    def partitions(self, names: Iterable[str]) -> dict[str, int]:
        """The partition count of each existing topic."""

    def names(self) -> list[str]:
        """All topics, internal ones left out."""

    def close(self) -> None:
        """Let go of what the log itself holds."""
