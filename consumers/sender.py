"""Sends records for many threads through one writer, made when first needed and anew after the log was away."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from events.base import machine_of
from events.envelope import encode_request
from events.log import LogError, LogUnavailableError, Sent, Writer
from events.topics import Topics

__all__ = ["Outgoing", "Sender", "outgoing_request"]

Outgoing = tuple[str, bytes | None, bytes]
"""Topic, key, value."""


def outgoing_request(topics: Topics, name: str, subject: str, **members: Any) -> Outgoing:
    """A request on its way: to the topic of its machine, keyed by its subject; ``members`` as envelopes have them."""
    value = encode_request(type=name, subject=subject, **members)
    return topics.requests(machine_of(name)), subject.encode(), value


class Sender:
    """``send`` hands over, ``acknowledged`` waits. Every failure is a ``LogUnavailableError``."""

    def __init__(self, open_writer: Callable[[], Writer], *, patience_s: float = 10.0) -> None:
        self._open_writer = open_writer
        self._patience_s = patience_s
        self._writer: Writer | None = None
        self._lock = threading.Lock()

    def send(self, topic: str, *, key: bytes | None, value: bytes) -> Sent:
        """Hand one record over; records of one key arrive in the order of these calls."""
        writer = self._opened()
        try:
            return writer.send(topic, key=key, value=value)
        except LogError as error:
            raise self._given_up(writer, error) from error

    def acknowledged(self, sent: Iterable[Sent]) -> None:
        """Return once all of these are on the log."""
        writer = self._writer
        try:
            for each in sent:
                each.result(self._patience_s)
        except LogError as error:
            raise self._given_up(writer, error) from error

    def send_all(self, outgoing: Iterable[Outgoing]) -> None:
        """Hand records over and return once all are on the log; those of one topic go together."""
        of: dict[str, list[tuple[bytes, bytes]]] = defaultdict(list)
        without_key = []
        for topic, key, value in outgoing:
            if key is None:
                without_key.append(self.send(topic, key=None, value=value))
            else:
                of[topic].append((key, value))
        if not of and not without_key:
            return
        writer = self._opened()
        try:
            handed = [writer.send_all(topic, records) for topic, records in of.items()]
            for each in handed:
                each.offsets(self._patience_s)
        except LogError as error:
            raise self._given_up(writer, error) from error
        self.acknowledged(without_key)

    def close(self) -> None:
        """Flush and let go; what can't be delivered is sent again by whoever asked for it."""
        with self._lock:
            writer, self._writer = self._writer, None
        if writer is not None:
            _let_go(writer)

    def _opened(self) -> Writer:
        with self._lock:
            if self._writer is None:
                self._writer = self._open_writer()
            return self._writer

    def _given_up(self, writer: Writer | None, error: LogError) -> LogUnavailableError:
        """A writer that failed once may be of no use any more: the next one who sends makes a new one."""
        with self._lock:
            is_current = writer is not None and self._writer is writer
            if is_current:
                self._writer = None
        if is_current and writer is not None:
            # Closing waits for what is under way; whoever failed should not.
            threading.Thread(target=_let_go, args=(writer,), name="sender-close", daemon=True).start()
        return error if isinstance(error, LogUnavailableError) else LogUnavailableError(str(error))


def _let_go(writer: Writer) -> None:
    try:
        writer.close()
    except LogError:
        return  # its records were reported as failed already, one by one
