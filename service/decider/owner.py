"""The owner of one partition: takes it over, decides batch after batch, begins anew when in doubt."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consumers.dead_record import dead_letter
from events import failpoints
from events.clock import now
from events.gathered import poll_gathered
from events.log import (
    FencedError,
    Log,
    LogUnavailableError,
    Reader,
    TransactionalWriter,
    TransactionInDoubtError,
)
from events.slack import SLACK
from events.topics import Topics
from events.types import format_time
from events.without import is_without
from machines.desk import Desk, FoldError
from service.decider.batch import Batch, BatchDecider, Owner
from service.decider.clock_watch import ClockWatch
from service.decider.gathering import Gathering
from service.decider.gone import tell_of_gone
from service.decider.halts import Halt, StoreFencedError, StoreUnavailableError, UnusableSnapshotError
from service.decider.store import Store, Watermark, at_offset
from service.decider.takeover import Seat, read_tail, resume_at

__all__ = ["AT_MOST", "OwnerSettings", "PartitionOwner"]

log = logging.getLogger(__name__)

AT_MOST = 1_500
"""Requests of a batch: what each waits for commit and save falls with more of them, and memory grows."""

DOUBTS_AT_ONE_OFFSET = 5
RETRY_S = 0.5


@dataclass(frozen=True, slots=True)
class OwnerSettings:
    """How much at once: requests a transaction, and subjects in memory.

    ``gathered_s``: while many come in small numbers, so long they are gathered; one alone is decided at once.
    """

    batch: int = AT_MOST
    subjects_kept: int = 2_500
    poll_s: float = 0.5
    gathered_s: float = 0.0


class PartitionOwner:
    """Laws 1 and 2 are kept here: one request one record, committed with its offset, decided by one owner."""

    def __init__(  # noqa: PLR0913  # each of these is a thing of its own, and named by the caller
        self,
        *,
        seat: Seat,
        logs: Log,
        topics: Topics,
        store: Store,
        desk: Desk,
        partitions: int,
        settings: OwnerSettings,
        clock: Callable[[], datetime] = now,
        turn: AbstractContextManager[Any] | None = None,
    ) -> None:
        """``turn``: a lock of the owners in this process that decide one after the other."""
        self.seat = seat
        self.decided = 0
        self._logs = logs
        self._topics = topics
        self._store = store
        self._desk = desk
        self._settings = settings
        self._clock = clock
        self._batch = BatchDecider(
            desk,
            store,
            partition=seat.partition,
            partitions=partitions,
            subjects_kept=settings.subjects_kept,
            turn=turn,
        )
        self._owner = Owner(0, seat.requests_topic_id)
        self._group = topics.decider(seat.machine)
        self._writer: TransactionalWriter | None = None
        self._reader: Reader | None = None
        self._at_most = settings.batch
        self._doubts: dict[int, int] = {}
        self.position = 0
        self._unusable_before = False
        self._next_offset = 0
        self._gathering = Gathering(settings.gathered_s)
        self._has_gathered = False
        self._clock_watch = ClockWatch(seat.name)

    @property
    def is_seated(self) -> bool:
        """The partition is taken over, and requests are decided."""
        return self._reader is not None

    def run(self, stop: threading.Event) -> None:
        """Decide until told to stop. Returns when fenced; raises Halt where going on would break a law."""
        told = False
        while not stop.is_set():
            try:
                self.take_over(stop.is_set)
                told = False
                while not stop.is_set():
                    pause_s = self._gathering.pause_s(self.step())
                    if pause_s:
                        SLACK.pause(pause_s, stop.wait)
                    self._has_gathered = pause_s > 0
            except (FencedError, StoreFencedError) as error:
                log.warning("fenced", extra={"seat": self.seat.name, "error": str(error)})
                return
            except (TransactionInDoubtError, FoldError) as error:
                self._in_doubt(error)
            except UnusableSnapshotError as error:
                self._begin_from_nothing(error)
            except (LogUnavailableError, StoreUnavailableError) as error:
                if not told:
                    log.warning("waiting for a server", extra={"seat": self.seat.name, "error": str(error)})
                told = True
                stop.wait(RETRY_S)
            finally:
                self._let_go()

    def take_over(self, stopped: Callable[[], bool] = lambda: False) -> None:
        """Fence every earlier owner, learn from the ledger what it decided, and seat the requests."""
        seat, began = self.seat, time.monotonic()
        self._batch.forget()
        self._writer = self._logs.transactional(f"{self._topics.site}.{seat.machine}.{seat.partition}")
        if cut_off := self._store.cut_off_predecessors():
            log.warning(
                "an earlier owner was cut off in the middle of a save",
                extra={"seat": seat.name, "sessions": cut_off},
            )
        tail = read_tail(
            seat,
            logs=self._logs,
            writer=self._writer,
            store=self._store,
            desk=self._desk,
            batch=self._batch,
            stopped=stopped,
        )
        if stopped():
            return  # the ledger may not have been read to its end: whoever is seated next reads it
        self._next_offset = tail.next_offset  # where a save that failed had wanted to stand is of no account
        self._owner = Owner(self._store.raise_epoch(at_least=tail.owner_epoch), seat.requests_topic_id)
        resumed = resume_at(seat, logs=self._logs, group=self._group, tail=tail)
        self.position = resumed.at
        if resumed.gone:
            tell_of_gone(seat, resumed, writer=self._writer, topics=self._topics, clock=self._clock)
        self._store.save([], [], self._mark(tail.next_offset, self.position))
        self._reader = self._logs.reader(committed=True)
        self._reader.assign({seat.requests: self.position})
        fields = {
            "seat": seat.name,
            "epoch": self._owner.epoch,
            "read": tail.records,
            "position": self.position,
        }
        log.info("partition taken over", extra={**fields, "seconds": round(time.monotonic() - began, 3)})

    def step(self) -> int:
        """Decide what has come, at most one batch; the number of requests taken."""
        assert self._reader is not None  # noqa: S101 - taken over before
        come = poll_gathered(
            self._reader,
            at_most=self._at_most,
            timeout_s=self._settings.poll_s,
            paused=self._has_gathered,
        )
        messages = come.get(self.seat.requests, [])
        if not messages:
            return 0
        failpoints.reach("decider.after_poll")
        self.position = messages[0].offset
        self._begin(messages[-1].offset + 1)
        now = format_time(self._clock())
        batch = self._batch.decide(messages, self._owner, now)
        self._clock_watch.look(now, [each.row.decided_at for each in batch.answers])
        offsets = self._commit(batch)
        self._save(batch, offsets)
        self._batch.settle()
        self._doubts.clear()
        self._unusable_before = False
        self._at_most = self._settings.batch
        self.decided += len(messages)
        return len(messages)

    def _begin(self, next_request: int) -> None:
        """Open the batch's transaction; the log hears of ledger and offsets while the batch is decided."""
        assert self._writer is not None  # noqa: S101 - taken over before
        self._writer.begin()
        failpoints.reach("decider.after_begin")
        self._writer.foretell(self.seat.ledger, {self.seat.requests: next_request}, group=self._group)

    def _commit(self, batch: Batch) -> list[int]:
        """Records, dead letters and offsets in one transaction; the records' ledger offsets."""
        writer, place = self._writer, self.seat.ledger
        assert writer is not None  # noqa: S101 - taken over before
        _check_contiguous(batch)
        records = [(each.subject.encode(), each.value) for each in batch.answers]
        sent = writer.send_all(place.topic, records, partition=place.partition) if records else None
        for dead in batch.dead:
            key, value, headers = dead_letter(
                dead.message, sender="decider", code=dead.code, reason=dead.reason, at=self._clock()
            )
            writer.send(self._topics.deadletter, key=key, value=value or b"", partition=0, headers=headers)
        failpoints.reach("decider.after_send")
        writer.commit({self.seat.requests: batch.next_request}, group=self._group)
        failpoints.reach("decider.after_commit")
        return _contiguous(sent.offsets(5.0)) if sent is not None else []

    def _save(self, batch: Batch, offsets: list[int]) -> None:
        """Snapshots, outcomes and watermark; tried until it stands, and no further batch before."""
        rows = [at_offset(each.row, offset) for each, offset in zip(batch.answers, offsets, strict=True)]
        next_offset = offsets[-1] + 1 if offsets else 0
        failpoints.reach("decider.before_snapshot")
        self._store.save(batch.snapshots.values(), rows, self._mark(next_offset, batch.next_request))

    def _mark(self, next_offset: int, next_request: int) -> Watermark:
        self._next_offset = max(next_offset, self._next_offset)
        return Watermark(
            self._next_offset,
            next_request,
            self.seat.requests_topic_id,
            self._desk.machine.fold_version,
            self._owner.epoch,
        )

    def _in_doubt(self, error: Exception) -> None:
        """Believe nothing in memory. The same offset again and again: smaller batches, and in the end a halt."""
        if isinstance(error, FoldError):
            self._batch.poisoned.add(error.request_id)
        count = self._doubts[self.position] = self._doubts.get(self.position, 0) + 1
        log.warning(
            "in doubt; the log will tell",
            extra={"seat": self.seat.name, "position": self.position, "error": repr(error)},
        )
        if count <= DOUBTS_AT_ONE_OFFSET:
            return
        if self._at_most > 1:
            self._at_most, self._doubts[self.position] = max(1, self._at_most // 2), 0
            return
        raise Halt(
            "STUCK_AT_REQUEST",
            f"{self.seat.name}: the request at offset {self.position} could not be committed alone "
            f"in {count} tries: {error}; look at the broker's log, or set this request aside",
            offset=self.position,
            topic=self.seat.requests.topic,
        )

    def _begin_from_nothing(self, error: UnusableSnapshotError) -> None:
        if self._unusable_before and not error.by_views:
            raise Halt(
                error.code,
                f"{self.seat.name}: read from its beginning, the ledger does not hold together: {error}; "
                "wanted a gapless sequence, an intact chain and states as recorded",
                offset=error.offset,
            ) from error
        log.error("snapshots dropped", extra={"seat": self.seat.name, "error": str(error)})
        # If the ledger itself does not know the subject, the views are wrong: they are not asked again.
        self._batch.believes_views = self._batch.believes_views and not error.by_views
        self._unusable_before = True
        self._next_offset = 0
        self._store.forget()

    def _let_go(self) -> None:
        for part in (self._reader, self._writer):
            if part is not None:
                part.close()
        self._reader = self._writer = None


def _contiguous(offsets: list[int]) -> list[int]:
    """Ledger offsets of a committed batch: nobody else writes to the partition, so they follow one another."""
    if offsets[-1] - offsets[0] != len(offsets) - 1:
        raise TransactionInDoubtError(
            f"{len(offsets)} records from ledger offset {offsets[0]} end at {offsets[-1]}: not ours alone"
        )
    return offsets


def _check_contiguous(batch: Batch) -> None:
    """Law 1, checked once more just before the records leave: each subject's sequence goes on by one."""
    last: dict[str, int] = {}
    for subject, _, row in batch.answers:
        before = last.get(subject)
        if before is not None and row.sequence != before + 1 and not is_without("contiguity"):
            raise UnusableSnapshotError(f"{subject}: sequence {row.sequence} after {before} in one batch")
        last[subject] = row.sequence
