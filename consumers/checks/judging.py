"""How one file's checks are judged: its stream's rules, its purpose, the time; as plain as a child can be told it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from consumers.checks.check import Check
from consumers.checks.comparison import Comparison, Threshold, UnfitError, require_fit
from consumers.formats.inspection import Level

__all__ = ["InForce", "Judging", "Rule", "WhenRaised", "in_force"]

WhenRaised = Literal["fail", "warn"]
"""What becomes of a file whose critical check goes wrong by itself: it waits in ERROR, or goes on with a warning."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a stream wants of a check; None: as the check declares. The words are those of ``CheckRule``."""

    check: str
    level: str | None = None
    comparison: Comparison | None = None
    threshold: Threshold | None = None
    purposes: tuple[str, ...] = ()
    required: bool = False
    when_raised: WhenRaised = "fail"

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The rule as JSON holds it."""
        threshold = plain.get("threshold")
        told = {**plain, "purposes": tuple(plain.get("purposes", ()))}
        return cls(**{**told, "threshold": tuple(threshold) if isinstance(threshold, list) else threshold})


@dataclass(frozen=True, slots=True)
class InForce:
    """A check's level and threshold for one file, from its declaration and the stream's rule."""

    level: Level
    comparison: Comparison | None
    threshold: Threshold | None
    required: bool = False
    when_raised: WhenRaised = "fail"

    @property
    def holds_up(self) -> bool:
        """Whether a file may not go on that this check could not judge."""
        return self.level == "critical" and self.when_raised == "fail"

    @property
    def compares(self) -> bool:
        """Whether a value alone tells if it passed."""
        return self.comparison is not None and self.threshold is not None


@dataclass(frozen=True, slots=True)
class Judging:
    """``purpose`` None: what the file itself says. ``at``: now, ISO 8601. ``left_out``: checks that ended a child."""

    rules: tuple[Rule, ...] = ()
    purpose: str | None = None
    at: str | None = None
    left_out: tuple[str, ...] = ()

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """As JSON holds it."""
        rules = tuple(Rule.from_plain(rule) for rule in plain.get("rules", ()))
        return cls(rules, plain.get("purpose"), plain.get("at"), tuple(plain.get("left_out", ())))

    def requiring(self, checks: Sequence[str]) -> Self:
        """The same, with these checks critical where no rule says more of them."""
        return replace(self, rules=(*self.rules, *(Rule(name, level="critical") for name in checks)))

    def without(self, check: str) -> Self:
        """The same, this check left out."""
        return replace(self, left_out=(*self.left_out, check))

    def rule_for(self, name: str, purpose: str | None) -> Rule | None:
        """The first rule for a check that holds for files of this purpose."""
        for rule in self.rules:
            if rule.check == name and (not rule.purposes or purpose in rule.purposes):
                return rule
        return None


def in_force(declared: Check, rule: Rule | None) -> InForce | None:
    """What holds for one file; None: not to be run. Raises UnfitError for a rule that cannot be meant."""
    if rule is None:
        return InForce(declared.level, declared.comparison, declared.threshold)
    if rule.level == "off":
        return None
    comparison = rule.comparison or declared.comparison
    threshold = declared.threshold if rule.threshold is None else rule.threshold
    if rule.threshold is not None and comparison is None:
        raise UnfitError(f"found the threshold {rule.threshold!r:.100} without a comparison; give both")
    if comparison is not None:
        require_fit(comparison, threshold)
    level: Any = rule.level or declared.level
    return InForce(level, comparison, threshold, rule.required, rule.when_raised)
