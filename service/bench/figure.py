"""A figure beside its floor: the ratio of their medians, and the spread of both."""

from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

__all__ = ["Figure", "Result"]

Each = tuple[dict[str, Any], ...]
"""Run by run, what else was seen: processor time of each item, how quiet the machine was."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: ``unit`` a second where it is a rate, its runs, its floor's runs, and what else was seen."""

    name: str
    unit: str
    runs: tuple[float, ...]
    floor_name: str
    floor_runs: tuple[float, ...]
    notes: dict[str, Any]
    each: Each = ()
    floor_each: Each = ()

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
        return "; ".join([said, f"ratio {self.ratio:.3g}", *notes])

    def as_json(self) -> dict[str, Any]:
        """Min, median, max of both, and the ratio."""
        return {
            "figure": self.name,
            "unit": self.unit,
            **_spread(self.runs),
            **_each(self.each),
            "floor": {"what": self.floor_name, **_spread(self.floor_runs), **_each(self.floor_each)},
            "ratio": round(self.ratio, 3),
            "notes": self.notes,
        }


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
