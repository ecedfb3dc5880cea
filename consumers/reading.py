"""Reading a topic without a group: all that stands on it now, or what comes from now on."""

import time
from collections.abc import Iterator, Mapping

from events.log import Log, LogUnavailableError, Message, Place

__all__ = ["Tail", "read_to_end"]

_AT_MOST = 200
_PATIENCE_S = 15.0


def read_to_end(kafka: Log, topic: str, *, since: Mapping[Place, int] | None = None) -> Iterator[Message]:
    """Every message up to the end as it is when reading begins; nothing if there is no such topic.

    ``since``: only those from these offsets on, where one is given.
    Raises LogUnavailableError when nothing comes for a while although more stands there.
    """
    places = [Place(topic, number) for number in range(kafka.partitions([topic]).get(topic, 0))]
    if not places:
        return
    reader = kafka.reader()
    try:
        ends = {place: reader.end(place) for place in places}
        starts = {place: max(reader.beginning(place), (since or {}).get(place, 0)) for place in places}
        left = {place: start for place, start in starts.items() if start < ends[place]}
        reader.assign(left)
        patient_until = time.monotonic() + _PATIENCE_S
        while left:
            for place, messages in reader.poll(at_most=_AT_MOST, timeout_s=0.5).items():
                patient_until = time.monotonic() + _PATIENCE_S
                yield from (message for message in messages if message.offset < ends[place])
                patient_until = time.monotonic() + _PATIENCE_S
            left = {place: start for place, start in left.items() if reader.position(place) < ends[place]}
            if time.monotonic() > patient_until:
                raise LogUnavailableError(
                    f"{topic}: nothing more came for {_PATIENCE_S:g} s, wanted all up to {ends}"
                )
    finally:
        reader.close()


class Tail:
    """What comes on a topic from the moment this is made."""

    def __init__(self, kafka: Log, topic: str) -> None:
        places = [Place(topic, number) for number in range(kafka.partitions([topic]).get(topic, 0))]
        self._reader = kafka.reader()
        self._reader.assign({place: self._reader.end(place) for place in places})

    def poll(self, timeout_s: float) -> list[Message]:
        """What has come; waits up to ``timeout_s`` for the first."""
        polled = self._reader.poll(at_most=_AT_MOST, timeout_s=timeout_s)
        return [message for messages in polled.values() for message in messages]

    def close(self) -> None:
        """Let go."""
        self._reader.close()
