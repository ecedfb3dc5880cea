"""One partition between two offsets, batch by batch; what is held is a batch."""

import time
from collections.abc import Iterator

from events.log import Log, LogUnavailableError, Message, Place

__all__ = ["each_record", "read_range"]

_AT_MOST = 2000
_PATIENCE_S = 60.0


def read_range(log: Log, place: Place, begin: int, end: int) -> Iterator[list[Message]]:
    """Committed records from ``begin`` up to and without ``end``.

    Raises LogUnavailableError when nothing comes for a minute although more stands there.
    """
    if begin >= end:
        return
    reader = log.reader(committed=True)
    try:
        reader.assign({place: begin})
        until = time.monotonic() + _PATIENCE_S
        while (position := reader.position(place)) < end:
            messages = reader.poll(at_most=_AT_MOST, timeout_s=0.5).get(place, [])
            if messages or reader.position(place) > position:
                yield [each for each in messages if each.offset < end]
                until = time.monotonic() + _PATIENCE_S
            elif time.monotonic() > until:
                raise LogUnavailableError(
                    f"{place.topic}/{place.partition}: nothing more came behind {position} for {_PATIENCE_S:.0f} s, "
                    f"wanted all up to {end}; a transaction may hang there: see meridian doctor"
                )
    finally:
        reader.close()


def each_record(log: Log, place: Place, begin: int, end: int) -> Iterator[Message]:
    """The same one by one."""
    for batch in read_range(log, place, begin, end):
        yield from batch
