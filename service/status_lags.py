"""Of ``status``: how far every reader is behind, in records and in how long the oldest of them has waited."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from consumers.intake_watch import group_of
from events.log import Log, Place, Reader
from events.topics import Topics

__all__ = ["lag_attention", "lag_lines", "lags"]

Row = Mapping[str, Any]

MANY = 1000
LONG_S = 60.0
_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class _Part:
    """A reader and where it goes on; None: it has not read anything of that place yet."""

    name: str
    places: Mapping[Place, int | None]
    last_event_at: datetime | None = None


def lags(
    log: Log, topics: Topics, machines: Iterable[str], positions: Sequence[Row], now: datetime
) -> list[dict[str, Any]]:
    """A row for each follower, the decider and intake; raises LogError. ``positions``: those of the followers."""
    reader = log.reader()
    try:
        return [
            _lag(reader, part, now) for part in _parts(log, topics, list(machines), positions) if part.places
        ]
    finally:
        reader.close()


def lag_attention(lags: Iterable[Row]) -> Iterator[str]:
    """What a person should look at."""
    for lag in lags:
        if lag["behind"] > MANY or lag["seconds"] > LONG_S:
            yield f"{lag['part']} is {lag['behind']} records behind, the oldest waits for {lag['seconds']:.0f} s"
        if lag["gone"]:
            yield (
                f"{lag['gone']} records were gone from Kafka before {lag['part']} had read them: they were kept too "
                "short a time; ask those who sent them to send them again"
            )


def lag_lines(lags: Iterable[Row]) -> Iterator[str]:
    """One line a reader."""
    for lag in lags:
        behind = (
            f"{lag['behind']} records, {lag['seconds']:.0f} s behind" if lag["behind"] else "has read all"
        )
        yield f"{lag['part']}: {behind}"


def _parts(log: Log, topics: Topics, machines: list[str], positions: Sequence[Row]) -> Iterator[_Part]:
    for name in dict.fromkeys(row["follower"] for row in positions):
        own = [row for row in positions if row["follower"] == name]
        places: dict[Place, int | None] = {
            Place(topics.events(row["machine"]), row["partition"]): row["next_offset"] for row in own
        }
        newest = max((row["last_event_at"] for row in own if row["last_event_at"]), default=None)
        yield _Part(name, places, newest)
    decided: dict[Place, int | None] = {}
    for machine in machines:
        decided |= log.committed(topics.decider(machine), _places(log, [topics.requests(machine)]))
    yield _Part("decider", decided)
    inboxes = [name for name in log.names() if name.startswith(topics.inbox_prefix)]
    yield _Part("intake", log.committed(group_of(topics.site), _places(log, inboxes)))


def _places(log: Log, names: list[str]) -> list[Place]:
    return [Place(name, number) for name, count in log.partitions(names).items() for number in range(count)]


def _lag(reader: Reader, part: _Part, now: datetime) -> dict[str, Any]:
    behind, gone, at = 0, 0, dict[Place, int]()
    ends = {place: reader.end(place) for place in part.places}
    for place, offset in part.places.items():
        if ends[place] > (offset or 0):
            begin = reader.beginning(place)
            gone += max(0, begin - offset) if offset is not None else 0
            at[place] = max(offset or 0, begin)
    oldest = _oldest(reader, at, ends)
    behind = sum(ends[place] - offset for place, offset in at.items() if place in oldest)
    known = [stamp for stamp in oldest.values() if stamp is not None]
    waited = now.timestamp() - min(known) / 1000 if known else 0.0
    return {
        "part": part.name,
        "behind": behind,
        "seconds": round(max(0.0, waited), 1),
        "last_event_at": part.last_event_at,
        "gone": gone,
    }


def _oldest(reader: Reader, at: Mapping[Place, int], ends: Mapping[Place, int]) -> dict[Place, int | None]:
    """When the next record of each place was written, in ms; None: not seen in time.

    A place is left out where nothing is to be read up to its end but Kafka's own marks of transactions.
    """
    found: dict[Place, int | None] = {place: None for place, offset in at.items() if offset < ends[place]}
    reader.assign({place: at[place] for place in found})
    missing, until = set(found), time.monotonic() + _LOOK_S
    while missing and (left := until - time.monotonic()) > 0:
        for place, messages in reader.poll(at_most=len(missing), timeout_s=left).items():
            found[place] = messages[0].timestamp_ms if place in missing else found[place]
            missing.discard(place)
            reader.pause([place])
        read = {place for place in missing if reader.position(place) >= ends[place]}
        missing -= read
        for place in read:
            del found[place]
    return found
