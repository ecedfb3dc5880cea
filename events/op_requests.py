"""What may be asked of an observing program, from discovery to staging, and by operators. Attempts: ``op_asks``."""

from typing import Any, ClassVar

from pydantic import Field

from events.base import Request
from events.op_parts import DATASETS_AT_MOST, Cover, Dataset, Digest, Gone, ReadyBy, Verdict
from events.types import Code, Count, FailureClass, Name, Number, Reason, Sha256, UtcTime

__all__ = [
    "AssignOp",
    "AwaitOpReady",
    "ChangeOpDatasets",
    "DiscoverOp",
    "FailOp",
    "HoldOp",
    "JudgeOp",
    "NoteOp",
    "OverdueOp",
    "PrioritiseOp",
    "QuietDueOp",
    "ReadyOp",
    "RecoverOp",
    "ReportOpNotNeeded",
    "ReportOpPreprocessed",
    "RequalifyOp",
    "UnholdOp",
]


class DiscoverOp(Request):
    """There is such a program: a scan has seen it, or a sender spoke of it. Datasets may follow later."""

    name: ClassVar[str] = "op.discover"
    attached: ClassVar[frozenset[str]] = frozenset({"source"})
    source: str = Field(max_length=1024, description="the catalogue, or the sender's event")
    experiment: Name | None = None
    proposal: Name | None = None
    observing_program: Name | None = Field(None, description="what was executed; repeats share it")
    repeat: Name | None = Field(None, description="which execution of it this is")
    datasets: tuple[Dataset, ...] = Field((), max_length=DATASETS_AT_MOST)


class ChangeOpDatasets(Request):
    """Datasets came, changed in a significant field, or are gone from the catalogue; their programs re-open."""

    name: ClassVar[str] = "op.datasets"
    attached: ClassVar[frozenset[str]] = frozenset({"source"})
    source: str = Field(max_length=1024)
    added: tuple[Dataset, ...] = Field((), max_length=DATASETS_AT_MOST)
    changed: tuple[Dataset, ...] = Field((), max_length=DATASETS_AT_MOST)
    gone: tuple[Gone, ...] = Field((), max_length=DATASETS_AT_MOST)
    metadata: tuple[Dataset, ...] = Field(
        (),
        max_length=DATASETS_AT_MOST,
        description="datasets of which only fields changed that no criterion reads; an embargo is one",
    )
    digest_version: Number = Field(1, description="version of the criteria that name the significant fields")


class AwaitOpReady(Request):
    """By policy the program closes at this time if nothing comes; it is to be asked again then."""

    name: ClassVar[str] = "op.await"
    program: Name
    due_at: UtcTime
    policy: Name
    policy_version: Number
    cover: Cover
    forecast: str | None = Field(None, max_length=1000, description="such as complete with 90 % by then")


class ReadyOp(Request):
    """A program's datasets are all there, and why one may think so. Without a program: all that are known."""

    name: ClassVar[str] = "op.ready"
    program: Name | None = None
    by: ReadyBy
    policy: Name | None = None
    policy_version: Number | None = None
    cover: Cover | None = Field(None, description="what the asker has seen; wanted where a program is named")
    expected_datasets: Count | None = Field(None, description="as a manifest or the sender says")
    only_for: tuple[Name, ...] | None = Field(
        None, max_length=64, description="instruments whose programs the policy closes so; None: all"
    )
    not_for: tuple[Name, ...] = Field((), max_length=64, description="but not programs of these instruments")
    message: str | None = Field(None, max_length=1000)

    def is_for(self, instrument: str) -> bool:
        """Whether programs of this instrument are closed by such a word."""
        return instrument not in self.not_for and (self.only_for is None or instrument in self.only_for)


class QuietDueOp(Request):
    """Nothing has come until the time that the policy named; its program closes."""

    name: ClassVar[str] = "op.quiet_due"
    due_sequence: int


class JudgeOp(Request):
    """The verdict of the criteria on one program's current datasets."""

    name: ClassVar[str] = "op.judge"
    verdict: Verdict


class RequalifyOp(Request):
    """Judge again: other criteria are in force, or an operator has a reason. Without a program: all judged ones."""

    name: ClassVar[str] = "op.requalify"
    program: Name | None = None
    criteria: Name | None = None
    criteria_version: Number | None = None


class ReportOpPreprocessed(Request):
    """The program's inputs are staged and verified."""

    name: ClassVar[str] = "op.preprocessed"
    program: Name
    cover: Cover
    location: str = Field(max_length=2048, description="where they lie")
    files: Count
    size_bytes: Count
    manifest_uri: str | None = Field(None, max_length=2048)
    manifest_sha256: Sha256 | None = None
    frames: Count | None = Field(None, description="of these datasets, as far as their records say")


class ReportOpNotNeeded(Request):
    """Nothing has to be staged, for this reason."""

    name: ClassVar[str] = "op.not_needed"
    program: Name
    cover: Cover
    because: Reason
    frames: Count | None = Field(None, description="of these datasets, as far as their records say")


class FailOp(Request):
    """A step failed: of a program, of an attempt (the envelope's), or of the OP as a whole."""

    name: ClassVar[str] = "op.fail"
    step: Name = Field(description="such as preprocess, verify, archive, announce")
    code: Code
    failure_class: FailureClass
    message: str = Field(max_length=8000)
    program: Name | None = None
    cover: Digest | None = Field(None, description="digest of the datasets that the step worked on")
    found: str | None = Field(None, max_length=2000)
    wanted: str | None = Field(None, max_length=2000)
    due_at: UtcTime | None = Field(None, description="when to try again by itself")
    evidence: dict[str, Any] | None = None


class RecoverOp(Request):
    """Go on where it failed: at its due time (naming the deadline), or by an operator with a reason."""

    name: ClassVar[str] = "op.recover"
    part: Name | None = Field(
        None, description="which failure, where there are several: program:… or attempt:…"
    )
    due_sequence: int | None = None


class PrioritiseOp(Request):
    """Sooner or later than others; ``mark``: work on this next."""

    name: ClassVar[str] = "op.prioritise"
    priority: int = Field(0, ge=-100, le=100)
    mark: bool = False


class AssignOp(Request):
    """Whose this is, by when, and who hears of it afterwards."""

    name: ClassVar[str] = "op.assign"
    owner: Name
    lead: Name | None = None
    due_at: UtcTime | None = None
    lead_due_at: UtcTime | None = Field(None, description="when the lead hears of it; after due_at")


class OverdueOp(Request):
    """The due date has come, or that of the lead."""

    name: ClassVar[str] = "op.overdue"
    due_sequence: int


class HoldOp(Request):
    """No new work on this program for now."""

    name: ClassVar[str] = "op.hold"


class UnholdOp(Request):
    """Go on."""

    name: ClassVar[str] = "op.unhold"


class NoteOp(Request):
    """A remark."""

    name: ClassVar[str] = "op.note"
    text: Reason
