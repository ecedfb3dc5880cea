"""Pauses for company: whole while the cores are busy, short while they have time to spare."""

import pytest

from events.slack import LOOK_S, SPARE, Slack


class Cores:
    """Two cores and a clock, moved on by whoever waits; ``idle``: the share of their time that nobody wants."""

    def __init__(self, *idle: float) -> None:
        self.now_s, self.idle_s, self.looks = 50.0, 7.0, 0
        self._idle = list(idle)

    def clock(self) -> float:
        return self.now_s

    def read(self) -> tuple[float, float]:
        self.looks += 1
        return self.idle_s, 2 * self.now_s

    def wait(self, seconds: float) -> bool:
        share = self._idle.pop(0) if len(self._idle) > 1 else self._idle[0]
        self.now_s += seconds
        self.idle_s += 2 * seconds * share
        return False

    def slack(self) -> Slack:
        return Slack(self.read, self.clock)


def paused_s(cores: Cores, at_most_s: float, slack: Slack | None = None) -> float:
    began = cores.now_s
    (slack or cores.slack()).pause(at_most_s, cores.wait)
    return cores.now_s - began


def test_while_the_cores_are_busy_a_pause_is_as_long_as_it_was_asked_for():
    assert paused_s(Cores(SPARE - 0.05), 0.5) == pytest.approx(0.5)


def test_where_the_cores_have_time_to_spare_it_ends_after_the_first_look():
    assert paused_s(Cores(SPARE + 0.05), 0.5) == pytest.approx(LOOK_S)


def test_it_ends_when_the_cores_come_to_rest():
    assert paused_s(Cores(0.0, 0.0, 0.0, 1.0), 0.5) == pytest.approx(4 * LOOK_S)


def test_one_that_is_shorter_than_a_look_is_not_cut():
    assert paused_s(Cores(1.0), LOOK_S / 2) == pytest.approx(LOOK_S / 2)


def test_rest_of_long_ago_is_no_slack_now():
    cores = Cores(1.0)
    slack = cores.slack()
    assert paused_s(cores, 0.5, slack) == pytest.approx(LOOK_S)
    cores.wait(60.0)
    cores._idle = [0.0]
    assert paused_s(cores, 0.5, slack) == pytest.approx(0.5)


def test_many_threads_look_no_oftener_than_one():
    cores = Cores(0.0)
    slack = cores.slack()
    for _ in range(100):
        slack.is_there()
    assert cores.looks == 1


def test_whoever_has_to_stop_does_not_wait_on():
    cores = Cores(0.0)
    waits: list[float] = []

    def stop(seconds):
        waits.append(seconds)
        return True

    cores.slack().pause(0.5, stop)
    assert waits == [LOOK_S]


def test_the_machine_s_own_cores_are_counted():
    idle_s, whole_s = Slack()._read()
    assert 0 <= idle_s < whole_s
