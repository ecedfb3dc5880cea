"""An observing program goes all the way, once, wherever whoever works on it dies or stands still.

A seed is thrown at each run, and printed; ``MERIDIAN_SIMULATION_SEED=… ./meridian test tests/simulation`` repeats it.
"""

import logging
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.simulation.programs import FAULTS, Life
from tests.simulation.running import SEED, chosen_seed, commit

FAST, LONG = 12, 600
courses = st.lists(st.tuples(st.integers(1, 120), st.sampled_from(FAULTS)), max_size=10)


@pytest.fixture(autouse=True)
def quiet():
    """Whoever dies here says so in the log."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(before)


@contextmanager
def lived(course: Iterable[tuple[int, str]]) -> Iterator[Life]:
    """A life with these faults, looked at when it has come to rest."""
    with tempfile.TemporaryDirectory(prefix="simulated-programs-") as folder:
        life = Life(Path(folder))
        try:
            life.go(iter(course))
            life.check()
            yield life
        finally:
            life.site.end()


def calls_of_a_whole_life() -> int:
    with lived(()) as life:
        return life.calls


def check_killed_at(places: Iterable[int]) -> None:
    for place in places:
        try:
            with lived([(place, "kill")]):
                continue
        except BaseException as error:
            error.add_note(f"the worker was killed at its call {place}, commit {commit()}")
            raise


def test_it_goes_on_from_wherever_its_worker_was_killed(capsys):
    calls, dice = calls_of_a_whole_life(), Random(number := chosen_seed())
    step = max(1, calls // FAST)
    places = range(1 + dice.randrange(step), calls, step)
    with capsys.disabled():
        print(f"\nprograms: killed at {len(places)} of {calls} calls, seed {number}", flush=True)
    assert calls > 100
    check_killed_at(places)


@pytest.mark.long
def test_it_goes_on_from_every_single_call_of_its_worker(capsys):
    calls = calls_of_a_whole_life()
    check_killed_at(range(1, calls))
    with capsys.disabled():
        print(f"\nprograms: killed at each of {calls} calls, done twice: 0", flush=True)


def test_there_is_no_rest_while_a_worker_stands_still_that_holds_what_dispatch_waits_for():
    with lived([(1, "kill dispatch"), (88, "put refused"), (120, "kill"), (100, "freeze")]) as life:
        assert {item["state"] for item in life.site.database.rows("work.item")} <= {"done", "stale"}


def check_courses(programs: int, capsys: pytest.CaptureFixture[str]) -> None:
    number, done = chosen_seed(), []

    @seed(number)
    @settings(
        max_examples=programs,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(courses)
    def whatever_goes_wrong(course):
        with lived(course) as life:
            done.append(life.calls)

    with capsys.disabled():
        print(f"\nprograms: seed {number}, commit {commit()}; again with {SEED}={number}", flush=True)
    whatever_goes_wrong()
    assert len(done) >= programs // 2


def test_it_is_published_once_whatever_goes_wrong(capsys):
    check_courses(FAST, capsys)


@pytest.mark.long
def test_it_is_published_once_in_hundreds_of_courses(capsys):
    check_courses(LONG, capsys)
