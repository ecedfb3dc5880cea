"""The columns of the archive's keyword tables, one table an instrument, read from ``keck/*_columns.toml``."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any, Literal, get_args

from consumers.formats.keck_tables import INSTRUMENTS

__all__ = ["Column", "Table", "columns_in", "table_of"]

Kind = Literal["char", "angle", "integer", "double"]
KINDS: tuple[Kind, ...] = get_args(Kind)
TAKEN: Mapping[Kind, frozenset[type]] = {
    "char": frozenset({str}),
    "angle": frozenset({int, float}),
    "integer": frozenset({int}),
    "double": frozenset({int, float}),
}
MEMBERS = frozenset({"not_null", "filled_in", "listed", "bounds", *KINDS})
BRACES = re.compile(r"\{([^{}]*)\}")
RANGE = re.compile(r"(\d+|[A-Z])\.\.(\d+|[A-Z])")
NUMBER = r"-?\d+(?:\.\d+)?"
BOUNDS = re.compile(rf"({NUMBER})?\.\.({NUMBER})?")


@dataclass(frozen=True, slots=True)
class Column:
    """One keyword's column: what its values are, in how many characters; which are listed, and within which bounds.

    ``listed`` are the values the table allows, as it writes them (none: any), ``small`` the same in small letters and
    without blanks, to compare with. Bounds are included; those of an angle are degrees. ``takes`` are types of value
    that have nothing to keep to but the width, as most keywords have it.
    """

    keyword: str
    kind: Kind
    width: int
    listed: tuple[str, ...] = ()
    small: frozenset[str] = frozenset()
    minimum: float | None = None
    maximum: float | None = None
    takes: frozenset[type] = frozenset()


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of an instrument by keyword; ``not_null`` is to be told by it, ``filled_in`` by the archive."""

    columns: Mapping[str, Column]
    not_null: tuple[str, ...] = ()
    filled_in: tuple[str, ...] = ()


def table_of(instrument: str) -> Table:
    """The table of an instrument, by the first word of INSTRUME; one without columns for those that have none."""
    name = INSTRUMENTS.get(instrument)
    return Table({}) if name is None else _table(name)


@cache
def _table(name: str) -> Table:
    file = f"{name}_columns.toml"
    return columns_in((files("consumers.formats") / "keck" / file).read_text("utf-8"), file)


def columns_in(text: str, where: str) -> Table:
    """The columns of one table. Raises ValueError for a table that says something else, or something twice."""
    told = tomllib.loads(text)
    if strange := sorted(set(told) - MEMBERS):
        raise ValueError(f"{where}: found {', '.join(strange)}, wanted {', '.join(sorted(MEMBERS))}")
    columns: dict[str, Column] = {}
    for kind in KINDS:
        for width, names in told.get(kind, {}).items():
            if not width.isdigit() or int(width) < 1:
                raise ValueError(f"{where}, {kind}: found width {width}, wanted a number of characters > 0")
            for keyword in _words(names, where):
                if keyword in columns:
                    raise ValueError(f"{where}: found {keyword} more than once, wanted one column a keyword")
                columns[keyword] = Column(keyword, kind, int(width), takes=TAKEN[kind])
    _list_values(columns, told, where)
    _set_bounds(columns, told, where)
    return Table(
        columns,
        tuple(_known(columns, told.get("not_null", ""), where)),
        tuple(_known(columns, told.get("filled_in", ""), where)),
    )


def _list_values(columns: dict[str, Column], told: Mapping[str, Any], where: str) -> None:
    for values, names in told.get("listed", {}).items():
        listed = tuple(_words(values, where))
        small = frozenset(value.lower() for value in listed)
        for keyword in _known(columns, names, where):
            columns[keyword] = replace(columns[keyword], listed=listed, small=small, takes=frozenset())


def _set_bounds(columns: dict[str, Column], told: Mapping[str, Any], where: str) -> None:
    for bounds, names in told.get("bounds", {}).items():
        match = BOUNDS.fullmatch(bounds)
        if match is None or bounds == "..":
            raise ValueError(f"{where}: found bounds {bounds}, wanted such as 0..9999, 0.. or ..45")
        low, high = (None if part is None else float(part) for part in match.groups())
        for keyword in _known(columns, names, where):
            if columns[keyword].kind == "char":
                raise ValueError(f"{where}: found bounds of {keyword}, a text; wanted them of numbers")
            bounded = replace(columns[keyword], minimum=low, maximum=high, takes=frozenset())
            columns[keyword] = bounded


def _known(columns: Mapping[str, Column], names: str, where: str) -> Iterator[str]:
    for keyword in _words(names, where):
        if keyword not in columns:
            raise ValueError(f"{where}: found {keyword} without a type, wanted it in a column first")
        yield keyword


def _words(text: str, where: str) -> Iterator[str]:
    """The words of a text, each family written out: ``AMP{1,3}NM`` is two, ``VIDOFF{1..16}`` is 16."""
    for word in text.split():
        parts = BRACES.split(word)
        if "{" in "".join(parts[::2]) or "}" in "".join(parts[::2]):
            raise ValueError(f"{where}: found {word}, wanted braces such as {{1..4}} or {{A,B}}")
        choices = [_choices(part) if place % 2 else [part] for place, part in enumerate(parts)]
        yield from ("".join(chosen) for chosen in product(*choices))


def _choices(inside: str) -> list[str]:
    """``1..4`` and ``A..D`` run on; ``01..16`` has as many digits everywhere; ``A,C`` are just these."""
    match = RANGE.fullmatch(inside)
    if match is None:
        return inside.split(",")
    first, last = match.groups()
    if not first.isdigit():
        return [chr(code) for code in range(ord(first), ord(last) + 1)]
    digits = len(first) if first.startswith("0") else 1
    return [f"{number:0{digits}d}" for number in range(int(first), int(last) + 1)]
