"""Pieces of a file's facts: the content announced, the object in the archive, the identity held, a brief for work."""

from typing import Any, Literal

from pydantic import Field

from events.group import MEMBERS_AT_MOST, Kind, Parents
from events.types import Code, Count, Name, Part, Sha256, Usage, UtcTime

__all__ = ["Brief", "Content", "GroupPlace", "IdentityHeld", "Object", "Pairing", "Preview"]


class Content(Part):
    """What a notification says of the bytes: where they lie, and how to know them again."""

    uri: str = Field(min_length=1, max_length=4096)
    size_bytes: Count | None = None
    sha256: Sha256 | None = None
    modified_at: UtcTime | None = None
    etag: str | None = Field(
        None, min_length=1, max_length=200, description="of an object, as its store announced it"
    )


class Object(Part):
    """An object in the archive, as read there after it was written. ``sha256`` is of the whole object."""

    bucket: Name
    key: str = Field(min_length=1, max_length=1024)
    size_bytes: Count
    sha256: Sha256
    s3_checksum: str | None = None
    s3_checksum_type: str | None = None
    etag: str | None = Field(None, description="as the store tells it; of an object in parts it is no MD5")
    existed: bool = Field(False, description="the object was there already and equal")
    in_place: bool = Field(
        False, description="nothing was copied: this is where the file was announced to lie"
    )


class Preview(Part):
    """A picture of a version: ``object``, or ``code`` and ``message`` where there is none."""

    object: Object | None = None
    media_type: str | None = None
    width_px: Count | None = None
    height_px: Count | None = None
    images: Count = Field(0, description="images of the file that it shows")
    left_out: Count = Field(0, description="images of the file that it does not show")
    stretch: str | None = Field(None, max_length=500, description="how values became shades")
    code: Code | None = None
    message: str | None = Field(None, max_length=2000)
    usage: Usage | None = None


class IdentityHeld(Part):
    """The archive identity of a file and the fact that reserved it."""

    archive_identity: Name
    reserved_by: str = Field(description="id of the identity.reserved fact")


class GroupPlace(Part):
    """Where a file belongs by its stream's membership rule; ``place`` None: the file does not say which it is."""

    group: Name = Field(description="its id within the stream")
    kind: Kind
    place: int | None = Field(None, ge=0, lt=MEMBERS_AT_MOST)
    role: Literal["primary", "sidecar"] = "primary"
    parents: Parents = Parents()
    expected: int | None = Field(None, ge=1, le=MEMBERS_AT_MOST)


class Pairing(Part):
    """What a file has to do with companions: a sidecar says whose it is, a primary by when its own is to be there."""

    primaries: tuple[Name, ...] | None = Field(
        None, max_length=16, description="of a sidecar: logical names of the files it belongs to"
    )
    due_at: UtcTime | None = Field(None, description="of a primary: when it is a warning that none has come")
    sidecar: Name | None = Field(None, description="of a primary: the sidecar that was there before it")


class Brief(Part):
    """All that work on a version needs to know, so that a fact which obliges work is complete in itself."""

    content: Content
    stream_version: int = 1
    role: str = "primary"
    purpose: str = "science"
    work_class: str = "normal"
    priority: str = "live"
    sha256: Sha256 | None = Field(None, description="as read")
    size_bytes: Count | None = Field(None, description="as read")
    object: Object | None = None
    identity: IdentityHeld | None = None
    instrument: str | None = None
    obs_start_utc: str | None = None
    membership: GroupPlace | None = None
    overrides: dict[str, Any] = Field(default_factory=dict)
