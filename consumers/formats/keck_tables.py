"""Which keywords of a Keck instrument become metadata, read from ``keck/*.toml``: a rule changes there, not in code."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast, get_args

__all__ = ["INSTRUMENTS", "Rule", "instrument_of", "rules_for", "rules_in"]

Type = Literal["char", "double", "integer"]
TYPES: tuple[str, ...] = get_args(Type)
MEMBERS = frozenset({"name", "type", "null", "width", "source"})
COMMON = "common"
INSTRUMENTS = {
    "DEIMOS": "deimos",
    "HIRES": "hires",
    "KCWI": "kcwi",
    "LRIS": "lris",
    "LRISBLUE": "lris",
    "LRISP": "lris",
    "LRISPBLUE": "lris",
    "LRISPRED": "lris",
    "NIRES": "nires",
}
"""Tables of their own, by the first word of INSTRUME; other instruments have the common rules."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One value that is read: its type, whether it may be null, where it comes from.

    ``source`` names the keywords to look in, in this order; ``A+B`` is a file's name made of prefix and number.
    ``width`` is that of its column where the instrument has no table of columns with this keyword.
    """

    keyword: str
    type: Type
    nullable: bool
    source: tuple[str, ...]
    width: int | None = None


def instrument_of(name: object) -> str:
    """The instrument by the first word of INSTRUME, such as ``HIRES: High Resolution Echelle``."""
    words = str(name or "").upper().replace(":", " ").split()
    return words[0] if words else ""


def rules_for(instrument: str) -> tuple[Rule, ...]:
    """The instrument's rules: its own, then the common ones that it has none of the same name for."""
    return _table(INSTRUMENTS.get(instrument, COMMON))


def rules_in(text: str, where: str) -> tuple[Rule, ...]:
    """The rules of one table. Raises ValueError for a table that says something else than rules."""
    told = tomllib.loads(text)
    rules = told.get("keyword")
    if set(told) != {"keyword"} or not isinstance(rules, list):
        raise ValueError(f"{where}: found {', '.join(told) or 'nothing'}, wanted tables [[keyword]]")
    found = tuple(_rule(each, where) for each in rules)
    names = [rule.keyword for rule in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"{where}: found {', '.join(twice)} more than once, wanted one rule a keyword")
    return found


@cache
def _table(name: str) -> tuple[Rule, ...]:
    own = rules_in((files("consumers.formats") / "keck" / f"{name}.toml").read_text("utf-8"), f"{name}.toml")
    if name == COMMON:
        return own
    own_names = {rule.keyword for rule in own}
    return own + tuple(rule for rule in _table(COMMON) if rule.keyword not in own_names)


def _rule(told: Mapping[str, Any], where: str) -> Rule:
    name = told.get("name")
    strange = sorted(set(told) - MEMBERS)
    if not isinstance(name, str) or strange:
        raise ValueError(
            f"{where}, {name}: found {', '.join(strange) or 'no name'}, wanted {', '.join(sorted(MEMBERS))}"
        )
    kind, width = told.get("type", "char"), told.get("width")
    if kind not in TYPES or not (width is None or (isinstance(width, int) and width > 0)):
        raise ValueError(
            f"{where}, {name}: found {kind} of width {width}, wanted one of {', '.join(TYPES)}, a width > 0 or none"
        )
    return Rule(
        keyword=name,
        type=cast("Type", kind),
        nullable=bool(told.get("null", True)),
        source=tuple(told.get("source", (name,))),
        width=width,
    )
