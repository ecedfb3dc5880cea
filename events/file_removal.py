"""Requests and facts about bytes that are no longer needed where they lie: a file's source, an original put aside."""

from typing import ClassVar, Literal

from pydantic import Field

from events.base import Fact, Request
from events.file_parts import Brief
from events.types import Name, Usage

__all__ = ["FileRemoved", "FileRemoving", "RemoveFile", "ReportFileRemoved", "What"]

What = Literal["source", "quarantine", "preview"]
"""``source``: what was announced, once its copy is proven; ``quarantine``: the original of a rejected version;
``preview``: the picture of a version, which can be made again."""


class RemoveFile(Request):
    """Remove these bytes; by a policy of the stream, or by an operator with a reason."""

    name: ClassVar[str] = "file.remove"
    what: What
    policy: Name | None = Field(None, description="such as quarantine-age; None: a person asks")
    because: str | None = Field(None, max_length=500, description="what the policy found: age, size, quota")


class ReportFileRemoved(Request):
    """What became of it. ``is_gone`` False: they were left where they are, and the message says why."""

    name: ClassVar[str] = "file.removed"
    what: What
    place: str = Field(max_length=4096)
    is_gone: bool
    message: str = Field(max_length=2000)
    usage: Usage | None = None


class FileRemoving(Fact):
    """These bytes are to go; a worker looks once more whether they may, and removes them."""

    name: ClassVar[str] = "file.removing"
    what: What
    place: str = Field(max_length=4096, description="a URI")
    policy: Name | None = None
    because: str | None = None
    brief: Brief


class FileRemoved(Fact):
    """The bytes are gone, or were left where they are because something did not agree."""

    name: ClassVar[str] = "file.removed"
    what: What
    place: str
    is_gone: bool
    message: str
    usage: Usage | None = None
