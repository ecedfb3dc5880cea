"""Deciding a batch of one partition in memory: messages in, records and dead letters out."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple, Protocol

from events.base import Request
from events.envelope import RequestEnvelope, UndecodableError, decode_request, guessed
from events.ids import partition_of, record_id
from events.log import Message
from machines.desk import Asked, Decision, Desk, Stamp, Subject, digest_of
from machines.ruling import Refusal
from service.decider.halts import Halt, UnusableSnapshotError
from service.decider.store import OutcomeRow, SnapshotRow, outcome_of

__all__ = ["POISON_IN_A_ROW", "Batch", "BatchDecider", "DeadLetter", "LookUp", "Owner"]

AT_ONCE = 48
"""Requests that go together from their bytes to a sealed record's: all of what they need on the way stays in the
processor's cache. Of 1,500 that take each step together a request costs half as much again."""

UNKNOWN = -1
"""The ledger's offset of a record that is not there yet."""

POISON_IN_A_ROW = 20
"""So many different subjects whose deciding raised, one after the other: the code is wrong, not the input."""


class LookUp(Protocol):
    """What deciding asks of the store."""

    def load(self, subjects: Sequence[str], records: Sequence[str] = ()) -> dict[str, bytes]:
        """Snapshots by subject; ``records``: whose digests will be asked for next."""

    def lost(self, subjects: Sequence[str]) -> list[str]:
        """Which of these, that have no snapshot, the views have records of."""

    def digests(self, record_ids: Sequence[str]) -> dict[str, str]:
        """Digests of decided requests by record id."""


class DeadLetter(NamedTuple):
    """A message that could not be decided, and why."""

    message: Message
    code: str
    reason: str


class Answer(NamedTuple):
    """A sealed record as it leaves, and its row of outcomes, still without offset; the record itself is let go of."""

    subject: str
    value: bytes
    row: OutcomeRow


class Owner(NamedTuple):
    """In whose name records are written: the owner's epoch, and the id of the requests topic."""

    epoch: int
    requests_topic_id: str


@dataclass(slots=True)
class Batch:
    """What came of a batch: answers in the requests' order, and of each subject that they touched its last snapshot."""

    answers: list[Answer] = field(default_factory=list)
    snapshots: dict[str, SnapshotRow] = field(default_factory=dict)
    dead: list[DeadLetter] = field(default_factory=list)
    repeated: int = 0
    next_request: int = 0


class _Read(NamedTuple):
    """A request that could be read: where it stood, and the id of the record that answers it."""

    message: Message
    request: RequestEnvelope
    identifier: str


class _Named(NamedTuple):
    """Whom a request asks about, its id, and the id of the record that answers it."""

    subject: str
    request_id: str
    record_id: str


_Told = tuple[int, _Read, str, Request | Refusal]
"""A request with its number, its digest, and what it asks."""

# Tuples of these kinds, in a third of the time that their own functions take.
_as_named: Callable[[tuple[str, str, str]], _Named] = partial(tuple.__new__, _Named)
_as_read: Callable[[tuple[Message, RequestEnvelope, str]], _Read] = partial(tuple.__new__, _Read)
_as_stamp: Callable[[tuple[str, str, str, str, int]], Stamp] = partial(tuple.__new__, Stamp)
_as_asked: Callable[[tuple[Subject, RequestEnvelope, Request | Refusal, Stamp, bool, bool]], Asked]
_as_asked = partial(tuple.__new__, Asked)
_as_answer: Callable[[tuple[str, bytes, OutcomeRow]], Answer] = partial(tuple.__new__, Answer)


class BatchDecider:
    """Keeps the subjects of one partition in a bounded memory; a state leaves it only once it is saved."""

    def __init__(
        self,
        desk: Desk,
        store: LookUp,
        *,
        partition: int,
        partitions: int,
        subjects_kept: int,
        turn: AbstractContextManager[Any] | None = None,
    ) -> None:
        """``turn``: a lock of those partitions that are to decide one after the other, so as not to share a cache."""
        self._desk = desk
        self._store = store
        self._partition = partition
        self._partitions = partitions
        self._kept = subjects_kept
        self._turn = turn or nullcontext()
        self._subjects: OrderedDict[str, Subject] = OrderedDict()
        self._poison_in_a_row: set[str] = set()
        self.poisoned: set[str] = set()
        self.believes_views = True

    def forget(self) -> None:
        """Drop all memory: something went wrong, and only the log and the store are to be believed."""
        self._subjects.clear()

    def settle(self) -> None:
        """The batch is saved: let the oldest states go."""
        while len(self._subjects) > self._kept:
            self._subjects.popitem(last=False)

    def dump(self, names: Iterable[str]) -> list[SnapshotRow]:
        """Snapshots of these subjects: name, sequence, JSON."""
        return [
            (name, self._subjects[name].sequence, self._desk.dump(self._subjects[name])) for name in names
        ]

    def fetch(self, names: Iterable[str], records: Sequence[str] = ()) -> list[str]:
        """Bring these subjects into memory; which ones have no snapshot. Raises UnusableSnapshotError.

        ``records``: whose digests are asked for next.
        """
        missing = [name for name in dict.fromkeys(names) if name not in self._subjects]
        stored = self._store.load(missing, records)
        for name in missing:
            self._subjects[name] = self._loaded(name, stored[name]) if name in stored else self._desk.new()
        return [name for name in missing if name not in stored]

    def subject(self, name: str) -> Subject:
        """A subject that was fetched; it is now the one used last."""
        self._subjects.move_to_end(name)
        return self._subjects[name]

    def decide(self, messages: Sequence[Message], owner: Owner, now: str) -> Batch:
        """Every message in order: one record, a repetition, or a dead letter."""
        batch = Batch(next_request=messages[-1].offset + 1)
        named = list(map(self._named, messages))
        asked = [each for each in named if each is not None]
        known = self._learn([each.subject for each in asked], [each.record_id for each in asked])
        with self._turn:
            self._decide_all(messages, named, known, owner, now, batch)
        return batch

    def _decide_all(
        self,
        messages: Sequence[Message],
        named: Sequence[_Named | None],
        known: dict[str, str],
        owner: Owner,
        now: str,
        batch: Batch,
    ) -> None:
        """Some at a time, from their bytes to a record's; a subject's snapshot once nothing more is asked about it."""
        last = {name.subject: number for number, name in enumerate(named) if name is not None}
        touched: dict[str, None] = {}
        for first in range(0, len(messages), AT_ONCE):
            names, answered = named[first : first + AT_ONCE], len(batch.answers)
            read = self._read_all(messages[first : first + AT_ONCE], names, known, batch)
            self._decide_some(read, known, owner, now, batch)
            touched |= dict.fromkeys([each.subject for each in batch.answers[answered:]])
            ended = [subject for subject in touched if last.get(subject, -1) < first + AT_ONCE]
            for snapshot in self.dump(ended):
                batch.snapshots[snapshot[0]] = snapshot
            for subject in ended:
                del touched[subject]

    def _named(self, message: Message) -> _Named | None:
        """Whom a message seems to ask about, before it is read; None: nobody of this partition, or it can't be read."""
        guess = guessed(message.value)
        if guess is None:
            request = self._read(message)
            if isinstance(request, DeadLetter):
                return None
            guess = request.subject, request.id
        subject, request_id = guess
        if not self._belongs(subject):
            return None  # what its own partition knows of it at this moment is not ours to judge by
        return _as_named((subject, request_id, record_id(self._desk.site, subject, request_id)))

    def _learn(self, subjects: Sequence[str], records: Sequence[str]) -> dict[str, str]:
        """Bring subjects into memory; the digests of those records that are there already."""
        unknown = self.fetch(subjects, records)
        # After the snapshots: this refuses where the store is not as this owner left it, so neither were they.
        known = self._store.digests(records)
        self._check_new(unknown)
        return known

    def _check_new(self, names: Sequence[str]) -> None:
        """A single snapshot that was lost looks like a subject that nobody knows: its history would begin again.

        The ledger up to here is in the snapshots, so what a view shows of a subject has to be there too.
        """
        if not (names and self.believes_views):
            return
        if lost := self._store.lost(names):
            raise UnusableSnapshotError(
                f"{self._desk.machine.name}/{lost[0]}: found no snapshot, and records of it in projection.ledger "
                f"(so for {len(lost)} subjects); wanted all snapshots or none",
                by_views=True,
            )

    def _decide_some(
        self, read: Sequence[_Read], known: dict[str, str], owner: Owner, now: str, batch: Batch
    ) -> None:
        """First each subject's first request, then its second, and so on; what comes of them in their old order."""
        digests = [digest_of(each.request) for each in read]
        payloads = [self._desk.payload(each.request) for each in read]
        decided: list[Decision | None] = [None] * len(read)
        for turn in _turns(read):
            told = [(number, read[number], digests[number], payloads[number]) for number in turn]
            asked = self._asked(told, known, owner, now, batch)
            for number, decision in zip(asked, self._desk.decide_all(list(asked.values())), strict=True):
                decided[number] = decision
        for each, answer in zip(read, decided, strict=True):
            if answer is None:
                continue
            record = answer.record
            batch.answers.append(_as_answer((record.subject, answer.value, outcome_of(record, UNKNOWN))))
            if answer.poison is not None:
                self._watch_poison(answer, each.message, batch)
            elif self._poison_in_a_row:
                self._poison_in_a_row.clear()

    def _asked(
        self, turn: Iterable[_Told], known: dict[str, str], owner: Owner, now: str, batch: Batch
    ) -> dict[int, Asked]:
        """Requests about different subjects, before these; those that are answered already are left out."""
        asked = {}
        epoch, topic_id = owner
        for number, (message, request, usual), digest, payload in turn:
            identifier, before = usual, known.get(usual)
            reused = before is not None and before != digest
            if reused:
                identifier = record_id(self._desk.site, request.subject, f"{request.id}#{digest}")
                known |= self._store.digests([identifier]) if identifier not in known else {}
                before = known.get(identifier)
            if before is not None:
                batch.repeated += 1
                continue
            known[identifier] = digest
            place = f"{topic_id}/{message.partition}/{message.offset}"
            stamp = _as_stamp((identifier, digest, now, place, epoch))
            subject = self.subject(request.subject)
            asked[number] = _as_asked((subject, request, payload, stamp, reused, request.id in self.poisoned))
        return asked

    def _watch_poison(self, decision: Decision, message: Message, batch: Batch) -> None:
        batch.dead.append(DeadLetter(message, "INTERNAL", decision.poison or ""))
        self._poison_in_a_row.add(decision.record.subject)
        if len(self._poison_in_a_row) >= POISON_IN_A_ROW:
            raise Halt(
                "CODE_IS_WRONG",
                f"deciding raised for {POISON_IN_A_ROW} different subjects in a row, last {decision.record.subject}: "
                f"{batch.dead[-1].reason.splitlines()[-1]}; wanted a decision; deploy code that can decide them",
                subject=decision.record.subject,
                offset=message.offset,
            )

    def _read_all(
        self,
        messages: Sequence[Message],
        named: Sequence[_Named | None],
        known: dict[str, str],
        batch: Batch,
    ) -> list[_Read]:
        read = []
        for message, name in zip(messages, named, strict=True):
            request = self._read(message)
            if isinstance(request, DeadLetter):
                batch.dead.append(request)
                continue
            if name is not None and name.request_id == request.id and name.subject == request.subject:
                identifier = name.record_id
            else:  # it seemed to be another one
                identifier = record_id(self._desk.site, request.subject, request.id)
                known |= self._learn([request.subject], [identifier])
            read.append(_as_read((message, request, identifier)))
        return read

    def _read(self, message: Message) -> RequestEnvelope | DeadLetter:
        try:
            request = decode_request(message.value)
        except UndecodableError as error:
            return DeadLetter(message, "UNDECODABLE", str(error))
        if self._belongs(request.subject):
            return request
        belongs = partition_of(request.subject, self._partitions)
        found = f"found it in {self._partition}; key records by subject"
        reason = f"{request.subject} belongs to partition {belongs}, {found}"
        return DeadLetter(message, "WRONG_PARTITION", reason)

    def _belongs(self, subject: str) -> bool:
        return partition_of(subject, self._partitions) == self._partition

    def _loaded(self, name: str, dumped: bytes) -> Subject:
        try:
            return self._desk.load(dumped)
        except (ValueError, TypeError, KeyError) as error:
            raise UnusableSnapshotError(
                f"{self._desk.machine.name}/{name}: the snapshot can't be read: {error}"
            ) from error


def _turns(read: Sequence[_Read]) -> list[list[int]]:
    """The first requests of all subjects, then the second ones, and so on: their numbers in ``read``."""
    met: dict[str, int] = {}
    turns: list[list[int]] = []
    for number, each in enumerate(read):
        subject = each.request.subject
        met[subject] = turn = met.get(subject, -1) + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(number)
    return turns
