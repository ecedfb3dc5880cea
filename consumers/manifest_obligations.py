"""A manifest's sums to the files that it names. Pure, like ``obligations``."""

from collections.abc import Iterable

from consumers.owed import ItemOwed, Obligation
from events.envelope import Record
from events.ids import derived_id

__all__ = ["listed"]


def listed(record: Record) -> Iterable[Obligation]:
    """Each file is to be told; the first by an item of the fact's own id, the others by derived ones."""
    manifest = record.subject.partition("/")[2]
    for number, (name, value) in enumerate((record.data.get("sums") or {}).items()):
        event_id = derived_id(record.id, name) if number else record.id
        payload = {
            "cause": record.id,
            "manifest": manifest,
            "name": name,
            "sum": value,
            "stream_version": record.data["brief"].get("stream_version", 1),
        }
        yield ItemOwed.by(record, "attest", payload, event_id=event_id)
