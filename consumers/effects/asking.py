"""What effects ask: a request about one subject, with who asks and why, ready to be sent."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from consumers.claims import WorkItem
from consumers.sender import Outgoing, outgoing_request
from events.topics import Topics

__all__ = ["ACTOR", "Ask", "Asking", "Asks", "report", "request_for"]

ACTOR = "worker"
"""In whose name workers ask. The same for all of them: the same request from two workers is the same request."""


class Asking(Protocol):
    """A request, or what will stand for one on the wire."""

    @property
    def name(self) -> str:
        """On the wire."""

    def wire(self) -> dict[str, Any]:
        """The payload as it stands in JSON."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. ``is_report``: its outcome closes the item. ``may_wait``: a moment, so that several go together."""

    request: Asking
    item: WorkItem
    id: str
    subject: str
    version: int | None = None
    attempt: int | None = None
    actor: str = ACTOR
    correlationid: str | None = None
    is_report: bool = False
    may_wait: bool = False

    def outgoing(self, topics: Topics, *, source: str, at: datetime) -> Outgoing:
        """Topic, key and value."""
        return outgoing_request(
            topics,
            self.request.name,
            self.subject,
            id=self.id,
            actor=self.actor,
            source=source,
            at=at,
            data=self.request.wire(),
            causationid=self.item.cause,
            correlationid=self.correlationid or self.item.correlationid or self.item.sender_event_id,
            version=self.version,
            attempt=self.attempt,
        )


Asks = Iterator[Ask]
"""An effect yields what it asks; each is sent before the effect goes on."""


def report(item: WorkItem, request: Asking) -> Ask:
    """The report on an item's version and attempt."""
    return request_for(item, request, id=item.report_id, is_report=True)


def request_for(
    item: WorkItem,
    request: Asking,
    *,
    id: str,  # noqa: A002
    is_report: bool = False,
    may_wait: bool = False,
) -> Ask:
    """A request about the item's own version and attempt."""
    about = (item.subject, item.version, item.attempt)
    return Ask(request, item, id, *about, is_report=is_report, may_wait=may_wait)
