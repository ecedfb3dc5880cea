"""Programs under way beside the files of the load: each is asked on once it stands where it has to."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import NamedTuple
from uuid import UUID

from events.clock import now
from events.envelope import encode_request
from events.inbox import Inbox
from service.faults.program_life import Step, plan
from service.faults.program_pieces import SENDER

__all__ = ["AT_ONCE", "ProgramsUnderWay", "Telling", "Word", "worded"]

AT_ONCE = 6
"""Programs under way at a time: while the site stands still, no more are begun."""
REPEATED = 0.1


class Word(NamedTuple):
    """What goes out about a program: a request, or a message to an inbox (``sender``), under this id."""

    op: str
    id: str
    value: bytes
    sender: str | None = None


class Telling(NamedTuple):
    """A step's word, and once more one that was said before, where there is one. ``ends``: it is the life's last."""

    word: Word
    leads_to: str
    ends: bool
    again: Word | None = None


@dataclass(slots=True)
class _Life:
    op: str
    steps: Iterator[Step]
    coming: Step | None
    said: list[Word] = field(default_factory=list)
    wanted: str | None = None
    is_out: bool = False
    """Its last step is not acknowledged yet."""


class ProgramsUnderWay:
    """What is said next, given where the programs stand. ``wanted`` may be read beside; the rest is for one thread."""

    def __init__(self, products: Path, *, seed: int, at_once: int = AT_ONCE) -> None:
        """``products``: the folder of what is handed in."""
        self.wanted: dict[str, str] = {}
        """By program under way: where it has to come to by all that is acknowledged."""
        self.over = 0
        """Lives that have ended where they had to."""
        self._products = products
        self._dice = Random(seed)  # noqa: S311 - a workload, not a secret
        self._at_once = at_once
        self._count = 0
        self._lives: dict[str, _Life] = {}

    def begin(self) -> None:
        """One more, unless there are enough."""
        if len(self._lives) < self._at_once:
            self._count += 1
            op = f"eid_l{self._count:06d}_{self._dice.getrandbits(24):06x}"
            dice = Random(self._dice.getrandbits(64))  # noqa: S311 - a workload, not a secret
            steps = plan(op, dice, self._products)
            self._lives[op] = _Life(op, steps, next(steps))

    def take(self, standing: Mapping[str, str]) -> list[Telling]:
        """The next steps of those that stand where they have to; those that have come to their end are forgotten."""
        told = []
        for life in list(self._lives.values()):
            if life.is_out or (life.wanted is not None and standing.get(life.op) != life.wanted):
                continue
            if life.coming is not None:
                told.append(self._next(life, life.coming))
            else:
                del self._lives[life.op], self.wanted[life.op]
                self.over += 1
        return told

    def acknowledged(self, told: Telling) -> None:
        """The log has it; where it leads to is to be waited for."""
        life = self._lives[told.word.op]
        life.is_out, life.wanted = False, told.leads_to
        self.wanted[life.op] = told.leads_to

    def _next(self, life: _Life, step: Step) -> Telling:
        life.coming = next(life.steps, None)
        word = worded(life.op, step, str(UUID(int=self._dice.getrandbits(128), version=4)))
        life.said.append(word)
        life.is_out = True
        again = self._dice.choice(life.said) if self._dice.random() < REPEATED else None
        return Telling(word, step.leads_to, life.coming is None, again)


def worded(op: str, step: Step, identifier: str) -> Word:
    """A step as it goes out."""
    if isinstance(step.said, Inbox):
        event = {
            "specversion": "1.0", "id": identifier, "source": SENDER, "type": step.said.name,
            "data": step.said.wire(),
        }  # fmt: skip
        return Word(op, identifier, json.dumps(event).encode(), SENDER)
    value = encode_request(
        id=identifier, type=step.said.name, subject=op, actor=step.actor, source="faults", at=now(),
        data=step.said.wire(), reason="load", correlationid=op, attempt=step.attempt,
    )  # fmt: skip
    return Word(op, identifier, value)
