"""What a broker keeps, in memory: partitions, transactions with their markers, owners' epochs, group offsets."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from threading import Condition

from events.log import FencedError, Headers, LogError, Message, Place, TransactionInDoubtError

__all__ = ["CommitFault", "Entry", "MemoryStore", "State", "Transaction"]


class CommitFault(Enum):
    """How a commit goes wrong. Its caller learns the same each time: TransactionInDoubtError."""

    ABORTED = "aborted"
    """It did not happen."""
    COMMITTED = "committed"
    """It happened; only the answer was lost."""
    LATE = "late"
    """It happens later: when the successor takes over, or at ``settle()``. Until then it is open."""


class State(Enum):
    """Where a transaction stands."""

    OPEN = "open"
    COMMITTING = "committing"  # decided, markers not yet written
    COMMITTED = "committed"
    ABORTED = "aborted"


@dataclass(slots=True, eq=False)
class Transaction:
    """One transaction of one owner; ``first`` is where it begins in each partition that it touches."""

    owner: str
    state: State = State.OPEN
    first: dict[Place, int] = field(default_factory=dict)
    offsets: dict[tuple[str, Place], int] = field(default_factory=dict)


@dataclass(slots=True)
class Entry:
    """``message`` None: a commit or abort marker, which takes an offset and is never returned."""

    message: Message | None
    transaction: Transaction | None


@dataclass(slots=True)
class _Topic:
    id: str
    partitions: list[list[Entry]]


class MemoryStore:
    """Every method expects ``changed`` to be held; it is notified when something new can be read."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self.changed = Condition()
        self.topics: dict[str, _Topic] = {}
        self.offsets: dict[tuple[str, Place], int] = {}
        self.beginnings: dict[tuple[str, Place], int] = {}
        self.faults: list[CommitFault] = []
        self._now_ms = now_ms
        self._ids = count(1)
        self._epochs: dict[str, int] = {}
        self._open: list[Transaction] = []

    def create(self, name: str, partitions: int) -> None:
        """Make a topic, with an id that no topic has had."""
        self.topics[name] = _Topic(f"topic-{next(self._ids)}", [[] for _ in range(partitions)])

    def entries(self, place: Place) -> list[Entry]:
        """All that lies in a partition, by offset; raises LogError if there is none."""
        topic = self.topics.get(place.topic)
        if topic is None or not 0 <= place.partition < len(topic.partitions):
            raise LogError(
                f"{place.topic}/{place.partition}: found no such topic or partition; create it first"
            )
        return topic.partitions[place.partition]

    def drop_before(self, place: Place, offset: int) -> None:
        """What lies before the offset is no longer there."""
        entries = self.entries(place)
        entries[:offset] = [Entry(None, None)] * offset
        self.beginnings[self.topics[place.topic].id, place] = offset

    def beginning(self, place: Place) -> int:
        """The first offset that is still kept."""
        self.entries(place)
        return self.beginnings.get((self.topics[place.topic].id, place), 0)

    def stable_end(self, place: Place) -> int:
        """Where readers of committed records stop: at the first record of an open transaction."""
        firsts = [each.first[place] for each in self._open if place in each.first]
        return min(firsts, default=len(self.entries(place)))

    def append(
        self,
        place: Place,
        *,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
        transaction: Transaction | None = None,
    ) -> int:
        """Put a record at the end, and say at which offset that is."""
        offset = len(self.entries(place))
        if transaction is not None:
            transaction.first.setdefault(place, offset)
        message = Message(place.topic, place.partition, offset, key, value, tuple(headers), self._now_ms())
        self._put(place, Entry(message, transaction))
        return offset

    def take_over(self, owner: str) -> int:
        """Close what the owner left open, fence its earlier epochs, and return the new one."""
        for transaction in [each for each in self._open if each.owner == owner]:
            late = transaction.state is State.COMMITTING
            self.finish(transaction, State.COMMITTED if late else State.ABORTED)
        self._epochs[owner] = self._epochs.get(owner, 0) + 1
        return self._epochs[owner]

    def check(self, owner: str, epoch: int) -> None:
        """Raise FencedError for an owner that has a successor."""
        if self._epochs[owner] != epoch:
            raise FencedError(
                f"{owner}: another owner has taken over (epoch {self._epochs[owner]}, not {epoch})"
            )

    def begin(self, owner: str) -> Transaction:
        """Open a transaction."""
        transaction = Transaction(owner)
        self._open.append(transaction)
        return transaction

    def commit(self, transaction: Transaction, offsets: Mapping[tuple[str, Place], int]) -> None:
        """Commit, or go wrong in the way that was ordered; raises TransactionInDoubtError then."""
        fault = self.faults.pop(0) if self.faults else None
        transaction.offsets.update(offsets)
        if fault is CommitFault.ABORTED:
            self.finish(transaction, State.ABORTED)
        elif fault is CommitFault.LATE:
            transaction.state = State.COMMITTING
        else:
            self.finish(transaction, State.COMMITTED)
        if fault is not None:
            raise TransactionInDoubtError(
                f"{transaction.owner}: the commit failed; it may stand: take over again and read the log"
            )

    def settle(self) -> None:
        """Let late commits happen now."""
        for transaction in [each for each in self._open if each.state is State.COMMITTING]:
            self.finish(transaction, State.COMMITTED)

    def finish(self, transaction: Transaction, state: State) -> None:
        """Write the markers of a transaction's end; its offsets count from here, if it is committed."""
        transaction.state = state
        self._open.remove(transaction)
        self.changed.notify_all()
        for place in transaction.first:
            if place.topic in self.topics:
                self._put(place, Entry(None, transaction))
        if state is State.COMMITTED:
            self.offsets.update(transaction.offsets)

    def _put(self, place: Place, entry: Entry) -> None:
        self.entries(place).append(entry)
        self.changed.notify_all()
