"""What is remembered of an observing program: its instrument programs, the attempts at inverting them, what failed."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from events.op_parts import ClaimHeld, Cover, ProgramNow
from events.types import format_time

__all__ = [
    "AREAS_KEPT",
    "ATTEMPTS_KEPT",
    "DATASETS_KEPT",
    "GOING",
    "OPEN",
    "Attempt",
    "AttemptState",
    "Op",
    "OpState",
    "Program",
    "ProgramState",
    "embargo_end",
]

DATASETS_KEPT = 128
"""Datasets of a program remembered by name; of those beyond, only the cover and the latest embargo are."""

AREAS_KEPT = 32
"""Places with staged inputs of a program that are remembered; what lies at older ones has to be removed by hand."""

GOING = "going"

ATTEMPTS_KEPT = 16
"""Attempts remembered after their end; older ones are forgotten here, never in the ledger."""


class OpState(StrEnum):
    """States of an observing program, spelled as operations spell them."""

    NOTHING = "∅"
    DISCOVERED = "Discovered"
    INVERTIBLE = "Invertible"
    NOT_INVERTIBLE = "Not Invertible"
    PREPROCESSED = "Preprocessed"
    WORKING = "Working"
    INVERTED = "Inverted"
    PUBLISHED = "Published"
    ERROR = "Error"

    @property
    def is_known(self) -> bool:
        """Something has happened to it."""
        return self is not OpState.NOTHING


class ProgramState(StrEnum):
    """States of an instrument program in it; one without criteria is context for the others."""

    DISCOVERED = "Discovered"
    INVERTIBLE = "Invertible"
    NOT_INVERTIBLE = "Not Invertible"
    PREPROCESSED = "Preprocessed"
    NOT_APPLICABLE = "Not applicable"


class AttemptState(StrEnum):
    """States of an attempt at inverting an instrument program."""

    WORKING = "Working"
    HANDED_IN = "HandedIn"
    VERIFIED = "Verified"
    ACCEPTED = "Accepted"
    PUBLISHING = "Publishing"
    PUBLISHED = "Published"
    WITHDRAWING = "Withdrawing"
    REJECTED = "Rejected"
    RELEASED = "Released"
    SUPERSEDED = "Superseded"
    WITHDRAWN = "Withdrawn"


A = AttemptState
OPEN = frozenset({A.WORKING, A.HANDED_IN, A.VERIFIED, A.ACCEPTED, A.PUBLISHING})
"""An attempt in one of these holds its program: nobody else claims it unknowingly."""

_ENDED = frozenset({A.REJECTED, A.RELEASED, A.SUPERSEDED, A.WITHDRAWN})
_INVERTED = frozenset({A.VERIFIED, A.ACCEPTED, A.PUBLISHING, A.WITHDRAWING, A.WITHDRAWN})

FOREVER = "for ever"
"""The end of an embargo that has none: later than any time that is written in digits."""


Part = TypeVar("Part", "Program", "Attempt", "Op")


@dataclass(slots=True)
class Program:
    """An instrument program. ``names``: datasets with their digest and the end of their embargo, "" for none.

    ``areas``: where inputs are staged, with the digest of the cover that they were staged for, and GOING where they are
    to be removed. ``staged`` says what was staged last of the datasets that it has now.
    """

    name: str
    instrument: str
    state: ProgramState = ProgramState.DISCOVERED
    cover: dict[str, Any] = field(default_factory=lambda: Cover(datasets=0).model_dump())
    names: dict[str, list[str]] = field(default_factory=dict)
    embargo_beyond: str = ""
    is_ready: bool = False
    awaited_sequence: int | None = None
    expected_datasets: int | None = None
    verdict: dict[str, Any] | None = None
    staged: dict[str, Any] | None = None
    areas: dict[str, list[str]] = field(default_factory=dict)

    @property
    def covers(self) -> Cover:
        """Which datasets it has now."""
        return Cover.model_validate(self.cover)

    @property
    def wants_inputs(self) -> bool:
        """Its inputs were staged, and have been removed since."""
        return bool(self.staged and self.staged.get("removed"))

    def has(self, cover: Cover) -> bool:
        """Whether these are the datasets that it has now."""
        return (cover.datasets, cover.digest) == (self.cover["datasets"], self.cover["digest"])

    def copy(self) -> "Program":
        """Another one that may be changed without changing this."""
        other = _same(self)
        other.names = {name: list(told) for name, told in self.names.items()}
        other.cover, other.areas = dict(self.cover), dict(self.areas)
        return other

    @property
    def is_whole(self) -> bool:
        """All of its datasets are remembered by name."""
        return len(self.names) == int(self.cover["datasets"])

    def now(self, **changed: Any) -> ProgramNow:
        """Where it stands, or will stand with these changes."""
        members = {
            "program": self.name,
            "instrument": self.instrument,
            "state": self.state,
            "cover": self.covers,
            "is_ready": self.is_ready,
            "expected_datasets": self.expected_datasets,
        }
        return ProgramNow(**{**members, **changed})


@dataclass(slots=True)
class Attempt:
    """An attempt at inverting a program. ``datasets`` and ``cover`` are as they were claimed."""

    number: int
    program: str
    claimant: str
    state: AttemptState = AttemptState.WORKING
    claimants: list[str] = field(default_factory=list)
    orcids: list[str] = field(default_factory=list)
    cover: dict[str, Any] = field(default_factory=dict)
    datasets: list[str] = field(default_factory=list)
    lease_from: str = ""
    lease_until: str = ""
    warned: int = 0
    due_sequence: int | None = None
    round: int = 0
    inputs: list[str] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    acknowledgement: str | None = None
    identifier: str | None = None
    publication: int = 0
    is_public: bool = False
    embargo: dict[str, Any] | None = None
    embargo_sequence: int | None = None

    @property
    def is_open(self) -> bool:
        """It holds its program."""
        return self.state in OPEN

    @property
    def part(self) -> str:
        """Its name where a failure is remembered."""
        return f"attempt:{self.number}"

    def held(self) -> ClaimHeld:
        """Who has it, until when."""
        return ClaimHeld.model_validate(
            {
                "attempt": self.number,
                "program": self.program,
                "claimant": self.claimant,
                "until": self.lease_until,
            }
        )


@dataclass(slots=True)
class Op:
    """One observing program. ``failures``: by part that failed, where it stopped.

    ``announced``: how many datasets a sender has said that an instrument program has, "" for the OP as a whole.
    """

    state: OpState = OpState.NOTHING
    programs: dict[str, Program] = field(default_factory=dict)
    attempts: dict[int, Attempt] = field(default_factory=dict)
    attempts_begun: int = 0
    failures: dict[str, dict[str, Any]] = field(default_factory=dict)
    is_held: bool = False
    owner: str | None = None
    lead: str | None = None
    lead_due_at: str | None = None
    overdue_told: bool = False
    overdue_sequence: int | None = None
    announced: dict[str, int] = field(default_factory=dict)

    @property
    def seen_datasets(self) -> int:
        """How many are here, of all of its programs."""
        return sum(int(each.cover["datasets"]) for each in self.programs.values())

    def standing(self) -> OpState:
        """The furthest of its programs and attempts; see the lifecycle for what that means where they differ."""
        attempts = self.attempts.values()
        if any(each.is_public for each in attempts):
            return OpState.PUBLISHED
        if self.failures:
            return OpState.ERROR
        if any(each.state in _INVERTED for each in attempts):
            return OpState.INVERTED
        if any(each.state in {A.WORKING, A.HANDED_IN} for each in attempts):
            return OpState.WORKING
        found = {each.state for each in self.programs.values() if each.cover["datasets"]}
        for state in (ProgramState.PREPROCESSED, ProgramState.INVERTIBLE, ProgramState.DISCOVERED):
            if state in found:
                return OpState(state.value)
        return OpState.NOT_INVERTIBLE if found else OpState.DISCOVERED

    def open_on(self, program: str) -> list[Attempt]:
        """Attempts that hold this program."""
        return [each for each in self.attempts.values() if each.program == program and each.is_open]

    def public_of(self, program: str) -> Attempt | None:
        """The attempt whose products of this program are public."""
        found = (each for each in self.attempts.values() if each.program == program and each.is_public)
        return next(found, None)

    def forget_old(self) -> None:
        """Keep what is open or public, the last that was withdrawn of each program, and the newest of the others."""
        withdrawn = {
            each.program: each.number for each in self.attempts.values() if each.state is A.WITHDRAWN
        }
        kept = set(withdrawn.values())
        ended = [each.number for each in self.attempts.values() if each.state in _ENDED]
        for number in sorted(set(ended) - kept)[:-ATTEMPTS_KEPT]:
            del self.attempts[number]

    def copy(self) -> "Op":
        """Another one that may be changed without changing this."""
        other = _same(self)
        other.programs = {name: each.copy() for name, each in self.programs.items()}
        other.attempts = {number: _same(each) for number, each in self.attempts.items()}
        other.failures, other.announced = dict(self.failures), dict(self.announced)
        return other

    def dump(self) -> dict[str, Any]:
        """As JSON members."""
        # Not asdict, which copies everything as deep as it goes, only to have it written.
        return {
            **_members(self),
            "programs": list(map(_members, self.programs.values())),
            "attempts": list(map(_members, self.attempts.values())),
        }

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "Op":
        """From what ``dump`` gave."""
        programs = [Program(**{**each, "state": ProgramState(each["state"])}) for each in dumped["programs"]]
        attempts = [Attempt(**{**each, "state": AttemptState(each["state"])}) for each in dumped["attempts"]]
        parts = {
            "state": OpState(dumped["state"]),
            "programs": {each.name: each for each in programs},
            "attempts": {each.number: each for each in attempts},
        }
        return cls(**{**dumped, **parts})


def _same(part: Part) -> Part:
    """Another one with the same members; there is one for every decision, and ``replace`` takes three times as long."""
    other = object.__new__(type(part))
    for name in part.__slots__:
        setattr(other, name, getattr(part, name))
    return other


def _members(part: Op | Program | Attempt) -> dict[str, Any]:
    return {name: getattr(part, name) for name in part.__slots__}


def embargo_end(dataset: dict[str, Any]) -> str:
    """The end of a dataset's embargo as text that sorts by time: "" where there is none."""
    if not dataset.get("is_embargoed"):
        return ""
    until = dataset.get("embargo_until")
    return format_time(datetime.fromisoformat(until)) if until else FOREVER
