"""What may be owed for a record, or over because of it: items, deadlines, and what claims have to know."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from consumers.deadlines import request_id_of
from consumers.work_lanes import LANES, PROGRAM_LANES
from events.envelope import Record
from events.ids import derived_id

__all__ = [
    "OF_PROGRAMS",
    "Cancelled",
    "Configured",
    "Data",
    "DatasetKnown",
    "DeadlineOwed",
    "Held",
    "ItemOwed",
    "Judged",
    "Obligation",
    "PartKnown",
    "PartPassed",
    "Passed",
    "Redriven",
    "StreamStands",
    "VersionKnown",
]

Data = dict[str, Any]

OF_PROGRAMS = "(programs)"
"""In place of the stream: work on observing programs, which are no stream's. No stream can have this name."""


@dataclass(frozen=True, slots=True)
class ItemOwed:
    """An effect to be brought about. What is None is taken from the version.

    ``event_id`` is the fact's; where one fact obliges to the same for several parts of an observing program, it is
    derived from both, and ``payload`` has the fact's as ``cause``.
    """

    effect: str
    event_id: str
    subject: str
    version: int | None
    attempt: int | None
    sequence: int
    created_at: datetime
    correlationid: str | None
    payload: Data = field(default_factory=dict)
    work_class: str | None = None
    priority: int | None = None
    part: str | None = None

    @classmethod
    def by(cls, record: Record, effect: str, payload: Data, **more: Any) -> Self:
        """What a fact obliges to, of the version and attempt it is about; ``more`` is what stands otherwise."""
        said: Data = {
            "event_id": record.id,
            "subject": record.subject,
            "version": record.version,
            "attempt": record.attempt,
            "sequence": record.sequence,
            "created_at": record.at,
            "correlationid": record.correlationid,
        }
        return cls(effect=effect, payload=payload, **{**said, **more})

    @property
    def lane(self) -> str:
        """Items of a subject and lane are worked on in order."""
        return LANES[self.effect]

    @property
    def stream(self) -> str:
        """The stream of the subject; of a stream, itself."""
        if self.effect in PROGRAM_LANES or self.part is not None:
            return OF_PROGRAMS
        return self.subject.partition("/")[0]

    @property
    def report_id(self) -> str:
        """Id of the request that reports on the first try."""
        return derived_id(self.event_id, self.effect)


@dataclass(frozen=True, slots=True)
class DeadlineOwed:
    """A request to be sent when its time comes; it names the sequence that set the deadline."""

    event_id: str
    request: str
    subject: str
    version: int | None
    due_sequence: int
    due_at: str
    correlationid: str | None
    part: str | None = None

    @property
    def request_id(self) -> str:
        """Whoever sends it sends the same id."""
        return request_id_of(self.event_id)


@dataclass(frozen=True, slots=True)
class Passed:
    """The version has gone on: steps owed by its earlier facts are nobody's any more."""

    subject: str
    version: int | None
    sequence: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Deadlines for this request, set by earlier facts, are void; of all versions and parts where these are None."""

    subject: str
    version: int | None
    request: str
    sequence: int
    at: datetime
    part: str | None = None


@dataclass(frozen=True, slots=True)
class VersionKnown:
    """What is to be remembered of a version (0: of the file as a whole); members left out stay as they are."""

    subject: str
    version: int
    members: Data


@dataclass(frozen=True, slots=True)
class StreamStands:
    """Where a stream stands; None: unchanged."""

    stream: str
    state: str
    sequence: int
    held: bool | None = None
    class_limits: dict[str, int] | None = None
    trust: Data | None = None


@dataclass(frozen=True, slots=True)
class Configured:
    """One version of a stream's configuration."""

    stream: str
    configuration_version: int
    configuration: Data


@dataclass(frozen=True, slots=True)
class Held:
    """Work on a file rests, or goes on."""

    subject: str
    is_held: bool
    sequence: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A file of the stream was looked into, and was in order or not."""

    stream: str
    is_good: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Redriven:
    """Work that earlier facts of the subject oblige us to, and that was parked, has another try."""

    subject: str
    sequence: int


@dataclass(frozen=True, slots=True)
class DatasetKnown:
    """A dataset of an observing program as a fact has it; ``gone``: its catalogue no longer has it."""

    subject: str
    dataset: str
    program: str
    told: Data
    sequence: int
    gone: bool = False


@dataclass(frozen=True, slots=True)
class PartKnown:
    """What is to be remembered of a part of an observing program; members that are None are forgotten.

    ``owes``: the effect that the part waits for now, until a later fact about it says otherwise.
    """

    subject: str
    part: str
    known: Data
    sequence: int
    at: datetime
    owes: str | None = None


@dataclass(frozen=True, slots=True)
class PartPassed:
    """The part has gone on: work owed by its earlier facts is nobody's any more."""

    subject: str
    part: str
    sequence: int
    at: datetime


Obligation = (
    ItemOwed
    | DeadlineOwed
    | Passed
    | Cancelled
    | VersionKnown
    | StreamStands
    | Configured
    | Held
    | Judged
    | Redriven
    | DatasetKnown
    | PartKnown
    | PartPassed
)
