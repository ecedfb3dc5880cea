"""The embargo of what is published: the latest of its inputs', also where one of these is extended afterwards.

It only ever grows by itself. One that an operator has lifted stays lifted until an input's own embargo moves; ending it
earlier is for people.
"""

from typing import NamedTuple

from events import op as facts
from events.op_parts import Embargo, EmbargoMoved
from machines.op_fold import Step, fold
from machines.op_ruling import told
from machines.op_state import FOREVER, Attempt, AttemptState, Op

__all__ = ["embargoes_moved", "end_of", "later", "latest_embargo"]


class _Latest(NamedTuple):
    """The end as text that sorts by time, "" for none, and the input that has it; "" if that is not known by name."""

    end: str
    dataset: str


def latest_embargo(op: Op, attempt: Attempt) -> Embargo:
    """The latest of the inputs'; of inputs that are not known by name, the latest of all that are not."""
    program = op.programs[attempt.program]
    # An input kept by digest only, or gone since: what the program's others have holds for it, too.
    others = () if _are_named(op, attempt) else (end for _, end in program.names.values())
    return _embargo(max([_latest(op, attempt).end, *others]))


def embargoes_moved(
    op: Op, fact: facts.OpMetadataChanged | facts.OpDatasetsChanged
) -> tuple[EmbargoMoved, ...] | None:
    """Of what is public: where an input is embargoed for longer with this fact than it was, and than the product is."""
    public = [
        each for each in op.attempts.values() if each.is_public and each.state is AttemptState.PUBLISHED
    ]
    if not public:
        return None
    after = op.copy()
    fold(after, Step(fact.name, fact.wire()))
    moved = []
    for attempt in public:
        was, now = _latest(op, attempt), _latest(after, attempt)
        if now.end > max(was.end, end_of(Embargo.model_validate(attempt.embargo or {}))):
            dataset = now.dataset or "one kept by digest only"
            moved.append(EmbargoMoved(attempt=attempt.number, dataset=dataset, until=_embargo(now.end).until))
    return tuple(moved) or None


def later(first: Embargo, second: Embargo) -> Embargo:
    """Whichever ends later."""
    return max(first, second, key=end_of)


def end_of(embargo: Embargo) -> str:
    """As text that sorts by time: "" where there is none."""
    if not embargo.is_embargoed:
        return ""
    return told(embargo.until) if embargo.until else FOREVER


def _latest(op: Op, attempt: Attempt) -> _Latest:
    program = op.programs[attempt.program]
    ends = [_Latest(program.names[name][1], name) for name in attempt.inputs if name in program.names]
    return max([*ends, _Latest("" if _are_named(op, attempt) else program.embargo_beyond, "")])


def _are_named(op: Op, attempt: Attempt) -> bool:
    names = op.programs[attempt.program].names
    return all(each in names for each in attempt.inputs)


def _embargo(end: str) -> Embargo:
    return Embargo.model_validate({"is_embargoed": end != "", "until": None if end in {"", FOREVER} else end})
