"""Requests and facts of a group: an exposure, a dataset, a delivery. Members are counted; nothing here lists them."""

from typing import ClassVar, Literal

from pydantic import Field

from events.base import Fact, Request
from events.op_parts import Digest
from events.refusal import Refused
from events.types import Code, Name, Part, Reason, UtcTime, WarningFinding

__all__ = [
    "MEMBERS_AT_MOST",
    "RANGES_AT_MOST",
    "CloseGroup",
    "CountMember",
    "Counts",
    "ExcuseMembers",
    "ExpectGroup",
    "GroupClosed",
    "GroupDue",
    "GroupDuePassed",
    "GroupExcused",
    "GroupExpected",
    "GroupMemberCounted",
    "GroupNoted",
    "GroupRefused",
    "GroupReopened",
    "Kind",
    "MemberStatus",
    "NoteGroup",
    "Parents",
    "Range",
    "ReopenGroup",
]

MEMBERS_AT_MOST = 1_000_000
"""Places of one group; the largest dataset of a real catalogue has 77,694 frames."""

RANGES_AT_MOST = 512

Kind = Literal["exposure", "dataset", "delivery"]
MemberStatus = Literal["seen", "complete", "invalid", "dismissed"]
Index = Field(ge=0, lt=MEMBERS_AT_MOST)


class Range(Part):
    """Places from ``first`` to ``last``, both included."""

    first: int = Index
    last: int = Index


class Parents(Part):
    """What the group belongs to, as its members say."""

    op: Name | None = None
    program: Name | None = None
    dataset: Name | None = None
    instrument: Name | None = None
    proposal: Name | None = None


class Counts(Part):
    """How the members stand. ``done``: expected members that are complete, dismissed or excused."""

    expected: int | None = Field(None, description="None: nobody has said")
    done: int = 0
    seen: int = Field(0, description="members that there is any word of, in whatever state")
    complete: int = 0
    invalid: int = 0
    dismissed: int = 0
    excused: int = 0
    unexpected: int = 0
    sidecars: int = 0


class ExpectGroup(Request):
    """These places are expected: by a manifest, a policy, a cadence, or as the members' headers say."""

    name: ClassVar[str] = "group.expect"
    kind: Kind
    by: Literal["manifest", "policy", "cadence", "header", "operator"]
    ranges: tuple[Range, ...] = Field(min_length=1, max_length=RANGES_AT_MOST)
    source: str | None = Field(None, max_length=1024)
    parents: Parents = Parents()
    sidecar_needed: bool = Field(
        False, description="each member comes with a sidecar; late ones are a warning"
    )
    due_at: UtcTime | None = None
    closes_when_due: bool = Field(False, description="what is there at due_at is all there will be")


class CountMember(Request):
    """A file of the group has come to something. ``place`` is its index by the stream's membership rule."""

    name: ClassVar[str] = "group.member"
    kind: Kind
    member: Name = Field(description="the file's logical name")
    place: int | None = Field(None, ge=0, lt=MEMBERS_AT_MOST)
    role: Literal["primary", "sidecar"] = "primary"
    status: MemberStatus
    parents: Parents = Parents()
    expected: int | None = Field(None, ge=1, le=MEMBERS_AT_MOST, description="as the member's header says")


class ExcuseMembers(Request):
    """These need not come: a dead sensor, frames lost on the way; operator with a reason."""

    name: ClassVar[str] = "group.excuse"
    ranges: tuple[Range, ...] = Field(min_length=1, max_length=RANGES_AT_MOST)
    code: Code = "NOT_COMING"


class GroupDue(Request):
    """The time by which all should have been there has come."""

    name: ClassVar[str] = "group.due"
    due_sequence: int


class CloseGroup(Request):
    """What is there is all there will be; operator with a reason."""

    name: ClassVar[str] = "group.close"


class ReopenGroup(Request):
    """More may come; operator with a reason."""

    name: ClassVar[str] = "group.reopen"


class NoteGroup(Request):
    """A remark."""

    name: ClassVar[str] = "group.note"
    text: Reason


class _Counted(Fact):
    """How the group stands after the fact; ``digest`` tells this standing of all members from any other."""

    kind: Kind
    counts: Counts
    digest: Digest
    parents: Parents = Parents()


class GroupExpected(_Counted):
    """These places are expected from now on; ``due_at`` is when all should be there."""

    name: ClassVar[str] = "group.expected"
    by: str
    ranges: tuple[Range, ...] = Field(max_length=RANGES_AT_MOST)
    source: str | None = None
    sidecar_needed: bool = False
    due_at: UtcTime | None = None
    closes_when_due: bool = False


class GroupMemberCounted(_Counted):
    """A member has come to this; where ``was`` is None it is the first word of it."""

    name: ClassVar[str] = "group.member_counted"
    member: Name
    place: int | None = None
    role: Literal["primary", "sidecar"] = "primary"
    status: MemberStatus
    was: MemberStatus | None = None
    is_expected: bool = True
    expects: int | None = Field(None, description="taken from this member's header: nobody had said before")
    warnings: tuple[WarningFinding, ...] = ()


class GroupExcused(_Counted):
    """These members need not come."""

    name: ClassVar[str] = "group.excused"
    ranges: tuple[Range, ...] = Field(max_length=RANGES_AT_MOST)
    code: Code


class GroupDuePassed(_Counted):
    """The time has come: with what is missing, as far as it can be listed."""

    name: ClassVar[str] = "group.due_passed"
    due_sequence: int
    missing: int = 0
    missing_ranges: tuple[Range, ...] = Field((), max_length=RANGES_AT_MOST)
    warnings: tuple[WarningFinding, ...] = ()


class GroupClosed(_Counted):
    """Closed by hand: complete, or short of what is missing."""

    name: ClassVar[str] = "group.closed"
    missing: int = 0
    missing_ranges: tuple[Range, ...] = Field((), max_length=RANGES_AT_MOST)


class GroupReopened(_Counted):
    """More may come."""

    name: ClassVar[str] = "group.reopened"


class GroupNoted(Fact):
    """A remark."""

    name: ClassVar[str] = "group.noted"
    text: Reason


class GroupRefused(Refused):
    """A request about a group was refused; nothing changes."""

    name: ClassVar[str] = "group.refused"
