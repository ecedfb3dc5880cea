"""Folding the facts of an observing program into its state. Asks nothing: what is in the ledger has happened."""

from collections.abc import Callable
from typing import Any, NamedTuple

from events.op_parts import ANNOUNCED_AT_MOST
from machines.op_state import (
    AREAS_KEPT,
    DATASETS_KEPT,
    GOING,
    Attempt,
    AttemptState,
    Op,
    OpState,
    Program,
    ProgramState,
    embargo_end,
)

__all__ = ["Step", "fold"]

Data = dict[str, Any]


class Step(NamedTuple):
    """What a fold reads of a fact; a decision that is not yet recorded has no sequence."""

    fact: str
    data: Data
    attempt: int | None = None
    sequence: int = 0


def fold(op: Op, step: Step, state: OpState | None = None) -> None:
    """One fact into the state; ``state`` is where the record says it led. A refusal never comes here."""
    for now in step.data.get("programs", ()):
        _stands(op, now)
    rule = _PROGRAMS.get(step.fact)
    if rule is not None:
        rule(op, step)
    elif step.fact in _ATTEMPTS:
        attempt = op.attempts[step.attempt or 0]
        attempt.state = AttemptState(step.data["attempt_state"])
        _ATTEMPTS[step.fact](op, attempt, step)
        op.forget_old()
    if state is not None:
        op.state = state


def _stands(op: Op, now: Data) -> None:
    program = op.programs.get(now["program"])
    if program is None:
        program = op.programs[now["program"]] = Program(now["program"], now["instrument"])
    program.instrument, program.state = now["instrument"], ProgramState(now["state"])
    program.cover, program.is_ready = dict(now["cover"]), now["is_ready"]
    program.expected_datasets = now.get("expected_datasets")


# --- datasets, readiness, verdicts, staging ---


def _discovered(op: Op, step: Step) -> None:
    _put(op, step.data.get("datasets", ()))


def _datasets_changed(op: Op, step: Step) -> None:
    data = step.data
    for gone in data.get("gone", ()):
        op.programs[gone["program"]].names.pop(gone["dataset"], None)
    _put(op, data.get("added", ()))
    _put(op, data.get("changed", ()))
    _metadata_changed(op, step)
    for now in data.get("programs", ()):
        program = op.programs[now["program"]]
        program.verdict, program.staged, program.awaited_sequence = None, None, None
        if not program.cover["datasets"]:
            program.names, program.embargo_beyond = {}, ""


def _metadata_changed(op: Op, step: Step) -> None:
    for dataset in step.data.get("metadata", ()):
        program = op.programs[dataset["program"]]
        if dataset["dataset"] in program.names:
            program.names[dataset["dataset"]][1] = embargo_end(dataset)
        else:
            program.embargo_beyond = max(program.embargo_beyond, embargo_end(dataset))


def _put(op: Op, datasets: Any) -> None:
    for dataset in datasets:
        program = op.programs[dataset["program"]]
        end = embargo_end(dataset)
        if dataset["dataset"] in program.names or len(program.names) < DATASETS_KEPT:
            program.names[dataset["dataset"]] = [dataset["digest"], end]
        else:
            program.embargo_beyond = max(program.embargo_beyond, end)


def _awaited(op: Op, step: Step) -> None:
    for now in step.data["programs"]:
        op.programs[now["program"]].awaited_sequence = step.sequence


def _closed(op: Op, step: Step) -> None:
    """Whoever closes all that is open by a word has overruled what was announced of the whole."""
    for now in step.data.get("programs", ()):
        op.programs[now["program"]].awaited_sequence = None
    if step.data["by"] in {"operator", "ready_event"} and all(
        each.is_ready for each in op.programs.values() if each.cover["datasets"]
    ):
        op.announced.pop("", None)


def _kept(op: Op, step: Step) -> None:
    name, expected = step.data.get("program") or "", step.data.get("expected_datasets")
    if name in op.programs:
        op.programs[name].expected_datasets = expected
    elif expected is not None and (name in op.announced or len(op.announced) < ANNOUNCED_AT_MOST):
        op.announced[name] = expected
    for now in step.data.get("programs", ()):
        op.programs[now["program"]].awaited_sequence = None


def _judged(op: Op, step: Step) -> None:
    verdict = step.data["verdict"]
    kept = ("criteria", "criteria_version", "outcome", "cover")
    op.programs[verdict["program"]].verdict = {name: verdict[name] for name in kept}


def _requalified(op: Op, step: Step) -> None:
    for now in step.data["programs"]:
        program = op.programs[now["program"]]
        program.verdict, program.staged = None, None


def _staged(op: Op, step: Step) -> None:
    location = step.data.get("location")
    for now in step.data["programs"]:
        program = op.programs[now["program"]]
        program.staged = {"cover": now["cover"], "location": location}
        if location is not None:
            program.areas.pop(location, None)  # what was staged last stands last
            program.areas[location] = [now["cover"]["digest"], ""]
            for oldest in list(program.areas)[:-AREAS_KEPT]:
                del program.areas[oldest]


def _unstaging(op: Op, step: Step) -> None:
    program, location = op.programs[step.data["program"]], step.data["location"]
    program.areas[location] = [step.data["cover"], GOING]
    if program.staged is not None and program.staged["location"] == location:
        program.staged = {**program.staged, "location": None, "removed": True}


def _unstaged(op: Op, step: Step) -> None:
    program, location = op.programs[step.data["program"]], step.data["location"]
    found = program.areas.pop(location, None)
    if found is not None and not step.data["is_gone"]:
        program.areas[location] = [found[0], ""]


# --- failures and operators ---


def _failed(op: Op, step: Step) -> None:
    data = step.data
    due = step.sequence if data.get("due_at") else None
    op.failures[data["part"]] = {"step": data["step"], "code": data["code"], "due_sequence": due}


def _recovered(op: Op, step: Step) -> None:
    op.failures.pop(step.data["part"], None)


def _assigned(op: Op, step: Step) -> None:
    data = step.data
    op.owner, op.lead, op.lead_due_at = data["owner"], data.get("lead"), data.get("lead_due_at")
    op.overdue_sequence, op.overdue_told = step.sequence if data.get("due_at") else None, False


def _overdue(op: Op, step: Step) -> None:
    op.overdue_sequence = step.sequence if step.data.get("due_at") else None
    op.overdue_told = True


def _held(op: Op, _step: Step) -> None:
    op.is_held = True


def _unheld(op: Op, _step: Step) -> None:
    op.is_held = False


# --- attempts ---


def _claimed(op: Op, step: Step) -> None:
    data, number = step.data, step.attempt or 0
    program = op.programs[data["program"]]
    attempt = Attempt(number, data["program"], data["claimant"], cover=data["cover"])
    attempt.datasets = sorted(program.names) if program.is_whole else []
    op.attempts[number] = attempt
    op.attempts_begun = number
    if data.get("restage") and program.staged is not None:
        program.staged = {**program.staged, "asked": True}
    _takes(attempt, data)
    _leased(op, attempt, step)


def _takes(attempt: Attempt, data: Data) -> None:
    attempt.claimant = data["claimant"]
    attempt.claimants = [*attempt.claimants, data["claimant"]]
    if data.get("orcid"):
        attempt.orcids = [*attempt.orcids, data["orcid"]]


def _leased(_op: Op, attempt: Attempt, step: Step) -> None:
    attempt.lease_from, attempt.lease_until = step.data["lease_from"], step.data["lease_until"]
    attempt.warned, attempt.due_sequence = 0, step.sequence


def _handed_over(op: Op, attempt: Attempt, step: Step) -> None:
    _takes(attempt, step.data)
    _leased(op, attempt, step)


def _warned(_op: Op, attempt: Attempt, step: Step) -> None:
    attempt.warned, attempt.due_sequence = step.data["percent"], step.sequence


def _ended(op: Op, attempt: Attempt, _step: Step) -> None:
    attempt.due_sequence, attempt.outputs, attempt.inputs = None, [], []
    op.failures.pop(attempt.part, None)


def _handed_in(_op: Op, attempt: Attempt, step: Step) -> None:
    attempt.outputs, attempt.inputs = list(step.data["outputs"]), list(step.data["inputs"])
    attempt.round, attempt.due_sequence = step.data["round"], None


def _nothing(_op: Op, _attempt: Attempt, _step: Step) -> None:
    """Only where the attempt stands has changed."""


def _publishing(_op: Op, attempt: Attempt, step: Step) -> None:
    attempt.steps, attempt.embargo = [], step.data["embargo"]
    attempt.publication = step.data["publication"]
    attempt.acknowledgement, attempt.identifier = None, None


def _step_done(_op: Op, attempt: Attempt, step: Step) -> None:
    data = step.data
    attempt.steps = list(data["steps_done"])
    attempt.acknowledgement = data.get("acknowledgement", attempt.acknowledgement)
    attempt.identifier = data.get("identifier", attempt.identifier)


def _published(op: Op, attempt: Attempt, step: Step) -> None:
    former = op.attempts.get(step.data.get("supersedes") or 0)
    if former is not None:
        former.state, former.is_public = AttemptState.SUPERSEDED, False
        _ended(op, former, step)
    attempt.is_public, attempt.embargo = True, step.data["embargo"]
    attempt.embargo_sequence = step.sequence if step.data.get("due_at") else None


def _withdrawing(op: Op, attempt: Attempt, _step: Step) -> None:
    op.failures.pop(attempt.part, None)


def _withdrawn(op: Op, attempt: Attempt, _step: Step) -> None:
    # What was handed in is kept: it may be published again.
    attempt.is_public, attempt.embargo_sequence = False, None
    op.failures.pop(attempt.part, None)


def _embargoed(_op: Op, attempt: Attempt, step: Step) -> None:
    due_at = step.data.get("due_at")
    attempt.embargo = {"is_embargoed": True, **({"until": due_at} if due_at else {})}
    attempt.embargo_sequence = step.sequence if due_at else None


def _lifted(_op: Op, attempt: Attempt, _step: Step) -> None:
    attempt.embargo, attempt.embargo_sequence = {"is_embargoed": False}, None


_PROGRAMS: dict[str, Callable[[Op, Step], None]] = {
    "op.discovered": _discovered,
    "op.datasets_changed": _datasets_changed,
    "op.metadata_changed": _metadata_changed,
    "op.ready_awaited": _awaited,
    "op.ready_kept": _kept,
    "op.readiness_closed": _closed,
    "op.judged": _judged,
    "op.requalified": _requalified,
    "op.preprocessed": _staged,
    "op.not_needed": _staged,
    "op.unstaging": _unstaging,
    "op.unstaged": _unstaged,
    "op.failed": _failed,
    "op.recovered": _recovered,
    "op.assigned": _assigned,
    "op.overdue": _overdue,
    "op.held": _held,
    "op.unheld": _unheld,
    "op.claimed": _claimed,
}

_ATTEMPTS: dict[str, Callable[[Op, Attempt, Step], None]] = {
    "op.extended": _leased,
    "op.handed_over": _handed_over,
    "op.lease_warned": _warned,
    "op.released": _ended,
    "op.handed_in": _handed_in,
    "op.hand_in_refused": _leased,
    "op.inverted": _nothing,
    "op.accepted": _nothing,
    "op.rework_asked": _leased,
    "op.rejected": _ended,
    "op.publishing": _publishing,
    "op.step_done": _step_done,
    "op.published": _published,
    "op.withdrawing": _withdrawing,
    "op.withdrawn": _withdrawn,
    "op.embargoed": _embargoed,
    "op.embargo_lifted": _lifted,
}
