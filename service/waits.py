"""What a file in flight waits for: a hold, its stream, a server, a person, its turn, or the work that is being done."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from service.trust_told import trust_of
from service.wording import counted, human_time, quoted, short

__all__ = ["Told", "Waits", "waits_of"]

Row = Mapping[str, Any]

OPERATOR = "an operator"
WORKED_ON = ("Enabled", "Offline")
EFFECTS = {
    "ingest": "being read and checked",
    "transfer": "being copied to the archive",
    "register": "being entered in its register",
}


class Told(Protocol):
    """What is looked at of a story."""

    @property
    def subject(self) -> str: ...
    @property
    def now(self) -> datetime: ...
    @property
    def file(self) -> Row: ...
    @property
    def items(self) -> tuple[Row, ...]: ...
    @property
    def stream(self) -> Row | None: ...
    @property
    def gate(self) -> Row | None: ...
    @property
    def breakers(self) -> tuple[Row, ...]: ...
    @property
    def ahead(self) -> int: ...
    @property
    def busy(self) -> int: ...
    @property
    def workers(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Waits:
    """The one thing that stands in the way first."""

    because: str
    who: str | None = None
    code: str | None = None
    first_cause: str | None = None
    again_at: datetime | None = None
    evidence: tuple[str, ...] = ()
    help: tuple[tuple[str, str], ...] = ()


def waits_of(story: Told) -> Waits:
    """Asked in the order in which one thing hides the next."""
    for rule in (
        _held,
        _of_stream,
        _parked,
        _reported,
        _at_work,
        _resting,
        _not_before,
        _server_away,
        _in_turn,
    ):
        found = rule(story)
        if found is not None:
            return found
    return _nothing_owed(story)


def _held(story: Told) -> Waits | None:
    file = story.file
    if not file.get("is_held"):
        return None
    because = f"it is on hold since {human_time(file.get('held_at'))}: {file.get('held_reason')}"
    return Waits(
        because,
        OPERATOR,
        help=((f"meridian file unhold {quoted(story.subject)} --reason '…'", "to let work go on"),),
    )


def _of_stream(story: Told) -> Waits | None:
    stream = story.stream
    name = story.subject.partition("/")[0]
    if stream is None:
        return Waits(
            f"the stream {name} is not configured",
            OPERATOR,
            help=((f"meridian stream apply {name}.toml --enable", ""),),
        )
    if stream.get("held"):
        because = f"its stream {name} is on hold since {human_time(stream.get('held_at'))}: {stream.get('held_reason')}"
        return Waits(
            because,
            OPERATOR,
            help=((f"meridian stream unhold {name}", "to let work on all its files go on"),),
        )
    if stream["state"] in WORKED_ON:
        return None
    because = f"its stream {name} is {stream['state']}: files are taken in and queued, and no work is done"
    return Waits(because, OPERATOR, help=tuple(_to_enabled(name, str(stream["state"]))))


def _to_enabled(name: str, state: str) -> Iterator[tuple[str, str]]:
    steps = {"Fault": ("standby", "start", "enable"), "Standby": ("start", "enable"), "Disabled": ("enable",)}
    for step in steps.get(state, ()):
        yield f"meridian stream {step} {name}", "so that its files are worked on"


def _parked(story: Told) -> Waits | None:
    item = _first(story, "parked")
    if item is None:
        return None
    because = f"the work on it can't go on without a person: {short(str(item.get('parked_reason')))}"
    name = quoted(story.subject)
    help_ = ((f"meridian work redrive {name} --reason '…'", "once the cause is gone"),)
    behind = len(story.items) - 1
    evidence = (f"{counted(behind, 'item')} of work on it {'waits' if behind == 1 else 'wait'} behind that",)
    return Waits(
        because, OPERATOR, code=item.get("last_code"), evidence=evidence if behind else (), help=help_
    )


def _reported(story: Told) -> Waits | None:
    item = _first(story, "reported")
    if item is None:
        return None
    because = f"the worker's report of {human_time(item.get('reported_at'))} is not decided yet"
    help_ = (("meridian status", "shows whether a decider runs, and whether it stands still"),)
    return Waits(because, help=help_)


def _at_work(story: Told) -> Waits | None:
    item = _first(story, "leased")
    if item is None:
        return None
    worker = item.get("lease_owner")
    until = item.get("lease_until")
    if until is not None and until < story.now:
        return Waits(
            f"its worker {worker} has given no sign since {human_time(until)}; another one will take it"
        )
    return Waits(f"it is {EFFECTS.get(str(item['effect']), 'being worked on')} by {worker}")


def _resting(story: Told) -> Waits | None:
    gate = story.gate
    if gate is None or _first(story, "open") is None:
        return None
    because = f"all work rests since {human_time(gate['since'])}: {gate['reason']}"
    return Waits(because, evidence=("work goes on by itself once what was missed is known",))


def _not_before(story: Told) -> Waits | None:
    item = _first(story, "open")
    due = item.get("due_at") if item is not None else None
    if item is None or due is None or due <= story.now:
        return None
    cause = short(str(item.get("last_error"))) if item.get("last_error") else "it was tried and has to wait"
    return Waits(cause, code=item.get("last_code"), again_at=due)


def _server_away(story: Told) -> Waits | None:
    item = _first(story, "open")
    if item is None or not story.breakers:
        return None
    away = story.breakers[0]
    said = short(str(away.get("last_error")))
    if away["retry_at"] <= story.now:
        because = (
            f"{away['dependency']} was away since {human_time(away['since'])}, and is trusted with little yet"
        )
        return Waits(
            because, code=away.get("code"), evidence=(f"it had said: {said}", "work goes on by itself")
        )
    because = f"{away['dependency']} does not answer since {human_time(away['since'])}: {said}"
    return Waits(
        because,
        code=away.get("code"),
        again_at=away.get("retry_at"),
        evidence=("work goes on by itself once it answers",),
    )


def _in_turn(story: Told) -> Waits | None:
    if _first(story, "open") is None:
        return None
    before = f"{counted(story.ahead, 'file')} of its stream before it"
    if story.workers == 0:
        help_ = (
            ("meridian up", "starts workers on this machine"),
            ("meridian run consumers", "runs them in the foreground"),
        )
        return Waits(f"no worker runs, so nobody takes it; {before}", OPERATOR, help=help_)
    behind = trust_of(story.stream or {}).why
    evidence = () if behind is None else (f"its stream goes behind others while these have work: {behind}",)
    return Waits(f"it waits for its turn: {before}, {story.busy} items under way", evidence=evidence)


def _nothing_owed(story: Told) -> Waits:
    because = f"it is {story.file['state']} and no work is noted for it: dispatch has not read that yet, or it was lost"
    help_ = (
        ("meridian status", "shows how far dispatch is; the reconciler notes lost work again within minutes"),
    )
    return Waits(because, help=help_)


def _first(story: Told, state: str) -> Row | None:
    return next((item for item in story.items if item["state"] == state), None)
