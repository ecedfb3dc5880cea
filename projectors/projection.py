"""What a projection is: a table, and one small function a fact that says which columns the fact sets.

A fold sees its event and nothing else. How what it says joins what stands in the row already is a rule of the column,
kept here for rows that meet within a batch, in ``merge`` for rows that meet in the database; tests hold the two equal.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from operator import itemgetter
from typing import Any, NamedTuple, Self

from sqlalchemy import Column, MetaData, Table
from sqlalchemy.types import TypeEngine

from events.base import Fact
from events.envelope import Record
from projectors.copy_text import encoder_of

__all__ = [
    "EMPTIED",
    "Appended",
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


class _Copied:
    """A table whose rows are written by COPY."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.name = table.name
        self._encoders = {column.name: encoder_of(column) for column in table.columns}

    def within(self, schema: str, metadata: MetaData) -> Self:
        """The same with its table in another schema."""
        elsewhere = copy(self)
        elsewhere.table = self.table.to_metadata(metadata, schema=schema)
        return elsewhere

    def _by_columns(self, rows: Iterable[Row]) -> Iterable[tuple[tuple[str, ...], list[tuple[Any, ...]]]]:
        """Rows that set the same columns go together, so that nothing else need be written; column by column."""
        groups: dict[tuple[str, ...], list[tuple[Any, ...]]] = defaultdict(list)
        for row in rows:
            groups[tuple(row)].append(tuple(row.values()))
        for names, values in groups.items():
            yield names, list(zip(*values, strict=True))

    def _cells(self, names: tuple[str, ...], columns: Iterable[tuple[Any, ...]]) -> list[Sequence[str]]:
        return [self._encoders[name](values) for name, values in zip(names, columns, strict=True)]


class Folded(_Copied):
    """A table with one row a key, folded from the facts of one subject. The key's first column is the subject."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self.key = tuple(column.name for column in table.primary_key.columns)
        self._key_of = _getter(self.key)
        self.folds: dict[str, Fold] = {}
        self._bit = {column.name: 1 << index for index, column in enumerate(table.columns)}
        self._rules = {c.name: COMBINE[c.info["rule"]] for c in table.columns if "rule" in c.info}

    def on(self, *facts: type[Fact]) -> Callable[[Fold], Fold]:
        """Make this function the one that folds these facts."""

        def enter(fold: Fold) -> Fold:
            for fact in facts:
                if fact.name in self.folds:
                    raise TypeError(f"{self.name}: {fact.name} is folded already, by {self.folds[fact.name]}")
                self.folds[fact.name] = fold
            return fold

        return enter

    def fold(self, record: Record, rows: dict[Key, Row]) -> None:
        """Join what this record sets to what the batch has of those rows; raises whatever its fold raises."""
        found = self.folds[record.type](record)
        if isinstance(found, dict):
            self.take(rows, found)
        elif found:
            for row in found:
                self.take(rows, row)

    def take(self, rows: dict[Key, Row], row: Row) -> None:
        """Join one row to what the batch has of it."""
        old = rows.setdefault(self._key_of(row), row)
        if old is row:
            return
        for name, combine in self._rules.items():
            if name in row and (had := old.get(name)) is not None:
                row[name] = had if row[name] is None else combine(had, row[name])
        old.update(row)

    def copies(self, rows: Iterable[Row]) -> list[Copy]:
        """Rows as lines of COPY into the staging table; raises TypeError on what a column can't mean."""
        copies = []
        for names, columns in self._by_columns(rows):
            cells = [*self._cells(names, columns), self._emptied(names, columns)]
            copies.append(Copy((*names, EMPTIED), list(map("\t".join, zip(*cells, strict=True)))))
        return copies

    def _emptied(self, names: tuple[str, ...], columns: list[tuple[Any, ...]]) -> list[str]:
        emptied = [0] * len(columns[0])
        for name, values in zip(names, columns, strict=True):
            if name not in self._rules and None in values:
                bit = self._bit[name]
                emptied = [
                    bits | bit if value is None else bits for bits, value in zip(emptied, values, strict=True)
                ]
        return list(map(str, emptied))


class Appended(_Copied):
    """A table to which facts add rows that no later fact changes. The key's first column is the subject."""

    def __init__(self, table: Table) -> None:
        super().__init__(table)
        self.folds: dict[str, Listing] = {}

    def on(self, *facts: type[Fact]) -> Callable[[Listing], Listing]:
        """Make this function the one that lists the rows of these facts."""

        def enter(listing: Listing) -> Listing:
            for fact in facts:
                self.folds[fact.name] = listing
            return listing

        return enter

    def rows(self, record: Record) -> list[Row]:
        """The rows that this record adds; raises whatever its function raises."""
        return list(self.folds[record.type](record))

    def copies(self, rows: Iterable[Row]) -> list[Copy]:
        """Rows as lines of COPY into the table; raises TypeError on what a column can't mean."""
        return [
            Copy(names, list(map("\t".join, zip(*self._cells(names, columns), strict=True))))
            for names, columns in self._by_columns(rows)
        ]


def _getter(names: tuple[str, ...]) -> Callable[[Row], Key]:
    """The values of these columns, always as a tuple."""
    get = itemgetter(*names)
    return get if len(names) > 1 else lambda row: (get(row),)


Projection = Folded | Appended
