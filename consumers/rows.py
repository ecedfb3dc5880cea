"""Many rows as one parameter of one statement: JSON that ``jsonb_to_recordset`` takes apart in PostgreSQL."""

from collections.abc import Iterable
from typing import Any

import orjson

__all__ = ["rows_json"]


def rows_json(rows: Iterable[Any]) -> str:
    """The rows as a JSON array; times and UUIDs as text."""
    return orjson.dumps(list(rows)).decode()
