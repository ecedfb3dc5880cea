"""Names that are close to one that nobody has announced: found by the index of names alone, however many there are.

Two kinds of slips are looked for. Whatever is wrong near a name's end, its neighbours in the order of names begin as it
does. And all names that one slip makes of it (a sign more, less, other, or two in the wrong order, or the other case)
are looked up, wherever in the name the slip is.
"""

import string
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, text

__all__ = ["close_names", "one_slip_away"]

_NEIGHBOURS = 150
_LOOKED_INTO = 64
"""Characters of a name in which slips are looked for; behind them the neighbours are enough."""

_SIGNS = string.digits + string.ascii_letters + "_-."

_NEAR = """
    (SELECT name FROM projection.file_status WHERE name >= :name ORDER BY name LIMIT :most)
    UNION ALL
    (SELECT name FROM projection.file_status WHERE name < :name ORDER BY name DESC LIMIT :most)
"""
# Each looked up by itself: as one list they are so many that the whole table would be read.
_THERE = """
    SELECT found.name FROM unnest(CAST(:names AS text[])) AS asked (name), LATERAL (
        SELECT s.name FROM projection.file_status s WHERE s.name = asked.name COLLATE "C" LIMIT 1) AS found
"""
_FILES = "SELECT name, min(file) AS file FROM projection.file_status WHERE name = ANY(:names) GROUP BY name"


def close_names(connection: Connection, name: str, *, at_most: int = 3) -> list[str]:
    """Files whose names are nearly this one, the nearest first."""
    bare = name.rpartition("/")[2]
    near = _names(connection, _NEAR, name=bare, most=_NEIGHBOURS)
    stem = bare.partition(".")[0]
    slips = _names(connection, _THERE, names=[stem, *one_slip_away(bare)])
    found = [stem] if stem in slips and stem != bare else []  # most files go by their names without extension
    found += get_close_matches(bare, dict.fromkeys((*slips, *near)), n=at_most, cutoff=0.75)
    found = list(dict.fromkeys(found))[:at_most]
    rows = connection.execute(text(_FILES), {"names": found}).mappings()
    by_name: dict[str, str] = {row["name"]: row["file"] for row in rows}
    return [by_name[each] for each in found]


def one_slip_away(name: str) -> Iterator[str]:
    """Names that differ in one sign, in the order of two signs, or in their case."""
    yield from {name.lower(), name.upper()} - {name}
    for place in range(min(len(name), _LOOKED_INTO) + 1):
        before, after = name[:place], name[place:]
        yield from (before + sign + after for sign in _SIGNS)
        if after:
            yield before + after[1:]
            yield from (before + sign + after[1:] for sign in _SIGNS if sign != after[0])
        if len(after) > 1:
            yield before + after[1] + after[0] + after[2:]


def _names(connection: Connection, query: str, **values: Any) -> list[str]:
    return [str(name) for name in connection.execute(text(query), values).scalars()]
