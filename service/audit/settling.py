"""Waits until a site has caught up with what stood there at the beginning, and says what has not."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.audit.database import moment, reaching
from service.audit.findings import Offender, Tally
from service.audit.kafka_reader import KafkaReader
from service.audit.reach import Place
from service.audit.topology import Topology

__all__ = ["Noted", "settle"]

_LOOK_S = 0.5


@dataclass(slots=True)
class Noted:
    """Where everything ended when the audit began: what has to be caught up with, and since when work is owed."""

    ledgers: Mapping[Place, int]
    requests: Mapping[Place, int]
    inboxes: Mapping[Place, int]
    at: Any = None
    behind: list[Offender] = field(default_factory=list)


def settle(reader: KafkaReader, database: str, topology: Topology, tally: Tally, *, settle_s: float) -> None:
    """Wait up to ``settle_s``; what stands still then, and has no reason to, is ``stuck``."""
    noted = Noted(
        reader.ends(topology.ledgers), reader.ends(topology.requests), reader.ends(topology.inboxes)
    )
    with moment(database) as connection, reaching():
        cursor = connection.cursor()
        cursor.execute("SELECT now()")
        (noted.at,) = cursor.fetchone()
    until = time.monotonic() + settle_s
    while True:
        behind = list(_behind(reader, database, topology, noted))
        if not behind or time.monotonic() >= until:
            break
        time.sleep(_LOOK_S)
    tally.looked("stuck", 3 * len(noted.ledgers) + len(noted.inboxes) + _work_of(database, noted))
    for each in behind:
        tally.found("stuck", each)


def _behind(reader: KafkaReader, database: str, topology: Topology, noted: Noted) -> Iterator[Offender]:
    with moment(database) as connection, reaching():
        cursor = connection.cursor()
        cursor.execute(_FOLLOWERS)
        positions = {(who, machine, partition): offset for who, machine, partition, offset in cursor}
        for follower in ("projector", "dispatch"):
            found = {
                place: positions.get((follower, topology.machine_of(place), place.partition), 0)
                for place in noted.ledgers
            }
            yield from _short_of(reader, follower, found, noted.ledgers)
        yield from _undecided(reader, topology, noted)
        cursor.execute(_STANDING_STILL, {"at": noted.at})
        for subject, effect, state, event_id, said in cursor:
            still = f"{effect} is {state}{f': {said}' if said else ''}"
            yield Offender(subject, still, "done, or a reason why it waits", "work.item", event_id)
        cursor.execute(_OVERDUE)
        for subject, event_id, due_at in cursor:
            late = f"deadline of {due_at} not delivered"
            yield Offender(subject, late, "its request", "work.deadline", event_id)


def _undecided(reader: KafkaReader, topology: Topology, noted: Noted) -> Iterator[Offender]:
    groups: dict[str, dict[Place, int]] = {f"{topology.site}.intake": dict(noted.inboxes)}
    for place, end in noted.requests.items():
        groups.setdefault(f"{topology.site}.{topology.machine_of(place)}.decider", {})[place] = end
    for group, ends in groups.items():
        yield from _short_of(reader, group, reader.committed(group, ends), ends)


def _short_of(
    reader: KafkaReader, who: str, found: Mapping[Place, int], ends: Mapping[Place, int]
) -> Iterator[Offender]:
    """Where somebody has not come to the end; the last offsets may be Kafka's own marks, which nobody applies."""
    short = [place for place, offset in found.items() if offset < ends[place]]
    begins = reader.beginnings(short)
    ranges = {place: (max(found[place], begins[place]), ends[place]) for place in short}
    for place in sorted(reader.holds(ranges)):
        wanted = f"{ends[place]}, where it ended"
        yield Offender("", f"{who} stands at {found[place]}", wanted, f"{place.topic}/{place.partition}")


def _work_of(database: str, noted: Noted) -> int:
    with moment(database) as connection, reaching():
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM work.item WHERE created_at < %s", (noted.at,))
        return int(cursor.fetchone()[0])


_FOLLOWERS = """
    SELECT follower, machine, partition, next_offset FROM projection.position
    UNION ALL SELECT follower, machine, partition, next_offset FROM work.position
"""

# Reasons to wait: a time that has not come, a hold, a stream that is not worked on, a gate, a server that is away,
# a person who has to look (here or at the item in front), a worker at it, or workers at others of the same kind.
_STANDING_STILL = """
    SELECT i.subject, i.effect, i.state, i.event_id::text, i.last_error FROM work.item i
    LEFT JOIN work.stream s ON s.stream = i.stream
    WHERE i.state IN ('open', 'leased', 'reported') AND i.created_at < %(at)s
      AND NOT (i.state = 'open' AND coalesce(i.due_at > now(), false))
      AND NOT (i.state = 'leased' AND i.lease_until > now())
      AND NOT (i.state = 'open' AND EXISTS (
          SELECT FROM work.item o WHERE o.state = 'leased' AND o.lease_until > now()
              AND (o.lane = 'steps') = (i.lane = 'steps')))
      AND NOT (i.state = 'open' AND i.lane = 'steps' AND (
          coalesce(s.held, false) OR coalesce(s.state, '') NOT IN ('Enabled', 'Offline')
          OR EXISTS (SELECT FROM work.hold h WHERE h.subject = i.subject)))
      AND NOT EXISTS (SELECT FROM work.gate)
      AND NOT (i.state = 'open' AND EXISTS (SELECT FROM work.breaker))
      AND NOT EXISTS (
          SELECT FROM work.item p WHERE p.subject = i.subject AND p.lane = i.lane AND p.sequence < i.sequence
              AND (p.state = 'parked' OR p.state = 'open' AND p.due_at > now()))
    ORDER BY i.created_at LIMIT 1000
"""

_OVERDUE = """
    SELECT subject, event_id::text, due_at FROM work.deadline
    WHERE state = 'waiting' AND due_at < now() - interval '60 s' ORDER BY due_at LIMIT 1000
"""
