"""A run wants injections that fired: those that did not are thrown again, and none of them is hidden."""

from collections import Counter
from random import Random
from typing import Any

from service.faults.cell import Cell, CellFailedError, NotFiredError
from service.faults.choosing import Hand
from service.faults.injection import Injection, State
from service.faults.report import told
from service.faults.run import Order, Run, Site

NO: Any = None  # what these tests never reach


def cell(name: str, *fires: bool) -> Cell:
    """One whose turns fire as said, one after the other, and go red at once where they do."""
    left = list(fires)

    def inject(_arena: Any, _dice: Random) -> Any:
        yield
        raise CellFailedError("as wanted") if left.pop(0) else NotFiredError("nobody came by")

    return Cell(name, "row", inject, ("decider",))


def ran(*cells: Cell, **order: Any) -> Run:
    run = Run(Order(cells=cells, seed=1, **order), NO, say=lambda _text: None)
    site = Site(run, 1)
    hand = Hand(run.draw)
    while (turn := hand.take([])) is not None:
        injection = site.begin(turn, NO)
        while not injection.is_over:
            injection.step(patient_since=0.0)
        site.ended(injection)
    return run


def test_as_many_fire_as_are_wanted_and_those_in_vain_are_told():
    run = ran(cell("a", True, False, False, *[True] * 9), cell("b", *[True] * 9), injections=7)
    told_of = told(run, cells=run.order.cells, seconds=1.0, machine={})
    assert (told_of["n"], told_of["thrown"]) == (7, 9)
    assert [each["cell"] for each in told_of["not_fired"]] == ["a", "a"]
    assert {each["reason"] for each in told_of["not_fired"]} == {"nobody came by"}


def test_a_cell_has_the_turns_that_are_wanted_of_it_though_some_are_in_vain():
    run = ran(cell("a", False, True, False, True), seeds=2)
    assert Counter(each.state for each in run.tally.injections) == {State.RED: 2, State.NOT_FIRED: 2}


def test_what_never_fires_is_not_thrown_for_ever():
    run = ran(cell("never", *[False] * 99), injections=20)
    assert (run.tally.n, run.tally.not_fired) == (0, 40)


def test_who_is_given_up_since_another_went_red_proves_nothing_and_is_told():
    injection = Injection(1, cell("a"), 1, NO)
    injection.abandon("another injection went red in the same site")
    run = Run(Order(cells=[injection.cell], seed=1), NO, say=lambda _text: None)
    run.ended(injection)
    assert (run.tally.n, run.tally.not_fired, run.tally.is_clean) == (0, 1, True)
    assert "another injection went red" in injection.as_json()["reason"]
