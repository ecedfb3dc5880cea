"""Whether a program's datasets are all there: policies as data, and what they say of a program at a moment."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from events.op_parts import Cover, Dataset, ReadyBy
from events.types import Name, Part

__all__ = ["Evidence", "Readiness", "ReadinessPolicy", "ReadinessRule", "assess"]

ANY = "*"


class ReadinessRule(Part):
    """What closes programs of these instruments (``*``: of all others). An operator always may."""

    instruments: tuple[Name, ...] = Field(min_length=1)
    by: tuple[ReadyBy, ...] = Field(min_length=1)
    quiet_days: float | None = Field(None, gt=0, le=3650, description="days without a new dataset")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if ("quiet_period" in self.by) != (self.quiet_days is not None):
            raise ValueError("quiet_days goes with quiet_period, and quiet_period with quiet_days")
        return self


class ReadinessPolicy(Part):
    """The rules of a stream, first match counts; a change is a new version."""

    name: Name
    version: int = Field(ge=1)
    source: str = Field("", max_length=1000)
    rules: tuple[ReadinessRule, ...] = Field(min_length=1, max_length=64, alias="rule")

    @model_validator(mode="after")
    def _is_for_all(self) -> Self:
        if ANY not in self.rules[-1].instruments:
            raise ValueError("found no rule for all other instruments; wanted the last one to be for *")
        return self

    def rule(self, instrument: str) -> ReadinessRule:
        """The rule for programs of this instrument."""
        return next(each for each in self.rules if ANY in each.instruments or instrument in each.instruments)

    def closes_by(self, word: ReadyBy) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        """The instruments whose programs this word closes (None: all), and those whose programs it does not."""
        named = dict.fromkeys(each for rule in self.rules for each in rule.instruments if each != ANY)
        taken = {each: word in self.rule(each).by for each in named}
        others = word in next(each for each in self.rules if ANY in each.instruments).by
        only = None if others else tuple(each for each, is_taken in taken.items() if is_taken)
        return only, tuple(each for each, is_taken in taken.items() if others and not is_taken)


class Evidence(NamedTuple):
    """What somebody said of the program: a manifest, a ready event, an operator; and of which datasets."""

    by: ReadyBy
    cover: Cover | None = None
    expected: int | None = None


class Readiness(NamedTuple):
    """Closed by what, or open until when if nothing comes (None: no silence will close it), and why."""

    is_closed: bool
    by: ReadyBy | None
    due_at: datetime | None
    because: str


def assess(
    rule: ReadinessRule, datasets: Sequence[Dataset], evidence: Sequence[Evidence], *, at: datetime
) -> Readiness:
    """What the rule says at this moment. Who knows that something is missing does not close on silence."""
    if not datasets:
        return Readiness(False, None, None, "found no dataset of the program, wanted at least one")
    cover = Cover.of((each.dataset, each.digest) for each in datasets)
    short = max((each.expected for each in evidence if each.expected is not None), default=0)
    said = [_by_word(rule, each, cover, short) for each in evidence]
    closed = next((each for each in said if each is not None and each.is_closed), None)
    if closed is not None:
        return closed
    if short > len(datasets):
        because = f"found {len(datasets)} datasets, wanted {short} as was announced; or an operator's word"
        return Readiness(False, None, None, because)
    if rule.quiet_days is None:
        late = next((each.because for each in said if each is not None), None)
        return Readiness(False, None, None, late or f"found no word of {' or '.join(rule.by)}, wanted one")
    return _by_silence(datasets, timedelta(days=rule.quiet_days), at)


def _by_word(rule: ReadinessRule, evidence: Evidence, cover: Cover, expected: int) -> Readiness | None:
    """What one word is worth; None: nothing under this rule."""
    if evidence.by not in {*rule.by, "operator"} or evidence.by == "quiet_period":
        return None
    if evidence.by == "operator" or expected <= cover.datasets:
        if evidence.by == "manifest" and evidence.expected is not None:
            return Readiness(
                True, "manifest", None, f"all {evidence.expected} datasets of the manifest are there"
            )
        if evidence.cover == cover:
            return Readiness(
                True, evidence.by, None, f"said to be whole by {evidence.by} with these datasets"
            )
    seen = evidence.cover.datasets if evidence.cover else "no"
    because = f"found other datasets than the {seen} that {evidence.by} was about, wanted its word again"
    return Readiness(False, None, None, because)


def _by_silence(datasets: Sequence[Dataset], quiet: timedelta, at: datetime) -> Readiness:
    undated = [each.dataset for each in datasets if each.created_at is None]
    if undated:
        because = f"found no creation date of {', '.join(undated[:5])}, wanted one to count the silence from"
        return Readiness(False, None, None, because)
    last = max(each.created_at for each in datasets if each.created_at is not None)
    due = last + quiet
    if at >= due:
        return Readiness(
            True, "quiet_period", due, f"no new dataset for {_days(quiet)} after {last:%Y-%m-%d}"
        )
    return Readiness(
        False, None, due, f"the last dataset is of {last:%Y-%m-%d}, wanted {_days(quiet)} of silence"
    )


def _days(span: timedelta) -> str:
    return f"{span / timedelta(days=1):g} days"
