"""An audit of the arena between injections: the load rests, everything catches up, and the auditor looks."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from events.log import LogError
from service.audit import Findings, Offender
from service.audit.audit import audit_site
from service.decider.halts import StoreUnavailableError
from service.faults.arena import Arena
from service.faults.aside import aside
from service.faults.load import Load
from service.faults.tally import Counters

__all__ = ["Audited", "audited"]

_TICK_S = 0.05

_OF_THE_LEDGER = ("duplicated", "out_of_order", "unfenced")
"""What is wrong with the ledger is wrong however far the others have read it."""


@dataclass(frozen=True)
class Audited:
    """What was found, of how many things looked at, and one line about it."""

    counters: Counters
    line: str
    offenders: tuple[str, ...] = ()
    looked_at: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """All zero."""
        return not any(self.counters.values())


def audited(arena: Arena, load: Load, *, settle_s: float) -> Audited:
    """Rest, settle, audit. What has not settled in time is stuck, and of the audit only the ledger's part counts."""
    began = time.monotonic()
    load.rest()
    while not (load.is_at_rest and _has_caught_up(arena, load)):
        if time.monotonic() - began > settle_s:
            return _unsettled(arena, load, settle_s)
        arena.tend()
        time.sleep(_TICK_S)
    try:
        findings = _findings(arena, load, settle_s=settle_s)
    except (LogError, StoreUnavailableError) as error:
        return Audited({"stuck": 1}, f"       audit: {error}", (f"stuck: the audit found {error}",))
    counters = {name: each.found for name, each in findings.counters.items()}
    counters["divergent"] += (
        findings.tainted.n
    )  # nothing that the matrix does may put a subject into quarantine
    raised = ", ".join(f"{name} {found}" for name, found in findings.raised.items()) or "all zero"
    sent = (
        f"{load.progress.requests} requests, {load.progress.announced} files, {load.programs_over} programs"
    )
    tainted = f", tainted {findings.tainted.n}" if findings.tainted.n else ""
    line = f"       audit: {raised}{tainted}; {sent}; {time.monotonic() - began:.1f} s"
    return Audited(counters, line, _offenders(findings), {n: each.n for n, each in findings.counters.items()})


def _findings(arena: Arena, load: Load, *, settle_s: float) -> Findings:
    work = aside(lambda: audit_site(arena.wiring, expected=load.expected, settle_s=settle_s))
    while True:
        try:
            next(work)
        except StopIteration as done:
            found: Findings = done.value
            return found
        arena.tend()
        time.sleep(_TICK_S)


def _offenders(findings: Findings) -> tuple[str, ...]:
    return tuple(
        _in_words(name, offender)
        for name, counter in findings.counters.items()
        for offender in counter.offenders
    )


def _in_words(name: str, offender: Offender) -> str:
    where = f" at {offender.position}" if offender.position else ""
    return f"{name}: {offender.subject}{where}: found {offender.found}, wanted {offender.wanted}"


def _has_caught_up(arena: Arena, load: Load) -> bool:
    seen, acknowledged = arena.watch.seen, load.progress.acknowledged
    return (
        all(seen.next_request.get(number, 0) > offset for number, offset in acknowledged.items())
        and all(seen.projected.get(number, 0) >= end for number, end in seen.saved.items())
        and all(seen.dispatched.get(number, 0) >= end for number, end in seen.saved.items())
        and seen.complete >= load.progress.announced
        and seen.others >= len(load.progress.others)
        and not seen.short_of(dict(load.progress.programs))
    )


def _unsettled(arena: Arena, load: Load, settle_s: float) -> Audited:
    short = arena.watch.seen.short_of(dict(load.progress.programs))
    programs = f"programs: {'; '.join(short) or 'all where they have to be'}"
    sent = f"acknowledged {load.progress.acknowledged}, announced {load.progress.announced}, {programs}"
    reason = (
        f"stuck: {settle_s:.0f} s after the last injection found {arena.watch.seen}, wanted all of {sent}"
    )
    try:
        found = _findings(arena, load, settle_s=0.0).counters
    except (LogError, StoreUnavailableError) as error:
        line = f"       audit: {reason}; the ledger was not audited: {error}"
        return Audited({"stuck": 1}, line, (reason,))
    raised = {name: found[name].found for name in _OF_THE_LEDGER if found[name].found}
    worse = "".join(f"; {name} {count}" for name, count in raised.items())
    told = [_in_words(name, each) for name in raised for each in found[name].offenders]
    return Audited({"stuck": 1, **raised}, f"       audit: {reason}{worse}", (reason, *told))
