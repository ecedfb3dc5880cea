"""Timers: one process sends what deadlines ask for when their time comes; a second would only say the same again."""

import logging
import threading
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from consumers import deadlines
from consumers.asker import Asker
from consumers.deadlines import Deadline
from consumers.known_programs import attempt_of
from consumers.outage import OUTAGES, in_words
from consumers.sender import Outgoing, outgoing_request
from events.log import LogUnavailableError
from events.topics import Topics

__all__ = ["ACTOR", "Timers", "asked"]

log = logging.getLogger(__name__)

ACTOR = "deadline"

_LOOK_S = 0.5
_PAUSE_S = 1.0
_BATCH = 500


class Timers(Asker):
    """Sends due requests. ``clock`` says what is due; the decider checks only that the deadline is still current."""

    def run(self, stop: threading.Event, lost: threading.Event | None = None) -> None:
        """Send what is due until ``stop``, or until we have ``lost`` the lead; outages are waited out."""
        ends = (stop,) if lost is None else (stop, lost)
        told = False
        while not any(each.is_set() for each in ends):
            try:
                with self._engine.connect() as connection:
                    while not any(each.is_set() for each in ends):
                        if self.step(connection) == 0:
                            stop.wait(_LOOK_S)
                        told = False
            except _AWAY as error:
                if not told:
                    log.warning("timers wait for a server", extra={"error": in_words(error)})
                    told = True
                stop.wait(_PAUSE_S)

    def step(self, connection: Connection) -> int:
        """Send what is due; how many. Raises LogUnavailableError."""
        with connection.begin():
            found = deadlines.due(connection, at=self._clock(), at_most=_BATCH)
        if found:
            self._sender.send_all(asked(found, topics=self._topics, source=self._source, at=self._clock()))
            with connection.begin():
                deadlines.mark_delivered(connection, [each.event_id for each in found], at=self._clock())
            log.info("deadlines delivered", extra={"deadlines": len(found)})
        return len(found)


def asked(found: Sequence[Deadline], *, topics: Topics, source: str, at: datetime) -> list[Outgoing]:
    """The requests of these deadlines, each with the id that follows from the fact that set it."""
    return [
        outgoing_request(
            topics,
            each.request,
            each.subject,
            id=each.request_id,
            actor=ACTOR,
            source=source,
            at=at,
            data={"due_sequence": each.due_sequence},
            causationid=each.event_id,
            correlationid=each.correlationid,
            version=each.version,
            attempt=attempt_of(each.part),
        )
        for each in found
    ]


_AWAY: tuple[type[Exception], ...] = (LogUnavailableError, *OUTAGES)
