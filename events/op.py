"""Facts in the life of an observing program and its instrument programs. Those of attempts are in ``op_attempts``."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from events.base import Fact
from events.op_parts import (
    DATASETS_AT_MOST,
    PROGRAMS_AT_MOST,
    Announced,
    ClaimHeld,
    Cover,
    Dataset,
    EmbargoMoved,
    Gone,
    ProgramNow,
    ReadyBy,
    Verdict,
)
from events.refusal import Refused
from events.types import Code, FailureClass, Name, Reason, Sha256, UtcTime

__all__ = [
    "OpAssigned",
    "OpDatasetsChanged",
    "OpDiscovered",
    "OpFailed",
    "OpHeld",
    "OpJudged",
    "OpMetadataChanged",
    "OpNotNeeded",
    "OpNoted",
    "OpOverdue",
    "OpPreprocessed",
    "OpPrioritised",
    "OpReadinessClosed",
    "OpReadyAwaited",
    "OpReadyKept",
    "OpRecovered",
    "OpRefused",
    "OpReportIgnored",
    "OpRequalified",
    "OpUnheld",
]


class _OfPrograms(Fact):
    """``programs`` are those that this fact is about, as they stand after it."""

    programs: tuple[ProgramNow, ...] = Field((), max_length=PROGRAMS_AT_MOST)


class OpDiscovered(_OfPrograms):
    """The program exists; with the datasets that were seen of it so far."""

    name: ClassVar[str] = "op.discovered"
    source: str = Field(max_length=1024)
    experiment: Name | None = None
    proposal: Name | None = None
    observing_program: Name | None = None
    repeat: Name | None = None
    datasets: tuple[Dataset, ...] = Field((), max_length=DATASETS_AT_MOST)
    announced: Announced | None = Field(None, description="where a sender has said how many the whole OP has")


class OpDatasetsChanged(_OfPrograms):
    """Datasets came, changed or went; readiness and verdict of their programs are open again."""

    name: ClassVar[str] = "op.datasets_changed"
    source: str = Field(max_length=1024)
    added: tuple[Dataset, ...] = Field((), max_length=DATASETS_AT_MOST)
    changed: tuple[Dataset, ...] = Field((), max_length=DATASETS_AT_MOST)
    gone: tuple[Gone, ...] = Field((), max_length=DATASETS_AT_MOST)
    metadata: tuple[Dataset, ...] = Field((), max_length=DATASETS_AT_MOST)
    digest_version: int = Field(1, ge=1)
    reopened: tuple[Name, ...] = Field((), description="programs that had been closed, judged or staged")
    attempts_flagged: tuple[int, ...] = Field((), description="attempts whose program has changed since")
    announced: Announced | None = Field(None, description="where a sender has said how many the whole OP has")
    embargoes: tuple[EmbargoMoved, ...] | None = Field(None, description="of what is published of them")


class OpMetadataChanged(Fact):
    """Only fields changed that no criterion and no file list reads, such as an embargo; nothing opens again."""

    name: ClassVar[str] = "op.metadata_changed"
    source: str = Field(max_length=1024)
    metadata: tuple[Dataset, ...] = Field(max_length=DATASETS_AT_MOST)
    embargoes: tuple[EmbargoMoved, ...] | None = Field(None, description="of what is published of them")


class OpReadyAwaited(_OfPrograms):
    """By policy the program closes at ``due_at`` if nothing comes."""

    name: ClassVar[str] = "op.ready_awaited"
    due_at: UtcTime
    policy: Name
    policy_version: int
    forecast: str | None = None


class OpReadyKept(_OfPrograms):
    """Said to be ready, but not all that was said to belong to it has been seen: silence does not close it now.

    ``programs`` are those that are open, of those it was said of.
    """

    name: ClassVar[str] = "op.ready_kept"
    program: Name | None = None
    by: ReadyBy
    expected_datasets: int | None = None
    seen_datasets: int
    message: str | None = None


class OpReadinessClosed(_OfPrograms):
    """The programs' datasets are all there, by this evidence; they can be judged."""

    name: ClassVar[str] = "op.readiness_closed"
    by: ReadyBy
    policy: Name | None = None
    policy_version: int | None = None
    due_sequence: int | None = None
    expected_datasets: int | None = None
    message: str | None = None


class OpJudged(_OfPrograms):
    """The verdict on a program, with every criterion; what is not Not Invertible goes on to staging."""

    name: ClassVar[str] = "op.judged"
    verdict: Verdict
    failed: tuple[Name, ...] = Field((), description="required criteria that were not met, each once")


class OpRequalified(_OfPrograms):
    """The programs are to be judged again."""

    name: ClassVar[str] = "op.requalified"
    criteria: Name | None = None
    criteria_version: int | None = None


class OpPreprocessed(_OfPrograms):
    """The program's inputs are staged and verified; it can be claimed."""

    name: ClassVar[str] = "op.preprocessed"
    location: str
    files: int
    size_bytes: int
    manifest_uri: str | None = None
    manifest_sha256: Sha256 | None = None
    frames: int | None = None
    again: bool | None = Field(None, description="True: once more, after they had been removed")
    attempts: tuple[int, ...] | None = Field(
        None, description="that claimed these datasets while their inputs were not staged"
    )


class OpNotNeeded(_OfPrograms):
    """Nothing had to be staged; the program can be claimed."""

    name: ClassVar[str] = "op.not_needed"
    because: Reason
    frames: int | None = None


class OpFailed(Fact):
    """A step failed. ``due_at`` says when it is tried again by itself; None: a person has to act."""

    name: ClassVar[str] = "op.failed"
    part: Name = Field(description="what failed: program:…, attempt:… or op")
    step: Name
    code: Code
    failure_class: FailureClass
    message: str = Field(max_length=8000)
    found: str | None = None
    wanted: str | None = None
    due_at: UtcTime | None = None
    failed_from: str = Field(description="where the part stood")
    evidence: dict[str, Any] | None = None


class OpRecovered(Fact):
    """What failed goes on where it stopped."""

    name: ClassVar[str] = "op.recovered"
    part: Name
    step: Name
    code: Code
    due_sequence: int | None = Field(None, description="the deadline that asked for it; None: a person did")
    superseded: bool = Field(
        False, description="the program changed since, so that step has nothing left to do"
    )


class OpPrioritised(Fact):
    """Its place in the queue was moved."""

    name: ClassVar[str] = "op.prioritised"
    priority: int
    mark: bool


class OpAssigned(Fact):
    """Whose it is, and by when; at ``due_at`` the owner hears of it, then the lead."""

    name: ClassVar[str] = "op.assigned"
    owner: Name
    lead: Name | None = None
    due_at: UtcTime | None = None
    lead_due_at: UtcTime | None = None


class OpOverdue(Fact):
    """A due date has passed, and this is who hears of it; ``due_at`` is when the next one does."""

    name: ClassVar[str] = "op.overdue"
    to: Literal["owner", "lead"]
    who: Name
    due_sequence: int
    due_at: UtcTime | None = None


class OpHeld(Fact):
    """No new work on this program."""

    name: ClassVar[str] = "op.held"


class OpUnheld(Fact):
    """Work goes on."""

    name: ClassVar[str] = "op.unheld"


class OpNoted(Fact):
    """A remark."""

    name: ClassVar[str] = "op.noted"
    text: Reason


class OpReportIgnored(Fact):
    """A report on datasets or an attempt that are no longer current; recorded, nothing changes."""

    name: ClassVar[str] = "op.report_ignored"
    report: str
    program: Name | None = None
    reported: Cover | None = None
    wanted: Cover | None = None
    found: str | None = Field(None, max_length=1000)


class OpRefused(Refused):
    """A request about an observing program was refused; ``held_by`` says who has what was wanted, until when."""

    name: ClassVar[str] = "op.refused"
    held_by: tuple[ClaimHeld, ...] = ()
