"""The datasets that the ledger knows, as its views tell of them: what a scan is held against."""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from consumers.catalogue.scan import Known
from events.op_parts import Dataset

__all__ = ["known_datasets"]

_AT_ONCE = 500


def known_datasets(connection: Connection) -> Iterator[Known]:
    """Every OP with its datasets; an OP without any comes once. A few hundred are held at a time."""
    streaming = connection.execution_options(stream_results=True, yield_per=_AT_ONCE)
    for row in streaming.execute(_KNOWN):
        dataset = None if row.told is None else Dataset.model_validate(row.told)
        yield Known(row.subject, dataset, bool(row.is_closed))


# The last word about each dataset counts. One that moves to another program is gone from the one and new in the other
# by the same fact: then it is not gone.
_KNOWN = text("""
    WITH fact AS (
        SELECT subject, sequence, type, data FROM v1.ledger WHERE machine = 'op' AND NOT is_refusal
    ), word AS (
        SELECT f.subject, f.sequence, d.told ->> 'dataset' AS dataset, d.told, false AS is_gone
        FROM fact f CROSS JOIN LATERAL jsonb_array_elements(
            coalesce(f.data -> 'datasets', '[]') || coalesce(f.data -> 'added', '[]')
            || coalesce(f.data -> 'changed', '[]') || coalesce(f.data -> 'metadata', '[]')) AS d (told)
        WHERE f.type IN ('op.discovered', 'op.datasets_changed', 'op.metadata_changed')
        UNION ALL
        SELECT f.subject, f.sequence, d.told ->> 'dataset', NULL, true
        FROM fact f CROSS JOIN LATERAL jsonb_array_elements(coalesce(f.data -> 'gone', '[]')) AS d (told)
        WHERE f.type = 'op.datasets_changed'
    ), dataset AS (
        SELECT DISTINCT ON (subject, dataset) subject, told, is_gone
        FROM word ORDER BY subject, dataset, sequence DESC, is_gone
    ), program AS (
        SELECT DISTINCT ON (f.subject, p.told ->> 'program') f.subject, p.told ->> 'program' AS program,
            (p.told ->> 'is_ready')::boolean OR p.told ->> 'state' <> 'Discovered' AS is_closed
        FROM fact f CROSS JOIN LATERAL jsonb_array_elements(coalesce(f.data -> 'programs', '[]')) AS p (told)
        ORDER BY f.subject, p.told ->> 'program', f.sequence DESC
    )
    SELECT o.subject, d.told, p.is_closed
    FROM (SELECT subject FROM fact WHERE type = 'op.discovered') o
    LEFT JOIN dataset d ON d.subject = o.subject AND NOT d.is_gone
    LEFT JOIN program p ON p.subject = d.subject AND p.program = d.told ->> 'program'
    ORDER BY o.subject
""")
