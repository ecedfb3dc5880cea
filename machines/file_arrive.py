"""Deciding on arrivals: new content, the same again, other content while work is under way, a conflict."""

from typing import Any

from events.file import Content, FileAdopted, FileArrived, FileConflicted, FileDeferred, FileWitnessed
from events.file_requests import AdoptFile, ArriveFile
from machines.file_state import COMPLETE, DISMISSED, ERROR, INVALID, QUEUED, File, Version
from machines.ruling import Accepted, Ask, Refusal, Ruling, Told

__all__ = ["adopt", "arrive"]


def arrive(file: File, ask: Ask) -> Ruling:
    """A notification: one more witness, a new version, something for later, or a conflict."""
    request = ask.payload
    assert isinstance(request, ArriveFile)
    if request.witness in file.overtaken:
        return _overtaken(file, request)
    known = _version_with(file, request.content)
    if known is not None:
        return _witnessed(known, request)
    newest = file.newest
    if newest is not None and newest.is_in_flight:
        return _deferred(file, newest, request)
    if newest is not None and _conflicts(newest, request):
        return _conflicted(newest, request)
    return _arrived(file, request)


def adopt(file: File, ask: Ask) -> Ruling:
    """A file of an existing archive, taken over as it stands; only where nothing is known of it."""
    request = ask.payload
    assert isinstance(request, AdoptFile)
    newest = file.newest
    if newest is not None:
        return Refusal(
            (f"adopt needs a file nobody has seen, found version {newest.number} in {newest.state}",),
            newest.state,
        )
    if not ask.by_person:
        return Refusal(("adopt needs a reason",), None, ("arrive", "adopt"))
    fact = FileAdopted(
        content=request.content, object=request.object, verified=request.verified, evidence=request.evidence
    )
    return Accepted(fact, None, COMPLETE, version=1, attempt=1)


def is_same(known: dict[str, Any], read_sha256: str | None, new: Content) -> bool:
    """Whether a notification speaks of content that is known: by checksum where both tell, else path, size and time.

    An object that was put again has another time; its ETag tells whether it has other bytes.
    """
    if new.sha256 is not None and known.get("sha256") is not None:
        return bool(new.sha256 == known["sha256"])
    if new.sha256 is not None and read_sha256 is not None:
        return new.sha256 == read_sha256
    told = new.model_dump(mode="json", exclude_none=True)
    third = "etag" if told.get("etag") and known.get("etag") else "modified_at"
    return all(told.get(name) == known.get(name) for name in ("uri", "size_bytes", third))


def _version_with(file: File, content: Content) -> Version | None:
    if not file.versions:
        return None
    newest_first = sorted(file.versions.values(), key=lambda version: -version.number)
    return next((each for each in newest_first if is_same(each.content, each.sha256, content)), None)


def _arrived(file: File, request: ArriveFile) -> Accepted:
    pending = file.pending
    is_follow_up = pending is not None and pending["witness"] == request.witness
    newest = file.newest
    told = request.wire()
    members = {
        "content": told["content"],
        "witness": told["witness"],
        "stream_version": told["stream_version"],
        "role": told["role"],
        "purpose": told["purpose"],
        "work_class": told["work_class"],
        "priority": told["priority"],
        "warnings": told["warnings"],
    }
    if pending is not None and not is_follow_up:
        members["overtaken"] = pending["content"]
    if "pairing" in told:
        members["pairing"] = _pairing(file, told["pairing"])
    fact = Told(FileArrived, members)
    return Accepted(fact, None, QUEUED, version=newest.number + 1 if newest else 1, attempt=1)


def _pairing(file: File, told: dict[str, Any]) -> dict[str, Any]:
    """A sidecar that is there already is not waited for."""
    if "due_at" not in told or file.sidecar is None:
        return told
    return {"sidecar": file.sidecar}


def _witnessed(known: Version, request: ArriveFile) -> Accepted:
    fact = FileWitnessed(content=request.content, witness=request.witness, witnesses=known.witnesses + 1)
    return Accepted(fact, known.state, known.state, known.number, known.attempt)


def _deferred(file: File, newest: Version, request: ArriveFile) -> Ruling:
    pending = file.pending
    if pending is not None and is_same(pending["content"], None, request.content):
        reason = (
            f"this content waits already, behind version {newest.number} in {newest.state}; nothing to do"
        )
        return Refusal((reason,), newest.state, version=newest.number)
    fact = FileDeferred(pending=request.wire(), overtaken=pending["content"] if pending else None)
    return Accepted(fact, newest.state, newest.state, newest.number, newest.attempt)


def _conflicts(newest: Version, request: ArriveFile) -> bool:
    welcome = newest.state in {INVALID, DISMISSED}
    return request.changed_content == "conflict" and not welcome


def _conflicted(newest: Version, request: ArriveFile) -> Accepted:
    found = request.content.sha256 or "no checksum"
    had = newest.sha256 or newest.content.get("sha256") or "no checksum"
    fact = FileConflicted(
        content=request.content,
        witness=request.witness,
        stream_version=request.stream_version,
        message=f"found other content ({found}) than version {newest.number} has ({had}), and the stream wants "
        "names to keep their content; reprocess this version to take it, or dismiss it",
        other_version=newest.number,
        other=Content(**newest.content),
    )
    return Accepted(fact, None, ERROR, version=newest.number + 1, attempt=1)


def _overtaken(file: File, request: ArriveFile) -> Refusal:
    newest = file.newest
    reason = f"the content announced at {request.witness} was overtaken by newer content before its turn; not processed"
    return Refusal((reason,), newest.state if newest else None, version=newest.number if newest else None)
