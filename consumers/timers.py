"""Timers: one leader sends what deadlines ask for when their time comes; a second one would only say the same again."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, text

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
LEADER_LOCK = 7_216_000_452
"""Advisory lock of the leader; a second leader does no harm, its requests have the same ids."""

_LOOK_S = 0.5
_PAUSE_S = 1.0
_BATCH = 500


class Timers(Asker):
    """Sends due requests. ``clock`` says what is due; the decider checks only that the deadline is still current."""

    def run(self, stop: threading.Event) -> None:
        """Lead whenever nobody else does, until ``stop``; outages are waited out."""
        told = False
        while not stop.is_set():
            try:
                with self._leading() as connection:
                    while connection is not None and not stop.is_set():
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

    @contextmanager
    def _leading(self) -> Iterator[Connection | None]:
        """A connection that holds the lock as long as it lives; None where another leads."""
        with self._engine.connect() as connection:
            with connection.begin():
                leads = connection.execute(_LOCK, {"lock": LEADER_LOCK}).scalar_one()
            try:
                yield connection if leads else None
            finally:
                connection.invalidate()  # the lock goes with the session


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
_LOCK = text("SELECT pg_try_advisory_lock(:lock)")
