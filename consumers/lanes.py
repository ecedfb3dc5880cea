"""How much of which work may be claimed now: by stream, effect and class, within limits and what servers can bear."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from consumers.breakers import DEPENDENCIES, store_of

__all__ = ["CLASSES", "Busy", "Lane", "lanes", "room_of"]

CLASSES = ("normal", "large")

Busy = Mapping[tuple[str, str, str], int]
"""Items under way, by stream, effect and class."""


@dataclass(frozen=True, slots=True)
class Lane:
    """Items of one kind. ``class_room`` is shared by all effects of the stream's class, ``room`` is the effect's.

    ``under_way``: of the stream, whatever the effect and class. ``judged_at``: of one that goes behind others, when a
    file of it was last looked into.
    """

    stream: str
    effect: str
    work_class: str
    class_room: int
    room: int
    under_way: int = 0
    is_behind: bool = False
    judged_at: str | None = None


def lanes(
    *,
    streams: Mapping[str, Mapping[str, int]],
    busy: Busy,
    rooms: Mapping[str, int],
    effects: Iterable[str],
    at_most: int,
    classes: Iterable[str] = CLASSES,
    behind: Mapping[str, str | None] | None = None,
) -> list[Lane]:
    """Lanes with room. ``streams``: those worked on, with their class limits; ``rooms``: by server that failed.

    ``behind``: streams that go behind others, and when a file of each was last looked into.
    """
    found = []
    effects, behind = tuple(effects), behind or {}
    under_way = Counter[str]()
    for (stream, effect, _), count in busy.items():
        under_way[stream] += count if effect in effects else 0
    for stream, limits in streams.items():
        standing = under_way[stream], stream in behind, behind.get(stream)
        for work_class in classes:
            class_room = _class_room(stream, work_class, limits, busy, at_most)
            for effect in effects if class_room > 0 else ():
                room = min(class_room, _effect_room(stream, effect, busy, rooms, at_most))
                if room > 0:
                    found.append(Lane(stream, effect, work_class, class_room, room, *standing))
    return found


def room_of(effect: str, rooms: Mapping[str, int], at_most: int) -> int:
    """How many items of this effect may be claimed by what its servers can bear, sources left out."""
    return min([at_most, *(rooms[each] for each in DEPENDENCIES[effect] if each in rooms)])


def _class_room(stream: str, work_class: str, limits: Mapping[str, int], busy: Busy, at_most: int) -> int:
    if work_class not in limits:
        return at_most
    under_way = sum(count for (name, _, kind), count in busy.items() if (name, kind) == (stream, work_class))
    return min(at_most, limits[work_class] - under_way)


def _effect_room(stream: str, effect: str, busy: Busy, rooms: Mapping[str, int], at_most: int) -> int:
    room = at_most
    for dependency in DEPENDENCIES[effect]:
        if dependency in rooms:
            under_way = sum(count for (_, kind, _), count in busy.items() if dependency in DEPENDENCIES[kind])
            room = min(room, rooms[dependency] - under_way)
    store = store_of(stream)
    if effect != "register" and store in rooms:
        under_way = sum(
            count for (name, kind, _), count in busy.items() if name == stream and kind != "register"
        )
        room = min(room, rooms[store] - under_way)
    return room
