from collections import Counter
from random import Random
from typing import Any

import pytest

from service.faults.cell import Cell
from service.faults.choosing import Choice, Hand, Turn, may_begin
from service.faults.injection import Injection
from service.faults.matrix import CELLS, chosen

NO: Any = None  # what these tests never reach


def cell(name: str, *, disturbs: tuple[str, ...] = ("decider",), **more) -> Cell:
    return Cell(name, "row", lambda arena, dice: (_ for _ in ()), disturbs, **more)


def turns(choice: Choice, count: int) -> list[str]:
    return [each.name for each in (choice.next() for _ in range(count)) if each is not None]


def test_every_cell_gets_its_turns_before_any_gets_many_more():
    cells = [cell(f"c{number}") for number in range(7)]
    taken = Counter(turns(Choice(cells, dice=Random(1)), 100))
    assert max(taken.values()) - min(taken.values()) <= 2


def test_the_same_dice_choose_the_same_cells():
    cells = [cell(f"c{number}") for number in range(7)]
    assert turns(Choice(cells, dice=Random(3)), 50) == turns(Choice(cells, dice=Random(3)), 50)
    assert turns(Choice(cells, dice=Random(3)), 50) != turns(Choice(cells, dice=Random(4)), 50)


def test_a_long_cell_has_its_turn_once_and_one_that_cannot_run_has_none():
    long, not_here = cell("long", times=1), cell("disk full", not_here=lambda: "found no right to mount")
    taken = Counter(turns(Choice([long, not_here, cell("short")], dice=Random(1)), 50))
    assert taken["long"] == 1
    assert taken["disk full"] == 0


def test_a_quick_cell_has_as_many_turns_as_its_share_and_every_slow_one_has_one():
    cells = [cell("quick", share=8), *(cell(f"slow{number}") for number in range(4))]
    taken = Counter(turns(Choice(cells, dice=Random(1)), 12))
    assert taken == {"quick": 8, **{f"slow{number}": 1 for number in range(4)}}


def test_turns_end_where_so_many_are_wanted_of_each():
    choice = Choice([cell("a"), cell("b")], dice=Random(1), at_most=3)
    assert Counter(turns(choice, 100)) == {"a": 3, "b": 3}


def test_a_turn_in_vain_is_had_again_and_not_for_ever():
    never, good = cell("never"), cell("good")
    choice = Choice([never, good], dice=Random(1), at_most=2)
    taken: list[str] = []
    while (found := choice.next()) is not None:
        taken.append(found.name)
        if found is never:
            choice.again(never)
    assert Counter(taken) == {"good": 2, "never": 2 + 3}


def test_two_injections_do_not_disturb_the_same_part_and_one_alone_waits_for_all():
    live = [Injection(1, cell("a"), 1, arena=NO)]
    assert not may_begin(cell("b"), live)
    assert may_begin(cell("c", disturbs=("worker",)), live)
    assert not may_begin(cell("d", disturbs=("worker",), alone=True), live)
    assert may_begin(cell("d", disturbs=("worker",), alone=True), [])
    assert not may_begin(
        cell("c", disturbs=("worker",)), [Injection(1, cell("e", disturbs=("s3",), alone=True), 1, NO)]
    )


def hand_of(*cells: Cell) -> Hand:
    left = [Turn(number, each, number) for number, each in enumerate(cells, 1)]
    return Hand(lambda: left.pop(0) if left else None)


def test_who_has_to_wait_is_overtaken_by_who_fits_and_not_for_ever():
    slow, others = cell("slow"), [cell(f"c{number}", disturbs=("worker",)) for number in range(20)]
    hand, busy = hand_of(slow, *others), [Injection(1, cell("busy"), 1, arena=NO)]
    taken = []
    while (turn := hand.take(busy)) is not None:
        taken.append(turn.cell.name)
    assert 1 < len(taken) < len(others)
    assert taken == [each.name for each in others[: len(taken)]]
    assert hand.take([]).cell is slow
    assert hand.take([]).cell is others[len(taken)]


def test_who_wants_to_be_alone_has_its_turn_among_many_that_do_not():
    alone, others = cell("alone", alone=True), [cell(f"c{number}", disturbs=()) for number in range(40)]
    hand, live, begun = hand_of(alone, *others), [Injection(1, cell("busy"), 1, arena=NO)], 0
    while (turn := hand.take(live)) is None or turn.cell is not alone:
        if turn is None:
            live.pop()  # something that was under way is over
        else:
            begun += 1
            live.append(Injection(1, turn.cell, 1, arena=NO))
    assert begun < len(others)


def test_a_hand_is_empty_once_nothing_is_held_and_nothing_left_to_draw():
    hand = hand_of(cell("a"))
    assert not hand.is_empty
    assert hand.take([]) is not None
    assert (hand.is_empty, hand.take([])) == (True, None)


@pytest.mark.parametrize("name", ["decider.before_snapshot.freeze", "projector.mid_batch.freeze"])
def test_nobody_can_take_over_from_who_is_frozen_while_a_server_is_frozen_too(name):
    frozen = next(each for each in CELLS if each.name == name)
    for other in ("broker.freeze_30s", "postgres.frozen"):
        server = next(each for each in CELLS if each.name == other)
        assert not may_begin(server, [Injection(1, frozen, 1, arena=NO)])
        assert not may_begin(frozen, [Injection(1, server, 1, arena=NO)])


def test_every_cell_has_a_name_of_its_own_and_every_row_of_the_matrix_has_cells():
    assert len({each.name for each in CELLS}) == len(CELLS)
    rows = {each.row for each in CELLS}
    wanted = (
        "decider",
        "projector",
        "worker",
        "intake",
        "broker",
        "postgres",
        "delivery",
        "bytes",
        "operations",
    )
    assert [name for name in wanted if not any(row.lower().startswith(name) for row in rows)] == []


def test_cells_are_chosen_by_pattern():
    assert {each.name for each in chosen(["decider.after_send.*"])} == {
        f"decider.after_send.{what}" for what in ("kill", "exception", "freeze", "freeze_60s")
    }
    assert chosen(["nothing.*"]) == []
    assert len(chosen([])) == len(CELLS)
