"""Which names there are to ask for, of checks, codes and owners; read when a list has come out empty."""

from sqlalchemy import Connection, text

__all__ = ["checks_seen", "is_code_seen", "is_warning_seen", "owners"]

# From one name to the next, by the index: a million files have some ten checks each.
_CHECKS = """
    WITH RECURSIVE seen AS (
        (SELECT check_name FROM projection.qa_value ORDER BY check_name LIMIT 1)
        UNION ALL
        SELECT (SELECT q.check_name FROM projection.qa_value q WHERE q.check_name > seen.check_name
                ORDER BY q.check_name LIMIT 1)
        FROM seen WHERE seen.check_name IS NOT NULL
    )
    SELECT check_name FROM seen WHERE check_name IS NOT NULL
"""
_CODE = "SELECT EXISTS (SELECT FROM projection.file_version WHERE code = :code AND NOT is_superseded)"
_WARNING = """
    SELECT EXISTS (SELECT FROM projection.warning WHERE code = :code)
        OR EXISTS (SELECT FROM projection.preview WHERE code = :code)
"""

_OWNERS = """
    SELECT configuration ->> 'owner' FROM v1.stream WHERE configuration ->> 'owner' <> ''
    UNION SELECT owner FROM projection.op_status WHERE owner IS NOT NULL ORDER BY 1
"""


def checks_seen(connection: Connection) -> list[str]:
    """The names of all checks and recorded values that any file has a result of, in order."""
    return list(connection.scalars(text(_CHECKS)))


def is_code_seen(connection: Connection, code: str) -> bool:
    """Whether it is, or was by the last attempt, the open problem of any file."""
    return bool(connection.scalar(text(_CODE), {"code": code}))


def is_warning_seen(connection: Connection, code: str) -> bool:
    """Whether any file has had this warning, or no preview for this reason."""
    return bool(connection.scalar(text(_WARNING), {"code": code}))


def owners(connection: Connection) -> list[str]:
    """Whose streams and observing programs are, in order."""
    return list(connection.scalars(text(_OWNERS)))
