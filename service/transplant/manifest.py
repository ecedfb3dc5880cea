"""What an export says of itself: its files with their counts, ends and sums, sealed by a sum over all of that."""

import json
import re
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from events.topics import MACHINES

__all__ = ["FORMAT", "MANIFEST", "VERSION", "Manifest", "Part", "TransplantError"]

FORMAT = "meridian-export"
VERSION = 1
MANIFEST = "manifest.json"

KINDS = ("ledger", "requests", "deadletter", "answers", "inbox", "table")


class TransplantError(Exception):
    """The export or the servers are not what they have to be; the message says which, what was wanted, what helps."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file: one partition of a topic, or a table. ``begin`` to ``end``: its offsets, without the last.

    ``let_go``: of requests and inboxes, the offset that was to be decided or taken next.
    """

    file: str
    kind: str
    name: str
    partition: int
    records: int
    bytes: int
    sha256: str
    begin: int = 0
    end: int = 0
    first_offset: int | None = None
    last_offset: int | None = None
    let_go: int | None = None

    @property
    def first(self) -> int:
        """Where it begins in a new topic: so that it ends where it ended, and without gaps every offset is the same."""
        return self.end - self.records


@dataclass(frozen=True, slots=True)
class Manifest:
    """``partitions``: of each machine's topics. ``was_moving``: the site went on while it was read."""

    site: str
    exported_at: str
    software: str
    partitions: dict[str, int]
    was_moving: bool
    parts: tuple[Part, ...] = field(default=())

    def of(self, *kinds: str) -> list[Part]:
        """The files of these kinds, in the order of the kinds."""
        return [part for kind in kinds for part in self.parts if part.kind == kind]

    def records(self, *kinds: str) -> int:
        """How many records there are of these kinds."""
        return sum(part.records for part in self.of(*(kinds or KINDS)))

    @property
    def digest(self) -> str:
        """SHA-256, hex: names this export."""
        return _digest(self._members())

    def write(self, folder: Path) -> Path:
        """Into its file."""
        path = folder / MANIFEST
        told = {**self._members(), "digest": self.digest}
        path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
        return path

    @classmethod
    def read(cls, folder: Path) -> Self:
        """From its file; raises TransplantError."""
        path = folder / MANIFEST
        if not path.is_file():
            raise TransplantError(
                f"{folder}: found no {MANIFEST}, wanted a folder that meridian export has written to its end; "
                "name that folder, or export again"
            )
        try:
            told = json.loads(path.read_text("utf-8"))
            if (told.get("format"), told.get("version")) != (FORMAT, VERSION):
                raise TransplantError(
                    f"{path}: found {told.get('format')} of version {told.get('version')}, wanted {FORMAT} of version "
                    f"{VERSION}; import it with the Meridian that wrote it"
                )
            digest = told.pop("digest")
            made = cls(
                **{
                    name: told[name]
                    for name in ("site", "exported_at", "software", "partitions", "was_moving")
                },
                parts=tuple(Part(**each) for each in told["parts"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _damaged(path, f"{type(error).__name__}: {error}") from error
        if _digest(told) != digest:
            raise _damaged(path, f"the sum {_digest(told)[:12]}… over itself, it says {str(digest)[:12]}…")
        _check_names(path, made)
        return made

    def _members(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "version": VERSION,
            **asdict(self),
            "parts": [asdict(each) for each in self.parts],
        }


def _digest(members: dict[str, Any]) -> str:
    return sha256(json.dumps(members, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _damaged(path: Path, found: str) -> TransplantError:
    return TransplantError(
        f"{path}: found {found}, wanted a manifest as it was written; it was changed or damaged: take another copy"
    )


def _check_names(path: Path, manifest: Manifest) -> None:
    """Each file lies in the folder, and is of a topic that such a file can be of."""
    for part in manifest.parts:
        wanted, name = _TOPIC.get(part.kind), part.name.removeprefix(f"{manifest.site}.")
        is_known = part.kind == "table" or (wanted is not None and wanted.fullmatch(name))
        if not is_known or "/" in part.file or part.file.startswith("."):
            raise _damaged(path, f"the file {part.file!r} of the kind {part.kind} for {part.name!r}")


_MACHINE = "(?:" + "|".join(MACHINES) + ")"
_TOPIC = {
    "ledger": re.compile(rf"{_MACHINE}\.events"),
    "requests": re.compile(rf"{_MACHINE}\.requests"),
    "deadletter": re.compile("deadletter"),
    "answers": re.compile(r"answers\..+"),
    "inbox": re.compile(r"inbox\..+"),
}
