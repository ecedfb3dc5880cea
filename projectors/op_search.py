"""Finding observing programs: what can be claimed, and what is close to a name that is not there."""

from datetime import datetime
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, text

__all__ = ["close_ops", "now_of", "queued"]

Row = dict[str, Any]

_CLOSE_AMONG = 5000
_CLOSE = "SELECT op FROM v1.op WHERE op ILIKE :stem ORDER BY since_at DESC, op LIMIT :among"


def queued(connection: Connection) -> list[Row]:
    """Every program that can be claimed now, as ``v1.op_queue`` has it, by name: who ranks them says why."""
    return _rows(connection, "SELECT * FROM v1.op_queue ORDER BY op, program")


def now_of(connection: Connection) -> datetime:
    """The database's clock, which the views go by."""
    return connection.execute(text("SELECT now()")).scalar_one()  # type: ignore[no-any-return]


def close_ops(connection: Connection, op: str, *, at_most: int = 3) -> list[str]:
    """Observing programs whose names are nearly this one, the nearest first."""
    stem = op[: max(2, len(op) // 3)].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    among = [row["op"] for row in _rows(connection, _CLOSE, stem=f"%{stem}%", among=_CLOSE_AMONG)]
    return get_close_matches(op, among, n=at_most, cutoff=0.75)


def _rows(connection: Connection, query: str, **values: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(text(query), values).mappings()]
