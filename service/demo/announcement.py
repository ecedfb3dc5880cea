"""What a night consists of: files, what their senders say of them, and what is to become of each."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from events.types import format_time

__all__ = ["Announcement", "BadMessage", "NightFile", "Outcome", "event_id", "seen"]

NAMESPACE = UUID("5e3cf6a4-8f0b-5d39-9b1e-6c8c1b7f2d10")


class Outcome(NamedTuple):
    """Where a file is to end: state (None: it is not taken), code of the reason, version that counts."""

    state: str | None
    code: str | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class NightFile:
    """One file in the landing folder; size and SHA-256 are those of the bytes on disk."""

    stream: str
    path: Path
    size_bytes: int
    sha256: str
    mishap: str | None = None

    @property
    def subject(self) -> str:
        """Whom its events are about."""
        return f"{self.stream}/{self.path.stem}"


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a sender says of a file; wrong on purpose where a mishap is about that."""

    stream: str
    sender: str
    uri: str
    size_bytes: int | None
    sha256: str | None
    sent_at: datetime
    event_id: str
    mishap: str | None = None

    def cloudevent(self) -> dict[str, Any]:
        """The announcement as a structured CloudEvent for ``inbox.<sender>``."""
        said = {"uri": self.uri, "size_bytes": self.size_bytes, "sha256": self.sha256}
        return {
            "specversion": "1.0",
            "id": self.event_id,
            "source": self.sender,
            "type": "file.arrived",
            "time": format_time(self.sent_at),
            "datacontenttype": "application/json",
            "data": {
                "stream": self.stream,
                **{name: value for name, value in said.items() if value is not None},
            },
        }


@dataclass(frozen=True, slots=True)
class BadMessage:
    """Bytes in a sender's inbox that can only go to the dead letters, under ``code``; ``why`` in few words."""

    sender: str
    mishap: str
    value: bytes
    code: str
    why: str


def seen(stream: str, path: Path, mishap: str | None = None) -> NightFile:
    """The file as it lies there now."""
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        return NightFile(stream, path, source.tell(), digest, mishap)


def event_id(seed: int, *parts: str) -> str:
    """The id of a sender's event: the same for the same seed and parts."""
    return str(uuid5(NAMESPACE, "/".join((str(seed), *parts))))
