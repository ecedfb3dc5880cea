"""Deciding on what an attempt came to: handed in, verified or not, reviewed by somebody else."""

import re
from typing import Any

from events import op_asks as asks
from events import op_attempts as facts
from events.base import Request
from events.op_parts import Output
from machines.op_claims import orcid_against
from machines.op_ruling import (
    OfAttempt,
    Rule,
    Ruled,
    addressed,
    failed,
    leased,
    members,
    of_attempt,
    reported,
)
from machines.op_state import Attempt, AttemptState, Op
from machines.ruling import Ask

__all__ = ["PRODUCTS"]

A = AttemptState
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_SHOWN = 8


def hand_in(op: Op, ask: Ask) -> Ruled:
    """Every reason against at once; a former claimant may hand in late while nobody else has the claim."""
    request = ask.payload
    assert isinstance(request, asks.HandInOp)
    attempt = _handing_in(op, ask)
    if isinstance(attempt, list):
        return attempt
    reasons = [
        *failed(op, attempt.part),
        *_outputs_against(request.outputs),
        *_inputs_against(op, attempt, request.inputs),
        *_software_against(request),
    ]
    if reasons:
        return reasons
    program = op.programs[attempt.program]
    fact = facts.OpHandedIn(
        **of_attempt(attempt, A.HANDED_IN),
        **members(ask),
        late=attempt.state is A.RELEASED,
        changed_since=program.cover != attempt.cover,
        round=attempt.round + 1,
    )
    return OfAttempt(fact, attempt.number)


def inverted(op: Op, ask: Ask) -> Ruled:
    """A worker has found everything as it was handed in."""
    report = ask.payload
    assert isinstance(report, asks.ReportOpInverted)
    attempt = reported(op, ask, A.HANDED_IN, on="round")
    if not isinstance(attempt, Attempt):
        return attempt
    reasons = failed(op, attempt.part)
    if report.outputs_verified != len(attempt.outputs):
        reasons.append(f"found {report.outputs_verified} outputs verified, wanted all {len(attempt.outputs)}")
    if report.commit == "unverified" and not report.commit_message:
        reasons.append("the commit is unverified; say why")
    if reasons:
        return reasons
    told = members(ask, "inputs_cover", "round")
    fact = facts.OpInverted(**of_attempt(attempt, A.VERIFIED), **told, round=attempt.round)
    return OfAttempt(fact, attempt.number)


def hand_in_refused(op: Op, ask: Ask) -> Ruled:
    """A worker found that the hand-in does not hold; back to the claimant, with time to put it right.

    Whoever had more time than that keeps it: a hand-in must not cost anybody part of a claim.
    """
    report = ask.payload
    assert isinstance(report, asks.ReportOpHandInRefused)
    attempt = reported(op, ask, A.HANDED_IN, on="round")
    if not isinstance(attempt, Attempt):
        return attempt
    reasons = failed(op, attempt.part)
    if reasons:
        return reasons
    fact = facts.OpHandInRefused(
        **of_attempt(attempt, A.WORKING),
        **leased(report.lease_from, report.lease_s, until=attempt.lease_until),
        reasons=report.reasons,
        left_out=report.left_out,
        round=attempt.round,
    )
    return OfAttempt(fact, attempt.number)


def review(op: Op, ask: Ask) -> Ruled:
    """Accept, rework, reject; by anybody who never had the attempt."""
    request = ask.payload
    assert isinstance(request, asks.ReviewOp)
    attempt = addressed(op, ask, A.VERIFIED, *([] if request.decision == "accept" else [A.ACCEPTED]))
    if isinstance(attempt, list):
        return attempt
    reviewer = ask.envelope.actor
    reasons = [*failed(op, attempt.part), *orcid_against(request.orcid)]
    if reviewer in attempt.claimants or (request.orcid is not None and request.orcid in attempt.orcids):
        had = ", ".join(attempt.claimants)
        reasons.append(
            f"{reviewer} has worked on attempt {attempt.number} ({had}); somebody else has to review it"
        )
    if request.decision == "rework" and request.lease_from is None:
        reasons.append("rework needs the time at which the new lease begins (lease_from)")
    return reasons or OfAttempt(_reviewed(op, attempt, request, reviewer), attempt.number)


def _reviewed(
    op: Op, attempt: Attempt, request: asks.ReviewOp, reviewer: str
) -> facts.OpAccepted | facts.OpReworkAsked | facts.OpRejected:
    told: dict[str, Any] = {"reviewer": reviewer, "note": request.note, "orcid": request.orcid}
    if request.decision == "accept":
        changed = op.programs[attempt.program].cover != attempt.cover
        return facts.OpAccepted(**of_attempt(attempt, A.ACCEPTED), **told, changed_since=changed)
    if request.decision == "reject" or request.lease_from is None:
        return facts.OpRejected(**of_attempt(attempt, A.REJECTED), **told)
    times = leased(request.lease_from, request.lease_s, until=attempt.lease_until)
    return facts.OpReworkAsked(**of_attempt(attempt, A.WORKING), **told, **times)


def _handing_in(op: Op, ask: Ask) -> Attempt | list[str]:
    attempt = addressed(op, ask, A.WORKING)
    if isinstance(attempt, list):
        late = addressed(op, ask, A.RELEASED)
        if isinstance(late, list):
            return attempt
        others = op.open_on(late.program)
        if others:
            other = others[0]
            until = other.lease_until
            return [
                f"attempt {late.number} has ended; {other.claimant} has the program until {until}, ask them"
            ]
        attempt = late
    if ask.envelope.actor != attempt.claimant and not ask.by_person:
        return [f"attempt {attempt.number} is {attempt.claimant}'s; anybody else needs a reason"]
    return attempt


def _outputs_against(outputs: tuple[Output, ...]) -> list[str]:
    if not outputs:
        return ["found no outputs, wanted at least one"]
    reasons = []
    seen: set[str] = set()
    for each in outputs:
        if each.name in seen:
            reasons.append(f"the output {each.name} is listed twice")
        seen.add(each.name)
        if not _SHA256.fullmatch(each.sha256):
            found = each.sha256[:16] or "nothing"
            reasons.append(f"sha256 of {each.name}: found {found}, wanted 64 hex digits")
        if each.size_bytes is not None and each.size_bytes <= 0:
            reasons.append(f"size of {each.name}: found {each.size_bytes} bytes, wanted more than 0")
    return reasons


def _inputs_against(op: Op, attempt: Attempt, inputs: tuple[str, ...]) -> list[str]:
    if not inputs:
        return ["found no inputs, wanted the datasets that were used"]
    program = op.programs[attempt.program]
    if not program.is_whole:
        return []  # kept by digest only: the worker that verifies looks them up
    strange = sorted(set(inputs) - program.names.keys() - set(attempt.datasets))
    shown = ", ".join(strange[:_SHOWN])
    more = f" and {len(strange) - _SHOWN} more" if len(strange) > _SHOWN else ""
    home = {
        name: other.name for other in op.programs.values() for name in other.names if name in strange[:_SHOWN]
    }
    of = f" ({', '.join(f'{name} is of {home[name]}' for name in sorted(home))})" if home else ""
    return [f"inputs not of the program {program.name}: {shown}{more}{of}"] if strange else []


def _software_against(request: asks.HandInOp) -> list[str]:
    reasons = []
    software = request.software
    if not software.repository.strip():
        reasons.append("found no repository of the software, wanted its address")
    if not _COMMIT.fullmatch(software.commit):
        found = software.commit[:40] or "nothing"
        reasons.append(f"software commit: found {found}, wanted 7 to 64 hex digits")
    return reasons


PRODUCTS: dict[type[Request], Rule] = {
    asks.HandInOp: hand_in,
    asks.ReportOpInverted: inverted,
    asks.ReportOpHandInRefused: hand_in_refused,
    asks.ReviewOp: review,
}
