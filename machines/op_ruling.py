"""What a rule about observing programs answers, and what several rules ask: which attempt, whether it may go on."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from events.base import Fact
from events.op import OpReportIgnored
from events.op_parts import ClaimHeld
from events.types import format_time
from machines.op_state import Attempt, AttemptState, Op
from machines.ruling import Ask

__all__ = [
    "NEEDS_REASON",
    "Against",
    "OfAttempt",
    "Rule",
    "Ruled",
    "addressed",
    "failed",
    "leased",
    "members",
    "of_attempt",
    "reported",
    "short",
    "told",
]

NEEDS_REASON = "{} needs a reason"


class OfAttempt(NamedTuple):
    """A fact about an attempt, by its number."""

    fact: Fact
    attempt: int


class Against(NamedTuple):
    """Why not, and who holds what was wanted."""

    reasons: list[str]
    held_by: tuple[ClaimHeld, ...] = ()


Ruled = Fact | OfAttempt | Against | list[str]
Rule = Callable[[Op, Ask], Ruled]


def short(ask: Ask) -> str:
    """The request without its machine's name."""
    return ask.payload.name.partition(".")[2]


def members(ask: Ask, *but: str) -> dict[str, Any]:
    """The request's members as they are, but for these."""
    return {name: value for name, value in vars(ask.payload).items() if name not in but}


def addressed(op: Op, ask: Ask, *wanted: AttemptState) -> Attempt | list[str]:
    """The attempt that the envelope names, or the only one that the request can mean; it has to be in ``wanted``."""
    number = ask.envelope.attempt
    if number is None:
        found = [each for each in op.attempts.values() if each.state in wanted]
        mine = [each for each in found if each.claimant == ask.envelope.actor]
        chosen = mine if len(mine) == 1 else found
        if len(chosen) != 1:
            numbers = ", ".join(str(each.number) for each in found) or "none"
            return [f"{short(ask)} needs one attempt in {' or '.join(wanted)}, found {numbers}; name it"]
        return chosen[0]
    attempt = op.attempts.get(number)
    if attempt is None:
        known = ", ".join(map(str, sorted(op.attempts))) or "none"
        return [f"found attempt {number}, wanted one that is known: {known}"]
    if attempt.state not in wanted:
        return [f"{short(ask)} needs attempt {number} in {' or '.join(wanted)}, found {attempt.state}"]
    return attempt


def failed(op: Op, part: str) -> list[str]:
    """What failed, this part or the OP as a whole, goes on only after it has recovered."""
    return [
        f"{each} failed at {op.failures[each]['step']} ({op.failures[each]['code']}); recover it first"
        for each in (part, "op")
        if each in op.failures
    ]


def reported(op: Op, ask: Ask, wanted: AttemptState, *, on: str) -> Attempt | OfAttempt | list[str]:
    """The attempt that a worker's report is about, ``on`` its current ``round`` or ``publication``.

    A report on an earlier one is recorded and changes nothing; one that says nothing of it is on the current one.
    """
    attempt = addressed(op, ask, wanted)
    if isinstance(attempt, list):
        return attempt
    found, now = getattr(ask.payload, on), getattr(attempt, on)
    if found is None or found == now:
        return attempt
    told = f"{on} {found} of attempt {attempt.number}, now {now}"
    return OfAttempt(
        OpReportIgnored(report=ask.payload.name, program=attempt.program, found=told), attempt.number
    )


def of_attempt(attempt: Attempt, state: AttemptState) -> dict[str, Any]:
    """What every fact about an attempt says."""
    return {"program": attempt.program, "claimant": attempt.claimant, "attempt_state": state}


def leased(begin: datetime, seconds: int, *, until: str = "") -> dict[str, Any]:
    """The times of a lease; the first warning is due at 75 %. ``until``: it ends then, if that is later."""
    end = begin + timedelta(seconds=seconds)
    if until:
        end = max(end, datetime.fromisoformat(until))
    return {"lease_from": begin, "lease_until": end, "due_at": begin + (end - begin) * 0.75}


def told(moment: datetime) -> str:
    """A time as it stands in the state."""
    return format_time(moment)
