"""``meridian test``: which checks are run, in which order."""

from service.cli.test_command import FAST, steps
from service.cli.test_dice import ORDINARY, SIMULATION_SEED, seed_of


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


def test_ordinary_runs_meet_the_same_examples_and_a_long_one_new_ones(monkeypatch):
    monkeypatch.delenv(SIMULATION_SEED, raising=False)
    assert seed_of(long=False) == ORDINARY < 2**32
    assert seed_of(long=True) not in {ORDINARY, seed_of(long=True)}


def test_a_seed_that_is_given_is_thrown_by_every_program_of_the_run(monkeypatch):
    monkeypatch.setenv(SIMULATION_SEED, "77")
    assert seed_of(long=True) == seed_of(long=False) == 77
    for step in steps((), fast=False, long=True, workers=2, seed=77):
        assert ("--hypothesis-seed=77" in step.command) == step.is_shown
