"""What a run has found: injections by cell, and the auditor's counters with what so many tries allow to say."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any

from service.audit import COUNTERS
from service.faults.injection import Injection, State

__all__ = ["Counters", "Tally", "bound", "quantile"]

NOTHING: Mapping[str, int] = {}
Counters = dict[str, int]
"""By name of the counter: how many were found."""


class Tally:
    """Filled by the run, printed and written at its end."""

    def __init__(self) -> None:
        self.injections: list[Injection] = []
        self.found: Counters = dict.fromkeys(COUNTERS, 0)
        self.looked_at: dict[str, int] = {}
        self.offenders: list[str] = []
        self.evidence: list[str] = []
        self.audits = 0

    def add(self, injection: Injection) -> None:
        """One that is over. A site that did not heal is stuck."""
        self.injections.append(injection)
        self.found["stuck"] += injection.is_stuck

    def add_audit(
        self, counters: Counters, offenders: Iterable[str], looked_at: Mapping[str, int] = NOTHING
    ) -> None:
        """What an audit has found. A site in which it found anything is not used again, so nothing counts twice."""
        self.audits += 1
        for name, n in looked_at.items():
            self.looked_at[name] = max(self.looked_at.get(name, 0), n)
        for name, count in counters.items():
            self.found[name] += count
        self.offenders += [each for each in offenders if each not in self.offenders]

    @property
    def n(self) -> int:
        """Injections that were brought about."""
        return sum(each.state is not State.NOT_FIRED for each in self.injections)

    @property
    def not_fired(self) -> int:
        """Injections whose fault could not be brought about: they prove nothing."""
        return len(self.injections) - self.n

    @property
    def is_clean(self) -> bool:
        """Nothing in any counter, and no cell red."""
        return not any(self.found.values()) and not any(each.is_red for each in self.injections)

    def by_cell(self) -> list[dict[str, Any]]:
        """One row a cell: how often, how often red, and the time to recover."""
        groups: dict[str, list[Injection]] = defaultdict(list)
        for each in self.injections:
            groups[each.cell.name].append(each)
        return [_row(name, group) for name, group in sorted(groups.items())]

    def counters(self) -> dict[str, dict[str, Any]]:
        """Each counter with n and the bound at 95 %."""
        return {
            name: {
                "found": found,
                "n": self.n,
                "bound_95": bound(found, self.n),
                "looked_at": self.looked_at.get(name, 0),
            }
            for name, found in self.found.items()
        }


def bound(found: int, n: int) -> float | None:
    """What share of injections may go wrong, at 95 %, when none of n did: 3/n; None where some did."""
    return round(3 / n, 5) if n and not found else None


def quantile(values: list[float], share: float) -> float | None:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return round(ordered[max(0, ceil(len(ordered) * share) - 1)], 2) if ordered else None


def _row(name: str, group: list[Injection]) -> dict[str, Any]:
    times = [each.recover_s for each in group if each.recover_s is not None]
    decided = [each.decide_s for each in group if each.decide_s is not None]
    return {
        "cell": name,
        "n": sum(each.state is not State.NOT_FIRED for each in group),
        "red": sum(each.is_red for each in group),
        "not_fired": sum(each.state is State.NOT_FIRED for each in group),
        "decide_p50_s": quantile(decided, 0.5),
        "decide_p95_s": quantile(decided, 0.95),
        "recover_p50_s": quantile(times, 0.5),
        "recover_p95_s": quantile(times, 0.95),
    }
