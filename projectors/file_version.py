"""One row a version of a file: state, open problem, content here and in the archive, times of its stages."""

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from events import file as facts
from events import file_manifest as manifest
from events import file_removal as removal
from events import file_sidecar as sidecar
from events.envelope import Record
from projectors.database import metadata
from projectors.projection import Folded, Row, first, greatest

__all__ = ["file_version"]

_UTC = DateTime(timezone=True)
_FALSE = text("false")
_STATES = "QUEUED, PROCESSING, TRANSFERRING, TRANSFERRED, COMPLETE, INVALID, ERROR or DISMISSED"

file_version = Folded(
    Table(
        "file_version",
        metadata,
        Column("file", Text(collation="C"), primary_key=True, comment="<stream>/<logical name>"),
        Column("version", Integer, primary_key=True, autoincrement=False, comment="number of the content, from 1"),
        Column("stream", Text, nullable=False, comment="the stream it came by"),
        Column("name", Text(collation="C"), nullable=False, comment="logical name of the file"),
        Column("is_superseded", Boolean, nullable=False, server_default=_FALSE, comment="a newer version exists"),
        Column("state", Text, nullable=False, comment=_STATES),
        Column("since_at", _UTC, nullable=False, comment="UTC; when it came into this state"),
        Column("attempt", Integer, nullable=False, comment="number of the try at this content, from 1"),
        # what was announced
        Column("uri", Text, comment="where the bytes were announced to lie"),
        Column("announced_size_bytes", BigInteger, comment="bytes; as announced"),
        Column("announced_sha256", Text, comment="hex; as announced"),
        Column("modified_at", _UTC, comment="UTC; time of the file as announced"),
        Column("role", Text, comment="primary, sidecar, preview or manifest, by the stream's rule"),
        Column("purpose", Text, comment="science, calibration, engineering or test, by the stream's rule"),
        Column("work_class", Text, comment="normal or large: which workers take it"),
        Column("priority", Text, comment="live or catch-up"),
        Column("stream_version", Integer, comment="version of the stream's configuration in force when it arrived"),
        Column("witness", Text, comment="where the first notification stands: topic/partition/offset"),
        greatest("witnesses", Integer, "how often this content was announced"),
        # what was read, and what the archive has
        Column("size_bytes", BigInteger, comment="bytes; as read"),
        Column("sha256", Text, comment="hex; as read"),
        Column("media_type", Text, comment="what the content is, such as application/fits"),
        Column("checks_version", Text, comment="version of the checks that were run"),
        Column("identity", Text, comment="archive identity reserved for it, such as a KOAID"),
        Column("bucket", Text, comment="bucket of its object in the archive"),
        Column("object_key", Text, comment="key of its object in the archive"),
        Column("quarantine_bucket", Text, comment="where the original of a rejected version is kept"),
        Column("quarantine_key", Text, comment="where the original of a rejected version is kept"),
        Column("source_removed_at", _UTC, comment="UTC; when what was announced was removed from where it lay"),
        Column("register_table", Text, comment="the register it stands in, such as operations.l2_file"),
        Column("row_id", Text, comment="its row there"),
        # the open problem; empty where there is none
        Column("code", Text, comment="code of the open problem; NULL: none"),
        Column("failure_class", Text, comment="data, transient, code or infrastructure: whose fault it is"),
        Column("message", Text, comment="the open problem in words"),
        Column("found", Text, comment="what was found"),
        Column("wanted", Text, comment="what was wanted"),
        Column("failed_from", Text, comment="the state in which it failed"),
        Column("due_at", _UTC, comment="UTC; when it is tried again by itself; NULL: a person has to act"),
        Column("tries_allowed", SmallInteger, comment="how often it is tried by itself"),
        Column("dismissed_code", Text, comment="why it will not be taken; NULL: not dismissed"),
        # the times of its stages: first passage, so that differences are durations; the last for what may come back
        first("queued_at", _UTC, "UTC; when it was first QUEUED"),
        first("processing_at", _UTC, "UTC; when a worker first began to read it"),
        first("validated_at", _UTC, "UTC; when all its checks had first passed"),
        first("transferring_at", _UTC, "UTC; when its copy to the archive was first begun"),
        first("transferred_at", _UTC, "UTC; when its copy was first verified in the archive"),
        first("complete_at", _UTC, "UTC; when it was first COMPLETE"),
        Column("invalid_at", _UTC, comment="UTC; when it was last found INVALID"),
        Column("error_at", _UTC, comment="UTC; when it last came into ERROR"),
        Column("dismissed_at", _UTC, comment="UTC; when it was last dismissed"),
        # the fact that this row is fresh to
        Column("sequence", BigInteger, nullable=False, comment="number of its last fact in the file's history"),
        Column("event_id", UUID(as_uuid=False), nullable=False, comment="id of its last fact"),
        Column("partition", Integer, nullable=False, comment="partition of the ledger topic"),
        Column("ledger_offset", BigInteger, nullable=False, comment="offset of its last fact in that partition"),
        first("correlationid", Text, "the story it belongs to: the sender's id of the first notification"),
        # Counts of files by state and stream are read from this index alone …
        Index("file_version_by_state", "state", "stream", "since_at", "is_superseded"),
        # … and lists, newest first, from this one.
        Index("file_version_by_time", "since_at", postgresql_where=text("NOT is_superseded")),
        # Lists of open problems, newest first: few files have one.
        Index(
            "file_version_of_problems",
            "since_at",
            postgresql_where=text("code IS NOT NULL AND NOT is_superseded"),
        ),
        # Reports of a night; rows lie nearly as they came, and this kind of index costs a change of a row nothing.
        Index(
            "file_version_by_arrival",
            "queued_at",
            postgresql_using="brin",
            postgresql_with={"pages_per_range": "16", "autosummarize": "true"},
        ),
        # Nearly all files are for science: a list of the others does not look through those.
        Index(
            "file_version_by_purpose", "purpose", "since_at",
            postgresql_where=text("purpose <> 'science' AND NOT is_superseded"),
        ),
        schema="projection",
        postgresql_with={"fillfactor": "80", "autovacuum_vacuum_scale_factor": "0.05"},
    )
)  # fmt: skip

NO_PROBLEM: Row = dict.fromkeys(
    ("code", "failure_class", "message", "found", "wanted", "failed_from", "due_at", "tries_allowed")
)

_ENTERED = {
    "QUEUED": "queued_at",
    "PROCESSING": "processing_at",
    "TRANSFERRING": "transferring_at",
    "TRANSFERRED": "transferred_at",
    "COMPLETE": "complete_at",
    "INVALID": "invalid_at",
    "ERROR": "error_at",
    "DISMISSED": "dismissed_at",
}


def _moved(record: Record, **more: Any) -> Row:
    """Where the version stands after this fact; ``more`` is what the fact adds."""
    row: Row = {
        "file": record.subject,
        "version": record.version,
        "state": record.tostate,
        "attempt": record.attempt,
        "sequence": record.sequence,
        "event_id": record.id,
        "ledger_offset": record.offset,
    }
    if record.fromstate != record.tostate:
        row["since_at"] = row[_ENTERED[record.tostate or ""]] = record.time
    row.update(more)
    return row


def _members(data: dict[str, Any], *names: str) -> Row:
    return {name: data.get(name) for name in names}


def _begun(record: Record, more: Row) -> list[Row]:
    """A new version, and the mark on the one whose place it takes."""
    content = record.data["content"]
    stream, _, name = record.subject.partition("/")
    row = _moved(record, **more)
    row |= {
        "stream": stream,
        "name": name,
        "partition": record.partition,
        "uri": content["uri"],
        "announced_size_bytes": content.get("size_bytes"),
        "announced_sha256": content.get("sha256"),
        "modified_at": content.get("modified_at"),
        "correlationid": record.correlationid,
        "witnesses": 1,
    }
    former = (record.version or 1) - 1
    return [row, {"file": record.subject, "version": former, "is_superseded": True}] if former else [row]


_WORK = ("role", "purpose", "work_class", "priority", "stream_version", "witness")


@file_version.on(facts.FileArrived)
def arrived(record: Record) -> list[Row]:
    """New content."""
    return _begun(record, _members(record.data, *_WORK))


@file_version.on(facts.FileConflicted)
def conflicted(record: Record) -> list[Row]:
    """New content that the stream does not allow."""
    problem = _members(record.data, "code", "message", "stream_version", "witness")
    return _begun(record, {**problem, "failure_class": "data"})


@file_version.on(facts.FileAdopted)
def adopted(record: Record) -> list[Row]:
    """Content that an archive had before us."""
    content, stored = record.data["content"], record.data.get("object") or {}
    read = _members(content, "size_bytes", "sha256") if record.data["verified"] else {}
    return _begun(record, {**read, "bucket": stored.get("bucket"), "object_key": stored.get("key")})


@file_version.on(facts.FileWitnessed)
def witnessed(record: Record) -> Row:
    """Announced once more."""
    return _moved(record, witnesses=record.data["witnesses"])


@file_version.on(facts.FileStarted)
def started(record: Record) -> Row:
    """A worker reads it."""
    return _moved(record)


@file_version.on(facts.FileValidated)
def validated(record: Record) -> Row:
    """All checks passed."""
    data = record.data
    row = _moved(record, **_members(data, "sha256", "size_bytes", "media_type", "checks_version"))
    row["validated_at"] = record.time
    if (identity := data.get("identity")) is not None:
        row["identity"] = identity["archive_identity"]
    return row


@file_version.on(facts.FileRejected)
def rejected(record: Record) -> Row:
    """The file itself is wrong."""
    data, kept = record.data, record.data.get("quarantine") or {}
    row = _moved(record, **_members(data, "code", "message", "found", "wanted"), failure_class="data")
    row |= {name: data[name] for name in ("sha256", "size_bytes") if data.get(name) is not None}
    return row | {"quarantine_bucket": kept.get("bucket"), "quarantine_key": kept.get("key")}


@file_version.on(facts.FileTransferred)
def transferred(record: Record) -> Row:
    """The archive has it."""
    stored = record.data["object"]
    return _moved(record, bucket=stored["bucket"], object_key=stored["key"])


@file_version.on(facts.FileRegistered)
def registered(record: Record) -> Row:
    """The register has it."""
    return _moved(record, **_members(record.data, "register_table", "row_id"), **NO_PROBLEM)


@file_version.on(facts.FileNotifyFailed)
def notify_failed(record: Record) -> Row:
    """The other side was not told yet."""
    return _moved(
        record, **_members(record.data, "code", "message", "due_at"), failure_class="infrastructure"
    )


@file_version.on(facts.FileFailed)
def failed(record: Record) -> Row:
    """An attempt failed."""
    names = ("code", "failure_class", "message", "found", "wanted", "failed_from", "due_at", "tries_allowed")
    return _moved(record, **_members(record.data, *names))


@file_version.on(facts.FileRetried, facts.FileReprocessed, facts.FileRestored)
def freed(record: Record) -> Row:
    """The problem is no longer open."""
    return _moved(record, **NO_PROBLEM)


@file_version.on(facts.FileDamaged)
def damaged(record: Record) -> Row:
    """The archive's copy is bad."""
    data = record.data
    wrong = {
        "found": data.get("found_sha256"),
        "wanted": data["wanted_sha256"],
        "failed_from": record.fromstate,
    }
    return _moved(record, **(NO_PROBLEM | _members(data, "code", "message") | wrong))


@file_version.on(facts.FileDismissed)
def dismissed(record: Record) -> Row:
    """It will not be taken; the problem it had stays readable."""
    return _moved(record, dismissed_code=record.data["code"], due_at=None)


@file_version.on(facts.FileReopened)
def reopened(record: Record) -> Row:
    """Looked at again, with the problem it had."""
    return _moved(record, dismissed_code=None)


@file_version.on(removal.FileRemoved)
def removed(record: Record) -> Row:
    """Bytes are gone from where they lay, or were left there."""
    row, data = _moved(record), record.data
    if not data["is_gone"]:
        return row
    if data["what"] == "source":
        return row | {"source_removed_at": record.time}
    if data["what"] == "preview":
        return row
    return row | {"quarantine_bucket": None, "quarantine_key": None}


@file_version.on(
    facts.FileDeferred,
    facts.FileAcknowledged,
    facts.FileHeld,
    facts.FileUnheld,
    facts.FileRedriven,
    facts.FileNoted,
    facts.FilePreviewed,
    facts.FileEmbargoed,
    facts.FileExtended,
    facts.FileLifted,
    facts.FileReportIgnored,
    removal.FileRemoving,
    sidecar.FileSidecarLate,
)
def stayed(record: Record) -> Row:
    """Nothing about the version changes but its last fact."""
    return _moved(record)


@file_version.on(sidecar.FilePaired, manifest.FileAttested)
def paired(record: Record) -> Row | None:
    """Its companion is there; of a file that nobody has announced yet, there is no version."""
    return _moved(record) if record.version is not None else None
