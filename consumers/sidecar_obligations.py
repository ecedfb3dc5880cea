"""Sidecars to their primaries, and the times by which primaries want them. Pure, like ``obligations``."""

from collections.abc import Iterable

from consumers.owed import Cancelled, DeadlineOwed, ItemOwed, Obligation
from events.envelope import Record
from events.ids import derived_id

__all__ = ["paired", "sidecar_is_complete", "sidecar_wanted"]

_DUE = "file.sidecar_due"


def sidecar_wanted(record: Record) -> Iterable[Obligation]:
    """A primary has arrived: from now on this is the time by which its sidecar is to be there."""
    due_at = (record.data.get("pairing") or {}).get("due_at")
    if due_at is not None:
        yield _no_longer_due(record)
        yield DeadlineOwed(
            record.id, _DUE, record.subject, record.version, record.sequence, due_at, record.correlationid
        )


def sidecar_is_complete(record: Record) -> Iterable[Obligation]:
    """Each of its primaries is to be told; the first by an item of the fact's own id, the others by derived ones."""
    stream, _, name = record.subject.partition("/")
    for number, primary in enumerate(record.data.get("primaries") or ()):
        event_id = derived_id(record.id, primary) if number else record.id
        payload = {"cause": record.id, "primary": f"{stream}/{primary}", "sidecar": name}
        yield ItemOwed.by(record, "pair", payload, event_id=event_id)


def paired(record: Record) -> Iterable[Obligation]:
    """It has its sidecar."""
    yield _no_longer_due(record)


def _no_longer_due(record: Record) -> Cancelled:
    return Cancelled(record.subject, None, _DUE, record.sequence, record.at)
