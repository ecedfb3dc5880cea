"""Deciding on publication: an accepted attempt, step by step, its embargo, and taking it back."""

from events import op_asks as asks
from events import op_attempts as facts
from events.base import Request
from events.op_parts import Embargo, Output
from machines.op_embargo import end_of, later, latest_embargo
from machines.op_ruling import (
    NEEDS_REASON,
    OfAttempt,
    Rule,
    Ruled,
    addressed,
    failed,
    members,
    of_attempt,
    reported,
    short,
)
from machines.op_state import Attempt, AttemptState, Op
from machines.ruling import Ask

__all__ = ["PUBLISH"]

A = AttemptState
_AFTER = {"package": (), "archive": ("package",), "announce": ("archive",), "cite": ("package",)}
"""Which steps have to be done before each."""

_NEEDED = ("package", "archive", "announce")


def publish(op: Op, ask: Ask) -> Ruled:
    """Choose an accepted attempt; one of a program at a time. What is public now stays until it is replaced."""
    attempt = addressed(op, ask, A.ACCEPTED, *([A.WITHDRAWN] if ask.by_person else []))
    if isinstance(attempt, list):
        return attempt
    reasons = failed(op, attempt.part)
    if op.is_held:
        reasons.append("the OP is held; unhold it first")
    under_way = [
        each
        for each in op.attempts.values()
        if each.program == attempt.program and each.state in {A.PUBLISHING, A.WITHDRAWING}
    ]
    reasons += [
        f"attempt {each.number} of the same program is in {each.state}; wait for it" for each in under_way
    ]
    if reasons:
        return reasons
    public = op.public_of(attempt.program)
    fact = facts.OpPublishing(
        **of_attempt(attempt, A.PUBLISHING),
        publication=attempt.publication + 1,
        embargo=latest_embargo(op, attempt),
        replaces=public.number if public else None,
        outputs=tuple(Output(**each) for each in attempt.outputs),
    )
    return OfAttempt(fact, attempt.number)


def step_done(op: Op, ask: Ask) -> Ruled:
    """Steps in their order, each once; announced means acknowledged by the metadata store."""
    report = ask.payload
    assert isinstance(report, asks.ReportOpStepDone)
    attempt = reported(op, ask, A.PUBLISHING, on="publication")
    if not isinstance(attempt, Attempt):
        return attempt
    reasons = failed(op, attempt.part)
    missing = [each for each in _AFTER[report.step] if each not in attempt.steps]
    if missing:
        reasons.append(f"{report.step} comes after {' and '.join(missing)}, which is not done")
    if report.step in attempt.steps:
        reasons.append(f"{report.step} is done already")
    if report.step == "announce" and not report.acknowledgement:
        reasons.append("announce needs the acknowledgement of the metadata store")
    if reasons:
        return reasons
    done = (*attempt.steps, report.step)
    fact = facts.OpStepDone(
        **of_attempt(attempt, A.PUBLISHING), **members(ask, "publication"), steps_done=done
    )
    return OfAttempt(fact, attempt.number)


def published(op: Op, ask: Ask) -> Ruled:
    """Everything that is needed stands; the attempt that was public before is superseded in the same moment."""
    report = ask.payload
    assert isinstance(report, asks.ReportOpPublished)
    attempt = reported(op, ask, A.PUBLISHING, on="publication")
    if not isinstance(attempt, Attempt):
        return attempt
    reasons = failed(op, attempt.part)
    missing = [each for each in _NEEDED if each not in attempt.steps]
    if missing or attempt.acknowledgement is None:
        reasons.append(
            f"published needs {', '.join(_NEEDED)}; not done: {', '.join(missing) or 'acknowledged'}"
        )
    if reasons or attempt.acknowledgement is None:
        return reasons
    announced = Embargo.model_validate(attempt.embargo or {})
    # An input's may have been extended since this publication began.
    embargo = later(announced, latest_embargo(op, attempt))
    public = op.public_of(attempt.program)
    fact = facts.OpPublished(
        **of_attempt(attempt, A.PUBLISHED),
        embargo=embargo,
        due_at=embargo.until,
        supersedes=public.number if public else None,
        acknowledgement=attempt.acknowledgement,
        identifier=attempt.identifier,
        portal_uri=report.portal_uri,
        embargo_was=announced if embargo != announced else None,
    )
    return OfAttempt(fact, attempt.number)


def withdraw(op: Op, ask: Ask) -> Ruled:
    """Take it back, published or on the way there; until the portal says so it counts as it did."""
    request = ask.payload
    assert isinstance(request, asks.WithdrawOp)
    attempt = addressed(op, ask, A.PUBLISHED, A.PUBLISHING)
    reasons = [] if ask.by_person else [NEEDS_REASON.format("withdraw")]
    if isinstance(attempt, list):
        return [*attempt, *reasons]
    fact = facts.OpWithdrawing(
        **of_attempt(attempt, A.WITHDRAWING),
        publication=attempt.publication,
        replacement=request.replacement,
    )
    return reasons or OfAttempt(fact, attempt.number)


def withdrawn(op: Op, ask: Ask) -> Ruled:
    """The portal has acknowledged it."""
    report = ask.payload
    assert isinstance(report, asks.ReportOpWithdrawn)
    attempt = reported(op, ask, A.WITHDRAWING, on="publication")
    if not isinstance(attempt, Attempt):
        return attempt
    reasons = failed(op, attempt.part)
    fact = facts.OpWithdrawn(**of_attempt(attempt, A.WITHDRAWN), acknowledgement=report.acknowledgement)
    return reasons or OfAttempt(fact, attempt.number)


def embargo(op: Op, ask: Ask) -> Ruled:
    """Set, or moved later; by policy or by an operator with a reason."""
    request = ask.payload
    assert isinstance(request, asks.EmbargoOp)
    attempt = addressed(op, ask, A.PUBLISHED)
    reasons = [] if request.policy or ask.by_person else ["embargo needs a policy or a reason"]
    if isinstance(attempt, list):
        return [*attempt, *reasons]
    ends = end_of(Embargo.model_validate(attempt.embargo or {}))
    if end_of(Embargo(is_embargoed=True, until=request.until)) <= ends:
        reasons.append(f"found an embargo until {ends}, wanted a later end; lift it to end it earlier")
    state = of_attempt(attempt, A.PUBLISHED)
    fact = facts.OpEmbargoed(**state, due_at=request.until, policy=request.policy)
    return reasons or OfAttempt(fact, attempt.number)


def lift(op: Op, ask: Ask) -> Ruled:
    """At its deadline if that is still current, or early by an operator with a reason."""
    request = ask.payload
    assert isinstance(request, asks.LiftOp)
    if request.due_sequence is not None:
        found = [each for each in op.attempts.values() if each.embargo_sequence == request.due_sequence]
        if not found or not found[0].is_public:
            return [f"the deadline of sequence {request.due_sequence} is not current"]
        attempt = found[0]
    else:
        addressee = addressed(op, ask, A.PUBLISHED)
        if isinstance(addressee, list):
            return addressee
        attempt = addressee
        if not ask.by_person:
            return [f"{short(ask)} needs a reason, or the sequence of the deadline that asks for it"]
    if not (attempt.embargo or {}).get("is_embargoed"):
        return ["lift needs an embargo, found none"]
    state = of_attempt(attempt, attempt.state)
    fact = facts.OpEmbargoLifted(**state, due_sequence=request.due_sequence)
    return OfAttempt(fact, attempt.number)


PUBLISH: dict[type[Request], Rule] = {
    asks.PublishOp: publish,
    asks.ReportOpStepDone: step_done,
    asks.ReportOpPublished: published,
    asks.WithdrawOp: withdraw,
    asks.ReportOpWithdrawn: withdrawn,
    asks.EmbargoOp: embargo,
    asks.LiftOp: lift,
}
