"""Dead letters: listed, counted by cause, shown, and sent again to the inbox they came from, or set aside."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from consumers.dead_record import INPUT, NOTED_KINDS, DeadLetter, note
from consumers.header_names import unreadable
from consumers.reading import read_to_end
from events.log import Headers, Log, Writer
from events.topics import Topics
from events.types import format_time

__all__ = ["Cause", "Count", "DeadLetters", "Done", "Listed", "Which"]

_BATCH = 100
_PATIENCE_S = 10.0


_Record = tuple[str, bytes | None, bytes | None, Headers]


@dataclass(frozen=True, slots=True)
class Which:
    """Which dead letters are meant; what is None does not matter. ``is_open``: nothing was done about them yet."""

    ids: frozenset[str] | None = None
    code: str | None = None
    sender: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    is_open: bool | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A dead letter and what was done about it: kinds of notes with their actors, oldest first."""

    letter: DeadLetter
    done: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Nothing was done about it yet."""
        return not self.done


@dataclass(frozen=True, slots=True)
class Done:
    """A dead letter that was to be redriven or discarded; ``against`` says why it was not."""

    letter: DeadLetter
    against: str | None


@dataclass(frozen=True, slots=True)
class Cause:
    """Dead letters of one code and sender."""

    code: str
    sender: str
    count: int
    count_open: int
    first_at: datetime
    last_at: datetime
    example: str


@dataclass(frozen=True, slots=True)
class Count:
    """How many dead letters there are, and about how many nothing was done yet; None: not counted to the end.

    ``codes``: the open ones by code, as far as they were counted.
    """

    letters: int
    letters_open: int | None
    codes: Mapping[str, int] = field(default_factory=dict)


class DeadLetters:
    """The topic ``deadletter``. Holds notes and counts in memory, never the letters themselves."""

    def __init__(self, kafka: Log, topics: Topics) -> None:
        self._kafka = kafka
        self._topics = topics

    def each(self, which: Which = Which(), *, limit: int | None = None) -> Iterator[Listed]:
        """Dead letters, oldest first. Reads as it goes: stop asking and it stops reading."""
        done = self._done()
        found = (
            Listed(letter, tuple(done.get(letter.id, ())))
            for letter in self._letters()
            if letter.kind == INPUT and _is_meant(letter, which)
        )
        wanted = (each for each in found if which.is_open is None or each.is_open == which.is_open)
        return wanted if limit is None else islice(wanted, limit)

    def causes(self, which: Which = Which()) -> list[Cause]:
        """Counts by code and sender, the most frequent first."""
        found: dict[tuple[str, str], Cause] = {}
        for each in self.each(which):
            letter = each.letter
            before = found.get((letter.code, letter.sender))
            found[letter.code, letter.sender] = Cause(
                code=letter.code,
                sender=letter.sender,
                count=1 + (before.count if before else 0),
                count_open=each.is_open + (before.count_open if before else 0),
                first_at=before.first_at if before else letter.received_at,
                last_at=letter.received_at,
                example=letter.reason,
            )
        return sorted(found.values(), key=lambda cause: -cause.count)

    def count(self, *, within_s: float) -> Count:
        """How many there are; what could not be looked at in that time is not counted."""
        until, codes, about, is_whole = time.monotonic() + within_s, dict[str, str](), set[str](), True
        for letter in self._letters():
            if letter.kind == INPUT:
                codes[letter.id] = letter.code
            elif letter.kind in NOTED_KINDS:
                about.add(letter.about or "")
            if time.monotonic() > until:
                is_whole = False
                break
        still_open = Counter(code for letter, code in codes.items() if letter not in about)
        return Count(len(codes), still_open.total() if is_whole else None, dict(still_open))

    def show(self, letter_id: str) -> Listed:
        """One dead letter by its id; raises KeyError."""
        found = next(self.each(Which(ids=frozenset([letter_id]))), None)
        if found is None:
            raise KeyError(
                f"dead letter {letter_id}: found none; wanted an id from: meridian deadletter list"
            )
        return found

    def redrive(
        self, which: Which, *, actor: str, reason: str, clock: Callable[[], datetime], is_forced: bool = False
    ) -> Iterator[Done]:
        """Send the bytes again, with key and headers, to the inbox they came from; each is noted when it is there.

        What was redriven or discarded before is left alone unless ``is_forced``. Doing it twice is harmless all the
        same: the request that follows from an event has the same id each time.
        """
        return self._do(which, "redriven", actor=actor, reason=reason, clock=clock, is_forced=is_forced)

    def discard(
        self, which: Which, *, actor: str, reason: str, clock: Callable[[], datetime]
    ) -> Iterator[Done]:
        """Note that these are of no use; their bytes stay."""
        return self._do(which, "discarded", actor=actor, reason=reason, clock=clock, is_forced=False)

    def _do(
        self,
        which: Which,
        kind: str,
        *,
        actor: str,
        reason: str,
        clock: Callable[[], datetime],
        is_forced: bool,
    ) -> Iterator[Done]:
        writer = self._kafka.writer()
        try:
            meant = self.each(which)
            while batch := list(islice(meant, _BATCH)):
                against = {each.letter.id: _against(each, kind, self._topics, is_forced) for each in batch}
                chosen = [each.letter for each in batch if against[each.letter.id] is None]
                if kind == "redriven":
                    _send_all(writer, [_again(letter, reason) for letter in chosen])
                notes = [note(letter, kind=kind, actor=actor, reason=reason, at=clock()) for letter in chosen]
                _send_all(writer, [(self._topics.deadletter, *each) for each in notes])
                for each in batch:
                    yield Done(each.letter, against[each.letter.id])
        finally:
            writer.close()

    def _letters(self) -> Iterator[DeadLetter]:
        return (DeadLetter.read(message) for message in read_to_end(self._kafka, self._topics.deadletter))

    def _done(self) -> dict[str, list[str]]:
        """What was done, by dead letter."""
        done: dict[str, list[str]] = {}
        for letter in self._letters():
            if letter.about is not None and letter.kind in NOTED_KINDS:
                told = f"{letter.kind} by {letter.actor or 'unknown'} at {format_time(letter.received_at)}"
                done.setdefault(letter.about, []).append(told)
        return done


def _is_meant(letter: DeadLetter, which: Which) -> bool:
    return (
        (which.ids is None or letter.id in which.ids)
        and (which.code is None or letter.code == which.code)
        and (which.sender is None or letter.sender == which.sender)
        and (which.since is None or letter.received_at >= which.since)
        and (which.until is None or letter.received_at < which.until)
    )


def _against(listed: Listed, kind: str, topics: Topics, is_forced: bool) -> str | None:
    """What stands against doing this, in words; None: nothing."""
    letter = listed.letter
    if listed.done and not is_forced:
        return (
            f"dead letter {letter.id}: {listed.done[-1]}, wanted an open one; force it to have it done again"
        )
    if kind == "redriven" and letter.is_cut:
        return f"dead letter {letter.id}: only a part of its {letter.size_bytes} bytes is kept; ask the sender for it"
    if kind == "redriven" and not letter.origin_topic.startswith(topics.inbox_prefix):
        return f"dead letter {letter.id}: came from {letter.origin_topic}, which is no inbox; ask for it anew instead"
    return None


def _again(letter: DeadLetter, reason: str) -> _Record:
    told = (("redriven-from", letter.id.encode()), ("redrive-reason", reason.encode()))
    # A name that is no UTF-8 was what stood against it, and no client of ours can write one.
    left_out = {"redriven-from", "redrive-reason", *unreadable(letter.origin_headers)}
    headers = tuple(each for each in letter.origin_headers if each[0] not in left_out)
    # Kafka keeps records with neither key nor value, but its Python clients send none.
    key = b"" if letter.origin_key is None and letter.value is None else letter.origin_key
    return letter.origin_topic, key, letter.value, headers + told


def _send_all(writer: Writer, records: Iterable[_Record]) -> None:
    sent = [
        writer.send(topic, key=key, value=value, headers=headers) for topic, key, value, headers in records
    ]
    writer.flush(_PATIENCE_S)
    for each in sent:
        each.result(_PATIENCE_S)
