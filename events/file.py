"""Facts in the life of a file. Requests that lead to them are in ``file_requests``."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from events.base import Fact
from events.file_damage import FileDamaged, FileRestored
from events.file_manifest import Attested, Md5, Sums
from events.file_parts import Brief, Content, GroupPlace, IdentityHeld, Object, Pairing, Preview
from events.refusal import Refused
from events.types import (
    Code,
    FailureClass,
    HeaderFix,
    Name,
    QaFinding,
    Reason,
    Sha256,
    Usage,
    UtcTime,
    WarningFinding,
)

__all__ = [
    "Brief",
    "Content",
    "FileAcknowledged",
    "FileAdopted",
    "FileArrived",
    "FileConflicted",
    "FileDamaged",
    "FileDeferred",
    "FileDismissed",
    "FileEmbargoed",
    "FileExtended",
    "FileFailed",
    "FileHeld",
    "FileLifted",
    "FileNoted",
    "FileNotifyFailed",
    "FilePreviewed",
    "FileRedriven",
    "FileRefused",
    "FileRegistered",
    "FileRejected",
    "FileReopened",
    "FileReportIgnored",
    "FileReprocessed",
    "FileRestored",
    "FileRetried",
    "FileStarted",
    "FileTransferred",
    "FileUnheld",
    "FileValidated",
    "FileWitnessed",
    "GroupPlace",
    "IdentityHeld",
    "Object",
    "Preview",
]


class FileArrived(Fact):
    """New content: version 1 of the file, or its next version."""

    name: ClassVar[str] = "file.arrived"
    version: ClassVar[int] = 2
    content: Content
    witness: str = Field(description="where the notification stands: topic/partition/offset")
    stream_version: int = Field(ge=1, description="version of the stream's configuration in force")
    role: Literal["primary", "sidecar", "preview", "manifest"] = "primary"
    purpose: Literal["science", "calibration", "engineering", "test"] = "science"
    work_class: Literal["normal", "large"] = "normal"
    priority: Literal["live", "catch-up"] = "live"
    warnings: tuple[WarningFinding, ...] = ()
    overtaken: Content | None = Field(
        None, description="pending content that this one replaces: never processed"
    )
    pairing: Pairing | None = None


class FileWitnessed(Fact):
    """The same content was announced once more; no new work."""

    name: ClassVar[str] = "file.witnessed"
    content: Content
    witness: str
    witnesses: int = Field(ge=2, description="how often this version has been announced by now")


class FileDeferred(Fact):
    """Other content arrived while a version is in flight; kept until that version ends."""

    name: ClassVar[str] = "file.deferred"
    pending: dict[str, Any] = Field(description="the arrive request's data, to be asked again")
    overtaken: Content | None = Field(
        None, description="pending content that this one replaces: never processed"
    )


class FileConflicted(Fact):
    """Other content under a name whose stream does not allow that: the new version is in ERROR."""

    name: ClassVar[str] = "file.conflicted"
    content: Content
    witness: str
    stream_version: int
    code: Code = "CONTENT_CONFLICT"
    message: str
    other_version: int = Field(description="the version whose content differs")
    other: Content


class FileStarted(Fact):
    """A worker has begun to read the file."""

    name: ClassVar[str] = "file.started"
    worker: Name
    host: Name
    software_version: Name


class FileValidated(Fact):
    """The file is what its stream wants: every critical check passed. Metadata carries units in its names."""

    name: ClassVar[str] = "file.validated"
    sha256: Sha256
    size_bytes: int = Field(ge=0)
    media_type: str
    metadata: dict[str, Any]
    metadata_object: Object | None = Field(None, description="values too long for a record, whole, as JSON")
    header_fixes: tuple[HeaderFix, ...] = ()
    qa: tuple[QaFinding, ...] = ()
    warnings: tuple[WarningFinding, ...] = ()
    checks_version: str = Field(description="version of the checks that were run")
    stream_version: int | None = Field(None, description="configuration by which they were judged")
    identity: IdentityHeld | None = None
    preview: bool | None = Field(None, description="the stream wants a preview of it")
    md5: Md5 | None = Field(None, description="taken where the stream has manifests")
    sums: Sums | None = Field(None, description="of a manifest: the files that it names")
    usage: Usage | None = None
    brief: Brief
    pending: dict[str, Any] | None = None
    attested: Attested | None = Field(None, description="by a manifest: what comparing came to")
    withdraws: tuple[Code, ...] | None = Field(
        None, description="codes of warnings of the former look at this version: this one takes its place"
    )


class FileRejected(Fact):
    """The file is not what its stream wants; the original is kept in quarantine."""

    name: ClassVar[str] = "file.rejected"
    code: Code
    message: str = Field(max_length=8000)
    found: str | None = None
    wanted: str | None = None
    sha256: Sha256 | None = None
    size_bytes: int | None = None
    md5: Md5 | None = None
    attested: Attested | None = None
    qa: tuple[QaFinding, ...] = ()
    warnings: tuple[WarningFinding, ...] = ()
    withdraws: tuple[Code, ...] | None = Field(None, description="as of ``file.validated``")
    checks_version: str | None = None
    stream_version: int | None = None
    quarantine: Object | None = None
    usage: Usage | None = None
    membership: GroupPlace | None = None
    pending: dict[str, Any] | None = None


class FileTransferred(Fact):
    """The bytes are in the archive; size and SHA-256, read at the destination, equal ours."""

    name: ClassVar[str] = "file.transferred"
    object: Object
    usage: Usage | None = None
    brief: Brief


class FileRegistered(Fact):
    """The version stands in its stream's register: COMPLETE. ``best`` is the newest COMPLETE version from now on."""

    name: ClassVar[str] = "file.registered"
    register_table: Name
    row_id: Name
    best: int = Field(ge=1)
    membership: GroupPlace | None = None
    primaries: tuple[Name, ...] | None = Field(None, description="of a sidecar: the files it belongs to")
    pending: dict[str, Any] | None = None


class FilePreviewed(Fact):
    """A preview was made of this version, or it was found that none can be."""

    name: ClassVar[str] = "file.previewed"
    preview: Preview


class FileNotifyFailed(Fact):
    """The remote side did not take the notification; the data did arrive, so this is no error."""

    name: ClassVar[str] = "file.notify_failed"
    code: Code
    message: str
    due_at: UtcTime | None = None


class FileFailed(Fact):
    """An attempt failed. ``due_at`` says when it is tried again by itself; None: a person has to act."""

    name: ClassVar[str] = "file.failed"
    code: Code
    failure_class: FailureClass
    message: str = Field(max_length=8000)
    found: str | None = None
    wanted: str | None = None
    failed_from: str
    due_at: UtcTime | None = None
    tries_allowed: int | None = None
    evidence: dict[str, Any] | None = None
    usage: Usage | None = None
    pending: dict[str, Any] | None = None


class FileRetried(Fact):
    """The failed step is tried again."""

    name: ClassVar[str] = "file.retried"
    due_sequence: int | None = Field(None, description="the deadline that asked for it; None: a person did")
    brief: Brief


class FileReprocessed(Fact):
    """The version is taken through its checks again, as a new attempt."""

    name: ClassVar[str] = "file.reprocessed"
    transfer: bool = True
    overrides: dict[str, Any] = Field(default_factory=dict)
    came_from: str
    brief: Brief


class FileAdopted(Fact):
    """A file of an existing archive is taken over as it stands; nothing is copied."""

    name: ClassVar[str] = "file.adopted"
    content: Content
    object: Object | None = None
    verified: bool
    evidence: dict[str, Any] = Field(default_factory=dict, description="original times and status")


class FileDismissed(Fact):
    """The version will not be taken: a test frame, an aborted exposure, a dead sensor."""

    name: ClassVar[str] = "file.dismissed"
    code: Code
    dismissed_from: str
    membership: GroupPlace | None = None
    pending: dict[str, Any] | None = None


class FileReopened(Fact):
    """A dismissed version is looked at again, where it was before."""

    name: ClassVar[str] = "file.reopened"
    brief: Brief


class FileAcknowledged(Fact):
    """An operator knows these codes; reports leave them out until then."""

    name: ClassVar[str] = "file.acknowledged"
    codes: tuple[Code, ...]
    until: UtcTime | None = None


class FileHeld(Fact):
    """No work on this file until it is released."""

    name: ClassVar[str] = "file.held"


class FileUnheld(Fact):
    """Work on this file goes on."""

    name: ClassVar[str] = "file.unheld"


class FileRedriven(Fact):
    """Work on it that was parked has another try; its state is what it was."""

    name: ClassVar[str] = "file.redriven"


class FileNoted(Fact):
    """A remark."""

    name: ClassVar[str] = "file.noted"
    text: Reason


class FileEmbargoed(Fact):
    """Not public before ``until``; without a date it never lifts itself."""

    name: ClassVar[str] = "file.embargoed"
    until: UtcTime | None = None
    policy: str | None = None


class FileExtended(Fact):
    """The embargo ends later than said before."""

    name: ClassVar[str] = "file.extended"
    until: UtcTime


class FileLifted(Fact):
    """The embargo has ended."""

    name: ClassVar[str] = "file.lifted"
    due_sequence: int | None = None


class FileReportIgnored(Fact):
    """A report about another version or attempt than the current one; nothing changes."""

    name: ClassVar[str] = "file.report_ignored"
    report: str = Field(description="type of the report")
    reported_version: int | None = None
    reported_attempt: int | None = None
    wanted_version: int | None = None
    wanted_attempt: int | None = None


class FileRefused(Refused):
    """A request about a file was refused; nothing changes."""

    name: ClassVar[str] = "file.refused"
