"""Sites side by side: one sequence of turns, one tally, and one end for all of them."""

import threading
import time
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from service.faults import round as round_module
from service.faults import run as run_module
from service.faults.auditing import Audited
from service.faults.cell import Cell, CellFailedError, NotFiredError
from service.faults.injection import State
from service.faults.report import told
from service.faults.run import Order, Run
from service.faults.watch import Mark

NO: Any = None  # what these tests never reach
CELLS = tuple("abcdefg")


class QuietArena(AbstractContextManager):
    """One in which everything heals at once."""

    def __init__(self, *_given: Any, **_named: Any) -> None:
        self.root = Path("quiet")
        self.watch = self
        self.thread = threading.get_ident()

    def __exit__(self, *_: object) -> None: ...

    def tend(self) -> None: ...

    def mark(self) -> Mark:
        return Mark({}, 0)

    def missing(self, *_given: Any) -> None:
        return None

    def keep_evidence(self) -> Path:
        return self.root

    @property
    def wiring(self) -> Any:
        return NO

    landing = products = wiring


class QuietLoad:
    is_spent = True

    def __init__(self, *_given: Any, **_named: Any) -> None: ...

    def go_on(self) -> None: ...

    def stop(self) -> None: ...


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    monkeypatch.setattr(run_module, "Arena", QuietArena)
    monkeypatch.setattr(run_module, "Load", QuietLoad)
    monkeypatch.setattr(run_module, "bring_streams_in_force", lambda *_given, **_named: None)
    monkeypatch.setattr(run_module, "_LOOK_S", 0.001)
    monkeypatch.setattr(round_module, "_TICK_S", 0.0001)
    monkeypatch.setattr(round_module, "_CALM_S", 0.0)
    monkeypatch.setattr(round_module, "audited", lambda *_given, **_named: Audited({"lost": 0}, "all zero"))


def cell(name: str, inject: Any = lambda _arena, _dice: iter(())) -> Cell:
    return Cell(name, "row", inject, (name,))


def order(*cells: Cell, sites: int, **more: Any) -> Order:
    given = cells or tuple(map(cell, CELLS))
    return Order(cells=given, seed=5, sites=sites, every_s=(0.0, 0.0), **more)


def ran(wanted: Order) -> tuple[Run, list[str]]:
    said: list[str] = []
    run = Run(wanted, NO, say=said.append)
    run.go()
    return run, said


def thrown(run: Run) -> set[tuple[int, str, int]]:
    return {(each.number, each.cell.name, each.seed) for each in run.tally.injections}


def test_two_sites_throw_what_one_alone_would_and_count_it_together():
    together = threading.Barrier(2, timeout=20)
    waited = threading.local()

    def inject(_arena: Any, _dice: Any) -> Any:
        if not getattr(waited, "once", False):
            waited.once = True
            together.wait()  # broken unless another site is at work meanwhile
        yield

    run, said = ran(order(*(cell(name, inject) for name in CELLS), sites=2, injections=60, audit_every=10))
    alone, _ = ran(order(sites=1, injections=60))
    assert thrown(run) == thrown(alone)
    assert (run.tally.n, len(thrown(run)), run.tally.is_clean) == (60, 60, True)
    report = told(run, cells=run.order.cells, seconds=1.0, machine={})
    by_site = Counter(each["site"] for each in report["injections"])
    assert set(by_site) == {1, 2}
    assert 60 / 12 <= run.tally.audits <= 60 / 10 + 2  # up to two more are under way when one is due
    assert report["settings"]["sites"] == 2
    assert {line[:2] for line in said} == {"1|", "2|"}


def test_what_fires_in_no_site_is_thrown_again_in_any():
    vain = iter([True] * 2 + [False] * 99)

    def inject(_arena: Any, _dice: Any) -> Any:
        yield
        if next(vain):
            raise NotFiredError("nobody came by")

    run, _ = ran(order(cell("a", inject), cell("b"), sites=2, injections=20))
    assert (run.tally.n, run.tally.not_fired) == (20, 2)


def test_a_site_that_does_not_come_up_ends_the_run(monkeypatch):
    up = threading.Event()

    def bring(*_given: Any, is_stopped: Any) -> None:
        if up.is_set():
            raise OSError("no room for a second one")
        up.set()
        while not is_stopped():
            time.sleep(0.001)  # it would not come up either, and is not waited for

    monkeypatch.setattr(run_module, "bring_streams_in_force", bring)

    with pytest.raises(OSError, match="no room"):
        ran(order(sites=2, seeds=20))


def test_where_one_red_is_enough_the_others_stop_too_and_say_so():
    at_work: list[int] = []

    def inject(_arena: Any, _dice: Any) -> Any:
        at_work.append(threading.get_ident())
        while len(set(at_work)) == 1 or threading.get_ident() != at_work[0]:
            yield  # for ever, in the site that came second
        raise CellFailedError("as wanted")

    run, _ = ran(order(*(cell(name, inject) for name in CELLS), sites=2, seeds=9, stop_at_red=True))
    states = Counter((each.site, each.state) for each in run.tally.injections)
    assert {state for _, state in states} == {State.RED, State.NOT_FIRED}
    (red,) = {site for site, state in states if state is State.RED}
    given_up = [each.reason for each in run.tally.injections if each.site != red]
    assert given_up
    assert {*given_up} == {"given up: the run was stopped"}
