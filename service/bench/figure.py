"""A figure beside its floor: the ratio of their medians, and the spread of both; some have a stricter floor beside."""

from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

__all__ = ["Figure", "Floor", "Result"]

Each = tuple[dict[str, Any], ...]
"""Run by run, what else was seen: processor time of each item, how quiet the machine was."""


class Floor(NamedTuple):
    """One more floor of a figure, by its name; no goal is set against it."""

    name: str
    runs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: ``unit`` a second where it is a rate, its runs, its floor's runs, and what else was seen.

    The goal goes with ``floor_name``; a ``stricter`` floor is told beside it, so that none is taken for the other.
    """

    name: str
    unit: str
    runs: tuple[float, ...]
    floor_name: str
    floor_runs: tuple[float, ...]
    notes: dict[str, Any]
    each: Each = ()
    floor_each: Each = ()
    stricter: Floor | None = None

    @property
    def ratio(self) -> float:
        """Median over the floor's median."""
        return median(self.runs) / median(self.floor_runs)

    def line(self) -> str:
        """For a person: the medians, the ratio, and what the notes say of it."""
        unit = "a second" if self.unit == "1/s" else self.unit
        said = (
            f"{self.name}: {median(self.runs):,.6g} {unit}; {self.floor_name}: {median(self.floor_runs):,.6g}"
        )
        wanted = {name: value for name, value in self.notes.items() if name.startswith(("goal", "safety"))}
        notes = [f"{name.replace('_', ' ')} {value:g}" for name, value in wanted.items()]
        return "; ".join([said, f"ratio {self.ratio:.3g}", *notes, *self._stricter_in_words()])

    def as_json(self) -> dict[str, Any]:
        """Min, median, max of both, and the ratio."""
        return {
            "figure": self.name,
            "unit": self.unit,
            **_spread(self.runs),
            **_each(self.each),
            "floor": {"what": self.floor_name, **_spread(self.floor_runs), **_each(self.floor_each)},
            "ratio": round(self.ratio, 3),
            **self._stricter_as_json(),
            "notes": self.notes,
        }

    def _stricter_in_words(self) -> list[str]:
        floor = self.stricter
        if floor is None:
            return []
        over = median(self.runs) / median(floor.runs)
        return [f"{floor.name}: {median(floor.runs):,.6g}; ratio to that {over:.3g}"]

    def _stricter_as_json(self) -> dict[str, Any]:
        floor = self.stricter
        if floor is None:
            return {}
        over = round(median(self.runs) / median(floor.runs), 3)
        return {"stricter_floor": {"what": floor.name, **_spread(floor.runs), "ratio": over}}


class Result(NamedTuple):
    """What a suite measured, on which versions, by which settings, and whether what came of it is right."""

    figures: list[Figure]
    versions: dict[str, str]
    settings: dict[str, Any]
    audits: list[dict[str, Any]]


def _spread(values: tuple[float, ...]) -> dict[str, float]:
    return {"min": round(min(values), 3), "median": round(median(values), 3), "max": round(max(values), 3)}


def _each(each: Each) -> dict[str, Any]:
    return {"each": list(each)} if each else {}
