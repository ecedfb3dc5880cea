"""What a bare name is the name of, beside files: observing programs, groups, identities, streams."""

from sqlalchemy import Connection, text

__all__ = ["others_named"]

# A group by its whole name, or by its own part of it in any of the streams.
_NAMED = text("""
    SELECT 'op', op FROM projection.op_status WHERE op = :name
    UNION ALL
    SELECT 'group', group_id FROM projection.group_status
    WHERE group_id = ANY(ARRAY(SELECT CAST(:name AS text) UNION SELECT stream || '/' || :name FROM v1.stream))
    UNION ALL
    SELECT 'identity', CAST(:name AS text)
    WHERE EXISTS (SELECT FROM projection.ledger WHERE machine = 'identity' AND subject = :name)
    UNION ALL
    SELECT 'stream', stream FROM v1.stream WHERE stream = :name
""")


def others_named(connection: Connection, name: str) -> list[tuple[str, str]]:
    """Kind and full name of each."""
    return [(str(kind), str(found)) for kind, found in connection.execute(_NAMED, {"name": name})]
