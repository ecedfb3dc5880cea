"""What senders have left at the door, looked at once more: each message has led to a decision or a dead letter.

Intake lets go of a message only when that is on the log. Offsets that were moved by hand, requests that were lost with
their topic, messages that were deleted before intake had read them: here they are found, and taken again or told of.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Engine, text

from consumers.dead_record import DeadLetter, dead_letter, origin_of
from consumers.door import Door
from consumers.intake import Refused, Taken, sender_of, take
from consumers.intake_watch import group_of
from consumers.reading import read_to_end
from events.log import FencedError, Log, Message, Place, Reader
from events.topics import MACHINES, Topics
from projectors.stream_rules import StreamRule, read_rules

__all__ = ["InboxAgain", "own_group", "rules_now"]

log = logging.getLogger(__name__)

_AT_MOST = 5000
_AT_ONCE = 500
_HELD_BYTES = 32 * 1024 * 1024
"""One message may have 8 MiB; what is left is looked at the next time."""

_POLL_S = 1.0
_SETTLED = timedelta(minutes=1)
"""Rules that came into force so short before a message may not be those that it was taken by."""

Offsets = Mapping[Place, int | None]
RulesNow = Callable[[], tuple[Mapping[str, StreamRule], datetime]]


class Finds(Protocol):
    """Knows what was decided."""

    def find(self, asked: Iterable[tuple[str, str]]) -> Mapping[str, Any]:
        """Outcomes by request id, of those subjects and request ids that have one."""


def own_group(site: str) -> str:
    """The group whose offsets say how far was looked; nobody is a member of it."""
    return f"{site}.inbox-again"


@dataclass(frozen=True, slots=True)
class _Note:
    """Where inboxes began, how far intake had let go of them then, where requests and dead letters ended after that."""

    begins: Mapping[Place, int]
    let_go: Offsets
    requests: Mapping[Place, int]
    letters: Mapping[Place, int]


@dataclass(frozen=True, slots=True)
class _Fixed:
    """Rules as they were read a moment ago."""

    rules: Mapping[str, StreamRule]

    def current(self) -> Mapping[str, StreamRule]:
        return self.rules

    def refresh(self) -> Mapping[str, StreamRule]:
        return self.rules


def rules_now(engine: Engine) -> RulesNow:
    """The rules in force, and when the newest of them came into force."""

    def read() -> tuple[Mapping[str, StreamRule], datetime]:
        with engine.connect() as connection:
            newest = connection.execute(_NEWEST).scalar_one()
            return read_rules(connection), newest or datetime.fromtimestamp(0, UTC)

    return read


class InboxAgain:
    """Looks at what was let go of before, once all requests of that time are decided. Used by one thread."""

    def __init__(
        self, *, log: Log, topics: Topics, outcomes: Finds, rules: RulesNow, clock: Callable[[], datetime]
    ) -> None:
        self._log = log
        self._topics = topics
        self._outcomes = outcomes
        self._rules = rules
        self._clock = clock
        self._note: _Note | None = None
        self._letters_since: Mapping[Place, int] = {}

    def run_once(self) -> int:
        """Take again what was lost; how many messages. Raises LogError and the database's errors."""
        reader = self._log.reader()
        try:
            note, taken = self._note, 0
            if note is not None and not self._is_decided(note):
                return 0
            if note is not None:
                taken = self._look(note, reader)
                self._letters_since = note.letters
            self._note = self._noted(reader)
            return taken
        finally:
            reader.close()

    def _noted(self, reader: Reader) -> _Note:
        inboxes = [name for name in self._log.names() if name.startswith(self._topics.inbox_prefix)]
        begins = {place: reader.beginning(place) for place in self._places(inboxes)}
        let_go = self._log.committed(group_of(self._topics.site), begins)
        requests = self._places([self._topics.requests(machine) for machine in MACHINES])
        letters = self._places([self._topics.deadletter])
        ends = {place: reader.end(place) for place in (*requests, *letters)}
        return _Note(
            begins,
            let_go,
            requests={place: ends[place] for place in requests},
            letters={place: ends[place] for place in letters},
        )

    def _places(self, names: Iterable[str]) -> list[Place]:
        counts = self._log.partitions(names)
        return [Place(name, number) for name, count in counts.items() for number in range(count)]

    def _is_decided(self, note: _Note) -> bool:
        """Deciders have read all that stood there: what has no outcome by now was never asked."""
        for machine in MACHINES:
            own = [place for place in note.requests if place.topic == self._topics.requests(machine)]
            committed = self._log.committed(self._topics.decider(machine), own)
            if any((committed.get(place) or 0) < note.requests[place] for place in own):
                return False
        return True

    def _look(self, note: _Note, reader: Reader) -> int:
        seen = self._log.committed(own_group(self._topics.site), note.let_go)
        starts = {place: _start(seen.get(place), note.let_go[place]) for place in note.let_go}
        unread = {place: max(start, note.let_go[place] or 0) for place, start in starts.items()}
        gone = {
            place: (first, note.begins[place])
            for place, first in unread.items()
            if first < note.begins[place]
        }
        ends = {place: let_go for place, let_go in note.let_go.items() if let_go and starts[place] < let_go}
        messages, read_to = _read(
            reader, {place: max(starts[place], reader.beginning(place)) for place in ends}, ends
        )
        reached = starts | {place: beginning for place, (_, beginning) in gone.items()} | read_to
        lost = self._lost(messages)
        if lost or gone:
            self._write(lost, gone)
        self._remember({place: offset for place, offset in reached.items() if offset != seen.get(place)})
        return len(lost)

    def _lost(self, messages: Sequence[Message]) -> list[Message]:
        """Those without an outcome, a dead letter or, where nothing is asked and nothing kept, an answer."""
        if not messages:
            return []
        rules, newest = self._rules()
        settled_at = newest + _SETTLED
        # By other rules it may have been taken as another subject: nobody can say what became of it.
        judged = [each for each in messages if each.timestamp_ms / 1000 > settled_at.timestamp()]
        found = [(each, take(each, rules, self._clock())) for each in judged]
        decided = self._decided([taken for _, taken in found if isinstance(taken, Taken)])
        buried = self._buried({origin_of(each) for each, taken in found if _is_kept(taken)})
        return [
            each for each, taken in found
            if (_is_kept(taken) and origin_of(each) not in buried)
            or (isinstance(taken, Taken) and any(one.request_id not in decided for one in taken.asked))
        ]  # fmt: skip

    def _decided(self, taken: Sequence[Taken]) -> set[str]:
        asked = [(one.subject, one.request_id) for each in taken for one in each.asked]
        parts = (asked[begin : begin + _AT_ONCE] for begin in range(0, len(asked), _AT_ONCE))
        return {request for part in parts for request in self._outcomes.find(part)}

    def _buried(self, origins: set[str]) -> set[str]:
        """Those that became dead letters: mostly since the look before, else at any time."""
        found: set[str] = set()
        for since in (self._letters_since, {}) if self._letters_since else ({},):
            if origins - found:
                letters = map(DeadLetter.read, read_to_end(self._log, self._topics.deadletter, since=since))
                found |= {letter.origin for letter in letters if letter.origin in origins}
        return found

    def _write(self, lost: Sequence[Message], gone: Mapping[Place, tuple[int, int]]) -> None:
        rules, _ = self._rules()
        writer = self._log.writer()
        try:
            for place, (first, beginning) in gone.items():
                key, value, headers = dead_letter(
                    Message(place.topic, place.partition, first, None, None, ()),
                    sender=sender_of(place.topic), code="INBOX_GONE", reason=_of_gone(place, first, beginning),
                    at=self._clock(),
                )  # fmt: skip
                writer.send(self._topics.deadletter, key=key, value=value, headers=headers)
            if lost:
                log.warning(
                    "messages taken again", extra={"messages": len(lost), "position": origin_of(lost[0])}
                )
            door = Door(writer=writer, topics=self._topics, rules=_Fixed(rules), take=take, clock=self._clock)
            door.handle(lost)
        finally:
            writer.close()

    def _remember(self, reached: Mapping[Place, int]) -> None:
        if not reached:
            return
        group = own_group(self._topics.site)
        writer = self._log.transactional(group)
        try:
            writer.begin()
            writer.commit(reached, group=group)
        except FencedError:
            log.debug("another process has looked at the inboxes")
        finally:
            writer.close()


def _start(seen: int | None, let_go: int | None) -> int:
    """Where the look begins: where the last one ended; the first one sees nothing but what is to come."""
    return seen if seen is not None else let_go or 0


def _read(
    reader: Reader, at: Mapping[Place, int], ends: Mapping[Place, int]
) -> tuple[list[Message], dict[Place, int]]:
    """Messages from ``at`` up to where they were let go of, some thousands at most; how far that is."""
    reached, held_bytes = dict(at), 0
    messages: list[Message] = []
    reader.assign({place: offset for place, offset in at.items() if offset < ends[place]})
    while (
        len(messages) < _AT_MOST
        and held_bytes < _HELD_BYTES
        and any(reached[place] < ends[place] for place in at)
    ):
        polled = reader.poll(at_most=_AT_ONCE, timeout_s=_POLL_S)
        held_bytes += sum(len(each.value or b"") for some in polled.values() for each in some)
        messages += [each for place, some in polled.items() for each in some if each.offset < ends[place]]
        before = dict(reached)
        reached |= {
            place: min(reader.position(place), ends[place]) for place in at if at[place] < ends[place]
        }
        if reached == before:
            break  # nothing comes now: the next look goes on here
    return messages, reached


def _is_kept(taken: Taken | Refused) -> bool:
    """Something of it was to become a dead letter."""
    refused = (taken,) if isinstance(taken, Refused) else taken.refused
    return any(each.is_kept for each in refused)


def _of_gone(place: Place, first: int, beginning: int) -> str:
    return (
        f"offsets {first} to {beginning - 1} of {place.topic}/{place.partition} were deleted before intake had come so "
        "far; wanted an answer to each; ask the sender to send what it announced then again, run consumers, and have "
        "Kafka keep inboxes longer than they may ever stand still"
    )


_NEWEST = text("SELECT max(configured_at) FROM v1.stream")
