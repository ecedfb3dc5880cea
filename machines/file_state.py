"""What is remembered of a file: its versions, each with its own state, and what concerns all of them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = [
    "COMPLETE",
    "DISMISSED",
    "ERROR",
    "INVALID",
    "NOTHING",
    "PROCESSING",
    "QUEUED",
    "STATES",
    "TRANSFERRED",
    "TRANSFERRING",
    "VERSIONS_KEPT",
    "File",
    "FileState",
    "Version",
]

VERSIONS_KEPT = 32
"""Versions remembered for comparison; older ones but ``best`` are forgotten here, never in the ledger."""

OVERTAKEN_KEPT = 16


class FileState(StrEnum):
    """States of a version, spelled as operations spell them."""

    NOTHING = "∅"
    QUEUED = "QUEUED"
    PROCESSING = "PROCESSING"
    TRANSFERRING = "TRANSFERRING"
    TRANSFERRED = "TRANSFERRED"
    COMPLETE = "COMPLETE"
    INVALID = "INVALID"
    ERROR = "ERROR"
    DISMISSED = "DISMISSED"


STATES = {state.value: state for state in FileState}
"""By name: faster than asking the class."""

NOTHING, QUEUED, PROCESSING = FileState.NOTHING, FileState.QUEUED, FileState.PROCESSING
TRANSFERRING, TRANSFERRED, COMPLETE = FileState.TRANSFERRING, FileState.TRANSFERRED, FileState.COMPLETE
INVALID, ERROR, DISMISSED = FileState.INVALID, FileState.ERROR, FileState.DISMISSED
"""Also names of their own: before Python 3.12, asking an enum for a member takes longer than most of what follows."""

IN_FLIGHT = frozenset({QUEUED, PROCESSING, TRANSFERRING, TRANSFERRED})


@dataclass(slots=True)
class Version:
    """One content of the file. ``content`` was announced, ``sha256`` was read, ``work`` is for workers.

    ``warnings``: codes of all that hold; ``looked``: of those, what the last look at the file gave.
    """

    number: int
    state: FileState
    content: dict[str, Any]
    attempt: int = 1
    work: dict[str, Any] = field(default_factory=dict)
    witnesses: int = 1
    sha256: str | None = None
    md5: str | None = None
    size_bytes: int | None = None
    object: dict[str, Any] | None = None
    code: str | None = None
    failed_from: FileState | None = None
    due_sequence: int | None = None
    transfer: bool = True
    came_from: FileState | None = None
    dismissed_from: FileState | None = None
    quarantine: dict[str, Any] | None = None
    warnings: list[str] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    preview: str | None = None

    @property
    def is_in_flight(self) -> bool:
        """Work on it is under way or queued."""
        return self.state in IN_FLIGHT

    def brief(self, **more: Any) -> dict[str, Any]:
        """All that work on this version needs to know, as a ``Brief`` on the wire; ``more`` is of the fact at hand."""
        known = {
            "content": self.content,
            "stream_version": 1,
            "role": "primary",
            "purpose": "science",
            "work_class": "normal",
            "priority": "live",
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
            "object": self.object,
            "identity": None,
            "instrument": None,
            "obs_start_utc": None,
            "membership": None,
            "overrides": {},
        }
        known |= self.work
        known |= more
        return {name: member for name, member in known.items() if member is not None}

    def dump(self) -> dict[str, Any]:  # noqa: C901, PLR0912 - a line for each member
        """As JSON members, without those that are as a version begins: most are, and each costs its name."""
        dumped: dict[str, Any] = {
            "number": self.number,
            "state": str(self.state),
            "content": self.content,
            "attempt": self.attempt,
            "work": self.work,
        }
        if self.witnesses != 1:
            dumped["witnesses"] = self.witnesses
        if self.sha256 is not None:
            dumped["sha256"] = self.sha256
        if self.md5 is not None:
            dumped["md5"] = self.md5
        if self.size_bytes is not None:
            dumped["size_bytes"] = self.size_bytes
        if self.object is not None:
            dumped["object"] = self.object
        if self.code is not None:
            dumped["code"] = self.code
        if self.failed_from is not None:
            dumped["failed_from"] = self.failed_from
        if self.due_sequence is not None:
            dumped["due_sequence"] = self.due_sequence
        if not self.transfer:
            dumped["transfer"] = self.transfer
        if self.came_from is not None:
            dumped["came_from"] = self.came_from
        if self.dismissed_from is not None:
            dumped["dismissed_from"] = self.dismissed_from
        if self.quarantine is not None:
            dumped["quarantine"] = self.quarantine
        if self.warnings:
            dumped["warnings"] = self.warnings
        if self.looked:
            dumped["looked"] = self.looked
        if self.removed:
            dumped["removed"] = self.removed
        if self.preview is not None:
            dumped["preview"] = self.preview
        return dumped


@dataclass(slots=True)
class File:
    """One logical file. ``primaries`` are those of a sidecar; the other way round it is ``sidecar``.

    ``acknowledged``: codes with the end of that, "" for none. ``attested``: the sum that a manifest
    has of it, and which manifest.
    """

    versions: dict[int, Version] = field(default_factory=dict)
    best: int | None = None
    pending: dict[str, Any] | None = None
    overtaken: list[str] = field(default_factory=list)
    is_held: bool = False
    embargoed: bool = False
    embargo_until: str | None = None
    embargo_sequence: int | None = None
    acknowledged: dict[str, str] = field(default_factory=dict)
    primaries: list[str] | None = None
    sidecar: str | None = None
    sidecar_due_sequence: int | None = None
    attested: dict[str, Any] | None = None

    @property
    def newest(self) -> Version | None:
        """The version that was begun last; versions are kept in the order of their numbers."""
        return next(reversed(self.versions.values())) if self.versions else None

    def dump(self) -> dict[str, Any]:  # noqa: C901 - a line for each member
        """As JSON members, without those that are as a file begins."""
        dumped: dict[str, Any] = {"versions": [version.dump() for version in self.versions.values()]}
        if self.best is not None:
            dumped["best"] = self.best
        if self.pending is not None:
            dumped["pending"] = self.pending
        if self.overtaken:
            dumped["overtaken"] = self.overtaken
        if self.is_held:
            dumped["is_held"] = self.is_held
        if self.embargoed:
            dumped["embargoed"] = self.embargoed
        if self.embargo_until is not None:
            dumped["embargo_until"] = self.embargo_until
        if self.embargo_sequence is not None:
            dumped["embargo_sequence"] = self.embargo_sequence
        if self.acknowledged:
            dumped["acknowledged"] = self.acknowledged
        if self.primaries is not None:
            dumped["primaries"] = self.primaries
        if self.sidecar is not None:
            dumped["sidecar"] = self.sidecar
        if self.sidecar_due_sequence is not None:
            dumped["sidecar_due_sequence"] = self.sidecar_due_sequence
        if self.attested is not None:
            dumped["attested"] = self.attested
        return dumped

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "File":
        """From what ``dump`` gave, or from one with every member, as it was written before."""
        versions = [_version(each) for each in dumped["versions"]]
        return cls(**{**dumped, "versions": {each.number: each for each in versions}})

    def forget_old(self) -> None:
        """Keep the newest versions and ``best``."""
        for number in sorted(self.versions)[:-VERSIONS_KEPT]:
            if number != self.best:
                del self.versions[number]

    def note_overtaken(self, witness: str) -> None:
        """Remember a notification whose content was overtaken before its turn came."""
        self.overtaken = [*self.overtaken, witness][-OVERTAKEN_KEPT:]


def _version(dumped: dict[str, Any]) -> Version:
    version = Version(**dumped)
    version.state = FileState(version.state)
    for name in ("failed_from", "came_from", "dismissed_from"):
        value = getattr(version, name)
        setattr(version, name, FileState(value) if value is not None else None)
    return version
