"""Work beside the other injections: it gives way until it is done, hands back what came of it, and tries again."""

import threading

import pytest

from service.faults.aside import aside, patiently
from service.faults.cell import CellFailedError


def driven(steps):
    """Step it to its end; how often it gave way, and what it returned."""
    turns = 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return turns, end.value
        turns += 1


def test_it_gives_way_until_the_work_is_done():
    may_end = threading.Event()

    def work() -> int:
        may_end.wait(10)
        return 7

    steps = aside(work)
    next(steps)
    next(steps)
    may_end.set()
    _, value = driven(steps)
    assert value == 7


def test_what_the_work_raises_is_raised_where_it_is_waited_for():
    def work() -> None:
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        driven(aside(work))


def test_errors_that_may_pass_are_tried_again_and_others_are_not():
    tries = []

    def work() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise TimeoutError("not yet")
        return "there"

    assert driven(patiently(work, what="it", errors=(TimeoutError,)))[1] == "there"
    assert len(tries) == 3

    def wrong() -> None:
        tries.append(1)
        raise KeyError("other")

    with pytest.raises(KeyError):
        driven(patiently(wrong, what="it", errors=(TimeoutError,)))
    assert len(tries) == 4


def test_patience_has_an_end_and_says_what_was_wanted_and_found():
    def work() -> None:
        raise TimeoutError("no answer")

    with pytest.raises(CellFailedError, match="wanted a word within 0 s, found no answer"):
        driven(patiently(work, what="a word", errors=(TimeoutError,), within_s=0.0))
