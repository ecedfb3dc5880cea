"""Taking a partition over: fence, epoch, watermark, the rest of the ledger, and where to go on with the requests."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from events.chain import BrokenChainError, verify
from events.envelope import Record, UndecodableError, decode_record
from events.log import Log, LogUnavailableError, Message, Place, Reader, TransactionalWriter
from events.upcast import UnknownVersionError, upcast
from machines.desk import Desk, GapError
from service.decider.batch import BatchDecider
from service.decider.halts import Halt, UnusableSnapshotError
from service.decider.hanging import Patience, end_hanging
from service.decider.store import NOTHING_LED_PAST, LedPast, OutcomeRow, Store, Watermark, outcome_of

__all__ = ["Resumed", "Seat", "Tail", "read_tail", "resume_at"]

log = logging.getLogger(__name__)

CHUNK = 2000
SAY_AFTER_S = 2.0


@dataclass(frozen=True, slots=True)
class Seat:
    """A partition of a machine: its ledger, its requests, and the id of the requests topic as it is now."""

    machine: str
    partition: int
    ledger: Place
    requests: Place
    requests_topic_id: str

    @property
    def name(self) -> str:
        """As people call it."""
        return f"{self.machine}/{self.partition}"


@dataclass(slots=True)
class Tail:
    """What was learnt from the ledger: where it ends, the next request by its own word, the highest owner epoch.

    ``past`` is what a person has led past: it holds whether or not there are snapshots.
    """

    next_offset: int
    next_request: int
    owner_epoch: int
    past: LedPast = NOTHING_LED_PAST
    records: int = 0
    touched: dict[str, None] = field(default_factory=dict)
    outcomes: list[OutcomeRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Resumed:
    """The request offset to go on ``at``; so many before it were to be decided and are ``gone`` from Kafka."""

    at: int
    gone: int = 0


def read_tail(
    seat: Seat,
    *,
    logs: Log,
    writer: TransactionalWriter,
    store: Store,
    desk: Desk,
    batch: BatchDecider,
    stopped: Callable[[], bool],
) -> Tail:
    """Read the ledger from the watermark to its uncommitted end, folding and saving on the way.

    ``writer`` has fenced every earlier one; where a transaction of theirs hangs nevertheless, it ends it.
    """
    mark = _usable_mark(seat, store, desk)
    past = store.led_past(seat.requests_topic_id)
    tail = Tail(mark.next_offset, max(mark.next_request, past.next_request), mark.owner_epoch, past)
    reader = logs.reader(committed=True)
    try:
        _check_reach(seat, reader, mark)
        reader.assign({seat.ledger: mark.next_offset})
        patience = Patience(partial(end_hanging, writer, seat.ledger), say_after_s=SAY_AFTER_S)
        while not stopped() and (position := reader.position(seat.ledger)) < (end := reader.end(seat.ledger)):
            messages = reader.poll(at_most=CHUNK, timeout_s=0.1).get(seat.ledger, [])
            if messages:
                _fold_chunk(seat, messages, tail, store=store, desk=desk, batch=batch)
                patience.renew()
            else:
                patience.tried(seat=seat.name, position=position, end=end)
        tail.next_offset = max(tail.next_offset, reader.position(seat.ledger))
    finally:
        reader.close()
    return tail


def resume_at(seat: Seat, *, logs: Log, group: str, tail: Tail) -> Resumed:
    """Where to go on: the higher of what was committed and what the ledger says, as far as Kafka still has it."""
    committed = logs.committed(group, [seat.requests]).get(seat.requests)
    reader = logs.reader(committed=True)
    try:
        beginning, end = reader.beginning(seat.requests), reader.end(seat.requests)
    finally:
        reader.close()
    resume = max(committed or 0, tail.next_request)
    if committed is not None and committed < tail.next_request:
        log.warning(
            "committed offset behind the ledger",
            extra={"seat": seat.name, "committed": committed, "ledger": tail.next_request},
        )
    if resume > end:
        name = seat.requests.topic
        if logs.topic_ids([name]).get(name) != seat.requests_topic_id:  # its end says nothing about ours
            raise LogUnavailableError(
                f"{seat.name}: {name} is another topic by now; the watch on topics halts here"
            )
        raise Halt(
            "BEYOND_END",
            f"{seat.name}: requests go on at {resume}, but {seat.requests.topic} ends at {end}; "
            "wanted a topic that has them: restore it, or go on at its end",
            resume=resume,
            end=end,
            topic=seat.requests.topic,
        )
    return Resumed(max(resume, beginning), gone=max(0, beginning - resume))


def _usable_mark(seat: Seat, store: Store, desk: Desk) -> Watermark:
    mark = store.watermark()
    if mark is not None and mark.fold_version != desk.machine.fold_version:
        log.warning(
            "snapshots of another fold version", extra={"seat": seat.name, "found": mark.fold_version}
        )
        store.forget()
        mark = None
    if mark is None:
        return Watermark(0, 0, seat.requests_topic_id, desk.machine.fold_version, 0)
    if mark.requests_topic_id != seat.requests_topic_id:
        log.warning(
            "requests topic has another id; its requests are read from the first", extra={"seat": seat.name}
        )
        return Watermark(mark.next_offset, 0, seat.requests_topic_id, mark.fold_version, mark.owner_epoch)
    return mark


def _check_reach(seat: Seat, reader: Reader, mark: Watermark) -> None:
    end = reader.end(seat.ledger)
    if mark.next_offset > end:
        raise Halt(
            "SNAPSHOT_AHEAD",
            f"{seat.name}: snapshots stand at ledger offset {mark.next_offset}, but the ledger ends at {end}; "
            "wanted a ledger that has what was decided: restore it, or rebuild the snapshots from it",
            next_offset=mark.next_offset,
            end=end,
        )
    beginning = reader.beginning(seat.ledger)
    if mark.next_offset < beginning:
        raise Halt(
            "LEDGER_CUT",
            f"{seat.name}: the ledger is to be read from offset {mark.next_offset}, but begins at {beginning}; "
            "wanted all of it: restore it",
            next_offset=mark.next_offset,
            beginning=beginning,
        )


def _fold_chunk(
    seat: Seat, messages: list[Message], tail: Tail, *, store: Store, desk: Desk, batch: BatchDecider
) -> None:
    ours = [message for message in messages if not tail.past.passed.has(seat.machine, message)]
    records = [_decoded(seat, message) for message in ours]
    batch.fetch(record.subject for record in records)
    for message, record in zip(ours, records, strict=True):
        _fold(seat, message, record, tail, desk=desk, batch=batch)
    tail.next_offset = messages[-1].offset + 1
    tail.records += len(records)
    mark = Watermark(
        tail.next_offset,
        tail.next_request,
        seat.requests_topic_id,
        desk.machine.fold_version,
        tail.owner_epoch,
    )
    store.save(batch.dump(tail.touched), tail.outcomes, mark)
    tail.touched, tail.outcomes = {}, []
    batch.settle()


def _fold(
    seat: Seat, message: Message, record: Record, tail: Tail, *, desk: Desk, batch: BatchDecider
) -> None:
    subject = batch.subject(record.subject)
    where = f"{seat.name} offset {message.offset}, {record.subject}"
    fits = record.sequence == subject.sequence + 1
    try:
        chain = verify(subject.chain, message.value or b"")
        desk.apply(subject, upcast(record), chain=chain)
    except BrokenChainError as error:
        raise UnusableSnapshotError(f"{where}: {error}", offset=message.offset) from error
    except GapError as error:
        # A record in its place that leads elsewhere than recorded: it is the folding that has changed.
        code = "CODE_IS_WRONG" if fits else "LEDGER_BROKEN"
        raise UnusableSnapshotError(f"{where}: {error}", offset=message.offset, code=code) from error
    except UnknownVersionError as error:
        raise _unreadable("LEDGER_FROM_FUTURE", seat, message, error, "deploy code that knows it") from error
    except Exception as error:
        raise Halt(
            "CODE_IS_WRONG",
            f"{where}: folding a record of the ledger raised {error!r}; deploy code that can fold it",
            offset=message.offset,
            subject=record.subject,
        ) from error
    topic_id, _, offset = record.requesttopic.split("/")
    if topic_id == seat.requests_topic_id and message.offset >= tail.past.ledger_end:
        tail.next_request = max(tail.next_request, int(offset) + 1)
    tail.owner_epoch = max(tail.owner_epoch, record.ownerepoch)
    tail.touched[record.subject] = None
    tail.outcomes.append(outcome_of(record, message.offset))


def _decoded(seat: Seat, message: Message) -> Record:
    try:
        return decode_record(message.value, partition=message.partition, offset=message.offset)
    except UnknownVersionError as error:
        raise _unreadable("LEDGER_FROM_FUTURE", seat, message, error, "deploy code that knows it") from error
    except UndecodableError as error:
        raise _unreadable("LEDGER_UNREADABLE", seat, message, error, "set it aside") from error


def _unreadable(code: str, seat: Seat, message: Message, error: Exception, way_out: str) -> Halt:
    text = f"{seat.name} ledger offset {message.offset}: {error}; wanted a record that this code can read: {way_out}"
    return Halt(code, text, machine=seat.machine, partition=message.partition, offset=message.offset)
