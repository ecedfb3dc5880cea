"""Reading after a pause: the fetch that was under way brings the first of what came, and the log has the rest."""

from events.log import Message, Place, Reader

__all__ = ["poll_gathered"]

REST_S = 0.01
"""So long the log is asked for the rest; where there is more it answers at once."""


def poll_gathered(
    reader: Reader, *, at_most: int, timeout_s: float, paused: bool
) -> dict[Place, list[Message]]:
    """What has come, as ``poll`` gives it; after a pause all that it gathered, up to ``at_most``."""
    come = reader.poll(at_most=at_most, timeout_s=timeout_s)
    room = at_most - sum(map(len, come.values()))
    if paused and come and room > 0:
        for place, rest in reader.poll(at_most=room, timeout_s=REST_S).items():
            come.setdefault(place, []).extend(rest)
    return come
