"""Lives of observing programs and groups at random, by the real desk, as sealed records with a clock that ticks."""

from random import Random
from typing import Any

from machines.group_state import Group
from machines.op_state import Op
from tests.machines.op_asker import WORDS, Asker
from tests.projectors.histories import Desks, Sealed

__all__ = ["a_group_life", "op_histories"]


class _Story:
    """What ``Asker`` asks of a story, asked of one subject of these desks."""

    def __init__(self, desks: Desks, subject: str) -> None:
        self.desks, self.subject = desks, subject
        self.decisions: list[Any] = []
        desks.subject("op", subject)

    @property
    def state(self) -> Any:
        return self.desks.subject("op", self.subject)

    def ask(self, request: str, data: dict[str, Any], **more: Any) -> Any:
        self.decisions.append(self.desks.decide("op", self.subject, request, data, **more))
        return self.decisions[-1].record


def op_histories(seed: int, *, length: int = 60) -> tuple[list[Sealed], dict[str, Op], dict[str, Group]]:
    """Records, and the states that the machines have after them."""
    dice, desks = Random(seed), Desks()
    names = [f"op-{number}" for number in range(3)]
    askers = {name: Asker(dice) for name in names}
    for name, asker in askers.items():
        asker.story = _Story(desks, name)  # type: ignore[assignment]
    for _ in range(length):
        asker = askers[dice.choice(names)]
        asker.ask("discover" if not asker.op.programs else dice.choice(WORDS))
        for _ in range(dice.choice([0, 1, 2, 6, 12])):
            asker.go_on()
        if dice.random() < 0.3:
            a_group_life(desks, dice, f"dkist/{dice.randint(1, 2)}")
    return (
        desks.sealed,
        {name: asker.op for name, asker in askers.items()},
        {name: each.state for (machine, name), each in desks.subjects.items() if machine == "group"},
    )


def a_group_life(desks: Desks, dice: Random, name: str) -> None:
    """A few requests about a group."""
    kind = {"kind": "dataset"}
    ranges = [{"first": 0, "last": dice.randint(0, 5)}]
    for _ in range(dice.randint(1, 6)):
        place = dice.choice([None, *range(6)])
        member = {
            "member": f"m{place}",
            "place": place,
            "status": dice.choice(["seen", "complete", "invalid"]),
        }
        due = dice.choice([{}, {"due_at": "2026-11-21T06:00:00Z"}])
        known = desks.subject("group", name)
        word, data = dice.choice(
            [
                ("expect", {**kind, "by": "manifest", "ranges": ranges, "parents": {"op": "op-1"}, **due}),
                ("member", {**kind, **member, "parents": {"instrument": "VISP"}}),
                ("member", {**kind, **member, "expected": dice.randint(1, 6)}),
                ("excuse", {"ranges": ranges}),
                ("due", {"due_sequence": known.state.due_sequence or 1}),
                ("close", {}),
                ("reopen", {}),
                ("note", {"text": "a\tremark"}),
            ]
        )
        desks.ask("group", name, word, data, reason="because")
