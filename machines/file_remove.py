"""Deciding on bytes that are no longer needed where they lie. Nothing goes before its copy is proven."""

from collections.abc import Callable
from datetime import datetime

from events import file_removal as removal
from events.base import Request
from machines.file_state import COMPLETE, DISMISSED, ERROR, INVALID, File, Version
from machines.file_work import Rule, Ruled
from machines.ruling import Ask, Told

__all__ = ["REMOVE"]

_SET_ASIDE = frozenset({INVALID, ERROR, DISMISSED})


def remove(file: File, version: Version, ask: Ask) -> Ruled:
    """A source once its copy is proven and nobody has a question left; an original once nobody works on it; a picture.

    A hold keeps the file's own bytes, and its picture with them: somebody is looking into it.
    """
    request = ask.payload
    assert isinstance(request, removal.RemoveFile)
    reasons = [] if request.policy is not None or ask.by_person else ["remove needs a policy or a reason"]
    if file.is_held:
        reasons.append("the file is held; release it first")
    if request.what in version.removed:
        reasons.append(f"its {request.what} has been removed already")
    reasons += _AGAINST[request.what](file, version, ask.envelope.time)
    if reasons:
        return reasons
    told = {
        "what": request.what,
        "place": _place(version, request.what),
        "policy": request.policy,
        "because": request.because,
        "brief": version.brief(),
    }
    return Told.of(removal.FileRemoving, told), version.state, version.attempt


def removed(_file: File, version: Version, ask: Ask) -> Ruled:
    """A worker's word on it."""
    return removal.FileRemoved(**vars(ask.payload)), version.state, version.attempt


def _against_source(file: File, version: Version, asked_at: str | None) -> list[str]:
    """Why the source may not go."""
    reasons = []
    if version.state is not COMPLETE:
        reasons.append(f"a source goes once its version is COMPLETE, found {version.state}")
    stored = version.object or {}
    if not version.sha256 or (stored.get("sha256"), stored.get("size_bytes")) != (
        version.sha256,
        version.size_bytes,
    ):
        reasons.append("no copy is proven to have its bytes; verify or copy it first")
    if stored.get("in_place"):
        reasons.append("the source is the archived file itself: the stream copies nothing")
    open_warnings = sorted(code for code in set(version.warnings) if not _is_known(file, code, asked_at))
    if open_warnings:
        reasons.append(f"warnings are open: {', '.join(open_warnings)}; look into them and acknowledge them")
    uri = version.content.get("uri")
    others = [
        each.number
        for each in file.versions.values()
        if each is not version and each.content.get("uri") == uri
    ]
    waiting = [number for number in others if file.versions[number].state is not COMPLETE]
    if waiting or file.pending is not None:
        newer = f"version {max(waiting)}" if waiting else "content that waits for its turn"
        reasons.append(f"{newer} may lie at the same place; it has to end first")
    return reasons


def _is_known(file: File, code: str, asked_at: str | None) -> bool:
    """An acknowledgement with an end stands while that lies ahead of the request, by the request's own time."""
    until = file.acknowledged.get(code)
    if not until:
        return until is not None
    try:
        return datetime.fromisoformat(asked_at or "") < datetime.fromisoformat(until)
    except (TypeError, ValueError):  # no time, or one that says of no zone: nobody can tell
        return False


def _against_original(_file: File, version: Version, _asked_at: str | None) -> list[str]:
    """Why the original in quarantine may not go."""
    reasons = []
    if version.quarantine is None:
        reasons.append("no original of this version was put aside")
    if version.state not in _SET_ASIDE:
        reasons.append(f"an original goes once nobody works on its version, found {version.state}")
    return reasons


def _against_preview(_file: File, version: Version, _asked_at: str | None) -> list[str]:
    """Why the picture may not go."""
    return [] if version.preview is not None else ["no picture of this version lies in the archive"]


_AGAINST: dict[str, Callable[[File, Version, str | None], list[str]]] = {
    "source": _against_source,
    "quarantine": _against_original,
    "preview": _against_preview,
}


def _place(version: Version, what: str) -> str:
    if what == "source":
        return str(version.content["uri"])
    if what == "preview":
        return str(version.preview)
    aside = version.quarantine or {}
    return f"s3://{aside['bucket']}/{aside['key']}"


REMOVE: dict[type[Request], Rule] = {removal.RemoveFile: remove, removal.ReportFileRemoved: removed}
