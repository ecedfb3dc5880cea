"""Files and programs take turns at a worker, whatever the one or the other has waiting."""

from collections import deque
from types import SimpleNamespace
from typing import Any, cast

import pytest

from consumers.turns import Turns


def worked_off(*, files: int, programs: int, threads: int, ahead: int) -> list[str]:
    """The order in which a worker that always finishes the oldest begins what waits."""
    turns, have, begun = Turns(), deque[Any](), []
    left = {"ingest": files, "archive": programs}
    while any(left.values()):
        room = ahead + threads - len(have)
        taken: list[str] = []
        for effect, at_most in (
            ("archive", turns.programs_first(cast("Any", have), room=room, threads=threads)),
            ("ingest", room),
            ("archive", room),
        ):
            number = min(left[effect], at_most, room - len(taken))
            left[effect] -= number
            taken += [effect] * number
        begun += taken
        have += [SimpleNamespace(effect=effect) for effect in taken]
        for _ in range(min(len(have), ahead)):
            have.popleft()
    return begun


@pytest.mark.parametrize("threads", [1, 2, 6])
def test_a_program_is_worked_on_while_a_thousand_files_wait(threads):
    begun = worked_off(files=1000, programs=5, threads=threads, ahead=max(1, threads // 2))
    assert begun.index("archive") <= 3 * threads
    assert max(place for place, effect in enumerate(begun) if effect == "archive") < 20 * threads


@pytest.mark.parametrize("threads", [2, 6])
def test_files_go_on_while_a_thousand_programs_wait(threads):
    begun = worked_off(files=100, programs=1000, threads=threads, ahead=threads // 2)
    assert begun.index("ingest") <= 2 * threads
    assert max(place for place, effect in enumerate(begun) if effect == "ingest") < 600


def test_programs_under_way_leave_half_of_the_threads_to_files():
    turns = Turns()
    have = cast("Any", [SimpleNamespace(effect="preprocess")] * 3)
    assert {turns.programs_first(have, room=3, threads=6) for _ in range(4)} == {0}
    assert {turns.programs_first(have[:2], room=3, threads=6) for _ in range(4)} == {0, 1}
