"""The machine of files: what is decided about a request, and how the answer is folded."""

from collections.abc import Callable
from functools import partial
from typing import Any

from events import file as facts
from events import file_requests as asks
from events.base import Request
from events.envelope import Record
from events.file_manifest import AttestFile
from events.file_sidecar import PairFile
from machines.file_arrive import adopt, arrive
from machines.file_fold import fold
from machines.file_life import FILE_LIFE
from machines.file_manifest import attest
from machines.file_operate import OPERATE
from machines.file_remove import REMOVE
from machines.file_sidecar import SIDECARS, pair
from machines.file_state import NOTHING, File, Version
from machines.file_work import REPORTS, WORK
from machines.ruling import Accepted, Ask, Refusal, Ruling, Told

__all__ = ["FILE", "FileMachine"]

RULES = {**WORK, **OPERATE, **REMOVE, **SIDECARS}
WHOLE: dict[type[Request], Callable[[File, Ask], Ruling]] = {
    asks.ArriveFile: arrive,
    asks.AdoptFile: adopt,
    PairFile: pair,
    AttestFile: attest,
}
"""Requests about the file as a whole, whichever versions there are."""

_accepted: Callable[[tuple[Any, ...]], Accepted] = partial(tuple.__new__, Accepted)
"""In a third of the time that the ruling's own function takes."""


class FileMachine:
    """Subjects are ``<stream>/<logical name>``; a request names a version, or means the newest."""

    name = "file"
    fold_version = 7
    life = FILE_LIFE

    def new(self) -> File:
        """A file of which nothing is known."""
        return File()

    def decide(self, state: File, ask: Ask) -> Ruling:
        """One fact or one refusal with reasons."""
        asked = type(ask.payload)
        whole = WHOLE.get(asked)
        if whole is not None:
            return whole(state, ask)
        version = _addressed(state, ask)
        if isinstance(version, Refusal):
            return version
        if asked in REPORTS and (stale := _stale(version, ask)) is not None:
            return stale
        return _ruled(state, version, ask, asked)

    def evolve(self, state: File, record: Record) -> None:
        """Fold one fact."""
        fold(state, record)

    def where(self, state: File) -> str | None:
        """The state of the newest version."""
        newest = state.newest
        return str(newest.state) if newest else None

    def allowed(self, state: File) -> tuple[str, ...]:
        """Requests that the newest version's state allows."""
        newest = state.newest
        return FILE_LIFE.allowed(newest.state if newest else NOTHING)

    def dump(self, state: File) -> dict[str, Any]:
        """As JSON members."""
        return state.dump()

    def load(self, dumped: dict[str, Any]) -> File:
        """From what ``dump`` gave."""
        return File.load(dumped)


def _addressed(file: File, ask: Ask) -> Version | Refusal:
    number = ask.envelope.version
    version = file.versions.get(number or 0)
    if version is not None:
        return version
    newest = file.newest
    if newest is None:
        reason = "nothing is known of this file; check the name, or announce it first"
        return Refusal((reason,), None, FILE_LIFE.allowed(NOTHING), code="UNKNOWN_SUBJECT")
    if number is None:
        return newest
    reason = f"found version {number}, wanted one of {min(file.versions)} to {newest.number}"
    return Refusal((reason,), newest.state, FILE_LIFE.allowed(newest.state), version=newest.number)


def _stale(version: Version, ask: Ask) -> Ruling | None:
    envelope = ask.envelope
    if envelope.version is None or envelope.attempt is None:
        found = f"{envelope.version}/{envelope.attempt}"
        reason = f"{envelope.type} is a report: it has to carry version and attempt; found {found}"
        return _against(version, [reason])
    if envelope.attempt == version.attempt:
        return None
    fact = facts.FileReportIgnored(
        report=envelope.type,
        reported_version=envelope.version,
        reported_attempt=envelope.attempt,
        wanted_version=version.number,
        wanted_attempt=version.attempt,
    )
    return Accepted(fact, version.state, version.state, version.number, version.attempt)


def _ruled(file: File, version: Version, ask: Ask, asked: type[Request]) -> Ruling:
    sources, state = FILE_LIFE.sources(asked), version.state
    if state not in sources:
        short = ask.payload.name.partition(".")[2]
        wanted = " or ".join(sources)
        return _against(version, [f"{short} needs {wanted}, found {state}"])
    ruled = RULES[asked](file, version, ask)
    if isinstance(ruled, list):
        return _against(version, ruled)
    fact, end, attempt = ruled
    FILE_LIFE.require(fact.kind if isinstance(fact, Told) else type(fact), state, end)
    return _accepted((fact, state, end, version.number, attempt))


def _against(version: Version, reasons: list[str]) -> Refusal:
    allowed = FILE_LIFE.allowed(version.state)
    return Refusal(tuple(reasons), version.state, allowed, version=version.number, attempt=version.attempt)


FILE = FileMachine()
