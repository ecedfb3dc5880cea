"""The datasets that the ledger knows, as its views tell of them: what a scan is held against."""

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, text

from consumers.catalogue.scan import Known
from events.op_parts import Dataset

__all__ = ["known_datasets"]

_AT_ONCE = 500
_MEMBERS = (
    "dataset", "program", "instrument", "digest", "frames", "size_bytes", "created_at", "started_at", "ended_at",
    "is_embargoed", "embargo_until",
)  # fmt: skip


def known_datasets(connection: Connection) -> Iterator[Known]:
    """Every OP with its datasets, by OP; one without any comes once. A few hundred are held at a time.

    The views have to be as far as the ledger: what they have not read yet a scan would ask for once more. The machine
    leaves out of such a request what it knows, so that it says nothing new, but the asker is refused.
    """
    streaming = connection.execution_options(stream_results=True, yield_per=_AT_ONCE)
    for row in streaming.execute(_KNOWN).mappings():
        dataset = None if row["dataset"] is None else _dataset(row)
        yield Known(row["op"], dataset, bool(row["is_closed"]), row["source"])


def _dataset(row: Mapping[Any, Any]) -> Dataset:
    told = {name: row[name] for name in _MEMBERS}
    return Dataset(**told, values=row["metrics"] or {}, problems=row["problems"] or ())


# A program that was judged and waits for another verdict is as closed as one that waits for its first.
_KNOWN = text(f"""
    SELECT o.op, {", ".join(f"d.{name}" for name in _MEMBERS)}, d.metrics, d.problems,
           d.source, p.is_ready OR p.state <> 'Discovered' AS is_closed
    FROM projection.op_status o
    LEFT JOIN projection.op_dataset d ON d.op = o.op AND NOT d.is_gone
    LEFT JOIN projection.op_program p ON p.op = d.op AND p.program = d.program
    ORDER BY o.op
""")  # noqa: S608 - names of our own
