"""Says things at the door as one sender, and waits for the answers."""

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Self

from consumers.answer import Answer
from consumers.drafts import Draft
from consumers.reading import Tail, read_to_end
from events import failpoints
from events.envelope import UndecodableError
from events.log import Log, Message
from events.topics import Topics

__all__ = ["NoInboxError", "Publisher"]

_BATCH = 1000
_FLUSH_S = 30.0


class NoInboxError(Exception):
    """The sender has no inbox yet; the message says which there are."""


class Publisher:
    """Speaks as one sender. Use it as a context; made with ``is_listening``, it hears every answer to what it sends."""

    def __init__(self, kafka: Log, topics: Topics, sender: str, *, is_listening: bool = False) -> None:
        """Raises NoInboxError, LogError."""
        if not kafka.partitions([topics.inbox(sender)]):
            known = [
                name.removeprefix(topics.inbox_prefix)
                for name in kafka.names()
                if name.startswith(topics.inbox_prefix)
            ]
            raise NoInboxError(
                f"sender {sender!r}: found no inbox {topics.inbox(sender)}, "
                f"wanted one of {', '.join(known) or 'none yet'}; "
                "a stream's configuration names its senders: meridian stream apply"
            )
        self._kafka = kafka
        self._sender = sender
        self._topics = topics
        self._tail = Tail(kafka, topics.answers(sender)) if is_listening else None
        self._writer = kafka.writer()

    def publish(self, drafts: Iterable[Draft]) -> Iterator[Draft]:
        """Send them; each is given back once the log has acknowledged it. Faults are not looked at here."""
        left = iter(drafts)
        while batch := list(islice(left, _BATCH)):
            failpoints.reach("publish.before_produce")
            sent = [
                self._writer.send(
                    self._topics.inbox(self._sender), key=draft.key, value=draft.value, headers=draft.headers
                )
                for draft in batch
            ]
            self._writer.flush(_FLUSH_S)
            failpoints.reach("publish.after_produce")
            for promise in sent:
                promise.result(_FLUSH_S)
            yield from batch

    def answers(self, event_ids: Sequence[str], *, timeout_s: float) -> Iterator[Answer]:
        """The first answer to each of these events as it comes, until all are answered or the time is up."""
        missing = set(event_ids)
        until = time.monotonic() + timeout_s
        while missing and self._tail is not None and (left := until - time.monotonic()) > 0:
            for answer in self._heard(left):
                if answer.event_id in missing:
                    missing.discard(answer.event_id)
                    yield answer

    def earlier(self, event_ids: Iterable[str]) -> dict[str, Answer]:
        """The last answer to each of these that still stands there: what was said before is not answered twice."""
        asked = set(event_ids)
        found: dict[str, Answer] = {}
        for message in read_to_end(self._kafka, self._topics.answers(self._sender)):
            answer = _answer(message)
            if answer is not None and answer.event_id in asked:
                found[answer.event_id] = answer
        return found

    def _heard(self, timeout_s: float) -> Iterator[Answer]:
        messages = self._tail.poll(min(timeout_s, 0.5)) if self._tail is not None else []
        yield from (answer for answer in map(_answer, messages) if answer is not None)

    def close(self) -> None:
        """Let go."""
        if self._tail is not None:
            self._tail.close()
        self._writer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _answer(message: Message) -> Answer | None:
    try:
        return Answer.decode(message.value)
    except UndecodableError:
        return None  # of another version, or not from us: it answers nothing that was asked here
