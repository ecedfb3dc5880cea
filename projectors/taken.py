"""What a follower has read and folded, and not yet written."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from events.log import Message
from projectors.application import Batch, Write
from projectors.halt import HaltError
from projectors.passed_over import PassedOver
from projectors.positions import Move
from projectors.reading import read

__all__ = ["Taken"]


@dataclass(slots=True)
class Taken:
    """What one poll gave, folded and not yet written; ``halt``: what stands behind it can't be passed.

    Of its records the bytes alone are kept, for the rare batch that the database refuses: read, they take four times
    the room, and the next batch is folded while this one is written.
    """

    passed: PassedOver
    moves: list[Move] = field(default_factory=list)
    write: Write | None = None
    halt: HaltError | None = None
    count: int = 0
    _messages: list[tuple[str, list[Message]]] = field(default_factory=list)

    def add(self, machine: str, messages: Sequence[Message], good: Batch) -> None:
        """The records ``good``, with which these messages of one partition begin."""
        if good:
            last = good[-1][0].offset
            self.count += len(good)
            self._messages.append((machine, [each for each in messages if each.offset <= last]))

    def read_again(self) -> Batch:
        """All its records."""
        return [
            each for machine, messages in self._messages for each in read(machine, messages, self.passed)[0]
        ]
