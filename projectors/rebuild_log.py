"""The log as a rebuild sees it: it can be read up to given places, and nothing at all can be written (law 4)."""

import time
from collections.abc import Iterable, Mapping
from typing import NoReturn

from events.log import Log, Message, Place, Reader, TopicSpec, TransactionalWriter, Writer

__all__ = ["EffectError", "ReadOnlyLog"]

_LOOK_S = 0.02


class EffectError(Exception):
    """Something reached for an effect while history was being read."""


class ReadOnlyLog:
    """A log up to ``limits`` (first offset not read, by place; a place without one ends at its beginning).

    Limits may be raised while it is being read. Whoever asks for a writer gets EffectError.
    """

    def __init__(self, log: Log, limits: Mapping[Place, int]) -> None:
        self._log = log
        self.limits = limits

    def reader(self, *, committed: bool = True) -> "LimitedReader":
        """A reader that ends at the limits."""
        return LimitedReader(self._log.reader(committed=committed), self)

    def writer(self) -> Writer:
        """There is none."""
        _refuse("a writer")

    def transactional(self, transactional_id: str) -> TransactionalWriter:
        """There is none."""
        _refuse(f"the transactions of {transactional_id}")

    def committed(self, group: str, places: Iterable[Place]) -> dict[Place, int | None]:
        """Offsets that transactions have committed for this group."""
        return self._log.committed(group, places)

    def ensure(self, specs: Iterable[TopicSpec]) -> None:
        """Nothing is made."""
        _refuse(f"topics {', '.join(spec.name for spec in specs)}")

    def topic_ids(self, names: Iterable[str]) -> dict[str, str]:
        """The cluster's id of each existing topic."""
        return self._log.topic_ids(names)

    def partitions(self, names: Iterable[str]) -> dict[str, int]:
        """The partition count of each existing topic."""
        return self._log.partitions(names)

    def names(self) -> list[str]:
        """All topics."""
        return self._log.names()

    def close(self) -> None:
        """The log belongs to whoever lent it."""


class LimitedReader:
    """Reads assigned partitions up to their limits."""

    def __init__(self, reader: Reader, log: ReadOnlyLog) -> None:
        self._reader = reader
        self._log = log
        self._seats: dict[Place, int] = {}
        self._resting: set[Place] = set()

    def assign(self, positions: Mapping[Place, int]) -> None:
        """Read these partitions from these offsets, and no others."""
        self._seats = {Place(*place): offset for place, offset in positions.items()}
        self._resting = set()
        self._reader.assign(positions)

    def poll(self, *, at_most: int, timeout_s: float) -> dict[Place, list[Message]]:
        """What has come before the limits; where all of them are reached it waits for nothing."""
        self._rest()
        if len(self._resting) == len(self._seats):
            time.sleep(min(timeout_s, _LOOK_S))
            return {}
        polled = self._reader.poll(at_most=at_most, timeout_s=timeout_s)
        kept = {place: self._before_limit(place, messages) for place, messages in polled.items()}
        if any(len(kept[place]) != len(messages) for place, messages in polled.items()):
            self.assign({place: self.position(place) for place in self._seats})
        return kept

    def position(self, place: Place) -> int:
        """The offset that is read next, at most the limit."""
        return min(self._reader.position(place), self._limit(place))

    def end(self, place: Place) -> int:
        """The uncommitted end, whatever the limit."""
        return self._reader.end(place)

    def beginning(self, place: Place) -> int:
        """The first offset that is still kept."""
        return self._reader.beginning(place)

    def pause(self, places: Iterable[Place]) -> None:
        """Return nothing of these partitions for now."""
        self._reader.pause(places)

    def resume(self, places: Iterable[Place]) -> None:
        """Return them again."""
        self._reader.resume(places)

    def close(self) -> None:
        """Let go."""
        self._reader.close()

    def _limit(self, place: Place) -> int:
        """Never before the place where reading began."""
        return max(self._seats[place], self._log.limits.get(place, 0))

    def _before_limit(self, place: Place, messages: list[Message]) -> list[Message]:
        limit = self._limit(place)
        if not messages or messages[-1].offset < limit:
            return messages
        return [message for message in messages if message.offset < limit]

    def _rest(self) -> None:
        """Fetch nothing for partitions that have reached their limit, until it is raised."""
        resting = {place for place in self._seats if self._reader.position(place) >= self._limit(place)}
        self._reader.pause(resting - self._resting)
        self._reader.resume(self._resting - resting)
        self._resting = resting


def _refuse(what: str) -> NoReturn:
    raise EffectError(
        f"a rebuild reached for {what}; history is read without any effect, so this is an error in a projection"
    )
