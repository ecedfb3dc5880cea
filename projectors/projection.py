"""What a projection is: a table, and one small function a fact that says which columns the fact sets.

A fold sees its event and nothing else. How what it says joins what stands in the row already is a rule of the column,
kept here for rows that meet within a batch, in ``merge`` for rows that meet in the database; tests hold the two equal.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from sqlalchemy import Column, Table
from sqlalchemy.types import TypeEngine

from events.base import Fact
from events.envelope import Record
from projectors.copy_text import NULL, Encoder, encoder_of

__all__ = [
    "EMPTIED",
    "Appended",
    "Cells",
    "Copy",
    "Folded",
    "Key",
    "Projection",
    "Row",
    "first",
    "greatest",
    "merged",
    "total",
]

Row = dict[str, Any]
"""Columns that an event sets, the key among them. None empties a column; a column left out stays as it is."""

Cells = dict[str, Any]
"""A row encoded for COPY, but for columns whose rule needs their value."""

Key = tuple[Any, ...]

EMPTIED = "emptied"
"""Last column of a staging table: a bit for each column to be emptied; NULL alone means that nothing is given."""

Fold = Callable[[Record], Row | list[Row] | None]
"""One event to the row it changes, to several rows of its subject, or to nothing."""

Listing = Callable[[Record], Iterable[Row]]

Combine = Callable[[Any, Any], Any]


class Copy(NamedTuple):
    """Lines of COPY and the columns that they give."""

    columns: tuple[str, ...]
    lines: list[str]


COMBINE: dict[str, Combine] = {
    "first": lambda old, _new: old,
    "total": lambda old, new: old + new,
    "greatest": max,
    "merged": lambda old, new: {**old, **new},
}
"""How two values that are given meet, by rule. Without a rule the newer one stands."""


def first(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]], comment: str) -> Column[Any]:
    """A column that keeps the first value it was given."""
    return Column(name, kind, comment=comment, info={"rule": "first"})


def total(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]], comment: str) -> Column[Any]:
    """A column of whole numbers that adds up what it is given (sums of fractions would depend on their order)."""
    return Column(name, kind, comment=comment, info={"rule": "total"})


def greatest(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]], comment: str) -> Column[Any]:
    """A column that keeps the greatest value it was given."""
    return Column(name, kind, comment=comment, info={"rule": "greatest"})


def merged(name: str, kind: TypeEngine[Any] | type[TypeEngine[Any]], comment: str) -> Column[Any]:
    """A JSON object whose members are set one by one."""
    return Column(name, kind, comment=comment, info={"rule": "merged"})


class Folded:
    """A table with one row a key, folded from the facts of one subject. The key's first column is the subject."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.name = table.name
        self.key = tuple(column.name for column in table.primary_key.columns)
        self.folds: dict[str, Fold] = {}
        self._encoders = {column.name: encoder_of(column) for column in table.columns}
        self._bit = {column.name: 1 << index for index, column in enumerate(table.columns)}
        rules = {c.name: c.info["rule"] for c in table.columns if "rule" in c.info}
        self._combined = [(name, COMBINE[rule]) for name, rule in rules.items()]
        self._ruled = frozenset(rules)
        self._kept_raw = [name for name, rule in rules.items() if rule != "first"]

    def on(self, *facts: type[Fact]) -> Callable[[Fold], Fold]:
        """Make this function the one that folds these facts."""

        def enter(fold: Fold) -> Fold:
            for fact in facts:
                if fact.name in self.folds:
                    raise TypeError(f"{self.name}: {fact.name} is folded already, by {self.folds[fact.name]}")
                self.folds[fact.name] = fold
            return fold

        return enter

    def cells(self, record: Record) -> list[Cells]:
        """The columns that this record sets, row by row; raises whatever its fold raises."""
        found = self.folds[record.type](record)
        if isinstance(found, dict):
            return [self._encoded(found)]
        return [self._encoded(row) for row in found or ()]

    def _encoded(self, row: Row) -> Cells:
        encoders = self._encoders
        cells: Cells = {name: NULL if value is None else encoders[name](value) for name, value in row.items()}
        if NULL in cells.values():
            for name in self._ruled & cells.keys():
                if cells[name] == NULL:
                    del cells[name]  # nothing given: a rule has nothing to join
        for name in self._kept_raw:
            if name in cells:
                cells[name] = row[name]  # its encoder has found it to be what the column holds
        return cells

    def take(self, rows: dict[Key, Cells], cells: Cells) -> None:
        """Join these cells to what the batch has of their row."""
        key = tuple([cells[name] for name in self.key])
        old = rows.get(key)
        if old is None:
            rows[key] = cells
            return
        for name, combine in self._combined:
            if name in cells and name in old:
                cells[name] = combine(old[name], cells[name])
        old.update(cells)

    def copies(self, rows: Iterable[Cells]) -> list[Copy]:
        """Rows as lines of COPY. Rows that set the same columns go together, so that nothing else need be written."""
        by_columns: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for cells in rows:
            for name in self._kept_raw:
                if name in cells:
                    cells[name] = self._encoders[name](cells[name])
            values = list(cells.values())
            emptied = sum([self._bit[n] for n, v in cells.items() if v == NULL]) if NULL in values else 0
            values.append(str(emptied))
            by_columns[tuple(cells)].append("\t".join(values))
        return [Copy((*columns, EMPTIED), lines) for columns, lines in by_columns.items()]


class Appended:
    """A table to which facts add rows that no later fact changes. The key's first column is the subject."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.name = table.name
        self.folds: dict[str, Listing] = {}
        self._encoders: list[tuple[str, Encoder]] = [(c.name, encoder_of(c)) for c in table.columns]

    def on(self, *facts: type[Fact]) -> Callable[[Listing], Listing]:
        """Make this function the one that lists the rows of these facts."""

        def enter(listing: Listing) -> Listing:
            for fact in facts:
                self.folds[fact.name] = listing
            return listing

        return enter

    def added(self, record: Record) -> list[str]:
        """The rows that this record adds, one line of COPY each; raises whatever its function raises."""
        return [self._line(row) for row in self.folds[record.type](record)]

    def _line(self, row: Row) -> str:
        get = row.get
        return "\t".join(
            [NULL if (value := get(name)) is None else encode(value) for name, encode in self._encoders]
        )


Projection = Folded | Appended
