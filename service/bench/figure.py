"""A figure beside its floor: both taken in turn, A B A B …, as ratios of medians with their spread."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

__all__ = ["Figure", "in_turn"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: ``unit`` a second where it is a rate, its runs, its floor's runs, and what else was seen."""

    name: str
    unit: str
    runs: tuple[float, ...]
    floor_name: str
    floor_runs: tuple[float, ...]
    notes: dict[str, Any]

    @property
    def ratio(self) -> float:
        """Median over the floor's median."""
        return median(self.runs) / median(self.floor_runs)

    def as_json(self) -> dict[str, Any]:
        """Min, median, max of both, and the ratio."""
        return {
            "figure": self.name,
            "unit": self.unit,
            **_spread(self.runs),
            "floor": {"what": self.floor_name, **_spread(self.floor_runs)},
            "ratio": round(self.ratio, 3),
            "notes": self.notes,
        }


def in_turn(
    run: Callable[[int], tuple[float, dict[str, Any]]], floor: Callable[[int], float], *, times: int
) -> tuple[tuple[float, ...], tuple[float, ...], dict[str, Any]]:
    """Figure and floor in turn; the figure's values, the floor's, and the notes of the last run."""
    found, floors, notes = [], [], dict[str, Any]()
    for turn in range(times):
        floors.append(floor(turn))
        value, notes = run(turn)
        found.append(value)
    return tuple(found), tuple(floors), notes


def _spread(values: tuple[float, ...]) -> dict[str, float]:
    return {"min": round(min(values), 3), "median": round(median(values), 3), "max": round(max(values), 3)}
