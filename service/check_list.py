"""The checks as a list: what each declares, and what a stream's rules make of it."""

from collections.abc import Iterable, Mapping
from typing import Any

from consumers.checks import Check
from consumers.checks.comparison import UnfitError, in_words
from consumers.checks.judging import in_force
from consumers.checks.rules import judging_of
from events.stream import StreamConfiguration

__all__ = ["listed", "misfits"]

Row = dict[str, Any]


def listed(
    checks: Iterable[Check],
    *,
    format_name: str | None = None,
    configuration: StreamConfiguration | None = None,
) -> list[Row]:
    """A row a check, and one more for each rule of the stream about it; then rules for what formats record."""
    able = [each for each in checks if format_name is None or each.judges(format_name, None)]
    if configuration is None:
        return [_declared(each) for each in able]
    by_name = {each.name: each for each in able}
    ruled = {rule.check for rule in configuration.qa}
    rows = [_declared(each) for each in able if each.name not in ruled]
    for rule in configuration.qa:
        told = {
            name: value for name, value in rule.model_dump(mode="json").items() if value not in (None, [])
        }
        told.pop("required")
        base = _declared(by_name[rule.check]) if rule.check in by_name else _recorded(rule.check)
        rows.append({**base, **told, "threshold": _in_words(told, base)})
    always = set(configuration.checks)
    return [{**row, "level": "critical"} if row["check"] in always - ruled else row for row in rows] + [
        {**_recorded(name), "level": "critical"} for name in configuration.checks if name not in by_name
    ]


def misfits(checks: Mapping[str, Check], configuration: StreamConfiguration) -> list[str]:
    """The stream's rules that would not be in force, each with the reason: better said before they are a fact."""
    wrong = []
    for rule in judging_of(configuration).rules:
        declared = checks.get(rule.check) or Check(rule.check, lambda _: None, "")
        try:
            in_force(declared, rule)
        except UnfitError as error:
            wrong.append(f"qa, check {rule.check}: {error}")
    return wrong


def _in_words(told: Row, base: Row) -> object:
    threshold = told.get("threshold", base["threshold"])
    return in_words(tuple(threshold) if isinstance(threshold, list) else threshold)


def _declared(each: Check) -> Row:
    return {
        "check": each.name,
        "level": each.level,
        "comparison": each.comparison,
        "threshold": in_words(each.threshold),
        "unit": each.unit,
        "formats": list(each.formats),
        "purposes": list(each.purposes),
        "says": each.says,
    }


def _recorded(name: str) -> Row:
    return {
        "check": name, "level": "record-only", "comparison": None, "threshold": None, "unit": None,
        "formats": [], "purposes": [], "says": "A value that the format records.",
    }  # fmt: skip
