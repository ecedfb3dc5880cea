"""Requests and facts about a file's companion: it has come, or the time for it has passed without it."""

from typing import ClassVar

from pydantic import Field

from events.base import Fact, Request
from events.types import Code, Name, Number, WarningFinding

__all__ = ["FilePaired", "FileSidecarDue", "FileSidecarLate", "PairFile"]


class PairFile(Request):
    """A sidecar of this file is COMPLETE. It may be the first word of the file: sidecars are small, and come early."""

    name: ClassVar[str] = "file.pair"
    sidecar: Name = Field(description="its logical name, in the same stream")
    sidecar_version: Number


class FileSidecarDue(Request):
    """The time by which the sidecar should have been there has come."""

    name: ClassVar[str] = "file.sidecar_due"
    due_sequence: int


class FilePaired(Fact):
    """The file has its sidecar. Of a file that nobody has announced yet, it is remembered until somebody does."""

    name: ClassVar[str] = "file.paired"
    sidecar: Name
    sidecar_version: Number
    withdraws: tuple[Code, ...] = Field((), description="codes of warnings that no longer hold")


class FileSidecarLate(Fact):
    """The time has come, and no sidecar. Nothing waits for it; when it comes after all, the warning is withdrawn."""

    name: ClassVar[str] = "file.sidecar_late"
    due_sequence: int
    warnings: tuple[WarningFinding, ...]
