"""Deciding on an OP's instrument programs: readiness, verdicts, judging again, staging."""

from typing import Any

from events import op as facts
from events import op_requests as asks
from events.base import Request
from events.op_parts import Cover, Verdict
from machines.op_datasets import datasets, discover
from machines.op_ruling import NEEDS_REASON, Rule, Ruled, failed, members
from machines.op_state import Op, Program, ProgramState
from machines.ruling import Ask

__all__ = ["PROGRAMS"]

P = ProgramState
_OUTCOMES = {"pass": P.INVERTIBLE, "fail": P.NOT_INVERTIBLE, "not_applicable": P.NOT_APPLICABLE}


def wait(op: Op, ask: Ask) -> Ruled:
    """By policy the program closes at a time to come; later data makes a new wait."""
    request = ask.payload
    assert isinstance(request, asks.AwaitOpReady)
    program = _known(op, request.program)
    if isinstance(program, list):
        return program
    if not program.has(request.cover):
        return _ignored(ask, program, request.cover)
    if program.is_ready:
        return [f"program {program.name} is closed already; there is nothing to wait for"]
    if not program.cover["datasets"]:
        return [f"program {program.name} has no datasets; there is nothing to wait with"]
    if short := _short(op, program):
        return short
    return facts.OpReadyAwaited(**members(ask, "program", "cover"), programs=(program.now(),))


def ready(op: Op, ask: Ask) -> Ruled:
    """Closed by this evidence; where more is expected than has been seen, the word is kept until it comes."""
    request = ask.payload
    assert isinstance(request, asks.ReadyOp)
    if request.by == "operator" and not ask.by_person:
        return [NEEDS_REASON.format("ready by an operator")]
    if not op.state.is_known and request.by != "ready_event":
        return [f"nothing is known of this OP; ready by {request.by} needs one that was discovered"]
    if request.program is None:
        return _all_ready(op, request)
    program = op.programs.get(request.program)
    if program is None or not program.cover["datasets"]:
        return _kept(request, 0, [])
    if request.cover is not None and request.cover != program.covers:
        return _ignored(ask, program, request.cover)
    reasons = _not_to_close(op, request, program)
    if reasons:
        return reasons
    if (request.expected_datasets or 0) > program.cover["datasets"]:
        return _kept(request, program.cover["datasets"], [program])
    return _closed(request, [program])


def quiet_due(op: Op, ask: Ask) -> Ruled:
    """The time that a policy named has come, and nothing came since."""
    request = ask.payload
    assert isinstance(request, asks.QuietDueOp)
    for program in op.programs.values():
        if program.awaited_sequence == request.due_sequence:
            if short := _short(op, program):
                return short
            now = program.now(is_ready=True)
            return facts.OpReadinessClosed(
                by="quiet_period", due_sequence=request.due_sequence, programs=(now,)
            )
    return [f"the deadline of sequence {request.due_sequence} is not current"]


def judge(op: Op, ask: Ask) -> Ruled:
    """The verdict has to be on exactly the program's current datasets, and its outcome what its findings say."""
    request = ask.payload
    assert isinstance(request, asks.JudgeOp)
    verdict = request.verdict
    program = _known(op, verdict.program)
    if isinstance(program, list):
        return program
    if not program.has(verdict.cover):
        return _ignored(ask, program, verdict.cover)
    reasons = []
    if not program.is_ready:
        reasons.append(f"program {program.name} is not ready: close it by evidence first (op.ready)")
    elif program.state is not P.DISCOVERED:
        reasons.append(
            f"program {program.name} is judged already, {program.state}; requalify it to judge again"
        )
    reasons += _against(program, verdict)
    if reasons:
        return reasons
    failing = dict.fromkeys(each.name for each in verdict.findings if each.required and not each.passed)
    now = program.now(state=_OUTCOMES[verdict.outcome])
    return facts.OpJudged(verdict=verdict, failed=tuple(failing), programs=(now,))


def requalify(op: Op, ask: Ask) -> Ruled:
    """Judged again because other criteria are in force, or because an operator says why."""
    request = ask.payload
    assert isinstance(request, asks.RequalifyOp)
    if request.program is not None:
        program = _known(op, request.program)
        if isinstance(program, list):
            return program
        wanted = [program]
    else:
        wanted = list(op.programs.values())
    reasons = []
    if request.criteria_version is None and not ask.by_person:
        reasons.append("requalify needs the version of the criteria that are in force now, or a reason")
    chosen = [each for each in wanted if each.verdict is not None and _is_other(each.verdict, request)]
    if not chosen:
        reasons.append("found no program with a verdict by other criteria; there is nothing to judge again")
    if reasons:
        return reasons
    now = tuple(each.now(state=P.DISCOVERED) for each in chosen)
    return facts.OpRequalified(**members(ask, "program"), programs=now)


def preprocessed(op: Op, ask: Ask) -> Ruled:
    """Staged and verified."""
    request = ask.payload
    assert isinstance(request, asks.ReportOpPreprocessed)
    program = _to_stage(op, ask, request.program, request.cover)
    if not isinstance(program, Program):
        return program
    now = program.now(state=P.PREPROCESSED)
    waiting = tuple(each.number for each in op.open_on(program.name) if each.cover == program.cover)
    again: dict[str, Any] = {"again": True, "attempts": waiting or None} if program.wants_inputs else {}
    return facts.OpPreprocessed(**members(ask, "program", "cover"), **again, programs=(now,))


def not_needed(op: Op, ask: Ask) -> Ruled:
    """Nothing to stage: an outcome as good as staged."""
    request = ask.payload
    assert isinstance(request, asks.ReportOpNotNeeded)
    program = _to_stage(op, ask, request.program, request.cover)
    if not isinstance(program, Program):
        return program
    now = program.now(state=P.PREPROCESSED)
    return facts.OpNotNeeded(**members(ask, "program", "cover"), programs=(now,))


def _to_stage(op: Op, ask: Ask, name: str, cover: Cover) -> Program | Ruled:
    program = _known(op, name)
    if isinstance(program, list):
        return program
    if not program.has(cover):
        return _ignored(ask, program, cover)
    reasons = failed(op, f"program:{name}")
    if program.state is not P.INVERTIBLE and not (program.state is P.PREPROCESSED and program.wants_inputs):
        reasons.append(f"staging needs the program {name} in {P.INVERTIBLE}, found {program.state}")
    return reasons or program


def _known(op: Op, name: str) -> Program | list[str]:
    program = op.programs.get(name)
    if program is not None:
        return program
    known = ", ".join(sorted(op.programs)) or "none"
    return [f"found the instrument program {name}, wanted one that is known: {known}"]


def _all_ready(op: Op, request: asks.ReadyOp) -> Ruled:
    if request.cover is not None:
        return ["a cover belongs to one program; name it"]
    if request.by in {"manifest", "quiet_period"}:
        return [f"ready by {request.by} is asked program by program; name one"]
    still_open = [each for each in op.programs.values() if each.cover["datasets"] and not each.is_ready]
    count = op.seen_datasets
    if not count or (request.expected_datasets or 0) > count:
        return _kept(request, count, still_open)
    if not still_open:
        return ["all of its programs are closed already; nothing to do"]
    closing = [each for each in still_open if request.is_for(each.instrument)]
    return _closed(request, closing) if closing else [_not_taken(request, still_open)]


def _closed(request: asks.ReadyOp, programs: list[Program]) -> Ruled:
    changed: dict[str, object] = {"is_ready": True}
    if request.program is not None and request.expected_datasets is not None:
        changed["expected_datasets"] = request.expected_datasets
    now = tuple(each.now(**changed) for each in programs)
    told = {name: getattr(request, name) for name in ("by", "policy", "policy_version", "message")}
    return facts.OpReadinessClosed(**told, expected_datasets=request.expected_datasets, programs=now)


def _kept(request: asks.ReadyOp, seen: int, still_open: list[Program]) -> Ruled:
    """What it was said of waits for the rest now, and not for silence."""
    named = request.program is not None and request.expected_datasets is not None
    changed = {"expected_datasets": request.expected_datasets} if named else {}
    return facts.OpReadyKept(
        program=request.program,
        by=request.by,
        expected_datasets=request.expected_datasets,
        seen_datasets=seen,
        message=request.message,
        programs=tuple(each.now(**changed) for each in still_open if not each.is_ready),
    )


def _not_to_close(op: Op, request: asks.ReadyOp, program: Program) -> list[str]:
    reasons = []
    if request.cover is None and request.by in {"manifest", "quiet_period"}:
        reasons.append(f"ready by {request.by} needs the cover of the datasets that were seen")
    if program.is_ready:
        reasons.append(f"program {program.name} is closed already; nothing to do")
    if not request.is_for(program.instrument):
        reasons.append(_not_taken(request, [program]))
    if request.by == "quiet_period":
        reasons += _short(op, program)
    return reasons


def _not_taken(request: asks.ReadyOp, programs: list[Program]) -> str:
    policy = f"{request.policy} v{request.policy_version}"
    named = ", ".join(sorted({each.instrument for each in programs}))
    return f"the policy {policy} closes no program of {named} by {request.by}; an operator can"


def _short(op: Op, program: Program) -> list[str]:
    """Who knows that something is missing does not close on silence."""
    counts = {
        f"program {program.name}": (int(program.cover["datasets"]), program.expected_datasets or 0),
        "the OP": (op.seen_datasets, op.announced.get("", 0)),
    }
    return [
        f"found {found} datasets of {name}, wanted {wanted} as was announced: silence does not close it"
        for name, (found, wanted) in counts.items()
        if wanted > found
    ]


def _ignored(ask: Ask, program: Program, reported: Cover) -> Ruled:
    return facts.OpReportIgnored(
        report=ask.payload.name, program=program.name, reported=reported, wanted=program.covers
    )


def _is_other(verdict: dict[str, object], request: asks.RequalifyOp) -> bool:
    """A verdict by the same criteria is not asked for again by their being in force.

    Another set of criteria takes a program over only by its name; said of all programs it is about those it has judged.
    """
    if request.criteria_version is None:
        return True
    if request.criteria is not None and verdict["criteria"] != request.criteria:
        return request.program is not None
    return verdict["criteria_version"] != request.criteria_version


def _against(program: Program, verdict: Verdict) -> list[str]:
    reasons = []
    failing = [each for each in verdict.findings if each.required and not each.passed]
    if not verdict.cover.datasets:
        reasons.append(f"program {program.name} has no datasets; there is nothing to judge")
    if verdict.instrument != program.instrument:
        reasons.append(f"found a verdict for {verdict.instrument}, wanted one for {program.instrument}")
    if verdict.outcome == "pass" and failing:
        names = ", ".join(dict.fromkeys(each.name for each in failing))
        reasons.append(f"found the outcome pass with required criteria that were not met: {names}")
    if verdict.outcome == "pass" and not any(each.required for each in verdict.findings):
        reasons.append("found the outcome pass without one required criterion; not_applicable says that")
    if verdict.outcome == "fail" and not failing:
        reasons.append(
            "found the outcome fail, wanted the required criteria that were not met in its findings"
        )
    if verdict.outcome == "not_applicable" and any(each.required for each in verdict.findings):
        reasons.append("found the outcome not_applicable with required criteria")
    if program.is_whole:
        strange = {
            each.dataset for each in verdict.findings if each.dataset is not None
        } - program.names.keys()
        if strange:
            reasons.append(
                f"found findings on datasets of no or another program: {', '.join(sorted(strange)[:8])}"
            )
    return reasons


PROGRAMS: dict[type[Request], Rule] = {
    asks.DiscoverOp: discover,
    asks.ChangeOpDatasets: datasets,
    asks.AwaitOpReady: wait,
    asks.ReadyOp: ready,
    asks.QuietDueOp: quiet_due,
    asks.JudgeOp: judge,
    asks.RequalifyOp: requalify,
    asks.ReportOpPreprocessed: preprocessed,
    asks.ReportOpNotNeeded: not_needed,
}
