"""``meridian test``: which checks are run, in which order."""

from service.cli.test_command import FAST, steps


def names(*, fast: bool = False) -> list[str]:
    return [step.name for step in steps((), fast=fast, long=False, workers=2)]


def test_cheap_checks_come_first_and_servers_last():
    assert names() == ["lint", "format", "types", "import direction", "fast tests", "tests on servers"]


def test_fast_starts_no_server():
    assert names(fast=True) == ["lint", "format", "types", "import direction", "fast tests"]


def test_together_both_runs_of_tests_leave_out_only_the_long_ones():
    *_, fast, rest = steps((), fast=False, long=False, workers=3)
    assert fast.command[-1] == FAST
    assert rest.command[rest.command.index("-m", 3) + 1] == f"not ({FAST}) and not long"
    *_, everything = steps((), fast=False, long=True, workers=3)
    assert everything.command[everything.command.index("-m", 3) + 1] == f"not ({FAST})"


def test_a_choice_of_tests_runs_nothing_else():
    assert [step.name for step in steps(("-k", "why"), fast=True, long=False, workers=2)] == ["fast tests"]
