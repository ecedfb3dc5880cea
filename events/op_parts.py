"""Pieces of an observing program's messages: datasets with the fields that count, covers, verdicts, outputs."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictFloat, StrictInt, StringConstraints

from events.types import Count, Name, Number, Part, UtcTime

__all__ = [
    "ANNOUNCED_AT_MOST",
    "DATASETS_AT_MOST",
    "FINDINGS_AT_MOST",
    "INPUTS_AT_MOST",
    "OUTPUTS_AT_MOST",
    "PROGRAMS_AT_MOST",
    "Announced",
    "ClaimHeld",
    "Cover",
    "Criterion",
    "Dataset",
    "Digest",
    "Embargo",
    "EmbargoMoved",
    "Gone",
    "Orcid",
    "Output",
    "Problem",
    "ProgramNow",
    "ReadyBy",
    "Software",
    "Value",
    "Verdict",
]

DATASETS_AT_MOST = 200
"""Datasets in one message; more go into further messages."""

FINDINGS_AT_MOST = 512
"""Findings listed in one verdict, those that failed first; what is beyond is counted, with a digest."""

PROGRAMS_AT_MOST = 64
"""Instrument programs of one OP; a real one has up to four."""

ANNOUNCED_AT_MOST = PROGRAMS_AT_MOST + 1
"""Of an OP and its instrument programs, how many datasets were announced; further words are not remembered."""

INPUTS_AT_MOST = 512
OUTPUTS_AT_MOST = 256

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Orcid = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$")]
ReadyBy = Literal["manifest", "ready_event", "quiet_period", "operator"]
_AsItIs = Field(union_mode="left_to_right")
"""The first kind that it is, and made into none that it is not: a verdict has dozens, and to compare takes long."""

ShortText = Annotated[str, StringConstraints(max_length=1000, strict=True)]
Scalar = Annotated[StrictBool | StrictInt | StrictFloat | ShortText | None, _AsItIs]
Several = Annotated[tuple[Scalar, ...], Field(max_length=32)]
Value = Annotated[StrictBool | StrictInt | StrictFloat | ShortText | None | Several, _AsItIs]  # noqa: RUF036 - as published
"""What a metric may be: a number, a text, or a few of them; None where the record says nothing."""


class Problem(Part):
    """A field of an outside record that could not be taken as it stands."""

    path: str = Field(max_length=255, description="such as health.good")
    found: str | None = Field(None, max_length=255)
    wanted: str = Field(max_length=255)


class Cover(Part):
    """Which datasets of a program: how many, and a sum over their names and digests that tells them from others."""

    datasets: Count
    digest: Digest = "0" * 32

    @classmethod
    def of(cls, members: Iterable[tuple[str, str]]) -> "Cover":
        """The cover of these datasets, each with the digest of its significant fields; their order does not matter."""
        return _summed(0, 0, members, 1)

    def plus(self, members: Iterable[tuple[str, str]]) -> "Cover":
        """With these in addition."""
        return _summed(self.datasets, int(self.digest, 16), members, 1)

    def minus(self, members: Iterable[tuple[str, str]]) -> "Cover":
        """Without these."""
        return _summed(self.datasets, int(self.digest, 16), members, -1)


def _summed(count: int, total: int, members: Iterable[tuple[str, str]], sign: int) -> Cover:
    for name, digest in members:
        count += sign
        total += sign * int.from_bytes(sha256(f"{name}\n{digest}".encode()).digest()[:16])
    return Cover(datasets=max(count, 0), digest=f"{total % (1 << 128):032x}")


class Dataset(Part):
    """A dataset as a catalogue has it, by the fields that criteria and file lists read; no frames, no files."""

    dataset: Name
    program: Name = Field(description="the instrument program's execution id")
    instrument: Name
    digest: Digest = Field(description="of the significant fields, as the scan made it")
    was: Digest | None = Field(None, description="of a changed dataset: its digest before")
    frames: Count | None = None
    size_bytes: Count | None = None
    created_at: UtcTime | None = Field(None, description="when the data was made, as the data says")
    started_at: UtcTime | None = None
    ended_at: UtcTime | None = None
    is_embargoed: bool = False
    embargo_until: UtcTime | None = Field(None, description="None while embargoed: it never ends by itself")
    values: dict[Name, Value] = Field(default_factory=dict, max_length=64, description="metrics by name")
    problems: tuple[Problem, ...] = Field((), max_length=32)


class Announced(Part):
    """Of an OP as a whole: how many datasets a sender has announced, and how many are here."""

    expected: Count
    seen: Count


class Gone(Part):
    """A dataset that its catalogue no longer has."""

    dataset: Name
    program: Name
    digest: Digest = Field(description="as it was last known")


class Criterion(Part):
    """One criterion as it was met or not, in one dataset or in the program as a whole."""

    name: Name
    metric: Name
    comparison: Name = Field(description="such as >=, ==, inside, covers")
    threshold: Value = None
    value: Value = None
    dataset: Name | None = Field(None, description="None: looked at in the program as a whole")
    margin: float | None = Field(
        None, description="value less threshold in the metric's unit; negative: short of it"
    )
    passed: bool
    required: bool = Field(True, description="False: recorded only")
    unit: str | None = Field(None, max_length=32)
    message: str | None = Field(None, max_length=1000)
    source: str | None = Field(None, max_length=255, description="who wants it")


class Verdict(Part):
    """What the criteria of one version say of exactly these datasets of one instrument program."""

    program: Name
    instrument: Name
    criteria: Name = Field(description="name of the set of criteria, such as visp")
    criteria_version: Number
    outcome: Literal["pass", "fail", "not_applicable"]
    cover: Cover
    findings: tuple[Criterion, ...] = Field((), max_length=FINDINGS_AT_MOST)
    left_out: Count = Field(0, description="findings beyond those listed")
    left_out_digest: Digest | None = Field(None, description="of the findings that are not listed")


class ProgramNow(Part):
    """Where an instrument program stands after the fact at hand."""

    program: Name
    instrument: Name
    state: Name
    cover: Cover
    is_ready: bool
    expected_datasets: Count | None = Field(None, description="as a manifest or a ready event said")


class ClaimHeld(Part):
    """Who holds a claim, and until when."""

    attempt: int = Field(ge=1)
    program: Name
    claimant: Name
    until: UtcTime


class Embargo(Part):
    """Kept from the public; without an end it never lifts itself."""

    is_embargoed: bool = False
    until: UtcTime | None = None


class EmbargoMoved(Part):
    """What is published of these inputs is to be kept from the public longer than it is: one of them is, by now."""

    attempt: Number
    dataset: Name = Field(description="the input whose embargo ends last")
    until: UtcTime | None = Field(None, description="None: it never ends by itself")


class Output(Part):
    """A product handed in. What is wrong with it is said by the decision, all at once, not by its form."""

    name: Name
    uri: str = Field(min_length=1, max_length=2048)
    size_bytes: Count | None = None
    sha256: str = Field("", max_length=128)
    role: Name = "product"


class Software(Part):
    """What made the products: a repository and a commit in it."""

    repository: str = Field(max_length=1024)
    commit: str = Field(max_length=128)
    name: str | None = Field(None, max_length=255)
    version: str | None = Field(None, max_length=255)
