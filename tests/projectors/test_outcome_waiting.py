"""Waiting for outcomes: one is looked up at each notice at once, many without being looked for all of the time."""

from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from projectors import outcome
from projectors.outcome import Outcomes

LOOK_S = 0.1


class Decided(Outcomes):
    """Each look takes a while, and finds so many more of them."""

    def __init__(self, clock: Any, *, each_time: int) -> None:
        self._engine: Any = None
        self.clock, self.each_time, self.looks = clock, each_time, 0

    def find(self, asked: Any) -> dict[str, Any]:
        self.looks += 1
        self.clock.now += LOOK_S
        return {request: request for _, request in list(asked)[: self.each_time]}


@pytest.fixture
def clock(monkeypatch):
    time = SimpleNamespace(now=0.0, slept=[])
    time.monotonic = lambda: time.now

    def sleep(seconds: float) -> None:
        time.slept.append(seconds)
        time.now += seconds

    time.sleep = sleep
    notices = SimpleNamespace(wait=lambda _timeout_s: {"1"})

    @contextmanager
    def listening(_engine: Any, *_channels: str) -> Any:
        yield notices

    monkeypatch.setattr(outcome, "time", time)
    monkeypatch.setattr(outcome, "listening", listening)
    return time


def test_a_few_are_looked_up_at_every_notice_at_once(clock):
    decided = Decided(clock, each_time=1)
    assert len(decided.wait([("s", str(number)) for number in range(5)])) == 5
    assert decided.looks == 5
    assert clock.slept == []


def test_many_are_looked_for_half_of_the_time_at_most(clock):
    decided = Decided(clock, each_time=100)
    assert len(decided.wait([("s", str(number)) for number in range(1000)], timeout_s=60.0)) == 1000
    assert decided.looks == 10
    assert clock.slept == pytest.approx([LOOK_S] * 9)


def test_nobody_sleeps_longer_than_there_is_time(clock):
    decided = Decided(clock, each_time=0)
    assert decided.wait([("s", str(number)) for number in range(100)], timeout_s=0.25) == {}
    assert clock.slept == pytest.approx([LOOK_S])
    assert clock.now <= 0.25 + LOOK_S
