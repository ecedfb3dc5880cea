"""What was polled of a partition, a few records at a time: read, checked, and let go of before the next are read.

A record takes four times the room of its bytes: of a whole batch at once they were a fifth of a projector's memory.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from events.log import Message
from projectors.application import Batch
from projectors.halt import HaltError
from projectors.passed_over import PassedOver
from projectors.reading import read

__all__ = ["AT_A_TIME", "Checked", "Piece", "pieces"]

AT_A_TIME = 500
"""Records, some 1.5 MB: few enough for a processor's cache, enough to ask for the sequences of many at once."""

Checked = tuple[Batch, HaltError | None]
"""Records that can be applied, and what stands behind them that can't be."""

Check = Callable[[str, Batch, HaltError | None], Checked]
"""Of a machine's records, with what stands behind them, those before the first that is out of sequence."""


class Piece(NamedTuple):
    """Messages, those of their records that can be applied, and what stands behind these; it is the last piece then."""

    messages: Sequence[Message]
    good: Batch
    halt: HaltError | None


def pieces(machine: str, messages: Sequence[Message], passed: PassedOver, check: Check) -> Iterator[Piece]:
    """Piece by piece, as they are asked for, up to the first message that can't be applied."""
    for begin in range(0, len(messages), AT_A_TIME):
        some = messages[begin : begin + AT_A_TIME]
        good, halt = check(machine, *read(machine, some, passed))
        yield Piece(some, good, halt)
        if halt is not None:
            return
