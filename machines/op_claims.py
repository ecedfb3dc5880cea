"""Deciding on claims: who works on a program, for how long, beside whom, and how a claim ends."""

from datetime import datetime, timedelta
from typing import Any, Literal

from events import op_asks as asks
from events import op_attempts as facts
from events.base import Request
from machines.op_ruling import (
    NEEDS_REASON,
    Against,
    OfAttempt,
    Rule,
    Ruled,
    addressed,
    failed,
    leased,
    of_attempt,
    short,
)
from machines.op_state import Attempt, AttemptState, Op, Program, ProgramState
from machines.ruling import Ask

__all__ = ["CLAIMS", "orcid_against"]

A = AttemptState
OPEN_AT_MOST = 32
"""Attempts that hold programs of one OP at a time."""


def claim(op: Op, ask: Ask) -> Ruled:
    """A new attempt, where nobody holds the program, or where the request names who does and why that is fine."""
    request = ask.payload
    assert isinstance(request, asks.ClaimOp)
    program = _claimed(op, request)
    if isinstance(program, list):
        return program
    claimant = request.claimant or ask.envelope.actor
    held = op.open_on(program.name)
    reasons = [
        *_not_to_claim(op, program, request),
        *_beside(held, claimant, request, ask),
        *_person(ask, request, claimant),
    ]
    if (request.rank or 1) > 1 and not ask.by_person:
        reasons.append(f"it is number {request.rank} in the queue; out of order needs a reason")
    if reasons:
        return Against(reasons, tuple(each.held() for each in held))
    fact = facts.OpClaimed(
        program=program.name,
        claimant=claimant,
        attempt_state=A.WORKING,
        **leased(request.lease_from, request.lease_s),
        orcid=request.orcid,
        cover=program.covers,
        beside=tuple(each.number for each in held),
        rank=request.rank,
        score=request.score,
        location=(program.staged or {}).get("location"),
        restage=True if program.wants_inputs and not (program.staged or {}).get("asked") else None,
    )
    return OfAttempt(fact, op.attempts_begun + 1)


def extend(op: Op, ask: Ask) -> Ruled:
    """The lease begins anew; it never ends earlier than it would have."""
    request = ask.payload
    assert isinstance(request, asks.ExtendOp)
    attempt = _working(op, ask)
    if isinstance(attempt, list):
        return attempt
    times = leased(request.lease_from, request.lease_s)
    if times["lease_until"] <= datetime.fromisoformat(attempt.lease_until):
        return [f"the lease would end at {times['lease_until']}, it ends at {attempt.lease_until} already"]
    return OfAttempt(facts.OpExtended(**of_attempt(attempt, A.WORKING), **times), attempt.number)


def hand_over(op: Op, ask: Ask) -> Ruled:
    """Somebody else goes on; the former claimant may not review it either."""
    request = ask.payload
    assert isinstance(request, asks.HandOverOp)
    attempt = _working(op, ask)
    if isinstance(attempt, list):
        return attempt
    others = [each for each in op.open_on(attempt.program) if each.claimant == request.to]
    reasons = _orcid_against(request, request.to)
    if others:
        reasons.append(f"{request.to} has attempt {others[0].number} at program {attempt.program} already")
    if reasons:
        return reasons
    fact = facts.OpHandedOver(
        program=attempt.program,
        claimant=request.to,
        attempt_state=A.WORKING,
        former=attempt.claimant,
        orcid=request.orcid,
        **leased(request.lease_from, request.lease_s),
    )
    return OfAttempt(fact, attempt.number)


def release(op: Op, ask: Ask) -> Ruled:
    """The claim is given back."""
    attempt = _working(op, ask)
    if isinstance(attempt, list):
        return attempt
    return OfAttempt(facts.OpReleased(**of_attempt(attempt, A.RELEASED)), attempt.number)


def lease_due(op: Op, ask: Ask) -> Ruled:
    """A warning at 75 %, one at 95 %, then the end; only of a deadline that is still current."""
    request = ask.payload
    assert isinstance(request, asks.LeaseDueOp)
    found = [each for each in op.attempts.values() if each.due_sequence == request.due_sequence]
    if not found or found[0].state is not A.WORKING:
        return [f"the deadline of sequence {request.due_sequence} is not current"]
    attempt = found[0]
    begin, end = datetime.fromisoformat(attempt.lease_from), datetime.fromisoformat(attempt.lease_until)
    told: dict[str, Any] = {"due_sequence": request.due_sequence, "lease_until": end}
    if attempt.warned == 95:
        fact = facts.OpReleased(**of_attempt(attempt, A.RELEASED), expired=True, **told)
        return OfAttempt(fact, attempt.number)
    percent: Literal[75, 95] = 95 if attempt.warned == 75 else 75
    next_at = end if percent == 95 else begin + timedelta(seconds=(end - begin).total_seconds() * 0.95)
    warned = facts.OpLeaseWarned(**of_attempt(attempt, A.WORKING), percent=percent, due_at=next_at, **told)
    return OfAttempt(warned, attempt.number)


def orcid_against(orcid: str | None) -> list[str]:
    """Whether the last digit of an ORCID is what the others give (ISO 7064, 11-2)."""
    if orcid is None:
        return []
    digits = orcid.replace("-", "")
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    wanted = (12 - total % 11) % 11
    if digits[-1] == ("X" if wanted == 10 else str(wanted)):
        return []
    return [f"found the ORCID {orcid}, whose last digit does not fit the others; check it"]


def _claimed(op: Op, request: asks.ClaimOp) -> Program | list[str]:
    again = isinstance(request, asks.ReinvertOp)
    if request.program is not None:
        program = op.programs.get(request.program)
        known = ", ".join(sorted(op.programs)) or "none"
        return program or [
            f"found the instrument program {request.program}, wanted one that is known: {known}"
        ]
    fit = [
        each
        for each in op.programs.values()
        if each.state is ProgramState.PREPROCESSED and (op.public_of(each.name) is not None) is again
    ]
    if len(fit) == 1:
        return fit[0]
    names = ", ".join(each.name for each in fit) or "none"
    return [f"claim needs one program in {ProgramState.PREPROCESSED}, found {names}; name it"]


def _not_to_claim(op: Op, program: Program, request: asks.ClaimOp) -> list[str]:
    reasons = failed(op, f"program:{program.name}")
    if program.state is not ProgramState.PREPROCESSED:
        wanted = ProgramState.PREPROCESSED
        reasons.append(f"claim needs the program {program.name} in {wanted}, found {program.state}")
    if op.is_held:
        reasons.append("the OP is held; unhold it first")
    public = op.public_of(program.name)
    if isinstance(request, asks.ReinvertOp):
        if public is None:
            reasons.append(f"reinvert needs a published program, found none of {program.name}; claim it")
    elif public is not None:
        reasons.append(f"program {program.name} is published, by attempt {public.number}; ask to reinvert it")
    if sum(each.is_open for each in op.attempts.values()) >= OPEN_AT_MOST:
        reasons.append(f"found {OPEN_AT_MOST} open attempts; release some first")
    return reasons


def _beside(held: list[Attempt], claimant: str, request: asks.ClaimOp, ask: Ask) -> list[str]:
    if any(each.claimant == claimant for each in held):
        return [f"{claimant} has the claim already"]
    if not held or ({each.number for each in held} == set(request.beside) and ask.by_person):
        return []
    return [
        f"attempt {each.number} of {each.claimant} holds {each.program} until {each.lease_until} ({each.state}); "
        "name it (beside) and give a reason to work beside it"
        for each in held
    ]


def _person(ask: Ask, request: asks.ClaimOp, claimant: str) -> list[str]:
    reasons = _orcid_against(request, claimant)
    if claimant != ask.envelope.actor and not ask.by_person:
        reasons.append(f"{ask.envelope.actor} claims for {claimant}: that needs a reason")
    return reasons


def _orcid_against(request: asks.ClaimOp | asks.HandOverOp, claimant: str) -> list[str]:
    """Who it is has to be known where the policy wants that; it came with the request, as it is in force."""
    if request.orcid is None and request.orcid_wanted:
        return [f"found no ORCID of {claimant}, wanted one by the policy in force; say --orcid"]
    return orcid_against(request.orcid) or ([request.orcid_against] if request.orcid_against else [])


def _working(op: Op, ask: Ask) -> Attempt | list[str]:
    """An attempt in Working that the actor may speak for: the claimant, or an operator with a reason."""
    attempt = addressed(op, ask, A.WORKING)
    if isinstance(attempt, list):
        return attempt
    if ask.envelope.actor != attempt.claimant and not ask.by_person:
        return [f"{short(ask)} is for {attempt.claimant}, who has attempt {attempt.number}; {_OR_REASON}"]
    return attempt


_OR_REASON = NEEDS_REASON.format("anybody else")

CLAIMS: dict[type[Request], Rule] = {
    asks.ClaimOp: claim,
    asks.ReinvertOp: claim,
    asks.ExtendOp: extend,
    asks.HandOverOp: hand_over,
    asks.ReleaseOp: release,
    asks.LeaseDueOp: lease_due,
}
