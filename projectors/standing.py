"""How things stand as a whole: files by stream and state, streams, how fresh the views are, what is in quarantine."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

__all__ = [
    "Freshness",
    "Quarantined",
    "StreamStanding",
    "Tally",
    "freshness",
    "quarantined",
    "streams",
    "tallies",
]


@dataclass(frozen=True, slots=True)
class Tally:
    """Files of one stream in one state; ``oldest_at`` is when the first of them came into it (UTC)."""

    stream: str
    state: str
    files: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class StreamStanding:
    """One stream."""

    stream: str
    title: str | None
    owner: str | None
    state: str
    since_at: datetime
    held: bool
    configuration_version: int | None


@dataclass(frozen=True, slots=True)
class Freshness:
    """How far one follower has read one partition."""

    follower: str
    machine: str
    partition: int
    next_offset: int
    last_event_at: datetime | None
    applied_at: datetime | None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A subject of which an event could not be folded."""

    machine: str
    subject: str
    sequence: int
    type: str
    error: str
    since_at: datetime


def tallies(connection: Connection) -> list[Tally]:
    """Files (their newest versions) by stream and state."""
    query = """
        SELECT stream, state, count(*) AS files, min(since_at) AS oldest_at FROM projection.file_version
        WHERE NOT is_superseded GROUP BY state, stream ORDER BY stream, state
    """
    return [Tally(**row) for row in connection.execute(text(query)).mappings()]


def streams(connection: Connection) -> list[StreamStanding]:
    """All streams by name."""
    query = "SELECT stream, title, owner, state, since_at, held, configuration_version FROM v1.stream ORDER BY stream"
    return [StreamStanding(**row) for row in connection.execute(text(query)).mappings()]


def freshness(connection: Connection) -> list[Freshness]:
    """Every follower's every partition."""
    query = "SELECT * FROM v1.freshness ORDER BY follower, machine, partition"
    return [Freshness(**row) for row in connection.execute(text(query)).mappings()]


def quarantined(connection: Connection) -> list[Quarantined]:
    """All that is in quarantine, the oldest first."""
    query = """
        SELECT machine, subject, sequence, type, error, since_at FROM projection.tainted
        ORDER BY since_at, machine, subject
    """
    return [Quarantined(**row) for row in connection.execute(text(query)).mappings()]
