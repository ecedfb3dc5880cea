"""What the decider keeps beside the log, as a port: snapshots, outcomes and a watermark for each partition."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, Protocol

from events.envelope import Record
from projectors.passed_over import NOTHING, PassedOver

__all__ = [
    "NOTHING_LED_PAST",
    "LedPast",
    "OutcomeRow",
    "SnapshotRow",
    "Store",
    "Watermark",
    "at_offset",
    "outcome_of",
]

SnapshotRow = tuple[str, int, bytes]
"""A subject, its sequence, and its state as JSON."""


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a partition's snapshots and outcomes stand: next ledger offset, next request offset of that topic id."""

    next_offset: int
    next_request: int
    requests_topic_id: str
    fold_version: int
    owner_epoch: int


class LedPast(NamedTuple):
    """What a person's recovery has decided, and no loss of snapshots undoes.

    Requests go on at ``next_request`` at least, and what stands in the ledger before ``ledger_end`` says no more
    about that; records ``passed`` over are none.
    """

    next_request: int = 0
    ledger_end: int = 0
    passed: PassedOver = NOTHING


NOTHING_LED_PAST = LedPast()


class OutcomeRow(NamedTuple):
    """One decided request."""

    record_id: str
    ledger_offset: int
    sequence: int
    request_digest: str
    type: str
    tostate: str | None
    version: int | None
    refusal: dict[str, Any] | None
    decided_at: str


_as_row: Callable[[tuple[Any, ...]], OutcomeRow] = partial(tuple.__new__, OutcomeRow)
"""In a third of the time that the row's own function takes."""


def outcome_of(record: Record, ledger_offset: int) -> OutcomeRow:
    """A record as the row of outcomes that it answers."""
    return _as_row(
        (
            record.id,
            ledger_offset,
            record.sequence,
            record.requestdigest or "",
            record.type,
            record.tostate,
            record.version,
            record.data if record.is_refusal else None,
            record.time,
        )
    )


def at_offset(row: OutcomeRow, ledger_offset: int) -> OutcomeRow:
    """The row of a record, now that the ledger has it."""
    return _as_row((row[0], ledger_offset, *row[2:]))


class Store(Protocol):
    """One partition's store. A cache of the ledger, but for the epoch: what is lost here is read again there."""

    def cut_off_predecessors(self) -> int:
        """End what earlier owners have under way here, and say how many: they are fenced, and may be frozen midway.

        For a new owner alone, once the log has fenced the others.
        """

    def watermark(self) -> Watermark | None:
        """How far the store stands; None where nothing was saved yet."""

    def led_past(self, requests_topic_id: str) -> LedPast:
        """What was recovered from by hand, of this topic of requests."""

    def load(self, subjects: Sequence[str], records: Sequence[str] = ()) -> dict[str, bytes]:
        """Snapshots by subject, as many as there are.

        ``records``: whose digests will be asked for next, so that a store may look all of it up at once. Raises
        StoreFencedError where it does, as ``digests`` would.
        """

    def lost(self, subjects: Sequence[str]) -> list[str]:
        """Which of these subjects, that have no snapshot, the views have records of; what they lack says nothing."""

    def digests(self, record_ids: Sequence[str]) -> dict[str, str]:
        """The digests of requests that were decided, by the id of their record."""

    def save(self, snapshots: Iterable[SnapshotRow], outcomes: Sequence[OutcomeRow], mark: Watermark) -> None:
        """All of a batch in one transaction. Raises StoreFencedError where a later owner has written."""

    def forget(self) -> None:
        """Drop snapshots and watermark: the ledger will be read from its beginning.

        Raises StoreFencedError where the watermark is not the one last read or saved through this store.
        """

    def raise_epoch(self, *, at_least: int) -> int:
        """The owner epoch of a take-over: above every one before it."""
