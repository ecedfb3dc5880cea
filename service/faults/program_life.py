"""One program's life as those outside ask for it, step by step, with where each step has to lead.

What is asked is what a catalogue, operators, scientists and reviewers ask; what lies between (readiness, verdict,
verification, the steps of a publication) is the site's own work. Some of what is asked has to be refused.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from events.base import Payload
from events.clock import now
from events.inbox import InboxDatasetChanged
from events.op_asks import ClaimOp, PublishOp, ReleaseOp, ReviewOp, WithdrawOp
from events.op_requests import HoldOp, NoteOp, PrioritiseOp, ReadyOp, UnholdOp
from service.faults.program_pieces import (
    HOME,
    discovery_of,
    hand_in_of,
    program_of,
    record_of,
)

__all__ = ["BESIDE_THE_ATTEMPT", "ENDS", "REFUSED", "Step", "plan"]

ENDS = {
    "Discovered": 1,
    "Not Invertible": 1,
    "Preprocessed": 1,
    "Working": 1,
    "Released": 1,
    "Rejected": 1,
    "Withdrawn": 1,
    "Published": 9,
}
"""Where lives end, and how often: the state of the attempt if there is one, otherwise that of the program."""

BESIDE_THE_ATTEMPT = {"Released": "Preprocessed", "Rejected": "Preprocessed", "Withdrawn": "Inverted"}
"""Where the program itself stands once its attempt has ended so; elsewhere it is where the attempt is."""

REFUSED = "Refused"
"""Where an attempt stands whose last hand-in did not hold."""

_ADA, _BOB, _GRACE = "ada", "bob", "grace"


class Step(NamedTuple):
    """What is asked, or told at the door, and where the program stands once all has been done that it leads to."""

    said: Payload
    leads_to: str
    actor: str = "faults"
    attempt: int | None = None
    is_refused: bool = False


def plan(op: str, dice: Random, products: Path, *, end: str | None = None) -> Iterator[Step]:
    """A life; a step must not be taken before the program stands where the ones before it lead.

    ``end``: one of ``ENDS``; None: by the dice. What is handed in lies below ``products`` when its step is given.
    """
    end = end or dice.choices([*ENDS], weights=[*ENDS.values()])[0]
    if end == "Discovered":  # spoken of, and no catalogue has it
        yield Step(ReadyOp(by="ready_event", expected_datasets=1), end)
        return
    yield from _found(op, dice, is_fit=end != "Not Invertible")
    if end in {"Preprocessed", "Not Invertible"}:
        yield from _aside(op, dice, end)
        return
    yield from _aside(op, dice, "Preprocessed")
    yield from _claimed(op, dice)
    if end == "Released":
        yield Step(ReleaseOp(), end, actor=_ADA, attempt=1)
    if end in {"Released", "Working"}:
        return
    yield from _handed_in(op, dice, products)
    yield from _reviewed(dice, is_accepted=end != "Rejected")
    if end != "Rejected":
        yield Step(PublishOp(), "Published", actor="publisher", attempt=1)
    if end == "Withdrawn":
        yield Step(WithdrawOp(), end, actor="publisher", attempt=1)


def _found(op: str, dice: Random, *, is_fit: bool) -> Iterator[Step]:
    """By the metadata store's own word, or by a scan. It closes by itself: its data is old enough."""
    leads_to = "Preprocessed" if is_fit else "Not Invertible"
    if dice.random() < 0.5:
        yield Step(InboxDatasetChanged(stream=HOME, record=record_of(op, is_fit=is_fit)), leads_to)
    else:
        yield Step(discovery_of(op, is_fit=is_fit), leads_to)


def _aside(op: str, dice: Random, stands: str) -> Iterator[Step]:
    match dice.randrange(4):
        case 0:
            yield Step(NoteOp(text="looked at"), stands)
        case 1:
            yield Step(PrioritiseOp(priority=dice.randint(-100, 100), mark=dice.random() < 0.5), stands)
        case 2:
            yield Step(HoldOp(), stands)
            yield Step(_claim(op), stands, actor=_BOB, is_refused=True)
            yield Step(UnholdOp(), stands)


def _claimed(op: str, dice: Random) -> Iterator[Step]:
    yield Step(_claim(op), "Working", actor=_ADA)
    if dice.random() < 0.5:
        yield Step(_claim(op), "Working", actor=_BOB, is_refused=True)


def _handed_in(op: str, dice: Random, products: Path) -> Iterator[Step]:
    """A malformed commit is refused at once; that a sum is wrong is found by the worker that looks."""
    if dice.random() < 0.3:
        malformed = hand_in_of(products, op, commit="the one of yesterday")
        yield Step(malformed, "Working", actor=_ADA, attempt=1, is_refused=True)
    if dice.random() < 0.3:
        yield Step(hand_in_of(products, op, sha256="0" * 64), REFUSED, actor=_ADA, attempt=1)
    yield Step(hand_in_of(products, op), "Verified", actor=_ADA, attempt=1)


def _reviewed(dice: Random, *, is_accepted: bool) -> Iterator[Step]:
    if dice.random() < 0.3:
        own = ReviewOp(decision="accept", note="mine")
        yield Step(own, "Verified", actor=_ADA, attempt=1, is_refused=True)
    if is_accepted:
        yield Step(ReviewOp(decision="accept", note="fine"), "Accepted", actor=_GRACE, attempt=1)
    else:
        yield Step(ReviewOp(decision="reject", note="too noisy"), "Rejected", actor=_GRACE, attempt=1)


def _claim(op: str) -> ClaimOp:
    return ClaimOp(program=program_of(op), lease_from=now())
