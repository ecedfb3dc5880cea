"""Why an observing program stands where it stands: each of its parts, what is not met, who has to act, what helps."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.helping import NOBODY, Help
from service.op_why_attempts import attempt_stand
from service.op_why_parts import Finding, Stand
from service.op_why_programs import program_stand
from service.wording import counted, human_time, quoted

__all__ = ["OpStory", "OpWhy", "op_why", "unknown_op"]

Row = Mapping[str, Any]

_DONE_WITH = frozenset({"Rejected", "Released", "Superseded", "Withdrawn"})
_ACTS = {
    "data": "whoever sent the data",
    "transient": "an operator",
    "infrastructure": "an operator",
    "code": "whoever writes the software",
}


@dataclass(frozen=True, slots=True)
class OpStory:
    """All that is known of one observing program, as rows of the views."""

    now: datetime
    op: Row
    programs: tuple[Row, ...] = ()
    failed_criteria: tuple[Row, ...] = ()
    attempts: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class OpWhy:
    """The answer; ``stands`` are its parts, ``close`` the nearest names where it is not known."""

    subject: str
    state: str | None
    since_at: datetime | None
    because: str
    who: str = NOBODY
    again_at: datetime | None = None
    evidence: tuple[str, ...] = ()
    stands: tuple[Stand, ...] = ()
    help: tuple[Help, ...] = ()
    close: tuple[str, ...] = ()
    at: datetime | None = None


def op_why(story: OpStory) -> OpWhy:
    """The reason for the state, part by part: what failed first, then programs, then attempts."""
    op = story.op
    stands = (*_failures(story), *_hold(op), *_programs(story), *_attempts(story))
    acting = dict.fromkeys(each.who for each in stands if each.who != NOBODY)
    later = [each.again_at for each in stands if each.again_at is not None]
    return OpWhy(
        subject=str(op["op"]),
        state=str(op["state"]),
        since_at=op["since_at"],
        because=_sum(story),
        who=", ".join(acting) or NOBODY,
        again_at=min(later, default=None),
        evidence=tuple(_beside(story)),
        stands=stands,
        help=tuple(dict.fromkeys(help_ for each in stands for help_ in each.help)),
        at=story.now,
    )


def unknown_op(op: str, close: Iterable[str]) -> OpWhy:
    """The answer for a name that nobody knows."""
    near = tuple(close)
    return OpWhy(
        subject=op,
        state=None,
        since_at=None,
        because="nothing is known of an observing program of this name",
        close=near,
        help=(
            *(Help(f"meridian op why {quoted(each)}", "if you meant this one") for each in near),
            Help("meridian op scan SOURCE --dry-run", "to see what a catalogue has that is not known here"),
        ),
    )


def _sum(story: OpStory) -> str:
    """The programs, counted by their states; what failed or holds it all comes first."""
    counts = Counter(str(each["state"]) for each in story.programs)
    states = ", ".join(f"{number} {state}" for state, number in counts.most_common())
    told = f"of its {counted(len(story.programs), 'instrument program')}: {states}" if counts else ""
    failed = len(story.op.get("failures") or {})
    first = f"{counted(failed, 'failure')} in it not mended" if failed else ""
    held = "it is held" if story.op.get("is_held") else ""
    return "; ".join(each for each in (first, held, told) if each) or "none of its programs is known"


def _failures(story: OpStory) -> Iterator[Stand]:
    for part, told in sorted((story.op.get("failures") or {}).items()):
        due = datetime.fromisoformat(told["due_at"]) if told.get("due_at") else None
        at = datetime.fromisoformat(told["at"]) if told.get("at") else None
        evidence = [f"{name} {told[name]}" for name in ("found", "wanted") if told.get(name) is not None]
        command = f"meridian op recover {quoted(str(story.op['op']))} --part {quoted(part)} --reason '…'"
        yield Stand(
            part=part,
            state="Error",
            since_at=at,
            because=f"{told.get('step')} failed with {told.get('code')}: {told.get('message')}",
            evidence=tuple(evidence),
            who=NOBODY if due else _ACTS.get(str(told.get("failure_class")), "an operator"),
            again_at=due,
            help=(Help(command, f"when the cause of {told.get('code')} is mended"),),
        )


def _hold(op: Row) -> Iterator[Stand]:
    if op.get("is_held"):
        yield Stand(
            part="hold",
            state="held",
            since_at=op.get("held_at"),
            because=str(op.get("held_reason") or "no reason was given"),
            who="an operator",
            help=(Help(f"meridian op unhold {quoted(str(op['op']))} --reason '…'", "when it may go on"),),
        )


def _programs(story: OpStory) -> Iterator[Stand]:
    holding = {str(each["program"]): each for each in story.attempts if _is_holding(each)}
    for program in story.programs:
        name = str(program["program"])
        failed = [Finding.of(each) for each in story.failed_criteria if each["program"] == name]
        stopped = f"program:{name}" in (story.op.get("failures") or {})
        yield program_stand(
            program, failed, now=story.now, holder=holding.get(name),
            is_stopped=stopped or bool(story.op.get("is_held")) or "op" in (story.op.get("failures") or {}),
        )  # fmt: skip


def _attempts(story: OpStory) -> Iterator[Stand]:
    failures = story.op.get("failures") or {}
    for attempt in story.attempts:
        if _is_holding(attempt) or attempt["state"] == "Withdrawing":
            yield attempt_stand(attempt, is_stopped=f"attempt:{attempt['attempt']}" in failures)


def _is_holding(attempt: Row) -> bool:
    """It has its program: somebody works on it, or it is what stands published."""
    state = attempt.get("state")
    return bool(attempt.get("is_public")) or state not in {*_DONE_WITH, "Published", "Withdrawing"}


def _beside(story: OpStory) -> Iterator[str]:
    op = story.op
    announced = op.get("announced_datasets")
    if announced is not None and not all(
        each.get("is_ready") for each in story.programs if each.get("datasets")
    ):
        yield f"{announced} datasets were announced of all of it, and {op.get('datasets') or 0} are here"
    if op.get("owner"):
        yield f"owner {op['owner']}{_due(op.get('owner_due_at'), story.now)}"
    if op.get("overdue_to"):
        name = (op.get("lead") if op["overdue_to"] == "lead" else None) or op.get("owner")
        who = f"{op['overdue_to']} {name}" if name else op["overdue_to"]
        yield f"overdue: the {who} was told at {human_time(op.get('overdue_at'))}"
    if op.get("note"):
        yield f"noted at {human_time(op.get('noted_at'))}: {op['note']}"
    if op.get("is_tainted"):
        yield "its history has a record that could not be read: meridian audit says which"


def _due(due: datetime | None, now: datetime) -> str:
    if due is None:
        return ""
    return f", {'was' if due <= now else 'is'} due at {human_time(due)}"
