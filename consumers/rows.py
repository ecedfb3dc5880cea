"""Many rows as one parameter of one statement: JSON that ``jsonb_to_recordset`` takes apart in PostgreSQL."""

from collections.abc import Iterable
from typing import Any

import orjson

__all__ = ["BY_KEY", "rows_json"]

BY_KEY = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_seqscan = off; "
"""Before a statement about a few rows, each named by its key: in a table of some thousand rows the planner takes
reading all of it for cheaper than looking these up, and it was read whole twice for each round of reports."""


def rows_json(rows: Iterable[Any]) -> str:
    """The rows as a JSON array; times and UUIDs as text."""
    return orjson.dumps(list(rows)).decode()
