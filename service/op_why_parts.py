"""The parts of an answer to ``op why``: where one part stands, a criterion that is not met, a command that helps."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from machines.program.wants import shown
from service.helping import NOBODY, Help

__all__ = ["Finding", "Stand"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A criterion that is not met. ``change``: what would have to change, in words."""

    criterion: str
    dataset: str | None
    comparison: str
    value: float | str | None
    threshold: float | str | None
    margin: float | None
    unit: str | None
    required: bool
    wanted_by: str | None
    change: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """From a row of ``v1.op_criterion``."""
        value, threshold = _either(row, "value"), _either(row, "threshold")
        known = {
            name: row[name] for name in ("criterion", "dataset", "comparison", "margin", "unit", "required")
        }
        wanted_by, message = row.get("wanted_by"), row.get("message")
        made = f"found {_text(value)}, wanted {row['comparison']} {_text(threshold)}"
        return cls(
            **known, value=value, threshold=threshold, wanted_by=wanted_by, change=str(message or made)
        )

    @property
    def numbers(self) -> str:
        """Value, threshold and margin in one line."""
        unit = f" {self.unit}" if self.unit else ""
        where = f"in {self.dataset}" if self.dataset else "of the program as a whole"
        if self.value is None and self.threshold is None:
            return f"{self.criterion} {where}"
        margin = "" if self.margin is None else f", margin {shown(self.margin)}{unit}"
        if self.comparison == "recorded":
            return f"{self.criterion} {where}: value {_text(self.value)}{unit}"
        told = f"value {_text(self.value)}{unit if self.value is not None else ''}"
        return f"{self.criterion} {where}: {told}, threshold {self.comparison} {_text(self.threshold)}{unit}{margin}"


@dataclass(frozen=True, slots=True)
class Stand:
    """Where one part stands, since when, and why. ``again_at``: when it goes on by itself."""

    part: str
    state: str
    since_at: datetime | None
    because: str
    instrument: str | None = None
    failed: tuple[Finding, ...] = ()
    evidence: tuple[str, ...] = ()
    who: str = NOBODY
    again_at: datetime | None = None
    help: tuple[Help, ...] = ()


def _either(row: Mapping[str, Any], name: str) -> float | str | None:
    """The number, or the text; several values are a JSON array there."""
    number, words = row.get(name), row.get(f"{name}_text")
    if number is not None or words is None:
        return number
    if words.startswith("["):
        return shown(tuple(json.loads(words)))
    return str(words)


def _text(value: float | str | None) -> str:
    return "not known" if value is None else shown(value)
