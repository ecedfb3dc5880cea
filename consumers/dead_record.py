"""One record of the topic ``deadletter``: the bytes that could not be taken, and in headers where from and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Self

from consumers.header_names import kept_name, original_name
from events.log import Headers, Message
from events.types import format_time

__all__ = ["INPUT", "NOTED_KINDS", "VALUE_BYTES_AT_MOST", "DeadLetter", "dead_letter", "note", "origin_of"]

VALUE_BYTES_AT_MOST = 8 * 1024 * 1024
"""A longer value is cut here, and the header ``cut`` says so; such a record can't be redriven."""

INPUT = "input"
NOTED_KINDS = ("redriven", "discarded")
_REASON_CHARS = 8000
_TRACEBACK_CHARS = 16_000
_ORIGINAL = "original-"
_ORIGINAL_BYTES_AT_MOST = 256 * 1024


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A dead letter as read: ``id`` is ``partition/offset`` on the topic, ``origin`` where the input stood.

    A record of another kind than ``input`` is a note about the dead letter ``about``: ``redriven`` or ``discarded``.
    """

    id: str
    kind: str
    sender: str
    code: str
    reason: str
    origin: str
    size_bytes: int
    sha256: str
    received_at: datetime
    is_cut: bool
    about: str | None
    actor: str | None
    traceback: str | None
    origin_key: bytes | None
    origin_headers: Headers
    value: bytes | None

    @classmethod
    def read(cls, message: Message) -> Self:
        """From the topic; what a header does not say stays empty, so that a damaged one can still be listed."""
        told = dict(message.headers)
        read_at = datetime.fromtimestamp(message.timestamp_ms / 1000, UTC)
        return cls(
            id=f"{message.partition}/{message.offset}",
            kind=_text(told, "kind") or INPUT,
            sender=_text(told, "sender"),
            code=_text(told, "code"),
            reason=_text(told, "reason"),
            origin="/".join(_text(told, f"origin-{part}") for part in ("topic", "partition", "offset")),
            size_bytes=_number(told, "size-bytes"),
            sha256=_text(told, "sha256"),
            received_at=_time(_text(told, "received-at")) or read_at,
            is_cut="cut" in told,
            about=_text(told, "about") or None,
            actor=_text(told, "actor") or None,
            traceback=_text(told, "traceback") or None,
            origin_key=told.get("origin-key"),
            origin_headers=tuple(
                (original_name(name.removeprefix(_ORIGINAL)), value)
                for name, value in message.headers
                if name.startswith(_ORIGINAL)
            ),
            value=message.value,
        )

    @property
    def origin_topic(self) -> str:
        """The topic that the bytes came from."""
        return self.origin.rsplit("/", 2)[0]


def origin_of(message: Message) -> str:
    """Where an input came from, as the dead letter that it becomes names it."""
    return f"{message.topic}/{message.partition}/{message.offset}"


def dead_letter(
    message: Message, *, sender: str, code: str, reason: str, at: datetime, traceback: str | None = None
) -> tuple[bytes, bytes | None, Headers]:
    """Key, value and headers of the record for an input. The key is where it came from, so twice is seen as twice."""
    value = message.value
    headers = [
        ("kind", INPUT.encode()),
        ("origin-topic", message.topic.encode()),
        ("origin-partition", str(message.partition).encode()),
        ("origin-offset", str(message.offset).encode()),
        ("origin-timestamp-ms", str(message.timestamp_ms).encode()),
        ("sender", sender.encode()),
        ("code", code.encode()),
        ("reason", reason[:_REASON_CHARS].encode("utf-8", "replace")),
        ("size-bytes", str(len(value or b"")).encode()),
        ("sha256", sha256(value or b"").hexdigest().encode()),
        ("received-at", format_time(at).encode()),
    ]
    if message.key is not None:
        headers.append(("origin-key", message.key[:_ORIGINAL_BYTES_AT_MOST]))
    if traceback:
        headers.append(("traceback", traceback[-_TRACEBACK_CHARS:].encode("utf-8", "replace")))
    if value is not None and len(value) > VALUE_BYTES_AT_MOST:
        headers.append(("cut", f"the first {VALUE_BYTES_AT_MOST} of {len(value)} bytes are kept".encode()))
        value = value[:VALUE_BYTES_AT_MOST]
    headers += _originals(message.headers)
    return origin_of(message).encode(), value, tuple(headers)


def note(
    letter: DeadLetter, *, kind: str, actor: str, reason: str, at: datetime
) -> tuple[bytes, bytes | None, Headers]:
    """Key, value and headers of a note: what a person has done about a dead letter, and why."""
    headers = (
        ("kind", kind.encode()),
        ("about", letter.id.encode()),
        ("sender", letter.sender.encode()),
        ("code", letter.code.encode()),
        ("actor", actor.encode()),
        ("reason", reason[:_REASON_CHARS].encode("utf-8", "replace")),
        ("received-at", format_time(at).encode()),
    )
    return letter.origin.encode(), None, headers


def _originals(headers: Headers) -> list[tuple[str, bytes]]:
    """The input's own headers under a prefix, as many as there is room for."""
    kept: list[tuple[str, bytes]] = []
    room = _ORIGINAL_BYTES_AT_MOST
    for name, value in headers:
        room -= len(name) + len(value or b"")
        if room < 0:
            kept.append(("headers-left-out", str(len(headers) - len(kept)).encode()))
            break
        kept.append((_ORIGINAL + kept_name(name), value or b""))
    return kept


def _text(told: Mapping[str, bytes], name: str) -> str:
    return (told.get(name) or b"").decode("utf-8", "replace")


def _number(told: Mapping[str, bytes], name: str) -> int:
    text = _text(told, name)
    return int(text) if text.isascii() and text.isdigit() else 0


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
