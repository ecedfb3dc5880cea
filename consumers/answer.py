"""What a sender reads on ``answers.<sender>`` about one of its messages, keyed by its own event id."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

import orjson

from events.envelope import UndecodableError
from events.types import format_time

__all__ = ["Answer", "answer_key", "cause_of"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. Intake gives those for what it can't take; for the rest the ledger's outcome is passed on.

    ``origin`` is where the message stands (topic/partition/offset); ``about`` names the fact or refusal in the ledger.
    """

    accepted: bool
    event_id: str | None
    at: datetime
    request_id: str | None = None
    subject: str | None = None
    code: str | None = None
    reasons: tuple[str, ...] = ()
    origin: str | None = None
    about: dict[str, object] = field(default_factory=dict)

    @property
    def key(self) -> bytes:
        """The event id, or where the message stands if it had none."""
        return answer_key(self.event_id, self.origin)

    def encode(self) -> bytes:
        """One JSON object; members without a value are left out."""
        members = {
            "accepted": self.accepted,
            "event_id": self.event_id,
            "request_id": self.request_id,
            "subject": self.subject,
            "code": self.code,
            "reasons": list(self.reasons),
            "origin": self.origin,
            "time": format_time(self.at),
            "about": self.about or None,
        }
        return orjson.dumps({name: value for name, value in members.items() if value is not None})

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        """The answer in these bytes; raises UndecodableError."""
        try:
            members = orjson.loads(value or b"")
            return cls(
                accepted=bool(members["accepted"]),
                event_id=members.get("event_id"),
                at=datetime.fromisoformat(members["time"]),
                request_id=members.get("request_id"),
                subject=members.get("subject"),
                code=members.get("code"),
                reasons=tuple(members.get("reasons", ())),
                origin=members.get("origin"),
                about=members.get("about") or {},
            )
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise UndecodableError(f"answer: {error}; found {(value or b'')[:80]!r}") from error


def answer_key(event_id: str | None, origin: str | None) -> bytes:
    """The key that an answer has."""
    return (event_id or origin or "").encode()


def cause_of(sender: str, event_id: str) -> str:
    """The cause of a request that a sender's message has asked: who hears what became of it can be seen by it."""
    return f"{sender}/{event_id}"
