"""All that is known of one observing program, gathered from the views."""

from typing import Any

from sqlalchemy import Connection, text

__all__ = ["gather", "whole"]

Row = dict[str, Any]

_OP = "SELECT * FROM v1.op WHERE op = :op"
_PROGRAMS = """
    SELECT p.*, (SELECT (h.data -> 'verdict' ->> 'left_out')::int FROM v1.op_history h
                 WHERE h.op = p.op AND h.sequence = p.verdict_sequence) AS left_out
    FROM v1.op_program p WHERE p.op = :op ORDER BY p.program
"""
_FAILED = """
    SELECT * FROM v1.op_criterion WHERE op = :op AND is_current AND NOT passed
    ORDER BY program, required DESC, ordinal
"""
_ATTEMPTS = "SELECT * FROM v1.op_attempt WHERE op = :op ORDER BY attempt"


def gather(connection: Connection, op: str) -> dict[str, Any] | None:
    """What explains where an observing program stands, as the members of a story; None where nothing is known of it."""
    rows = _all(connection, _OP, op=op)
    if not rows:
        return None
    return {
        "now": connection.scalar(text("SELECT now()")),
        "op": rows[0],
        "programs": tuple(_all(connection, _PROGRAMS, op=op)),
        "failed_criteria": tuple(_all(connection, _FAILED, op=op)),
        "attempts": tuple(_all(connection, _ATTEMPTS, op=op)),
    }


def whole(connection: Connection, op: str) -> dict[str, Any] | None:
    """Every view's rows about an observing program, of verdicts those that hold; None where nothing is known of it."""
    rows = _all(connection, _OP, op=op)
    if not rows:
        return None
    queries = {
        "instrument_programs": "SELECT * FROM v1.op_program WHERE op = :op ORDER BY program",
        "dataset_rows": "SELECT * FROM v1.op_dataset WHERE op = :op ORDER BY program, is_gone, created_at, dataset",
        "criteria": "SELECT * FROM v1.op_criterion WHERE op = :op AND is_current ORDER BY program, sequence, ordinal",
        "attempt_rows": _ATTEMPTS,
        "waited": "SELECT * FROM v1.responsibility WHERE op = :op ORDER BY waited_s DESC, state",
    }
    return {**rows[0], **{name: _all(connection, query, op=op) for name, query in queries.items()}}


def _all(connection: Connection, query: str, **values: Any) -> list[Row]:
    return [dict(row) for row in connection.execute(text(query), values).mappings()]
