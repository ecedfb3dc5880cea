"""Streams that should be heard of and are not: each purpose by its own cadence; noticed once, and once when it ends."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, text

from consumers.asker import Asker
from consumers.sender import Outgoing, outgoing_request
from events.base import Request
from events.ids import derived_id
from events.metadata_policy import Cadence, MetadataPolicy, Purpose
from events.stream import ReportStreamHeard, ReportStreamSilent, Silence
from events.types import format_time

__all__ = ["ACTOR", "SilenceWatch", "changes", "expected_since"]

log = logging.getLogger(__name__)

ACTOR = "cadence"
LOOKS_BACK = 64
"""How many times the interval is looked back for the last sign: beyond that it is only said that there was none."""


class Standing(NamedTuple):
    """A stream as the views know it: since when it is Enabled, what is expected of it, which silences stand."""

    stream: str
    since_at: datetime
    policy: MetadataPolicy
    silences: dict[str, Silence]


class SilenceWatch(Asker):
    """Asks for the facts. What has been noticed already is refused, so that it does no harm to look twice."""

    _asked: frozenset[str] = frozenset()

    def run_once(self) -> int:
        """Ask for what has changed by now; how many. Raises LogUnavailableError and the database's errors."""
        now = self._clock()
        with self._engine.connect() as connection:
            found = [
                (each.stream, request)
                for each in _standings(connection)
                for request in changes(connection, each, at=now)
            ]
        fresh = {made[0]: made[1] for made in (self._request(*each, now) for each in found)}
        self._sender.send_all([value for cause, value in fresh.items() if cause not in self._asked])
        count = len(fresh.keys() - self._asked)
        # Until the views know of it, the same is found again: it is asked once by this process.
        self._asked = frozenset(fresh)
        if count:
            log.info("silences of streams have changed", extra={"changes": count})
        return count

    def _request(self, stream: str, request: Request, at: datetime) -> tuple[str, Outgoing]:
        told = request.wire()
        cause = derived_id(
            f"{stream}/{told['purpose']}", f"{request.name} {told.get('since_at') or told['heard_at']}"
        )
        return cause, outgoing_request(
            self._topics,
            request.name,
            stream,
            id=cause,
            actor=ACTOR,
            source=self._source,
            at=at,
            data=told,
            causationid=cause,
        )


def changes(
    connection: Connection, standing: Standing, *, at: datetime
) -> Iterator[ReportStreamSilent | ReportStreamHeard]:
    """What there is to notice about one stream: silences that have begun, and those that are over."""
    for purpose, wanted in standing.policy.by_purpose.items():
        known = standing.silences.get(purpose)
        if known is not None:
            heard = _last(connection, standing.stream, purpose, after=known.since_at)
            if heard is not None:
                yield ReportStreamHeard(purpose=purpose, heard_at=heard)
            continue
        silence = (
            None if wanted.cadence is None else _silence(connection, standing, purpose, wanted.cadence, at)
        )
        if silence is not None:
            yield silence


def _silence(
    connection: Connection, standing: Standing, purpose: Purpose, cadence: Cadence, at: datetime
) -> ReportStreamSilent | None:
    """The silence that there is now. Whoever finds it finds the same times, and so asks the same."""
    every = timedelta(seconds=cadence.every_s)
    opened = expected_since(cadence, at=at, enabled_at=standing.since_at)
    if opened is None or at - opened < every:
        return None
    if _last(connection, standing.stream, purpose, after=at - every) is not None:
        return None
    last = _last(connection, standing.stream, purpose, after=at - every * LOOKS_BACK)
    since = opened if last is None else max(opened, last)
    return ReportStreamSilent(purpose=purpose, since_at=since, last_at=last, every_s=cadence.every_s)


def expected_since(cadence: Cadence, *, at: datetime, enabled_at: datetime) -> datetime | None:
    """From when on files are expected, without a break up to now; None where it is not the time of day."""
    if cadence.between is None:
        return enabled_at
    opened = _window_begin(cadence.between, at)
    return None if opened is None else max(opened, enabled_at)


def _window_begin(between: tuple[str, str], at: datetime) -> datetime | None:
    """When the part of the day began in which ``at`` lies, or None where it lies outside; it may go over midnight."""
    first, last = (_minutes(each) for each in between)
    now = at.hour * 60 + at.minute
    length = (last - first) % 1440 or 1440
    into = (now - first) % 1440
    if into >= length:
        return None
    return at.replace(second=0, microsecond=0) - timedelta(minutes=into)


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def _standings(connection: Connection) -> list[Standing]:
    """Enabled streams of which files are expected; of all others silence is expected."""
    return [
        Standing(
            row.stream,
            row.since_at,
            MetadataPolicy.model_validate(row.policy),
            {each["purpose"]: Silence.model_validate(each) for each in row.silences or ()},
        )
        for row in connection.execute(_STANDINGS).all()
    ]


def _last(connection: Connection, stream: str, purpose: str, *, after: datetime) -> datetime | None:
    found: datetime | None = connection.scalar(
        _LAST, {"stream": stream, "purpose": purpose, "after": format_time(after)}
    )
    return found


_STANDINGS = text("""
    SELECT stream, since_at, silences, configuration -> 'metadata' AS policy FROM projection.stream_status
    WHERE state = 'Enabled' AND configuration -> 'metadata' -> 'by_purpose' IS NOT NULL ORDER BY stream
""")

# The index by time of arrival leads past everything older, however many files there are.
_LAST = text("""
    SELECT max(queued_at) FROM projection.file_version
    WHERE queued_at > CAST(:after AS timestamptz) AND stream = :stream AND purpose = :purpose
""")
