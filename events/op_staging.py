"""Requests and facts about staged inputs that nobody works with any more: their removal from the work area."""

from typing import ClassVar

from pydantic import Field

from events.base import Fact, Request
from events.op_parts import Digest
from events.types import Count, Name

__all__ = ["OpUnstaged", "OpUnstaging", "ReportOpUnstaged", "UnstageOp"]


class UnstageOp(Request):
    """Remove a program's staged inputs from the work area; by a policy, or by an operator with a reason."""

    name: ClassVar[str] = "op.unstage"
    program: Name
    location: str | None = Field(None, max_length=2048, description="where they lie; None: the only place")
    policy: Name | None = Field(None, description="such as staged-age; None: a person asks")
    because: str | None = Field(None, max_length=500, description="what the policy found: age, size")


class ReportOpUnstaged(Request):
    """What became of it. ``is_gone`` False: they were left where they are, and the message says why."""

    name: ClassVar[str] = "op.unstaged"
    program: Name
    location: str = Field(max_length=2048)
    is_gone: bool
    files: Count | None = None
    size_bytes: Count | None = None
    message: str = Field(max_length=2000)


class OpUnstaging(Fact):
    """These inputs are to go; a worker looks once more whether all there is ours, and removes it."""

    name: ClassVar[str] = "op.unstaging"
    program: Name
    location: str
    cover: Digest = Field(description="of the datasets whose files they are")
    is_current: bool = Field(description="of the program's datasets; whoever claims it has them staged again")
    policy: Name | None = None
    because: str | None = None


class OpUnstaged(Fact):
    """The inputs are gone, or were left where they are because something did not agree."""

    name: ClassVar[str] = "op.unstaged"
    program: Name
    location: str
    is_gone: bool
    files: Count | None = None
    size_bytes: Count | None = None
    message: str
