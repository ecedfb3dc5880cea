"""What may be asked about attempts at inverting an observing program, and about publishing what came of them."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from events.base import Request
from events.op_parts import INPUTS_AT_MOST, OUTPUTS_AT_MOST, Cover, Orcid, Output, Software
from events.types import Count, Name, Number, Reason, UtcTime

__all__ = [
    "ClaimOp",
    "EmbargoOp",
    "ExtendOp",
    "HandInOp",
    "HandOverOp",
    "LeaseDueOp",
    "LiftOp",
    "PublishOp",
    "ReinvertOp",
    "ReleaseOp",
    "ReportOpHandInRefused",
    "ReportOpInverted",
    "ReportOpPublished",
    "ReportOpStepDone",
    "ReportOpWithdrawn",
    "ReviewOp",
    "WithdrawOp",
]

LEASE_AT_LEAST_S, LEASE_AT_MOST_S = 60, 180 * 24 * 3600
_LEASE = {"lease_from", "rank", "score", "orcid_wanted", "orcid_against"}


class _Lease(Request):
    lease_from: UtcTime = Field(description="when it was asked, as the service's clock said")
    lease_s: int = Field(14 * 24 * 3600, ge=LEASE_AT_LEAST_S, le=LEASE_AT_MOST_S)


class ClaimOp(_Lease):
    """I work on this program now. The claimant is the actor, or whom an operator names with a reason."""

    name: ClassVar[str] = "op.claim"
    attached: ClassVar[frozenset[str]] = frozenset(_LEASE)
    program: Name | None = Field(None, description="may be left out where only one can be claimed")
    claimant: Name | None = Field(None, description="None: the actor")
    orcid: Orcid | None = Field(None, description="the claimant's, as the gateway has checked it")
    orcid_wanted: bool = Field(False, description="by the policy in force nobody claims without one")
    orcid_against: str | None = Field(
        None,
        max_length=1000,
        description="what is known of it, by the policy in force, that speaks against it",
    )
    beside: tuple[Number, ...] = Field(
        (), max_length=32, description="attempts known to be open; a reason is wanted"
    )
    rank: Number | None = Field(None, description="its place in the queue as the asker saw it")
    score: float | None = None


class ReinvertOp(ClaimOp):
    """Invert a published program again; what is published stays until something better replaces it."""

    name: ClassVar[str] = "op.reinvert"


class ExtendOp(_Lease):
    """Still at it: the lease begins anew."""

    name: ClassVar[str] = "op.extend"
    attached: ClassVar[frozenset[str]] = frozenset({"lease_from"})


class HandOverOp(_Lease):
    """Somebody else goes on with the attempt."""

    name: ClassVar[str] = "op.hand_over"
    attached: ClassVar[frozenset[str]] = frozenset({"lease_from", "orcid_wanted", "orcid_against"})
    to: Name
    orcid: Orcid | None = None
    orcid_wanted: bool = Field(False, description="as of a claim")
    orcid_against: str | None = Field(None, max_length=1000, description="as of a claim")


class ReleaseOp(Request):
    """Give the claim back."""

    name: ClassVar[str] = "op.release"


class LeaseDueOp(Request):
    """A time of the lease has come: a warning at 75 % and at 95 %, then its end."""

    name: ClassVar[str] = "op.lease_due"
    due_sequence: int


class HandInOp(Request):
    """Products of the attempt, the inputs that were used, and the software that made them."""

    name: ClassVar[str] = "op.hand_in"
    outputs: tuple[Output, ...] = Field((), max_length=OUTPUTS_AT_MOST)
    inputs: tuple[Name, ...] = Field((), max_length=INPUTS_AT_MOST, description="datasets used")
    software: Software
    message: str | None = Field(None, max_length=2000)


class ReportOpInverted(Request):
    """A worker has looked: the outputs are there with these sums, the inputs belong to the program."""

    name: ClassVar[str] = "op.inverted"
    round: Number | None = Field(
        None, description="which hand-in was looked at; of another one it is ignored"
    )
    outputs_verified: Count
    size_bytes: Count
    inputs_cover: Cover | None = Field(None, description="of all of the program's datasets, as looked up")
    commit: Literal["found", "unverified"]
    commit_message: str | None = Field(None, max_length=1000, description="why it is unverified")
    evidence: dict[str, Any] | None = None


class ReportOpHandInRefused(_Lease):
    """A worker has looked, and the hand-in does not hold; the claimant has time again to put it right."""

    name: ClassVar[str] = "op.hand_in_refused"
    attached: ClassVar[frozenset[str]] = frozenset({"lease_from"})
    round: Number | None = Field(
        None, description="which hand-in was looked at; of another one it is ignored"
    )
    reasons: tuple[Reason, ...] = Field(min_length=1, max_length=64)
    left_out: Count = 0


class ReviewOp(Request):
    """What a reviewer, never the claimant, thinks of a verified attempt. The reviewer is the actor."""

    name: ClassVar[str] = "op.review"
    attached: ClassVar[frozenset[str]] = frozenset({"lease_from"})
    decision: Literal["accept", "rework", "reject"]
    note: Reason
    orcid: Orcid | None = None
    lease_from: UtcTime | None = Field(None, description="wanted for rework: when the new lease begins")
    lease_s: int = Field(14 * 24 * 3600, ge=LEASE_AT_LEAST_S, le=LEASE_AT_MOST_S)


class PublishOp(Request):
    """Publish an accepted attempt, or with a reason one that was withdrawn; the steps follow."""

    name: ClassVar[str] = "op.publish"


class ReportOpStepDone(Request):
    """A step of publishing, or of withdrawing, is done; what is needed to go on from there."""

    name: ClassVar[str] = "op.step_done"
    publication: Number | None = Field(None, description="as in op.publishing; of another one it is ignored")
    step: Literal["package", "archive", "announce", "cite"]
    message: str | None = Field(None, max_length=1000)
    objects: Count | None = None
    size_bytes: Count | None = None
    manifest_uri: str | None = Field(None, max_length=2048)
    manifest_sha256: str | None = Field(None, max_length=64)
    acknowledgement: str | None = Field(
        None, max_length=1000, description="the metadata store's own id of it"
    )
    identifier: str | None = Field(None, max_length=255, description="such as a DOI")


class ReportOpPublished(Request):
    """Everything stands: archived, acknowledged, embargo known."""

    name: ClassVar[str] = "op.published"
    publication: Number | None = Field(None, description="as in op.publishing; of another one it is ignored")
    portal_uri: str | None = Field(None, max_length=2048)


class WithdrawOp(Request):
    """Take the publication back; a reason is wanted, and whether another one comes instead."""

    name: ClassVar[str] = "op.withdraw"
    replacement: Name | None = None


class ReportOpWithdrawn(Request):
    """The portal has acknowledged the withdrawal."""

    name: ClassVar[str] = "op.withdrawn"
    publication: Number | None = Field(None, description="as in op.withdrawing; of another one it is ignored")
    acknowledgement: str = Field(max_length=1000)


class EmbargoOp(Request):
    """Keep what is published from the public until then, or for good."""

    name: ClassVar[str] = "op.embargo"
    until: UtcTime | None = None
    policy: str | None = Field(None, max_length=255)


class LiftOp(Request):
    """End the embargo: at its due time (naming the deadline) or early, by an operator with a reason."""

    name: ClassVar[str] = "op.lift"
    due_sequence: int | None = None
