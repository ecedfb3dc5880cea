"""Parked work gets another try, as a fact of the ledger says: whoever wants that asks for the fact."""

from collections.abc import Iterable

from sqlalchemy import Connection, text

from consumers.rows import rows_json
from events.ids import derived_id

__all__ = ["redrive"]


def redrive(connection: Connection, asked: Iterable[tuple[str, int]]) -> int:
    """Open what is parked of these subjects from before these sequences; how many items. Twice changes nothing."""
    rows = [{"subject": subject, "sequence": sequence} for subject, sequence in asked]
    if not rows:
        return 0
    parked = connection.execute(_PARKED, {"rows": rows_json(rows)}).all()
    opened = [
        {
            "event_id": each.event_id,
            "effect": each.effect,
            "number": each.try_number + 1,
            "report_id": derived_id(each.event_id, each.effect, each.try_number + 1),
        }
        for each in parked
    ]
    return connection.execute(_OPEN, {"rows": rows_json(opened)}).rowcount if opened else 0


_PARKED = text("""
    SELECT CAST(i.event_id AS text) AS event_id, i.effect, i.try_number FROM work.item i
    WHERE i.state = 'parked' AND EXISTS (
        SELECT FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (subject text, sequence bigint)
        WHERE r.subject = i.subject AND i.sequence < r.sequence)
    ORDER BY 1, 2 FOR UPDATE OF i
""")

_OPEN = text("""
    UPDATE work.item i SET state = 'open', try_number = r.number, report_id = r.report_id, due_at = NULL,
        report = NULL, parked_reason = NULL, payload = i.payload - 'refused'
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (event_id uuid, effect text, number int, report_id uuid)
    WHERE i.event_id = r.event_id AND i.effect = r.effect AND i.state = 'parked'
""")
