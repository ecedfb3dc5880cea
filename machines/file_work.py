"""Deciding on work: what workers report about a version, and tries again."""

from collections.abc import Callable

from events import file as facts
from events import file_requests as asks
from events.base import Fact, Request
from events.file_manifest import Attested
from events.types import WarningFinding
from machines.file_manifest import Compared, compared
from machines.file_state import (
    COMPLETE,
    ERROR,
    INVALID,
    PROCESSING,
    QUEUED,
    TRANSFERRED,
    TRANSFERRING,
    File,
    FileState,
    Version,
)
from machines.ruling import Ask, Told

__all__ = ["REPORTS", "WORK", "Rule", "Ruled"]

Ruled = tuple[Fact | Told, FileState, int] | list[str]
"""A fact with the state and the attempt it leads to, or the reasons against."""

Rule = Callable[[File, Version, Ask], Ruled]


def start(_file: File, version: Version, ask: Ask) -> Ruled:
    """A worker begins."""
    return Told(facts.FileStarted, ask.payload.wire()), PROCESSING, version.attempt


def validated(file: File, version: Version, ask: Ask) -> Ruled:
    """Every critical check passed, the bytes are those announced, and the identity is reserved where one is needed."""
    report = ask.payload
    assert isinstance(report, asks.ReportFileValidated)
    reasons = [
        f"critical check {each.check} did not pass: {each.message or each.value}"
        for each in report.qa
        if each.level == "critical" and each.passed is not True
    ]
    announced = version.content.get("sha256")
    if announced is not None and announced != report.sha256:
        reasons.append(
            f"sha256 read {report.sha256[:12]}…, announced {announced[:12]}…; reject with CHECKSUM_MISMATCH"
        )
    if report.identity_required and report.identity is None:
        reasons.append(
            "the stream needs an archive identity and none is reserved; ask identity.reserve first"
        )
    if reasons:
        return reasons
    end = TRANSFERRING if version.transfer else version.came_from or TRANSFERRING
    told = report.wire()
    del told["identity_required"]
    told["brief"] = version.brief(
        sha256=report.sha256,
        size_bytes=report.size_bytes,
        identity=told.get("identity"),
        instrument=_text(report.metadata.get("instrument")),
        obs_start_utc=_text(report.metadata.get("obs_start_utc")),
        membership=told.pop("membership", None),
    )
    if end is not TRANSFERRING and file.pending is not None:
        told["pending"] = file.pending
    found = compared(file, version, sha256=report.sha256, md5=report.md5)
    if found.attested is not None:
        told["attested"] = found.attested
        told["warnings"] = [*told["warnings"], *found.warnings]
    if over := _withdrawn(version, found):
        told["withdraws"] = over
    return Told(facts.FileValidated, told), end, version.attempt


def _withdrawn(version: Version, found: Compared) -> list[str]:
    """Codes of what a former look at the version has warned of: this one takes its place."""
    return sorted({*version.looked, *found.withdraws})


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def reject(file: File, version: Version, ask: Ask) -> Ruled:
    """The file itself is wrong."""
    report = ask.payload
    assert isinstance(report, asks.RejectFile)
    members = {**vars(report), "membership": report.membership or version.work.get("membership")}
    found = compared(file, version, sha256=report.sha256, md5=report.md5)
    members["warnings"] = (*report.warnings, *(WarningFinding(**each) for each in found.warnings))
    members["attested"] = Attested(**found.attested) if found.attested else None
    fact = facts.FileRejected(
        **members, pending=file.pending, withdraws=tuple(_withdrawn(version, found)) or None
    )
    return fact, INVALID, version.attempt


def transferred(_file: File, version: Version, ask: Ask) -> Ruled:
    """Size and SHA-256 as read at the destination equal what was read at the source."""
    report = ask.payload
    assert isinstance(report, asks.ReportFileTransferred)
    reasons = []
    if report.object.sha256 != version.sha256:
        wanted = (version.sha256 or "nothing")[:12]
        reasons.append(
            f"sha256 at the destination {report.object.sha256[:12]}…, wanted {wanted}…; copy again"
        )
    if report.object.size_bytes != version.size_bytes:
        reasons.append(
            f"size at the destination {report.object.size_bytes}, wanted {version.size_bytes}; copy again"
        )
    if reasons:
        return reasons
    told = report.wire()
    told["brief"] = version.brief(object=told["object"])
    return Told(facts.FileTransferred, told), TRANSFERRED, version.attempt


def registered(file: File, version: Version, ask: Ask) -> Ruled:
    """The row stands in the register; ``best`` never moves back."""
    told = ask.payload.wire()
    told["best"] = max(file.best or 0, version.number)
    if (membership := version.work.get("membership")) is not None:
        told["membership"] = membership
    if file.primaries is not None:
        told["primaries"] = file.primaries
    if file.pending is not None:
        told["pending"] = file.pending
    return Told(facts.FileRegistered, told), COMPLETE, version.attempt


def notify_failed(_file: File, version: Version, ask: Ask) -> Ruled:
    """The data did arrive; only the notice did not."""
    return facts.FileNotifyFailed(**vars(ask.payload)), version.state, version.attempt


def previewed(_file: File, version: Version, ask: Ask) -> Ruled:
    """A picture of the version's content, whichever attempt made it and whatever became of the version since."""
    return facts.FilePreviewed(**vars(ask.payload)), version.state, version.attempt


def fail(file: File, version: Version, ask: Ask) -> Ruled:
    """Remember where it failed, so that a retry goes on there."""
    fact = facts.FileFailed(**vars(ask.payload), failed_from=version.state.value, pending=file.pending)
    return fact, ERROR, version.attempt


def retry(file: File, version: Version, ask: Ask) -> Ruled:
    """By the deadline that is still current, or by an operator with a reason; never over a newer version."""
    request = ask.payload
    assert isinstance(request, asks.RetryFile)
    reasons = []
    if request.due_sequence is None and not ask.by_person:
        reasons.append("retry needs a reason, or the sequence of the deadline that asks for it")
    if request.due_sequence is not None and request.due_sequence != version.due_sequence:
        current = version.due_sequence if version.due_sequence is not None else "none"
        reasons.append(
            f"the deadline of sequence {request.due_sequence} is not current; current is {current}"
        )
    newest = file.newest
    if newest is not None and newest.number > version.number:
        reasons.append(f"version {newest.number} has taken the place of version {version.number}")
    end = version.failed_from
    if end is None or not _can_resume(end):
        reasons.append(f"{version.code} is not left by trying again; reprocess or dismiss it instead")
    if reasons or end is None:
        return reasons
    return (
        Told.of(facts.FileRetried, {"due_sequence": request.due_sequence, "brief": version.brief()}),
        end,
        version.attempt + 1,
    )


def _can_resume(state: FileState) -> bool:
    return state in {QUEUED, PROCESSING, TRANSFERRING, TRANSFERRED}


WORK: dict[type[Request], Rule] = {
    asks.StartFile: start,
    asks.ReportFileValidated: validated,
    asks.RejectFile: reject,
    asks.ReportFileTransferred: transferred,
    asks.ReportFileRegistered: registered,
    asks.ReportNotifyFailed: notify_failed,
    asks.ReportFilePreviewed: previewed,
    asks.FailFile: fail,
    asks.RetryFile: retry,
}

REPORTS: frozenset[type[Request]] = frozenset(WORK) - {asks.RetryFile, asks.ReportFilePreviewed}
"""Reports belong to one version and attempt; of any other they are recorded and ignored."""
