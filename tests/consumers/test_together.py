"""What threads want done is done for all of them at once, and none pays for another's mistake."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from consumers.together import Together, _Waiting

THREADS = 8


class Slow:
    """Takes its time over the first round, so that everybody else comes meanwhile."""

    def __init__(self) -> None:
        self.rounds: list[list[int]] = []
        self.is_under_way, self.go_on = threading.Event(), threading.Event()

    def grant(self, wishes):
        self.rounds.append(list(wishes))
        self.is_under_way.set()
        assert self.go_on.wait(10)
        if 13 in wishes:
            raise ValueError("13 is not granted")
        if -1 in wishes:
            raise ConnectionError("away")
        return [wish * 10 for wish in wishes]


def asked(slow: Slow, wishes, **kinds):
    """Ask for 0 first, and for the others while that is under way; what each thread got or was told."""
    together = Together(slow.grant, **kinds)

    def ask(wish):
        try:
            return together.ask(wish)
        except (ValueError, ConnectionError) as error:
            return str(error)

    with ThreadPoolExecutor(len(wishes) + 1) as threads:
        first = threads.submit(ask, 0)
        assert slow.is_under_way.wait(10)
        others = [threads.submit(ask, wish) for wish in wishes]
        while len(together._waiting) < len(wishes):
            threading.Event().wait(0.001)
        slow.go_on.set()
        return [each.result(10) for each in (first, *others)]


def test_whoever_comes_while_others_are_served_goes_with_the_next_round():
    slow = Slow()
    assert asked(slow, [1, 2, 3, 4]) == [0, 10, 20, 30, 40]
    assert [sorted(each) for each in slow.rounds] == [[0], [1, 2, 3, 4]]


def test_a_wish_that_is_not_granted_is_told_to_who_had_it_and_to_nobody_else():
    slow = Slow()
    assert asked(slow, [1, 13, 3]) == [0, 10, "13 is not granted", 30]
    assert [len(each) for each in slow.rounds] == [1, 3, 1, 1, 1]


def test_a_server_that_is_away_is_away_for_all_and_asked_once():
    slow = Slow()
    assert asked(slow, [1, -1, 3], concerns_all=(ConnectionError,)) == [0, "away", "away", "away"]
    assert [len(each) for each in slow.rounds] == [1, 3]


def test_the_next_round_after_one_that_failed_is_like_any_other():
    slow = Slow()
    slow.go_on.set()
    together = Together(slow.grant, concerns_all=(ConnectionError,))
    with pytest.raises(ConnectionError):
        together.ask(-1)
    assert together.ask(2) == 20


def test_whoever_has_been_answered_goes_on_while_the_next_round_is_gathered():
    slow = Slow()
    together: Together[int, int] = Together(slow.grant, apart_s=1.0)

    def ask_twice(wish):
        return together.ask(wish), together.ask(wish)

    with ThreadPoolExecutor(7) as threads:
        first = threads.submit(together.ask, 0)
        assert slow.is_under_way.wait(10)
        others = [threads.submit(ask_twice, wish) for wish in range(1, 7)]
        while len(together._waiting) < 6:
            threading.Event().wait(0.001)
        slow.go_on.set()
        assert first.result(10) == 0
        assert [each.result(10) for each in others] == [(wish * 10, wish * 10) for wish in range(1, 7)]
    assert [len(each) for each in slow.rounds] == [1, 6, 6]


def test_many_threads_each_get_their_own_answer():
    together: Together[int, int] = Together(lambda wishes: [wish + 1 for wish in wishes], apart_s=0.001)
    with ThreadPoolExecutor(THREADS) as threads:
        assert list(threads.map(together.ask, range(200))) == list(range(1, 201))


def test_the_pause_between_rounds_is_the_caller_s_to_end():
    paused: list[float] = []
    together: Together[int, int] = Together(list, apart_s=3600, pause=paused.append)
    together._waiting.append(_Waiting(1))
    assert together.ask(2) == 2, "a round of two"
    assert together.ask(3) == 3
    assert [round(each) for each in paused] == [3600]
