"""What may be asked of a file, and what workers report about it."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from events.base import Request
from events.file_manifest import Md5, Sums
from events.file_parts import Content, GroupPlace, IdentityHeld, Object, Pairing, Preview
from events.types import (
    Code,
    Count,
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
    "AcknowledgeFile",
    "AdoptFile",
    "ArriveFile",
    "DismissFile",
    "EmbargoFile",
    "ExtendFile",
    "FailFile",
    "HoldFile",
    "LiftFile",
    "NoteFile",
    "RedriveFile",
    "RejectFile",
    "ReopenFile",
    "ReportFileDamaged",
    "ReportFilePreviewed",
    "ReportFileRegistered",
    "ReportFileRestored",
    "ReportFileTransferred",
    "ReportFileValidated",
    "ReportNotifyFailed",
    "ReprocessFile",
    "RetryFile",
    "StartFile",
    "UnholdFile",
]


class ArriveFile(Request):
    """A file is there. Intake attaches what the stream's configuration says about it, with that version."""

    name: ClassVar[str] = "file.arrive"
    # A sender repeats its event, or intake reads it again under a newer configuration: still the same request.
    attached: ClassVar[frozenset[str]] = frozenset(
        {
            "witness",
            "stream_version",
            "role",
            "purpose",
            "work_class",
            "priority",
            "changed_content",
            "warnings",
            "pairing",
        }
    )
    content: Content
    witness: str = Field(description="where the notification stands: topic/partition/offset")
    stream_version: int = Field(ge=1)
    role: Literal["primary", "sidecar", "preview", "manifest"] = "primary"
    purpose: Literal["science", "calibration", "engineering", "test"] = "science"
    work_class: Literal["normal", "large"] = "normal"
    priority: Literal["live", "catch-up"] = "live"
    changed_content: Literal["new_version", "conflict"] = "new_version"
    warnings: tuple[WarningFinding, ...] = ()
    pairing: Pairing | None = Field(None, description="by the stream's policy of sidecars")


class StartFile(Request):
    """A worker begins; the envelope's version and attempt say at what."""

    name: ClassVar[str] = "file.start"
    worker: Name
    host: Name
    software_version: Name


class ReportFileValidated(Request):
    """All checks were run; what they found."""

    name: ClassVar[str] = "file.validated"
    sha256: Sha256
    size_bytes: Count
    media_type: str
    metadata: dict[str, Any]
    metadata_object: Object | None = Field(
        None, description="values that are too long for a record, whole: a JSON object in the archive"
    )
    header_fixes: tuple[HeaderFix, ...] = ()
    qa: tuple[QaFinding, ...] = ()
    warnings: tuple[WarningFinding, ...] = ()
    checks_version: str
    stream_version: int | None = Field(None, description="configuration by which they were judged")
    identity_required: bool = False
    identity: IdentityHeld | None = None
    membership: GroupPlace | None = None
    preview: bool | None = Field(None, description="the stream wants a preview of it")
    md5: Md5 | None = Field(None, description="taken where the stream has manifests")
    sums: Sums | None = Field(None, description="of a manifest: the files that it names")
    usage: Usage | None = None


class RejectFile(Request):
    """The file is not what its stream wants."""

    name: ClassVar[str] = "file.reject"
    code: Code
    message: str = Field(max_length=8000)
    found: str | None = None
    wanted: str | None = None
    sha256: Sha256 | None = None
    size_bytes: Count | None = None
    md5: Md5 | None = None
    qa: tuple[QaFinding, ...] = ()
    warnings: tuple[WarningFinding, ...] = ()
    checks_version: str | None = None
    stream_version: int | None = None
    quarantine: Object | None = None
    membership: GroupPlace | None = None
    usage: Usage | None = None


class ReportFileTransferred(Request):
    """The object stands in the archive, as read there."""

    name: ClassVar[str] = "file.transferred"
    object: Object
    usage: Usage | None = None


class ReportFileRegistered(Request):
    """The row for this version stands in the stream's register."""

    name: ClassVar[str] = "file.registered"
    register_table: Name
    row_id: Name


class ReportFilePreviewed(Request):
    """A preview was made of this version, or why there is none."""

    name: ClassVar[str] = "file.preview"
    preview: Preview


class ReportNotifyFailed(Request):
    """The remote side did not take the notification."""

    name: ClassVar[str] = "file.notify_failed"
    code: Code
    message: str
    due_at: UtcTime | None = None


class FailFile(Request):
    """An attempt failed for a reason that lies outside the file, or that a person has to look at."""

    name: ClassVar[str] = "file.fail"
    code: Code
    failure_class: FailureClass
    message: str = Field(max_length=8000)
    found: str | None = None
    wanted: str | None = None
    due_at: UtcTime | None = Field(None, description="when to try again by itself")
    tries_allowed: int | None = None
    evidence: dict[str, Any] | None = None
    usage: Usage | None = None


class RetryFile(Request):
    """Try again what failed: at its due time (naming the deadline) or by an operator with a reason."""

    name: ClassVar[str] = "file.retry"
    due_sequence: int | None = None


class ReprocessFile(Request):
    """Take a version through its checks again; ``overrides`` are recorded with the new attempt.

    What was said of the file itself before (identity, program, same_content) stays said, unless it is taken ``afresh``.
    """

    name: ClassVar[str] = "file.reprocess"
    transfer: bool = True
    afresh: bool | None = Field(None, description="what was said of it before no longer counts")
    overrides: dict[str, Any] = Field(
        default_factory=dict, description="identity, program, same_content, stream_version"
    )


class AdoptFile(Request):
    """Take over a file of an existing archive as it stands."""

    name: ClassVar[str] = "file.adopt"
    content: Content
    object: Object | None = None
    verified: bool = False
    evidence: dict[str, Any] = Field(default_factory=dict)


class ReportFileDamaged(Request):
    """The archive's copy was found to differ."""

    name: ClassVar[str] = "file.damaged"
    found_sha256: Sha256 | None = None
    wanted_sha256: Sha256
    message: str


class ReportFileRestored(Request):
    """The archive's copy was found good again."""

    name: ClassVar[str] = "file.restored"
    sha256: Sha256
    message: str


class DismissFile(Request):
    """This version will not be taken."""

    name: ClassVar[str] = "file.dismiss"
    code: Code = "NOT_WANTED"


class ReopenFile(Request):
    """Look at a dismissed version again."""

    name: ClassVar[str] = "file.reopen"


class AcknowledgeFile(Request):
    """These codes are known; leave them out of reports."""

    name: ClassVar[str] = "file.acknowledge"
    codes: tuple[Code, ...] = Field(min_length=1)
    until: UtcTime | None = None


class HoldFile(Request):
    """No work on this file for now."""

    name: ClassVar[str] = "file.hold"


class UnholdFile(Request):
    """Go on with the work."""

    name: ClassVar[str] = "file.unhold"


class RedriveFile(Request):
    """Give work on this file that was parked another try, once the cause is gone."""

    name: ClassVar[str] = "file.redrive"


class NoteFile(Request):
    """A remark."""

    name: ClassVar[str] = "file.note"
    text: Reason


class EmbargoFile(Request):
    """Keep it from the public, until a date or for good."""

    name: ClassVar[str] = "file.embargo"
    until: UtcTime | None = None
    policy: str | None = None


class ExtendFile(Request):
    """Move the end of the embargo to a later time."""

    name: ClassVar[str] = "file.extend"
    until: UtcTime


class LiftFile(Request):
    """End the embargo: at its due time (naming the deadline) or early, by an operator with a reason."""

    name: ClassVar[str] = "file.lift"
    due_sequence: int | None = None
