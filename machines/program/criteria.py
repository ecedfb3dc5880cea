"""Criteria as data: which metric, compared how, with what, in which datasets; versioned, with a digest."""

import hashlib
import json
from functools import cached_property
from typing import Literal, Self

from pydantic import Field, model_validator

from events.types import Name, Part
from machines.program.metrics import METRICS

__all__ = ["COMPARISONS", "Criteria", "Rule"]

Comparison = Literal[">=", ">", "<=", "<", "==", "inside", "covers", "recorded"]
COMPARISONS: tuple[Comparison, ...] = (">=", ">", "<=", "<", "==", "inside", "covers", "recorded")
_OF_NUMBERS = {">=", ">", "<=", "<", "inside", "covers"}


class Rule(Part):
    """One criterion. ``inside``: less than; ``covers``: the threshold lies in the metric's range; ends belong to it."""

    name: Name
    title: str = Field("", max_length=255)
    metric: Name
    comparison: Comparison = "recorded"
    threshold: float | int | str | None = None
    threshold_metric: Name | None = Field(
        None, description="the threshold is this metric of the same dataset"
    )
    scope: Literal["each dataset", "program"] = Field(
        description="each dataset of the program has to meet it, or one of them"
    )
    required: bool = True
    source: str = Field("", max_length=255, description="who wants it, and where that is written")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        for each in (self.metric, self.threshold_metric):
            if each is not None and each not in METRICS:
                raise ValueError(f"found the metric {each}, wanted one of {', '.join(METRICS)}")
        given = (self.threshold is not None) + (self.threshold_metric is not None)
        if self.comparison == "recorded":
            if given or self.required:
                raise ValueError(
                    "found a threshold, or required, with nothing to compare; wanted a comparison"
                )
        elif given != 1:
            raise ValueError("wanted either threshold or threshold_metric")
        if self.comparison in _OF_NUMBERS and isinstance(self.threshold, str):
            raise ValueError(f"found the threshold {self.threshold!r}, wanted a number for {self.comparison}")
        if isinstance(self.threshold, float) and not abs(self.threshold) < float("inf"):
            raise ValueError(f"found the threshold {self.threshold}, wanted a finite number")
        if (self.comparison == "covers") != (METRICS[self.metric].name == "wavelengths_nm"):
            raise ValueError("covers goes with a range (wavelengths_nm), and a range with covers")
        return self

    @cached_property
    def reads(self) -> frozenset[str]:
        """The members that it reads, by path."""
        read = METRICS[self.metric].reads
        return frozenset(read + (METRICS[self.threshold_metric].reads if self.threshold_metric else ()))


class Criteria(Part):
    """A set of criteria for some instruments. A change is a new version; programs of other instruments are context."""

    name: Name
    version: int = Field(ge=1)
    title: str = Field("", max_length=255)
    instruments: tuple[Name, ...] = Field(min_length=1)
    source: str = Field("", max_length=1000)
    rules: tuple[Rule, ...] = Field(min_length=1, max_length=64, alias="criterion")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [each.name for each in self.rules]
        double = sorted({name for name in names if names.count(name) > 1})
        if double:
            raise ValueError(f"found several criteria named {', '.join(double)}, wanted each once")
        if not any(each.required for each in self.rules):
            raise ValueError("found no required criterion: everything would pass")
        return self

    @cached_property
    def reads(self) -> frozenset[str]:
        """The members that any of them reads: a change of one of these re-opens a program."""
        return frozenset[str]().union(*(each.reads for each in self.rules))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what decides: two files with the same digest judge alike."""
        members = self.model_dump(mode="json", exclude={"title", "source"})
        return hashlib.sha256(json.dumps(members, sort_keys=True).encode()).hexdigest()

    @property
    def label(self) -> str:
        """As people say it: visp v1."""
        return f"{self.name} v{self.version}"
