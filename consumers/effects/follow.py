"""Follow-up: content that waited behind a version in flight is announced again, in its sender's name."""

from consumers.claims import WorkItem
from consumers.effects.asking import ACTOR, Ask
from events.file_requests import ArriveFile

__all__ = ["follow"]


def follow(item: WorkItem) -> Ask:
    """The request; its outcome closes the item, whatever it is."""
    return Ask(
        ArriveFile.model_validate(item.payload["pending"]),
        item,
        item.report_id,
        item.subject,
        actor=item.sender or ACTOR,
        correlationid=item.sender_event_id,
        is_report=True,
    )
