import time
from typing import Any

import pytest

from service.faults.cell import Cell, CellFailedError, NotFiredError
from service.faults.injection import Injection, State, patient_since
from service.faults.tally import Tally, bound, quantile
from service.faults.watch import Mark, Seen, Watch

NO: Any = None  # what these tests never reach


class WatchedArena:
    def __init__(self) -> None:
        self.watch = Watch(wiring=NO)


def injection(*steps: Exception | None, arena: Any = None, heal_within_s: float = 60.0) -> Injection:
    def inject(arena, dice):
        for step in steps:
            if step is not None:
                raise step
            yield

    place: Any = WatchedArena() if arena is None else arena
    return Injection(1, Cell("a", "a", inject, ("decider",), heal_within_s=heal_within_s), 7, place)


def run(one: Injection) -> Injection:
    for _ in range(10):
        one.step(patient_since=0.0)
    return one


def test_a_cell_that_fails_is_red_and_one_that_did_not_fire_proves_nothing():
    tally = Tally()
    for error in (CellFailedError("found no halt"), NotFiredError("nobody came by")):
        tally.add(run(injection(None, error)))
    assert [each.state for each in tally.injections] == [State.RED, State.NOT_FIRED]
    assert (tally.n, tally.found["stuck"], tally.is_clean) == (1, 0, False)
    assert tally.by_cell()[0] | {"n": 1, "red": 1, "not_fired": 1} == tally.by_cell()[0]


def test_a_site_that_lets_nothing_through_afterwards_is_stuck():
    tally = Tally()
    tally.add(run(injection(heal_within_s=0.0)))
    assert (tally.found["stuck"], tally.is_clean) == (1, False)


def test_nobody_is_stuck_while_another_fault_is_at_work():
    one, other = run(injection(heal_within_s=3600.0)), injection(None)
    assert (one.state, other.state) == (State.HEALING, State.UNDER_WAY)
    assert patient_since(one, [one, other], calm_since=0.0) > 0.0
    assert patient_since(one, [one], calm_since=7.0) == 7.0
    other.abandon("another went red")
    assert patient_since(one, [one, other], calm_since=7.0) == 7.0


def test_half_way_the_broker_is_started_as_the_doctor_advises_once_and_the_report_says_so():
    arena: Any = WatchedArena()
    asked: list[str] = []

    def started() -> str:
        asked.append("the broker was started again")
        return asked[-1]

    arena.watch.progress.acknowledged.update({0: 10})
    arena.started_as_advised = started
    one = injection(None, arena=arena, heal_within_s=0.2)
    for _ in range(2):
        one.step(patient_since=0.0)
    since = time.monotonic()
    while not asked:
        one.step(patient_since=0.0)
    assert time.monotonic() - since >= 0.05
    assert run(one).state is State.HEALING  # patience begins anew
    time.sleep(0.25)
    assert (run(one).state, len(asked)) == (State.RED, 1)
    assert one.as_json()["by_hand"] == "the broker was started again"


def test_healed_is_only_who_lets_new_work_through_every_part():
    arena: Any = WatchedArena()
    arena.watch.progress.acknowledged.update({0: 10, 1: 5})
    arena.watch.progress.files.append("real/a")
    arena.watch.progress.programs = programs = {"eid_1": "Verified", "eid_2": "Working"}
    one = run(injection(None, arena=arena))
    assert one.state is State.HEALING
    after: dict[str, Any] = {
        "next_request": {0: 12, 1: 7},
        "saved": {0: 40, 1: 20},
        "arrived": 2,
        "complete": 2,
        "programs": {"eid_2": "Working"},
    }
    lacking: list[dict[str, Any]] = [
        {"next_request": {0: 12, 1: 6}},  # nothing new was decided in one partition
        {"projected": {0: 40, 1: 19}, "dispatched": {0: 40, 1: 20}},
        {"projected": {0: 40, 1: 20}, "dispatched": {0: 39, 1: 20}},
        {"projected": {0: 40, 1: 20}, "dispatched": {0: 40, 1: 20}, "complete": 1},
        {
            "projected": {0: 40, 1: 20},
            "dispatched": {0: 40, 1: 20},
        },  # a program is not where it had to come to
    ]
    for lack in lacking:
        arena.watch.seen = Seen(**(after | lack))
        assert run(one).state is State.HEALING
    programs["eid_1"] = "Accepted"  # asked on, so it was seen there
    arena.watch.seen = Seen(**after, projected={0: 40, 1: 20}, dispatched={0: 40, 1: 20})
    assert run(one).state is State.HEALED
    assert one.recover_s is not None


def test_a_mark_before_anything_was_acknowledged_is_never_passed():
    watch = Watch(wiring=NO)
    watch.seen = Seen(next_request={0: 100})
    assert watch.missing(Mark({}, 0)) is not None


def test_what_audits_of_different_sites_find_is_added_up():
    tally = Tally()
    tally.add_audit({"lost": 2}, ["lost a", "lost b"], {"lost": 100})
    tally.add_audit({"lost": 1}, ["lost a"], {"lost": 50})
    assert (tally.found["lost"], tally.offenders) == (3, ["lost a", "lost b"])
    assert not tally.is_clean
    assert tally.counters()["lost"]["looked_at"] == 100


@pytest.mark.parametrize(("found", "n", "wanted"), [(0, 1000, 0.003), (0, 0, None), (1, 1000, None)])
def test_the_bound_is_three_over_n_where_nothing_was_found(found, n, wanted):
    assert bound(found, n) == wanted


def test_a_quantile_is_a_value_that_was_seen():
    assert quantile([5.0, 1.0, 3.0, 2.0, 4.0], 0.5) == 3.0
    assert quantile([float(number) for number in range(1, 101)], 0.95) == 95.0
    assert quantile([], 0.5) is None
