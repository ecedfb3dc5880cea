"""Whether intake gets on: messages that stand in an inbox and are not read, though nothing stands in the way."""

from collections.abc import Iterable, Mapping

from events.log import Log, Place

__all__ = ["ProgressWatch", "group_of"]

_LIMIT_S = 30.0
_LOOK_S = 5.0


def group_of(site: str) -> str:
    """The consumer group of intake."""
    return f"{site}.intake"


class ProgressWatch:
    """Compares the group's offsets with what stands in the inboxes, every few seconds at most.

    Faust was seen to stand still without a word; started anew it reads on from its offsets.
    """

    def __init__(self, kafka: Log, group: str, *, limit_s: float = _LIMIT_S) -> None:
        self._kafka = kafka
        self._group = group
        self._limit_s = limit_s
        self._last: Mapping[Place, int | None] = {}
        self._since = float("-inf")
        self._look_at = float("-inf")

    def stalled(self, inboxes: Iterable[str], *, now: float) -> Place | None:
        """A partition whose next message waits too long; raises LogError. ``now``: seconds, never jumping."""
        if now < self._look_at:
            return None
        self._look_at = now + _LOOK_S
        partitions = self._kafka.partitions(inboxes)
        places = [Place(topic, number) for topic, count in partitions.items() for number in range(count)]
        offsets = self._kafka.committed(self._group, places)
        if offsets != self._last:
            self._last, self._since = offsets, now
            return None
        if now - self._since < self._limit_s:
            return None
        self._since = now
        return self._next_unread(offsets)

    def _next_unread(self, offsets: Mapping[Place, int | None]) -> Place | None:
        """An end beyond the offset is not enough: the marks of a sender's transactions are read by nobody."""
        reader = self._kafka.reader()
        try:
            unread = {
                place: offset if offset is not None else reader.beginning(place)
                for place, offset in offsets.items()
                if reader.end(place) > (offset or 0)
            }
            reader.assign(unread)
            found = reader.poll(at_most=1, timeout_s=1.0) if unread else {}
        finally:
            reader.close()
        return next(iter(found), None)
