"""Observing programs judged beside the ledger: by other criteria, and by other ways of telling that they are whole."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from consumers.catalogue.scan import Known, Scan
from events.op_parts import Dataset
from machines.program.criteria import Criteria
from machines.program.histogram import Histogram, histograms
from machines.program.readiness_study import Row, calibration, study
from machines.program.verdict import Finding
from machines.program.what_if import Flips, Programs, compare, outcome

__all__ = [
    "Judged",
    "Studied",
    "Unmet",
    "counterpart",
    "judge_again",
    "of_catalogue",
    "of_known",
    "study_readiness",
]

Op = tuple[str, Programs]


class Judged(NamedTuple):
    """What other criteria would come to: OPs that flip, outcomes of programs before and after, and every metric."""

    flips: Flips
    before: Counter[str]
    after: Counter[str]
    unmet_before: "Unmet"
    unmet_after: "Unmet"
    histograms: list[Histogram]


class Unmet(NamedTuple):
    """How many programs fail each required criterion, and how many of them more than one."""

    programs: Counter[str]
    several: int


class Studied(NamedTuple):
    """Each way of telling, for programs and for OPs; of how many forecasts the date held; what has no date."""

    rows: list[Row]
    held: int
    made: int
    undated: int


def of_catalogue(found: Scan) -> Iterator[Op]:
    """Every OP of a catalogue that was held against nothing, with its datasets by program."""
    for change in found.changes():
        yield change.op_id, _by_program(each.read() for each in change.added)


def of_known(known: Iterable[Known]) -> Iterator[Op]:
    """Every OP that the ledger knows."""
    for op, those in groupby(known, key=lambda each: each.op_id):
        yield op, _by_program(each.dataset for each in those if each.dataset is not None)


def judge_again(ops: Iterable[Op], before: Criteria, after: Criteria) -> Judged:
    """Judge by both; nothing is recorded."""
    counts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    unmet: tuple[list[set[str]], list[set[str]]] = ([], [])
    found: list[Finding] = []

    def watched() -> Iterator[Op]:
        for op, programs in ops:
            for datasets in programs.values():
                findings: Sequence[Finding] = ()
                for criteria, counted, failed in zip((before, after), counts, unmet, strict=True):
                    judged, findings = outcome(datasets, criteria)
                    counted[judged] += 1
                    failed.append(
                        {each.rule.name for each in findings if each.rule.required and not each.passed}
                    )
                found.extend(findings)
            yield op, programs

    flips = compare(watched(), before, after)
    return Judged(flips, *counts, _unmet(unmet[0]), _unmet(unmet[1]), histograms(found))


def counterpart(in_force: Sequence[Criteria], other: Criteria) -> Criteria:
    """What another set of criteria is to be compared with: its namesake, or who judges the same instruments."""
    same_name = [each for each in in_force if each.name == other.name]
    same_instruments = [each for each in in_force if set(each.instruments) & set(other.instruments)]
    return (*same_name, *same_instruments, *in_force)[0]


def _unmet(failed: Iterable[set[str]]) -> Unmet:
    listed = [each for each in failed if each]
    return Unmet(
        Counter(name for each in listed for name in sorted(each)), sum(len(each) > 1 for each in listed)
    )


def study_readiness(ops: Iterable[Op]) -> Studied:
    """How each policy would have done, by the dates at which the datasets were made."""
    programs: dict[str, tuple[str, list[datetime]]] = {}
    wholes: dict[str, tuple[str, list[datetime]]] = {}
    undated = 0
    for op, found in ops:
        everything = [each for datasets in found.values() for each in datasets]
        undated += sum(each.created_at is None for each in everything)
        _enter(wholes, op, everything)
        for program, datasets in found.items():
            _enter(programs, f"{op} {program}", datasets)
    rows = [*study(programs, unit="program"), *study(wholes, unit="OP")] if programs else []
    held, made = calibration(programs)
    return Studied(rows, held, made, undated)


def _enter(histories: dict[str, tuple[str, list[datetime]]], name: str, datasets: Iterable[Dataset]) -> None:
    dated = [(each.created_at, each.instrument) for each in datasets if each.created_at is not None]
    if dated:
        histories[name] = ("+".join(sorted({each for _, each in dated})), sorted(at for at, _ in dated))


def _by_program(datasets: Iterable[Dataset]) -> Programs:
    programs: dict[str, list[Dataset]] = {}
    for each in datasets:
        programs.setdefault(each.program, []).append(each)
    return programs
