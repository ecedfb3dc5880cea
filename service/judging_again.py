"""Observing programs judged beside the ledger: by other criteria, and by other ways of telling that they are whole."""

from collections import Counter
from collections.abc import Iterable, Iterator
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

__all__ = ["Judged", "Studied", "judge_again", "of_catalogue", "of_known", "study_readiness"]

Op = tuple[str, Programs]


class Judged(NamedTuple):
    """What other criteria would come to: OPs that flip, outcomes of programs before and after, and every metric."""

    flips: Flips
    before: Counter[str]
    after: Counter[str]
    histograms: list[Histogram]


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
    found: list[Finding] = []

    def watched() -> Iterator[Op]:
        for op, programs in ops:
            for datasets in programs.values():
                counts[0][outcome(datasets, before)[0]] += 1
                judged, findings = outcome(datasets, after)
                counts[1][judged] += 1
                found.extend(findings)
            yield op, programs

    flips = compare(watched(), before, after)
    return Judged(flips, *counts, histograms(found))


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
