"""What an audit found: eight counters, each with its n, and the first offenders with their evidence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

__all__ = ["COUNTERS", "SHOWN", "Counter", "Findings", "Offender", "Tally"]

COUNTERS: Mapping[str, str] = {
    "lost": "something said, asked or owed that left no trace",
    "duplicated": "one request with more than one record, or a record that answers no request",
    "out_of_order": "a gap or repeat in a sequence, a broken chain, a step back in time, a state that does not follow",
    "divergent": "views, outcomes or snapshots that are not what the ledger says",
    "unfenced": "a record of an owner after one of its successor",
    "effects_wrong": "objects and registers that are not what the facts say",
    "stuck": "what has not caught up, and work that stands still without a reason",
    "silent": "hostile input that raised nothing",
}
"""Every counter, and what raises it."""

SHOWN = 20
"""Offenders kept of each counter; the rest is only counted."""


@dataclass(frozen=True, slots=True)
class Offender:
    """One thing that is wrong: whose, which record or row, where it stands, what was found and what was wanted."""

    subject: str
    found: str
    wanted: str
    position: str = ""
    event_id: str = ""


@dataclass(slots=True)
class Counter:
    """``found`` of ``n`` looked at were wrong."""

    found: int = 0
    n: int = 0
    offenders: list[Offender] = field(default_factory=list)

    @property
    def bound(self) -> float | None:
        """At 95 % the share is below this, 3/n, where none of ``n`` was wrong; else None."""
        return 3 / self.n if self.n and not self.found else None

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        bound = None if self.bound is None else float(f"{self.bound:.3g}")
        offenders = [{name: getattr(each, name) for name in Offender.__slots__} for each in self.offenders]
        return {"found": self.found, "n": self.n, "bound_95": bound, "offenders": offenders}


class Tally:
    """Counts while looking. What only concerns views of a subject in quarantine is counted apart, as ``tainted``."""

    def __init__(self, tainted: Iterable[str] = ()) -> None:
        self.counters = {name: Counter() for name in (*COUNTERS, "tainted")}
        self.tainted = frozenset(tainted)
        self.numbers: dict[str, int] = {}

    def looked(self, counter: str, n: int = 1) -> None:
        """So many things more were looked at."""
        self.counters[counter].n += n

    def found(self, counter: str, offender: Offender) -> None:
        """One of them is wrong."""
        name = "tainted" if counter == "divergent" and offender.subject in self.tainted else counter
        entry = self.counters[name]
        entry.found += 1
        if len(entry.offenders) < SHOWN:
            entry.offenders.append(offender)

    def count(self, name: str, n: int = 1) -> None:
        """A number beside the counters, such as events read."""
        self.numbers[name] = self.numbers.get(name, 0) + n

    def as_json(self) -> dict[str, Any]:
        """To be handed from one process to another."""
        return {
            "counters": {name: each.as_json() for name, each in self.counters.items()},
            "numbers": self.numbers,
        }

    def add(self, told: Mapping[str, Any]) -> None:
        """What another process has counted."""
        for name, each in told["counters"].items():
            mine = self.counters[name]
            mine.found += each["found"]
            mine.n += each["n"]
            room = SHOWN - len(mine.offenders)
            mine.offenders += [Offender(**offender) for offender in each["offenders"][:room]]
        for name, number in told["numbers"].items():
            self.count(name, number)


@dataclass(frozen=True, slots=True)
class Findings:
    """The result of one audit. ``notes`` says what was not looked at, and why."""

    site: str
    at: datetime
    seconds: float
    counters: dict[str, Counter]
    tainted: Counter
    numbers: dict[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def is_clean(self) -> bool:
        """All eight counters are zero."""
        return not any(each.found for each in self.counters.values())

    @property
    def raised(self) -> dict[str, int]:
        """The counters that are not zero."""
        return {name: each.found for name, each in self.counters.items() if each.found}

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "site": self.site,
            "at": self.at,
            "clean": self.is_clean,
            "seconds": round(self.seconds, 3),
            "counters": {name: each.as_json() for name, each in self.counters.items()},
            "tainted": self.tainted.as_json(),
            "numbers": self.numbers,
            "notes": list(self.notes),
        }
