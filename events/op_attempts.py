"""Facts of attempts at inverting an observing program: claims, hand-ins, reviews, publication."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from events.base import Fact
from events.op_parts import (
    INPUTS_AT_MOST,
    OUTPUTS_AT_MOST,
    Cover,
    Embargo,
    Orcid,
    Output,
    Software,
)
from events.types import Name, Reason, UtcTime

__all__ = [
    "OpAccepted",
    "OpClaimed",
    "OpEmbargoLifted",
    "OpEmbargoed",
    "OpExtended",
    "OpHandInRefused",
    "OpHandedIn",
    "OpHandedOver",
    "OpInverted",
    "OpLeaseWarned",
    "OpPublished",
    "OpPublishing",
    "OpRejected",
    "OpReleased",
    "OpReworkAsked",
    "OpStepDone",
    "OpWithdrawing",
    "OpWithdrawn",
]


class _OfAttempt(Fact):
    """The attempt is in the envelope; ``attempt_state`` is where it stands after this fact."""

    program: Name
    claimant: Name
    attempt_state: Name


class _Leased(_OfAttempt):
    lease_from: UtcTime
    lease_until: UtcTime
    due_at: UtcTime = Field(description="when the first warning is due, at 75 % of the lease")


class OpClaimed(_Leased):
    """Somebody works on the program: a new attempt."""

    name: ClassVar[str] = "op.claimed"
    orcid: Orcid | None = None
    cover: Cover = Field(description="the datasets as they were claimed")
    beside: tuple[int, ...] = Field((), description="other attempts that were open")
    rank: int | None = None
    score: float | None = None
    location: str | None = Field(None, description="where the inputs are staged")
    restage: bool | None = Field(None, description="True: they were removed there, and are staged again now")


class OpExtended(_Leased):
    """The lease began anew."""

    name: ClassVar[str] = "op.extended"


class OpHandedOver(_Leased):
    """Somebody else goes on with the attempt."""

    name: ClassVar[str] = "op.handed_over"
    former: Name
    orcid: Orcid | None = None


class OpLeaseWarned(_OfAttempt):
    """So much of the lease is over; ``due_at`` is when the next is due: another warning, or the end."""

    name: ClassVar[str] = "op.lease_warned"
    percent: Literal[75, 95]
    lease_until: UtcTime
    due_at: UtcTime
    due_sequence: int


class OpReleased(_OfAttempt):
    """The claim is given back, or has run out."""

    name: ClassVar[str] = "op.released"
    expired: bool = False
    due_sequence: int | None = None
    lease_until: UtcTime | None = None


class OpHandedIn(_OfAttempt):
    """Products were handed in; a worker looks at them."""

    name: ClassVar[str] = "op.handed_in"
    outputs: tuple[Output, ...] = Field(max_length=OUTPUTS_AT_MOST)
    inputs: tuple[Name, ...] = Field(max_length=INPUTS_AT_MOST)
    software: Software
    message: str | None = None
    late: bool = Field(False, description="after the claim had ended, while nobody else held one")
    changed_since: bool = Field(False, description="the program's datasets are others than those claimed")
    round: int = Field(1, ge=1, description="which hand-in of this attempt")


class OpHandInRefused(_Leased):
    """The hand-in does not hold, for these reasons; the claimant goes on, with a new lease."""

    name: ClassVar[str] = "op.hand_in_refused"
    reasons: tuple[Reason, ...]
    left_out: int = 0
    round: int = 1


class OpInverted(_OfAttempt):
    """The hand-in was verified: outputs, sums, inputs."""

    name: ClassVar[str] = "op.inverted"
    outputs_verified: int
    size_bytes: int
    commit: Literal["found", "unverified"]
    commit_message: str | None = None
    evidence: dict[str, Any] | None = None
    round: int = 1


class OpAccepted(_OfAttempt):
    """A reviewer accepted the attempt; it can be published."""

    name: ClassVar[str] = "op.accepted"
    reviewer: Name
    note: Reason
    orcid: Orcid | None = None
    changed_since: bool = False


class OpReworkAsked(_Leased):
    """A reviewer wants more work on it; the claimant has a new lease."""

    name: ClassVar[str] = "op.rework_asked"
    reviewer: Name
    note: Reason
    orcid: Orcid | None = None


class OpRejected(_OfAttempt):
    """A reviewer rejected the attempt for good."""

    name: ClassVar[str] = "op.rejected"
    reviewer: Name
    note: Reason
    orcid: Orcid | None = None


class OpPublishing(_OfAttempt):
    """The attempt was chosen for publication; the steps follow. What is published now stays until then."""

    name: ClassVar[str] = "op.publishing"
    publication: int = Field(1, ge=1, description="which time this attempt is to be published")
    embargo: Embargo = Field(description="the latest of the inputs'")
    replaces: int | None = Field(None, description="the attempt that is published now")
    outputs: tuple[Output, ...] = Field(max_length=OUTPUTS_AT_MOST)


class OpStepDone(_OfAttempt):
    """A step of publishing is done."""

    name: ClassVar[str] = "op.step_done"
    step: Literal["package", "archive", "announce", "cite"]
    steps_done: tuple[str, ...]
    message: str | None = None
    objects: int | None = None
    size_bytes: int | None = None
    manifest_uri: str | None = None
    manifest_sha256: str | None = None
    acknowledgement: str | None = None
    identifier: str | None = None


class OpPublished(_OfAttempt):
    """The attempt stands in the archive and in the metadata store; ``due_at`` is when its embargo lifts."""

    name: ClassVar[str] = "op.published"
    embargo: Embargo
    due_at: UtcTime | None = None
    supersedes: int | None = None
    acknowledgement: str
    identifier: str | None = None
    portal_uri: str | None = None
    embargo_was: Embargo | None = Field(
        None, description="as the metadata store was told, where that of an input was extended since"
    )


class OpWithdrawing(_OfAttempt):
    """The publication is to be taken back; the portal has yet to acknowledge it."""

    name: ClassVar[str] = "op.withdrawing"
    publication: int = 1
    replacement: Name | None = None


class OpWithdrawn(_OfAttempt):
    """The publication is taken back; everything is kept."""

    name: ClassVar[str] = "op.withdrawn"
    acknowledgement: str


class OpEmbargoed(_OfAttempt):
    """What is published is kept from the public, until ``due_at``; without one it never lifts itself."""

    name: ClassVar[str] = "op.embargoed"
    due_at: UtcTime | None = None
    policy: str | None = None


class OpEmbargoLifted(_OfAttempt):
    """What is published is for everybody."""

    name: ClassVar[str] = "op.embargo_lifted"
    due_sequence: int | None = None
