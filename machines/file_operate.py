"""Deciding on what operators ask: reprocess, dismiss, hold, acknowledge, embargo; and on damage to a copy."""

from typing import Any

from events import file as facts
from events import file_requests as asks
from events.base import Fact, Request
from machines.file_state import COMPLETE, DISMISSED, ERROR, QUEUED, File, Version
from machines.file_work import Rule, Ruled
from machines.ruling import Ask, Told

__all__ = ["OPERATE"]

NEEDS_REASON = "{} needs a reason"
_OF_THE_FILE = ("identity", "program", "same_content")


def reprocess(file: File, version: Version, ask: Ask) -> Ruled:
    """Take the version through its checks again, as a new attempt; the old one is kept."""
    request = ask.payload
    assert isinstance(request, asks.ReprocessFile)
    newest = file.newest
    reasons = [] if ask.by_person else [NEEDS_REASON.format("reprocess")]
    if newest is not None and newest.number != version.number and newest.is_in_flight:
        reasons.append(f"version {newest.number} is in {newest.state}; wait for it, or dismiss it")
    if reasons:
        return reasons
    overrides = {**({} if request.afresh else _said_before(version)), **request.overrides}
    told = {
        "transfer": request.transfer,
        "overrides": overrides,
        "came_from": version.state.value,
        "brief": version.brief(overrides=overrides),
    }
    return Told(facts.FileReprocessed, told), QUEUED, version.attempt + 1


def _said_before(version: Version) -> dict[str, Any]:
    """What somebody has said of the file itself: whoever has it checked once more does not take that back."""
    said: dict[str, Any] = version.work.get("overrides", {})
    return {name: said[name] for name in _OF_THE_FILE if name in said}


def damaged(file: File, version: Version, ask: Ask) -> Ruled:
    """The archive's copy was found bad; ``best`` falls back to what is left."""
    others = (each.number for each in file.versions.values() if each is not version)
    left = [number for number in others if file.versions[number].state is COMPLETE]
    fact = facts.FileDamaged(**vars(ask.payload), best=max(left, default=None))
    return fact, ERROR, version.attempt


def restored(file: File, version: Version, ask: Ask) -> Ruled:
    """Only what was damaged can be restored, and only with the bytes it had."""
    report = ask.payload
    assert isinstance(report, asks.ReportFileRestored)
    reasons = []
    if version.failed_from is not COMPLETE:
        reasons.append(f"restored needs a damaged archive copy, found {version.code}")
    if version.sha256 is not None and report.sha256 != version.sha256:
        reasons.append(f"sha256 of the copy {report.sha256[:12]}…, wanted {version.sha256[:12]}…")
    return reasons or (
        facts.FileRestored(**vars(report), best=max(file.best or 0, version.number)),
        COMPLETE,
        version.attempt,
    )


def dismiss(file: File, version: Version, ask: Ask) -> Ruled:
    """This version will not be taken."""
    if not ask.by_person:
        return [NEEDS_REASON.format("dismiss")]
    members = vars(ask.payload)
    fact = facts.FileDismissed(
        **members,
        dismissed_from=version.state.value,
        pending=file.pending,
        membership=version.work.get("membership"),
    )
    return fact, DISMISSED, version.attempt


def reopen(_file: File, version: Version, ask: Ask) -> Ruled:
    """Back to where it was dismissed from, as a new attempt."""
    if not ask.by_person:
        return [NEEDS_REASON.format("reopen")]
    return (
        Told(facts.FileReopened, {"brief": version.brief()}),
        version.dismissed_from or QUEUED,
        version.attempt + 1,
    )


def acknowledge(_file: File, version: Version, ask: Ask) -> Ruled:
    """The codes are known to an operator."""
    if not ask.by_person:
        return [NEEDS_REASON.format("acknowledge")]
    return facts.FileAcknowledged(**vars(ask.payload)), version.state, version.attempt


def hold(file: File, version: Version, ask: Ask) -> Ruled:
    """No work for now."""
    return _switch(
        facts.FileHeld(), version, ask, against="the file is held already" if file.is_held else None
    )


def unhold(file: File, version: Version, ask: Ask) -> Ruled:
    """Work goes on."""
    return _switch(facts.FileUnheld(), version, ask, against=None if file.is_held else "the file is not held")


def redrive(_file: File, version: Version, ask: Ask) -> Ruled:
    """Parked work has another try. Whether any is parked, dispatch knows; where none is, nothing follows."""
    if not ask.by_person:
        return [NEEDS_REASON.format("redrive")]
    return facts.FileRedriven(), version.state, version.attempt


def note(_file: File, version: Version, ask: Ask) -> Ruled:
    """A remark."""
    return facts.FileNoted(**vars(ask.payload)), version.state, version.attempt


def embargo(_file: File, version: Version, ask: Ask) -> Ruled:
    """By policy, or by an operator with a reason."""
    request = ask.payload
    assert isinstance(request, asks.EmbargoFile)
    if request.policy is None and not ask.by_person:
        return ["embargo needs a policy or a reason"]
    return facts.FileEmbargoed(**vars(request)), version.state, version.attempt


def extend(file: File, version: Version, ask: Ask) -> Ruled:
    """The end of an embargo moves later, never earlier."""
    request = ask.payload
    assert isinstance(request, asks.ExtendFile)
    fact = facts.FileExtended(until=request.until)
    reasons = [] if file.embargoed else ["extend needs an embargo, found none"]
    if file.embargoed and file.embargo_until is None:
        reasons.append("the embargo has no end; lift it first")
    if file.embargo_until is not None and fact.wire()["until"] <= file.embargo_until:
        reasons.append(f"found the end {fact.wire()['until']}, wanted one after {file.embargo_until}")
    return reasons or (fact, version.state, version.attempt)


def lift(file: File, version: Version, ask: Ask) -> Ruled:
    """At its deadline if that is still current, or early by an operator with a reason."""
    request = ask.payload
    assert isinstance(request, asks.LiftFile)
    reasons = [] if file.embargoed else ["lift needs an embargo, found none"]
    if request.due_sequence is None and not ask.by_person:
        reasons.append("lift needs a reason, or the sequence of the deadline that asks for it")
    if request.due_sequence is not None and request.due_sequence != file.embargo_sequence:
        reasons.append(f"the deadline of sequence {request.due_sequence} is not current")
    return reasons or (facts.FileLifted(due_sequence=request.due_sequence), version.state, version.attempt)


def _switch(fact: Fact, version: Version, ask: Ask, *, against: str | None) -> Ruled:
    reasons = [] if ask.by_person else [NEEDS_REASON.format(ask.payload.name.partition(".")[2])]
    if against is not None:
        reasons.append(against)
    return reasons or (fact, version.state, version.attempt)


OPERATE: dict[type[Request], Rule] = {
    asks.ReprocessFile: reprocess,
    asks.ReportFileDamaged: damaged,
    asks.ReportFileRestored: restored,
    asks.DismissFile: dismiss,
    asks.ReopenFile: reopen,
    asks.AcknowledgeFile: acknowledge,
    asks.HoldFile: hold,
    asks.UnholdFile: unhold,
    asks.RedriveFile: redrive,
    asks.NoteFile: note,
    asks.EmbargoFile: embargo,
    asks.ExtendFile: extend,
    asks.LiftFile: lift,
}
