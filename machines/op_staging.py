"""Deciding on staged inputs that nobody works with any more: whether they may leave the work area."""

from events import op_staging as staging
from events.base import Request
from machines.op_ruling import NEEDS_REASON, Rule, Ruled, members, short
from machines.op_state import GOING, Op, Program
from machines.ruling import Ask

__all__ = ["STAGING"]


def unstage(op: Op, ask: Ask) -> Ruled:
    """They may go where no open attempt has claimed their datasets. The originals stay, so nothing is lost."""
    request = ask.payload
    assert isinstance(request, staging.UnstageOp)
    program = op.programs.get(request.program)
    if program is None:
        known = ", ".join(sorted(op.programs)) or "none"
        return [f"found the instrument program {request.program}, wanted one that is known: {known}"]
    location = request.location or _only(program)
    if location not in program.areas:
        known = ", ".join(program.areas) or "none"
        found = f"nothing of it at {request.location}" if request.location else "no single place"
        return [f"found {found}, wanted one where inputs of program {program.name} are staged: {known}"]
    cover, _ = program.areas[
        location
    ]  # one that is going may be asked for again: its worker may have been lost
    reasons = (
        []
        if request.policy is not None or ask.by_person
        else [f"a policy, or: {NEEDS_REASON.format(short(ask))}"]
    )
    if op.is_held:
        reasons.append("the OP is held; unhold it first")
    reasons += [
        f"attempt {each.number} of {each.claimant} works with them ({each.state}); it has to end first"
        for each in op.open_on(program.name)
        if each.cover.get("digest") == cover
    ]
    if reasons:
        return reasons
    return staging.OpUnstaging(
        program=program.name,
        location=location,
        cover=cover,
        is_current=program.staged is not None and program.staged.get("location") == location,
        policy=request.policy,
        because=request.because,
    )


def unstaged(op: Op, ask: Ask) -> Ruled:
    """A worker's word on it."""
    request = ask.payload
    assert isinstance(request, staging.ReportOpUnstaged)
    program = op.programs.get(request.program)
    going = [] if program is None else [name for name, (_, told) in program.areas.items() if told == GOING]
    if request.location not in going:
        wanted = ", ".join(going) or "none"
        return [
            f"found a report on the inputs at {request.location}, wanted one on those that are to go: {wanted}"
        ]
    return staging.OpUnstaged(**members(ask))


def _only(program: Program) -> str:
    """The place, where there is but one; "" where there are several or none."""
    return next(iter(program.areas)) if len(program.areas) == 1 else ""


STAGING: dict[type[Request], Rule] = {staging.UnstageOp: unstage, staging.ReportOpUnstaged: unstaged}
