"""``meridian test``: which checks are run, in which order."""

import subprocess

from service.cli.test_command import FAST, steps
from service.cli.test_dice import SIMULATION_SEED, seed_of
from service.settings import PROJECT


def names(*, fast: bool = False) -> list[str]:
    return [step.name for step in steps((), fast=fast, long=False, workers=2, seed=1)]


def test_cheap_checks_come_first_and_servers_last():
    assert names() == ["lint", "format", "types", "import direction", "fast tests", "tests on servers"]


def test_fast_starts_no_server():
    assert names(fast=True) == ["lint", "format", "types", "import direction", "fast tests"]


def test_together_both_runs_of_tests_leave_out_only_the_long_ones():
    *_, fast, rest = steps((), fast=False, long=False, workers=3, seed=1)
    assert fast.command[-1] == FAST
    assert rest.command[rest.command.index("-m", 3) + 1] == f"not ({FAST}) and not long"
    *_, everything = steps((), fast=False, long=True, workers=3, seed=1)
    assert everything.command[everything.command.index("-m", 3) + 1] == f"not ({FAST})"


def test_a_choice_of_tests_runs_nothing_else():
    assert [step.name for step in steps(("-k", "why"), fast=True, long=False, workers=2, seed=1)] == [
        "fast tests"
    ]


def test_a_commit_is_tried_with_the_same_examples_wherever_it_is_tested(tmp_path, monkeypatch):
    monkeypatch.delenv(SIMULATION_SEED, raising=False)
    git = ("git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b")
    subprocess.run([*git, "init", "-q"], check=True)
    assert seed_of(tmp_path, long=False) == 0  # nothing committed yet
    seeds = []
    for word in ("one", "two"):
        subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", word], check=True)
        seeds.append(seed_of(tmp_path, long=False))
        assert seed_of(tmp_path, long=False) == seeds[-1] < 2**32
        assert seed_of(tmp_path, long=True) != seed_of(tmp_path, long=True)
    assert seeds[0] != seeds[1]


def test_a_seed_that_is_given_is_thrown_by_every_program_of_the_run(monkeypatch):
    monkeypatch.setenv(SIMULATION_SEED, "77")
    assert seed_of(PROJECT, long=True) == seed_of(PROJECT, long=False) == 77
    for step in steps((), fast=False, long=True, workers=2, seed=77):
        assert ("--hypothesis-seed=77" in step.command) == step.is_shown
