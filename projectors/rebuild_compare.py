"""Two sets of the same tables compared: a digest a table and range of subjects, row by row where digests differ."""

# ruff: noqa: S608 - statements are put together from names of our own tables and columns

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Table, text

from projectors.positions import Key
from projectors.read_models import LIVE, ReadModels

__all__ = ["Compared", "Difference", "compare"]

RANGES = 256
"""Subjects fall into so many ranges by the hash of their name."""

AT_MOST = 100
"""Differences that are described, a table; all of them are counted."""

Members = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not the same on both sides; ``columns``: which are not, with what was found live and beside."""

    table: str
    subject: str
    key: Members
    kind: str
    columns: tuple[str, ...]
    live: Members | None
    rebuilt: Members | None

    def __str__(self) -> str:
        where = ", ".join(f"{name} {value}" for name, value in self.key.items())
        if self.kind != "differs":
            return f"{self.table}: {where}: {self.kind}"
        told = (
            f"{name} is {_brief((self.live or {}).get(name))} live, {_brief((self.rebuilt or {}).get(name))} rebuilt"
            for name in self.columns
        )
        return f"{self.table}: {where}: {'; '.join(told)}"


@dataclass(frozen=True, slots=True)
class Compared:
    """One table on both sides. ``ranges``: the digests that differ, by number of the range."""

    table: str
    rows_live: int
    rows_rebuilt: int
    digest_live: str
    digest_rebuilt: str
    ranges: tuple[int, ...] = ()
    count: int = 0
    differences: tuple[Difference, ...] = field(default=())

    @property
    def is_equal(self) -> bool:
        """Nothing differs."""
        return self.digest_live == self.digest_rebuilt and not self.count


def compare(
    connection: Connection,
    other: ReadModels,
    *,
    names: Iterable[str],
    since: Mapping[Key, int] | None = None,
    every_row: bool = False,
) -> Iterator[Compared]:
    """The live tables and the others, as this transaction sees them.

    ``since``: only subjects with records at or after these places. ``every_row``: row by row whatever the digests say.
    """
    for name in names:
        live, rebuilt = LIVE.table(name), other.table(name)
        one, two = _digests(connection, live, since), _digests(connection, rebuilt, since)
        ranges = tuple(number for number in range(RANGES) if one.get(number) != two.get(number))
        looked = range(RANGES) if every_row else ranges
        count, found = _differences(connection, live, rebuilt, looked, since) if looked else (0, ())
        yield Compared(name, _rows(one), _rows(two), _whole(one), _whole(two), ranges, count, found)


Digests = dict[int, tuple[int, int, int]]
"""By range: how many rows, and two sums of hashes of whole rows."""


def _digests(connection: Connection, table: Table, since: Mapping[Key, int] | None) -> Digests:
    row = f"ROW({', '.join(_columns(table))})"
    query = (
        f"SELECT {_range(table)} AS range, count(*), sum(hash_record_extended({row}, 1)), "
        f"sum(hash_record_extended({row}, 2)) FROM {table.fullname} t {_where(table, since)} GROUP BY 1"
    )
    return {number: (int(n), int(one), int(two)) for number, n, one, two in connection.execute(text(query))}


def _differences(
    connection: Connection,
    live: Table,
    rebuilt: Table,
    ranges: Iterable[int],
    since: Mapping[Key, int] | None,
) -> tuple[int, tuple[Difference, ...]]:
    keys = [f'"{column.name}"' for column in live.primary_key.columns]
    chosen = f"{_range(live)} = ANY(:ranges)"
    sides = [
        f"(SELECT {', '.join(_columns(table))} FROM {table.fullname} t {_where(table, since, chosen)})"
        for table in (live, rebuilt)
    ]
    same = " AND ".join(f"l.{key} = r.{key}" for key in keys)
    order = ", ".join(f"COALESCE(l.{key}, r.{key})" for key in keys)
    query = text(
        f"SELECT to_jsonb(l) AS live, to_jsonb(r) AS rebuilt, count(*) OVER () AS total "
        f"FROM {sides[0]} l FULL JOIN {sides[1]} r ON {same} WHERE l IS DISTINCT FROM r "
        f"ORDER BY {order} LIMIT {AT_MOST}"
    )
    rows = connection.execute(query, {"ranges": list(ranges)}).all()
    return (int(rows[0].total) if rows else 0), tuple(
        _difference(live, row.live, row.rebuilt) for row in rows
    )


def _difference(table: Table, live: Members | None, rebuilt: Members | None) -> Difference:
    either = live or rebuilt or {}
    key = {column.name: either[column.name] for column in table.primary_key.columns}
    subject = str(either[_subject(table)])
    if live is None or rebuilt is None:
        kind = "missing live" if live is None else "missing rebuilt"
        return Difference(table.name, subject, key, kind, (), live, rebuilt)
    columns = tuple(name for name in live if live[name] != rebuilt[name])
    told = [{name: side[name] for name in columns} for side in (live, rebuilt)]
    return Difference(table.name, subject, key, "differs", columns, *told)


def _where(table: Table, since: Mapping[Key, int] | None, *conditions: str) -> str:
    told = list(conditions)
    if since is not None:
        places = " OR ".join(
            f"(machine = '{machine}' AND partition = {partition} AND ledger_offset >= {offset})"
            for (machine, partition), offset in since.items()
        )
        told.append(
            f't."{_subject(table)}" IN (SELECT subject FROM {LIVE.ledger.fullname} WHERE {places or "false"})'
        )
    return f"WHERE {' AND '.join(told)}" if told else ""


def _range(table: Table) -> str:
    return f'(hashtextextended(t."{_subject(table)}", 0) & {RANGES - 1})::int'


def _subject(table: Table) -> str:
    """The column that names the subject."""
    return "subject" if "subject" in table.columns else next(iter(table.primary_key.columns)).name


def _columns(table: Table) -> list[str]:
    return [f'"{column.name}"' for column in table.columns]


def _rows(digests: Digests) -> int:
    return sum(each[0] for each in digests.values())


def _whole(digests: Digests) -> str:
    return sha256(repr(sorted(digests.items())).encode()).hexdigest()[:16]


def _brief(value: Any) -> str:
    said = "nothing" if value is None else str(value)
    return said if len(said) <= 60 else f"{said[:59]}…"
