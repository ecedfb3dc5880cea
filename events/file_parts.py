"""Pieces of a file's facts: the content announced, the object in the archive, the identity held, a brief for work."""

from typing import Any

from pydantic import Field

from events.types import Name, Part, Sha256, UtcTime

__all__ = ["Brief", "Content", "IdentityHeld", "Object"]


class Content(Part):
    """What a notification says of the bytes: where they lie, and how to know them again."""

    uri: str = Field(min_length=1, max_length=4096)
    size_bytes: int | None = Field(None, ge=0)
    sha256: Sha256 | None = None
    modified_at: UtcTime | None = None


class Object(Part):
    """An object in the archive, as read there after it was written. ``sha256`` is of the whole object."""

    bucket: Name
    key: str = Field(min_length=1, max_length=1024)
    size_bytes: int = Field(ge=0)
    sha256: Sha256
    s3_checksum: str | None = None
    s3_checksum_type: str | None = None
    existed: bool = Field(False, description="the object was there already and equal")


class IdentityHeld(Part):
    """The archive identity of a file and the fact that reserved it."""

    archive_identity: Name
    reserved_by: str = Field(description="id of the identity.reserved fact")


class Brief(Part):
    """All that work on a version needs to know, so that a fact which obliges work is complete in itself."""

    content: Content
    stream_version: int = 1
    role: str = "primary"
    purpose: str = "science"
    work_class: str = "normal"
    priority: str = "live"
    sha256: Sha256 | None = Field(None, description="as read")
    size_bytes: int | None = Field(None, description="as read")
    object: Object | None = None
    identity: IdentityHeld | None = None
    instrument: str | None = None
    obs_start_utc: str | None = None
    overrides: dict[str, Any] = Field(default_factory=dict)
