"""Deciding on failures and on what operators ask: recover, prioritise, assign, hold, note; and on due dates."""

from typing import NamedTuple

from events import op as facts
from events import op_requests as asks
from events.base import Request
from machines.op_ruling import NEEDS_REASON, OfAttempt, Rule, Ruled, members, short, told
from machines.op_state import OPEN, AttemptState, Op, ProgramState
from machines.ruling import Ask

__all__ = ["OPERATE"]


class _Part(NamedTuple):
    """What failed: ``program:…``, ``attempt:…`` or ``op``, and where it stood."""

    name: str
    stood: str


def fail(op: Op, ask: Ask) -> Ruled:
    """A step failed; only its own part stops."""
    report = ask.payload
    assert isinstance(report, asks.FailOp)
    place = _place(op, ask, report)
    if not isinstance(place, _Part):
        return place
    fact = facts.OpFailed(**members(ask, "program", "cover"), part=place.name, failed_from=place.stood)
    number = ask.envelope.attempt
    return OfAttempt(fact, number) if number is not None else fact


def recover(op: Op, ask: Ask) -> Ruled:
    """At its due time (naming the deadline), or by an operator who says why it can go on."""
    request = ask.payload
    assert isinstance(request, asks.RecoverOp)
    found = _failure(op, request)
    if isinstance(found, list):
        return found
    failure = op.failures[found]
    reasons = []
    if request.due_sequence is None and not ask.by_person:
        reasons.append("recover needs a reason, or the sequence of the deadline that asks for it")
    if reasons:
        return reasons
    kind, _, name = found.partition(":")
    reopened = kind == "program" and op.programs[name].state is ProgramState.DISCOVERED
    fact = facts.OpRecovered(
        part=found,
        step=failure["step"],
        code=failure["code"],
        due_sequence=request.due_sequence,
        superseded=reopened,
    )
    return OfAttempt(fact, int(name)) if kind == "attempt" else fact


def prioritise(_op: Op, ask: Ask) -> Ruled:
    """Its place in the queue is moved."""
    return _by_person(ask) or facts.OpPrioritised(**members(ask))


def assign(_op: Op, ask: Ask) -> Ruled:
    """Whose it is, by when, and when the lead hears of it."""
    request = ask.payload
    assert isinstance(request, asks.AssignOp)
    reasons = _by_person(ask)
    if request.lead_due_at is not None:
        if request.lead is None or request.due_at is None:
            reasons.append("a time for the lead needs a lead and a due date")
        elif request.lead_due_at <= request.due_at:
            reasons.append(
                f"found the lead's time {told(request.lead_due_at)}, wanted one after {told(request.due_at)}"
            )
    return reasons or facts.OpAssigned(**members(ask))


def overdue(op: Op, ask: Ask) -> Ruled:
    """To the owner first, then to the lead."""
    request = ask.payload
    assert isinstance(request, asks.OverdueOp)
    if request.due_sequence != op.overdue_sequence or op.owner is None:
        return [f"the deadline of sequence {request.due_sequence} is not current"]
    if op.overdue_told:
        who = op.lead or op.owner
        return facts.OpOverdue(to="lead", who=who, due_sequence=request.due_sequence)
    members_told = {"to": "owner", "who": op.owner, "due_sequence": request.due_sequence}
    return facts.OpOverdue.model_validate({**members_told, "due_at": op.lead_due_at})


def hold(op: Op, ask: Ask) -> Ruled:
    """No new claims, nothing published."""
    reasons = _by_person(ask)
    if op.is_held:
        reasons.append("the OP is held already")
    return reasons or facts.OpHeld()


def unhold(op: Op, ask: Ask) -> Ruled:
    """Work goes on."""
    reasons = _by_person(ask)
    if not op.is_held:
        reasons.append("the OP is not held")
    return reasons or facts.OpUnheld()


def note(_op: Op, ask: Ask) -> Ruled:
    """A remark."""
    return facts.OpNoted(**members(ask))


def _by_person(ask: Ask) -> list[str]:
    return [] if ask.by_person else [NEEDS_REASON.format(short(ask))]


def _place(op: Op, ask: Ask, report: asks.FailOp) -> _Part | Ruled:
    """Which part failed and where that stood; a report on datasets or an attempt that are past is ignored."""
    if ask.envelope.attempt is not None:
        return _attempt_place(op, ask.envelope.attempt)
    if report.program is None:
        return _unless_failed(op, "op", op.state.value)
    program = op.programs.get(report.program)
    if program is None:
        known = ", ".join(sorted(op.programs)) or "none"
        return [f"found the instrument program {report.program}, wanted one that is known: {known}"]
    if report.cover is not None and report.cover != program.cover["digest"]:
        found = f"datasets {report.cover}, now {program.cover['digest']}"
        return facts.OpReportIgnored(report=report.name, program=program.name, found=found)
    return _unless_failed(op, f"program:{program.name}", program.state.value)


def _attempt_place(op: Op, number: int) -> _Part | list[str]:
    attempt = op.attempts.get(number)
    if attempt is None:
        known = ", ".join(map(str, sorted(op.attempts))) or "none"
        return [f"found attempt {number}, wanted one that is known: {known}"]
    if attempt.state not in OPEN | {AttemptState.WITHDRAWING}:
        return [f"attempt {number} has ended, {attempt.state}; nothing of it can fail"]
    return _unless_failed(op, attempt.part, attempt.state.value)


def _unless_failed(op: Op, part: str, stood: str) -> _Part | list[str]:
    failure = op.failures.get(part)
    if failure is None:
        return _Part(part, stood)
    return [f"{part} failed already, at {failure['step']} ({failure['code']}); recover it first"]


def _failure(op: Op, request: asks.RecoverOp) -> str | list[str]:
    if request.due_sequence is not None:
        for part, failure in op.failures.items():
            if failure["due_sequence"] == request.due_sequence:
                return part
        return [f"the deadline of sequence {request.due_sequence} is not current"]
    if request.part is not None:
        if request.part in op.failures:
            return request.part
        return [f"found no failure of {request.part}; failed are: {', '.join(op.failures) or 'none'}"]
    if len(op.failures) == 1:
        return next(iter(op.failures))
    return [f"recover needs one failure, found {', '.join(op.failures) or 'none'}; name the part"]


OPERATE: dict[type[Request], Rule] = {
    asks.FailOp: fail,
    asks.RecoverOp: recover,
    asks.PrioritiseOp: prioritise,
    asks.AssignOp: assign,
    asks.OverdueOp: overdue,
    asks.HoldOp: hold,
    asks.UnholdOp: unhold,
    asks.NoteOp: note,
}
