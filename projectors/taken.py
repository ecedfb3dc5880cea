"""What a follower has read and folded, and not yet written."""

from dataclasses import dataclass, field

from events.envelope import Record
from projectors.application import Write
from projectors.halt import HaltError
from projectors.positions import Move

__all__ = ["Taken"]


@dataclass(slots=True)
class Taken:
    """What one poll gave, folded and not yet written; ``halt``: what stands behind it can't be passed."""

    batch: list[tuple[Record, bytes]] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    write: Write | None = None
    halt: HaltError | None = None
