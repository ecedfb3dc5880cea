"""Why a file stands where it stands: first cause, found against wanted, who has to act, when, and what would help."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from events.codes import Explained, Kind, explained
from service.beside_told import beside_told, listed_told
from service.helping import NOBODY, Help
from service.waits import Waits, waits_of
from service.wording import human_time, quoted, short
from service.work_told import work_told

__all__ = ["Story", "Why", "why"]

Row = Mapping[str, Any]

_KINDS: Mapping[str, Kind] = {"INVALID": "invalid", "ERROR": "failed", "DISMISSED": "invalid"}
IN_FLIGHT = ("QUEUED", "PROCESSING", "TRANSFERRING", "TRANSFERRED")


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of one file, as rows of the views; ``history`` is newest first, ``items`` are unfinished."""

    subject: str
    now: datetime
    file: Row
    history: tuple[Row, ...] = ()
    failed_checks: tuple[Row, ...] = ()
    warnings: tuple[Row, ...] = ()
    work: Row | None = None
    items: tuple[Row, ...] = ()
    stream: Row | None = None
    gate: Row | None = None
    breakers: tuple[Row, ...] = ()
    ahead: int = 0
    busy: int = 0
    workers: int = 0
    alike: int = 0
    entry: Row | None = None
    listing: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Why:
    """The answer. ``who`` has to act; ``again_at`` is when it goes on by itself; ``meaning`` is the code in words."""

    subject: str
    state: str
    since_at: datetime | None
    because: str
    version: int | None = None
    attempt: int | None = None
    code: str | None = None
    found: str | None = None
    wanted: str | None = None
    first_cause: str | None = None
    evidence: tuple[str, ...] = ()
    who: str = NOBODY
    again_at: datetime | None = None
    help: tuple[Help, ...] = field(default=())
    at: datetime | None = None
    meaning: Explained | None = None


def why(story: Story) -> Why:
    """The reason for the state of the newest version."""
    file = story.file
    told = _RULES[str(file["state"])](story)
    known = {
        "subject": story.subject,
        "state": str(file["state"]),
        "since_at": file["since_at"],
        "version": file["version"],
        "attempt": file["attempt"],
        "evidence": (*told.pop("evidence", ()), *_beside(story)),
        "at": story.now,
    }
    code = told.get("code")
    return Why(
        **known, **told, meaning=explained(code, _KINDS.get(known["state"], "waiting")) if code else None
    )


# --- one rule a state; each gives the members of Why that are its own

Told = dict[str, Any]


def _complete(story: Story) -> Told:
    file = story.file
    return {
        "because": "all critical checks passed, the archive has its bytes as they were read, and the register "
        "has its row",
        "evidence": tuple(_archived(file)),
        "help": (Help(_ask(story, "reprocess"), "to take it through its checks again"),),
    }


def _archived(file: Row) -> Iterator[str]:
    if file.get("object_key"):
        where = f"s3://{file['bucket']}/{file['object_key']}"
        yield f"in the archive: {where}, {file['size_bytes']} bytes, sha256 {file['sha256']}"
    if file.get("register_table"):
        yield f"in the register: {file['register_table']}, row {file['row_id']}"


def _invalid(story: Story) -> Told:
    file = story.file
    sender = _sender(story)
    evidence = [
        f"check {each['check_name']} failed{_part(each)}: {_value(each)}"
        for each in story.failed_checks
        if not _is_said(each, str(file["message"]))
    ]
    if file.get("quarantine_key"):
        evidence.append(f"the original is kept: s3://{file['quarantine_bucket']}/{file['quarantine_key']}")
    return {
        "because": str(file["message"]),
        **_problem(file),
        "first_cause": _announced_by(story),
        "evidence": tuple(evidence),
        "who": f"the sender {sender}" if sender else "the sender",
        "help": (
            Help(
                f"meridian check {_local(file)} --stream {file['stream']}",
                "to see every check of it at your desk",
            ),
            Help(_ask(story, "reprocess"), "if the checks were wrong and are corrected"),
            Help(
                _ask(story, "dismiss"),
                "if it is not wanted; sent again with other content, it is looked at by itself",
            ),
        ),
    }


def _error(story: Story) -> Told:
    file = story.file
    again = file.get("due_at")
    return {
        "because": str(file["message"]),
        **_problem(file),
        "first_cause": _first_failure(story),
        "evidence": tuple(_circumstances(story)),
        "who": NOBODY if again else _actor_for(file),
        "again_at": again,
        "help": tuple(_remedies(story)),
    }


def _circumstances(story: Story) -> Iterator[str]:
    file = story.file
    if story.alike:
        files = "file is" if story.alike == 1 else "files are"
        yield f"{story.alike} other {files} in ERROR for {file['code']} on this stream"
    allowed = file.get("tries_allowed")
    if file.get("due_at"):
        yield f"the next is attempt {int(file['attempt']) + 1}" + (
            f"; {allowed} tries more than the first are made" if allowed else ""
        )
    elif file.get("failure_class") == "transient" and allowed is not None:
        yield f"it was tried {int(file['attempt'])} times, and no more tries are made by themselves"


def _remedies(story: Story) -> Iterator[Help]:
    file = story.file
    code = file["code"]
    if code == "IDENTITY_CONFLICT":
        yield from _identity_remedies(story)
        return
    if code == "CONTENT_CONFLICT":
        yield Help(_ask(story, "reprocess"), "to take the other content as the new version")
        yield Help(_ask(story, "dismiss"), "to leave the earlier version as it is")
        return
    if code == "SAME_CONTENT":
        yield Help(_ask(story, "dismiss"), "if it is the same exposure once more")
        yield Help(f"{_ask(story, 'reprocess')} --same-content allow", "to take both")
        return
    yield Help(_ask(story, "retry"), "to try again now" if file.get("due_at") else "once the cause is gone")
    yield Help(_ask(story, "dismiss"), "if it is not wanted")
    if story.alike:
        filtered = f"meridian file retry --stream {file['stream']} --state ERROR --code {code} --reason '…'"
        yield Help(filtered, f"to try all {story.alike + 1} again")


def _identity_remedies(story: Story) -> Iterator[Help]:
    evidence = _last_data(story, "file.failed").get("evidence") or {}
    identity = evidence.get("archive_identity") or evidence.get("identity") or "IDENTITY"
    yield Help(f"{_ask(story, 'reprocess')} --identity OTHER", "if this file should have another identity")
    yield Help(_ask(story, "dismiss"), "if it is the same exposure once more")
    yield Help(
        f"meridian identity transfer {quoted(str(identity))} --to {quoted(story.subject)} --reason '…'",
        "if the identity belongs to this file; then retry it",
    )


def _dismissed(story: Story) -> Told:
    file = story.file
    fact = next((row for row in story.history if row["type"] == "file.dismissed"), {})
    said = f": {fact['reason']}" if fact.get("reason") else ""
    return {
        "because": f"{fact.get('actor') or 'somebody'} dismissed it{said}",
        "code": file.get("dismissed_code"),
        "first_cause": f"the problem it had: {file['code']}, {short(str(file['message']))}"
        if file.get("code")
        else None,
        "help": (Help(_ask(story, "reopen"), "to look at it again after all"),),
    }


def _in_flight(story: Story) -> Told:
    waits: Waits = waits_of(story)
    return {
        "because": waits.because,
        "code": waits.code,
        "first_cause": waits.first_cause,
        "evidence": waits.evidence,
        "who": waits.who or NOBODY,
        "again_at": waits.again_at,
        "help": tuple(Help(*each) for each in waits.help),
    }


_RULES: Mapping[str, Callable[[Story], Told]] = {
    "COMPLETE": _complete,
    "INVALID": _invalid,
    "ERROR": _error,
    "DISMISSED": _dismissed,
    **dict.fromkeys(IN_FLIGHT, _in_flight),
}


# --- what stands beside the state


def _beside(story: Story) -> Iterator[str]:
    file = story.file
    if file.get("is_held") and file["state"] not in IN_FLIGHT:
        yield f"it is on hold: {file.get('held_reason')}"
    best = file.get("best_version")
    if best is not None and best != file["version"]:
        yield f"version {best} stays the one that counts"
    if file.get("pending"):
        yield f"other content waits until this version ends: {file['pending']['content']['uri']}"
    if file.get("is_tainted"):
        yield "an event of it could not be shown, and nothing later is: see v1.freshness and the projector's log"
    known = (file.get("acknowledged") or {}).get(file.get("code") or "")
    if known:
        yield f"{known.get('by')} knows of {file['code']}: {known.get('reason')}"
    yield from beside_told(file, story.warnings, story.now)
    yield from listed_told(story.entry, story.listing)
    yield from work_told(story.work)


# --- words


def _problem(file: Row) -> Told:
    return {name: file.get(name) for name in ("code", "found", "wanted")}


def _actor_for(file: Row) -> str:
    if file.get("failure_class") == "code":
        return "whoever looks after Meridian's code"
    return "an operator"


def _first_failure(story: Story) -> str | None:
    """The first failure of this version since it was last taken up by a person, where it was not the last one."""
    failures = [
        row
        for row in story.history
        if row["type"] == "file.failed" and row["version"] == story.file["version"]
    ]
    if len(failures) < 2:
        return None
    first = failures[-1]
    data = first["data"] or {}
    when = f"{human_time(first['time'])} in attempt {first['attempt']}"
    return f"{data.get('code')} at {when}: {short(str(data.get('message')))}"


def _announced_by(story: Story) -> str | None:
    arrived = next(
        (
            row
            for row in story.history
            if row["type"] == "file.arrived" and row["version"] == story.file["version"]
        ),
        None,
    )
    return (
        None
        if arrived is None
        else f"the announcement of {arrived['actor']} at {human_time(arrived['time'])}"
    )


def _sender(story: Story) -> str | None:
    arrived = [row for row in story.history if row["type"] in {"file.arrived", "file.conflicted"}]
    return str(arrived[0]["actor"]) if arrived else None


def _last_data(story: Story, kind: str) -> Mapping[str, Any]:
    row = next((row for row in story.history if row["type"] == kind), None)
    return {} if row is None else (row["data"] or {})


def _part(check: Row) -> str:
    return f" in {check['part']}" if check.get("part") else ""


def _is_said(check: Row, message: str) -> bool:
    """Whether the message of the rejection has what this check says."""
    told = str(check.get("message") or "")
    return bool(told) and told in message


def _value(check: Row) -> str:
    value = check.get("value") if check.get("value") is not None else check.get("value_text")
    limit = check.get("threshold") if check.get("threshold") is not None else check.get("threshold_text")
    told = check.get("message") or (f"{value} against {limit}" if limit is not None else str(value))
    return short(str(told))


def _ask(story: Story, verb: str) -> str:
    return f"meridian file {verb} {quoted(story.subject)} --reason '…'"


def _local(file: Row) -> str:
    uri = str(file.get("uri") or "FILE")
    return quoted(uri.removeprefix("file://")) if uri.startswith("file://") else "FILE"
