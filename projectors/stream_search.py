"""Streams as they stand, with how many files they have."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, text

__all__ = ["all_streams", "not_streams", "one_stream"]

Row = dict[str, Any]

_ALL = """
    SELECT s.*, coalesce(c.files, 0) AS files FROM v1.stream s
    LEFT JOIN (SELECT stream, count(*) AS files FROM v1.file GROUP BY stream) c USING (stream)
    ORDER BY s.stream
"""
_ONE = """
    SELECT s.*, (SELECT count(*) FROM v1.file f WHERE f.stream = s.stream) AS files,
        jsonb_build_array(w.trust, t.latest) AS trust
    FROM v1.stream s LEFT JOIN work.stream w USING (stream) LEFT JOIN work.trust t USING (stream)
    WHERE s.stream = :stream
"""


def all_streams(connection: Connection) -> list[Row]:
    """By name."""
    return [dict(row) for row in connection.execute(text(_ALL)).mappings()]


def one_stream(connection: Connection, stream: str) -> Row | None:
    """One of them; None where there is none."""
    row = connection.execute(text(_ONE), {"stream": stream}).mappings().one_or_none()
    return None if row is None else dict(row)


def not_streams(connection: Connection, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Those of the names that no stream has, and the names that streams have."""
    known = sorted(connection.execute(text("SELECT stream FROM v1.stream")).scalars())
    return [each for each in names if each not in known], known
