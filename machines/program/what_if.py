"""Other criteria on the same programs: which OPs would flip, and why. Nothing is recorded."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from events.op_parts import Dataset
from machines.program.criteria import Criteria
from machines.program.verdict import Finding, applies, findings, passes

__all__ = ["Flip", "Flips", "Outcome", "compare", "of_the_op", "outcome"]

Outcome = Literal["pass", "fail", "not_applicable"]
Programs = Mapping[str, Sequence[Dataset]]


class Flip(NamedTuple):
    """An OP that would be judged otherwise, and by which criteria of which programs."""

    op_id: str
    before: Outcome
    after: Outcome
    programs: tuple[tuple[str, Outcome, Outcome], ...]
    because: tuple[str, ...]


class Flips(NamedTuple):
    """How many OPs were judged, how many pass before and after, and which flip."""

    ops: int
    pass_before: int
    pass_after: int
    flips: tuple[Flip, ...]


def compare(ops: Iterable[tuple[str, Programs]], before: Criteria, after: Criteria) -> Flips:
    """Judge every OP's programs by both; OPs may come as a stream."""
    count = passed = would = 0
    flips = []
    for op_id, programs in ops:
        count += 1
        flip = _flip(op_id, programs, before, after)
        passed += flip.before == "pass"
        would += flip.after == "pass"
        if flip.programs:
            flips.append(flip)
    return Flips(count, passed, would, tuple(flips))


def outcome(datasets: Sequence[Dataset], criteria: Criteria) -> tuple[Outcome, list[Finding]]:
    """What the criteria say of a program, without the words."""
    if not applies(criteria, datasets):
        return "not_applicable", []
    found = findings(datasets, criteria)
    return ("pass" if passes(found) else "fail"), found


def of_the_op(outcomes: Iterable[Outcome]) -> Outcome:
    """An OP can be inverted if one of its programs can; one of context only has no criteria."""
    listed = set(outcomes)
    if "pass" in listed:
        return "pass"
    return "fail" if "fail" in listed else "not_applicable"


def _flip(op_id: str, programs: Programs, before: Criteria, after: Criteria) -> Flip:
    old = {name: outcome(datasets, before) for name, datasets in programs.items()}
    new = {name: outcome(datasets, after) for name, datasets in programs.items()}
    flipped = [name for name in programs if old[name][0] != new[name][0]]
    return Flip(
        op_id,
        of_the_op(each for each, _ in old.values()),
        of_the_op(each for each, _ in new.values()),
        tuple((name, old[name][0], new[name][0]) for name in flipped),
        tuple(dict.fromkeys(reason for name in flipped for reason in _because(old[name][1], new[name][1]))),
    )


def _because(old: Sequence[Finding], new: Sequence[Finding]) -> list[str]:
    """Criteria that were met and are not, or the other way round; or came, or went."""
    was, is_ = _met(old), _met(new)
    return [
        f"{name}: {_told(was.get(name))}, would be {_told(is_.get(name))}"
        for name in dict.fromkeys((*was, *is_))
        if was.get(name) != is_.get(name)
    ]


def _met(found: Sequence[Finding]) -> dict[str, bool]:
    """By name, of the required ones."""
    met: dict[str, bool] = {}
    for each in found:
        if each.rule.required:
            met[each.rule.name] = met.get(each.rule.name, True) and each.passed
    return met


def _told(met: bool | None) -> str:
    return {True: "met", False: "not met", None: "not asked"}[met]
