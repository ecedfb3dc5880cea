"""Runs programs from a seed, and says which seed and which commit it was."""

import logging
import os
import secrets
import subprocess
from pathlib import Path

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.machine import COURSES, Program

__all__ = ["SEED", "chosen_seed", "commit", "courses", "run"]

SEED = "MERIDIAN_SIMULATION_SEED"
STEPS = 40


def chosen_seed(share: int = 1) -> int:
    """The one that the environment names, else any; each further ``share`` of a run has the next one."""
    return int(os.environ.get(SEED) or secrets.randbits(32)) + share - 1


def commit() -> str:
    """Of the code that is simulated."""
    git = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    found = subprocess.run(git, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def run(program: type[Program], *, programs: int, number: int, shrink: bool = True) -> None:
    """So many programs; raises what the first one that breaks a law raises, made as short as can be."""
    phases = [Phase.generate, *([Phase.shrink] if shrink else [])]
    chosen = settings(
        max_examples=programs,
        stateful_step_count=STEPS,
        deadline=None,
        database=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # thousands of processes die here, and each says so
    try:
        run_state_machine_as_test(seed(number)(program), settings=chosen)
    except BaseException as error:
        error.add_note(f"{program.__name__}: seed {number}, commit {commit()}; again with {SEED}={number}")
        raise
    finally:
        logging.disable(before)


def courses(program: type[Program], *, programs: int, number: int) -> list[str]:
    """The courses of these programs."""
    COURSES.clear()
    run(program, programs=programs, number=number)
    return list(COURSES)
