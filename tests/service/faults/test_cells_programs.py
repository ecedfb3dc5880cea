"""The cells of publications: whichever worker comes by and dies there, the cell has fired."""

from typing import Any

import pytest

from service.faults import cells_programs
from service.faults.arena import Arena
from service.faults.cell import NotFiredError


class ArmedArena:
    """As far as waiting for an armed place needs it: which roles have acted."""

    until = Arena.until

    def __init__(self) -> None:
        self.acted: set[str] = set()

    def fired(self, role: str) -> bool:
        return role in self.acted


@pytest.mark.parametrize("role", cells_programs.WORKERS)
def test_it_has_fired_whichever_of_the_workers_died_there(role):
    arena: Any = ArmedArena()
    steps = cells_programs._fires("after_cite", arena, "eid_1")

    next(steps)  # nobody yet
    arena.acted.add(role)

    with pytest.raises(StopIteration):
        next(steps)


def test_where_none_of_them_died_it_says_how_far_the_publication_has_come(monkeypatch):
    monkeypatch.setattr(cells_programs, "_FIRE_S", 0.0)
    monkeypatch.setattr(cells_programs, "_standing", lambda _arena, op: f"the last facts of {op}")
    arena: Any = ArmedArena()

    with pytest.raises(NotFiredError) as caught:
        list(cells_programs._fires("after_cite", arena, "eid_1"))

    assert str(caught.value) == (
        "wanted publication.after_cite reached within 0 s, found the last facts of eid_1"
    )
