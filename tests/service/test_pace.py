"""What is asked in bulk leaves at a pace."""

import pytest

from service.pace import paced


class Clock:
    """Time passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("rate", [0.5, 50.0])
def test_so_many_a_second_and_no_more(rate):
    clock = Clock()
    left = [(each, clock.now - 100.0) for each in paced(range(200), rate, clock=clock, sleep=clock.sleep)]
    assert [each for each, _ in left] == list(range(200))
    for number, at in left:
        assert at == pytest.approx(number / rate)


def test_time_that_the_asking_itself_takes_is_not_waited_for_again():
    clock = Clock()
    for _ in paced(range(10), 1.0, clock=clock, sleep=clock.sleep):
        clock.now += 1.0
    assert clock.now == 110.0


def test_without_a_rate_all_leave_at_once():
    clock = Clock()
    assert list(paced("abc", None, clock=clock, sleep=clock.sleep)) == ["a", "b", "c"]
    assert clock.now == 100.0
