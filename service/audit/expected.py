"""What somebody who sent things expects of a site: one JSON object a line, written while sending, read by the audit.

Four kinds of lines. ``request``: a request on ``<machine>.requests`` that the log has acknowledged; it has to have
exactly one record. ``inbox``: a message that an inbox has acknowledged; it has to become a request, a dead letter or an
answer. ``hostile``: input that must not pass without a word: by its place on an inbox or on a requests topic, or, for
the bytes of a file, by its subject. ``state``: where a file, or a subject of another machine, has to stand in the end.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import orjson

__all__ = [
    "Expected",
    "ExpectedError",
    "ExpectedLine",
    "Hostile",
    "Inbox",
    "Request",
    "State",
    "read_expected",
]


class ExpectedError(ValueError):
    """A line that says nothing; names the file, the line and what was wanted."""


@dataclass(frozen=True, slots=True)
class Request:
    """An acknowledged request: exactly one record of ``subject`` answers ``id``."""

    machine: str
    subject: str
    id: str


@dataclass(frozen=True, slots=True)
class Inbox:
    """An acknowledged message at ``origin`` (topic/partition/offset): a request, a dead letter or an answer."""

    sender: str
    origin: str
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class Hostile:
    """Input that has to raise something; ``code`` None: whatever it is.

    With ``origin`` (topic/partition/offset, of an inbox or a requests topic): a dead letter or a refusing answer to it
    with this code. With ``request_id`` and ``subject``: a refusal with this code. With ``subject`` alone (that is
    ``<stream>/<name>``): the file is INVALID or in ERROR with this code.
    """

    what: str
    code: str | None = None
    origin: str | None = None
    subject: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A file's newest version, or another machine's subject, stands in one of these in the end; ``lost`` if not."""

    subject: str
    states: tuple[str, ...]
    machine: str = "file"


ExpectedLine = Request | Inbox | Hostile | State

_KINDS: dict[str, type[ExpectedLine]] = {
    "request": Request,
    "inbox": Inbox,
    "hostile": Hostile,
    "state": State,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


class Expected:
    """Writes the file; each line is on its way to the disk when ``note`` returns. For one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("a", buffering=1, encoding="utf-8")

    def note(self, line: ExpectedLine) -> None:
        """Only once the log has acknowledged what this speaks of: an input in doubt may rightly be missing."""
        self._file.write(encoded(line) + "\n")

    def close(self) -> None:
        """Done."""
        self._file.close()


def encoded(line: ExpectedLine) -> str:
    """A line as text; members without a value are left out."""
    members = {name: getattr(line, name) for name in line.__slots__}
    told = {name: value for name, value in members.items() if value is not None}
    return orjson.dumps({"kind": _NAMES[type(line)], **told}).decode()


def read_expected(path: Path) -> Iterator[ExpectedLine]:
    """The lines, as they were written; raises ExpectedError."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _decoded(line, f"{path}:{number}")


def _decoded(line: bytes, where: str) -> ExpectedLine:
    try:
        members = orjson.loads(line)
        kind = _KINDS[members.pop("kind")]
        if "states" in members:
            members["states"] = tuple(members["states"])
        found: ExpectedLine = kind(**members)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        wanted = 'an object such as {"kind":"request","machine":"file","subject":"roman/a","id":"…"}'
        raise ExpectedError(f"{where}: {type(error).__name__}: {error}; wanted {wanted}") from error
    return found
