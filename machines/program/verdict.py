"""The verdict of a set of criteria on an instrument program: every criterion with value, threshold, dataset, margin."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from events.op_parts import FINDINGS_AT_MOST, Cover, Criterion, Dataset, Value, Verdict
from machines.program.criteria import Criteria, Rule
from machines.program.dataset import UNASSIGNED, UNKNOWN
from machines.program.metrics import METRICS
from machines.program.wants import wanted

__all__ = ["Finding", "applies", "findings", "judge", "passes", "told_verdict"]

Outcome = Literal["pass", "fail", "not_applicable"]

_WHOLE = Rule(name="program", metric="frames", comparison=">=", threshold=1, scope="program")


class Finding(NamedTuple):
    """How one criterion was met in one dataset. ``margin`` is positive on the good side; None: nothing to subtract."""

    rule: Rule
    dataset: Dataset | None
    value: Value
    threshold: Value
    margin: float | None
    passed: bool
    message: str | None = None


def applies(criteria: Criteria, datasets: Iterable[Dataset]) -> bool:
    """Whether the criteria are for programs of this instrument; those of others are context."""
    named = {each.instrument for each in datasets} - {UNKNOWN}
    return not named or bool(named.intersection(criteria.instruments))


def findings(datasets: Sequence[Dataset], criteria: Criteria) -> list[Finding]:
    """Every criterion, in the order of its file: in each dataset, or in the program's best one."""
    found = _of_the_program(datasets)
    for rule in criteria.rules:
        looked = [_look(rule, each) for each in datasets]
        if rule.scope == "program" and looked:
            looked = [max(looked, key=_standing)]
        found += looked
    return found


def passes(found: Iterable[Finding]) -> bool:
    """Whether every required criterion is met; what could not be measured is not met."""
    return all(each.passed or not each.rule.required for each in found)


def judge(program: str, datasets: Sequence[Dataset], criteria: Criteria) -> Verdict:
    """The verdict as the ledger keeps it, those that failed first. Its cover is exactly these datasets."""
    return Verdict.read(told_verdict(program, datasets, criteria))


def told_verdict(program: str, datasets: Sequence[Dataset], criteria: Criteria) -> dict[str, Any]:
    """The same as it goes over the wire, for whoever need not look at its form: that takes as long as judging."""
    ordered = sorted(datasets, key=lambda each: each.dataset)
    is_judged = applies(criteria, ordered)
    found = findings(ordered, criteria) if is_judged else []
    listed = sorted(found, key=lambda each: (each.passed, not each.rule.required))
    beyond = listed[FINDINGS_AT_MOST:]
    return {
        "program": program,
        "instrument": _instrument(ordered),
        "criteria": criteria.name,
        "criteria_version": criteria.version,
        "outcome": _outcome(found) if is_judged else "not_applicable",
        "cover": Cover.of((each.dataset, each.digest) for each in ordered).model_dump(),
        "findings": [_told(each) for each in listed[:FINDINGS_AT_MOST]],
        "left_out": len(beyond),
        **({"left_out_digest": _digest(beyond)} if beyond else {}),
    }


def _outcome(found: Sequence[Finding]) -> Outcome:
    return "pass" if passes(found) else "fail"


def _instrument(datasets: Sequence[Dataset]) -> str:
    """What most of them name."""
    said = [each.instrument for each in datasets]
    if len(said) == 1:
        return said[0]
    return max(set(said), key=lambda name: (said.count(name), name), default=UNKNOWN)


def _of_the_program(datasets: Sequence[Dataset]) -> list[Finding]:
    """What makes a program unfit to be judged by anything: it has no datasets, no name, or two instruments."""
    reasons = []
    instruments = sorted({each.instrument for each in datasets})
    if not datasets:
        reasons.append("found no dataset, wanted at least one: its catalogue has none left")
    elif len(instruments) > 1 or UNKNOWN in instruments:
        reasons.append(
            f"found the instruments {', '.join(instruments)}, wanted one: mend the catalogue's records"
        )
    if any(each.program == UNASSIGNED for each in datasets):
        reasons.append(
            "found datasets that name no instrument program, wanted one: mend the catalogue's records"
        )
    return [Finding(_WHOLE, None, None, None, None, False, reason) for reason in reasons]


def _look(rule: Rule, dataset: Dataset) -> Finding:
    value = METRICS[rule.metric].measure(dataset)
    threshold: Value = rule.threshold
    if rule.threshold_metric is not None:
        threshold = METRICS[rule.threshold_metric].measure(dataset)
    if rule.comparison == "recorded":
        return Finding(rule, dataset, value, None, None, True)
    margin = _margin(rule, value, threshold)
    return Finding(rule, dataset, value, threshold, margin, _met(rule, value, threshold, margin))


def _margin(rule: Rule, value: Value, threshold: Value) -> float | None:
    """How far on the good side, in the metric's unit; negative: how much is missing."""
    if isinstance(threshold, str | tuple | bool) or threshold is None:
        return None
    if isinstance(value, tuple):
        shortest, longest = value
        if not isinstance(shortest, int | float) or not isinstance(longest, int | float):
            return None
        return min(threshold - shortest, longest - threshold)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if rule.comparison in {">=", ">"}:
        return value - threshold
    return threshold - value if rule.comparison != "==" else -abs(value - threshold)


def _met(rule: Rule, value: Value, threshold: Value, margin: float | None) -> bool:
    if margin is not None:
        return margin > 0 if rule.comparison in {">", "<", "inside"} else margin >= 0
    return rule.comparison == "==" and value is not None and value == threshold


def _standing(finding: Finding) -> tuple[bool, bool, float]:
    """For a criterion that one dataset is enough for: the one that meets it, or comes nearest."""
    return finding.passed, finding.value is not None, finding.margin if finding.margin is not None else 0.0


def _told(finding: Finding) -> dict[str, Any]:
    """The members of a ``Criterion``, those left out that it has not."""
    rule = finding.rule
    told: dict[str, Any] = {
        "name": rule.name,
        "metric": rule.metric,
        "comparison": rule.comparison,
        "passed": finding.passed,
        "required": rule.required,
    }
    if finding.threshold is not None:
        told["threshold"] = finding.threshold
    if finding.value is not None:
        told["value"] = finding.value
    if finding.dataset is not None:
        told["dataset"] = finding.dataset.dataset
    if finding.margin is not None:
        told["margin"] = finding.margin
    if (unit := METRICS[rule.metric].unit) is not None:
        told["unit"] = unit
    if (message := _message(finding)) is not None:
        told["message"] = message
    if rule.source:
        told["source"] = rule.source
    return told


def _message(finding: Finding) -> str | None:
    if finding.message is not None or finding.passed or finding.dataset is None:
        return finding.message
    return wanted(finding.rule, finding.dataset, finding.value, finding.threshold)


def _digest(found: Iterable[Finding]) -> str:
    lines = (Criterion.read(_told(each)).model_dump_json() for each in found)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]
