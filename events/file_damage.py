"""Facts about the archive's copy of a file: it was found bad, or good again."""

from typing import ClassVar

from pydantic import Field

from events.base import Fact
from events.types import Code, Sha256

__all__ = ["FileDamaged", "FileRestored"]


class FileDamaged(Fact):
    """The archive's copy no longer equals what was stored."""

    name: ClassVar[str] = "file.damaged"
    code: Code = "ARCHIVE_COPY_BAD"
    found_sha256: Sha256 | None = None
    wanted_sha256: Sha256
    message: str
    best: int | None = Field(None, ge=1, description="the newest COMPLETE version that is left")


class FileRestored(Fact):
    """The archive's copy is good again."""

    name: ClassVar[str] = "file.restored"
    sha256: Sha256
    message: str
    best: int | None = Field(None, ge=1, description="the newest COMPLETE version")
