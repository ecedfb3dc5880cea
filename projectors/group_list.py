"""Groups of files by filter, those longest in their state first; and what is close to a name that is not there."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, text

__all__ = ["GroupFilter", "close_groups", "groups", "one_group"]

Row = dict[str, Any]

_CLOSE_AMONG = 5000


@dataclass(frozen=True, slots=True)
class GroupFilter:
    """Which groups; what is None, empty or False does not matter. ``missing``: something expected has not come."""

    states: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()
    missing: bool = False


def groups(connection: Connection, wanted: GroupFilter, *, limit: int) -> list[Row]:
    """Rows of ``v1.group``."""
    told = {
        "state = ANY(:states)": ("states", wanted.states),
        "stream = ANY(:streams)": ("streams", wanted.streams),
        "kind = ANY(:kinds)": ("kinds", wanted.kinds),
        "op = ANY(:ops)": ("ops", wanted.ops),
    }
    given = {condition: pair for condition, pair in told.items() if pair[1]}
    conditions = [*given, *(["missing > 0"] if wanted.missing else [])]
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    query = f'SELECT * FROM v1."group" {where} ORDER BY since_at, group_id LIMIT :limit'  # noqa: S608 - ours
    return _rows(connection, query, limit=limit, **{name: list(values) for name, values in given.values()})


def one_group(connection: Connection, group: str) -> Row | None:
    """The row of ``v1.group``; None where nothing is known of it."""
    found = _rows(connection, 'SELECT * FROM v1."group" WHERE group_id = :group', group=group)
    return found[0] if found else None


def close_groups(connection: Connection, group: str, *, at_most: int = 3) -> list[str]:
    """Groups whose names are nearly this one, the nearest first."""
    bare = group.rpartition("/")[2]
    stem = bare[: max(2, len(bare) // 3)].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    query = """
        SELECT group_id FROM projection.group_status WHERE group_id ILIKE :stem
        ORDER BY since_at DESC, group_id LIMIT :among
    """
    among = [row["group_id"] for row in _rows(connection, query, stem=f"%{stem}%", among=_CLOSE_AMONG)]
    by_name = {each.rpartition("/")[2]: each for each in among}
    return [by_name[each] for each in get_close_matches(bare, by_name, n=at_most, cutoff=0.7)]


def _rows(connection: Connection, query: str, **values: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(text(query), values).mappings()]
