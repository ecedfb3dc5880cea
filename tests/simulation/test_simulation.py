"""The whole site under simulated faults: whatever is asked, whoever dies, the laws hold.

A seed is thrown at each run, and printed; ``MERIDIAN_SIMULATION_SEED=… ./meridian test tests/simulation`` repeats it.
"""

import os
import subprocess
import sys

import pytest

from tests.simulation.machine import (
    COUNTED,
    DecidersToldToStop,
    DecidersUnderFire,
    Program,
    SiteUnderFire,
    ViewsUnderFire,
)
from tests.simulation.running import SEED, chosen_seed, commit, courses, run

FAST = [(DecidersUnderFire, 50), (DecidersToldToStop, 50), (ViewsUnderFire, 20), (SiteUnderFire, 10)]
LONG = [(DecidersUnderFire, 2000), (DecidersToldToStop, 2000), (ViewsUnderFire, 800), (SiteUnderFire, 400)]


def check_laws(program: type[Program], programs: int, capsys, *, share: int = 1) -> None:
    number = chosen_seed(share)
    with capsys.disabled():
        print(
            f"\nsimulation {program.__name__}: seed {number}, commit {commit()}, {programs} programs",
            flush=True,
        )
    before = dict(COUNTED)
    run(program, programs=programs, number=number)
    done = {name: COUNTED[name] - before[name] for name in COUNTED}
    with capsys.disabled():
        print(f"simulation {program.__name__}: {done}, laws broken: 0", flush=True)
    assert done["programs"] >= programs
    assert done["records"] > programs  # they did something


@pytest.mark.parametrize(("program", "programs"), FAST, ids=lambda each: getattr(each, "__name__", str(each)))
def test_the_laws_hold_whatever_goes_wrong(program, programs, capsys):
    check_laws(program, programs, capsys)


@pytest.mark.long
@pytest.mark.parametrize(("program", "programs"), LONG, ids=lambda each: getattr(each, "__name__", str(each)))
@pytest.mark.parametrize("share", [1, 2])
def test_the_laws_hold_in_thousands_of_programs(program, programs, share, capsys):
    check_laws(program, programs, capsys, share=share)


PRINTING = """
from tests.simulation.machine import SiteUnderFire
from tests.simulation.running import courses
print(courses(SiteUnderFire, programs=2, number=7))
"""


@pytest.mark.slow
def test_the_same_seed_is_the_same_run_in_another_process_too():
    """Port call by port call; the other process has another order of its sets and hashes."""
    here = courses(SiteUnderFire, programs=2, number=7)
    there = subprocess.run(
        [sys.executable, "-c", PRINTING],
        env={**os.environ, "PYTHONHASHSEED": "4242", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert here == courses(SiteUnderFire, programs=2, number=7)
    assert there.stdout.strip() == str(here)
    assert here != courses(SiteUnderFire, programs=2, number=8)


def test_the_seed_can_be_given(monkeypatch):
    monkeypatch.setenv(SEED, "12")
    assert chosen_seed() == 12
    assert chosen_seed(2) != 12  # the other share of a long run would only be the same again
