"""How long requests are left to gather: never for one alone, longer the more there are, and then all of them go."""

from itertools import count

import pytest

from events.slack import Slack
from service.decider import owner
from service.decider.gathering import BUSY, ENOUGH, WINDOW_S, Gathering
from tests.service.decider.site import REQUESTS, Site
from tests.service.decider.test_owner import run_until


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_one_request_alone_makes_no_pause_however_busy_it_was():
    gathering = Gathering(0.5, Hands())
    assert gathering.pause_s(BUSY) == 0.5
    assert gathering.pause_s(1) == 0.0


def test_many_that_came_one_after_the_other_make_no_pause_for_two_that_came_together():
    gathering = Gathering(0.5, Hands())
    assert {gathering.pause_s(1) for _ in range(10 * BUSY)} == {0.0}
    assert gathering.pause_s(2) == pytest.approx(0.5 * 2 / BUSY)


def test_nothing_came_and_nothing_is_waited_for():
    assert Gathering(0.5, Hands()).pause_s(0) == 0.0


def test_the_pause_grows_with_what_came_of_late_up_to_its_limit():
    gathering = Gathering(0.5, Hands())
    pauses = [gathering.pause_s(2) for _ in range(BUSY)]
    assert pauses[0] == pytest.approx(0.5 * 2 / BUSY)
    assert pauses == sorted(pauses)
    assert pauses[-1] == 0.5


def test_what_came_long_ago_counts_no_more():
    clock = Hands()
    gathering = Gathering(0.5, clock)
    gathering.pause_s(BUSY)
    clock.now_s += WINDOW_S + 0.001
    assert gathering.pause_s(2) == pytest.approx(0.5 * 2 / BUSY)


def test_a_transaction_that_is_well_filled_is_followed_by_the_next_at_once():
    assert Gathering(0.5, Hands()).pause_s(ENOUGH) == 0.0


class Trickle:
    """A reader whose fetch under way never brings more than two records."""

    def __init__(self, inner) -> None:
        self._inner = inner

    def poll(self, *, at_most: int, timeout_s: float):
        return self._inner.poll(at_most=min(2, at_most), timeout_s=timeout_s)

    def __getattr__(self, name: str):
        return getattr(self._inner, name)


def test_where_the_cores_have_time_to_spare_hardly_anything_is_waited_for(monkeypatch):
    looks = count()
    monkeypatch.setattr(owner, "SLACK", Slack(lambda: (2.0 * (seconds := next(looks)), 2.0 * seconds)))
    site = Site()
    asked = [site.ask(subject=f"roman/{number}") for number in range(5)]
    reader = site.log.reader
    monkeypatch.setattr(site.log, "reader", lambda *, committed: Trickle(reader(committed=committed)))
    run_until(site, len(asked), gathered_s=3600)
    assert [record.requestid for record in site.ledger()] == asked


@pytest.mark.parametrize(("gathered_s", "together"), [(0.02, [2, 4, 3]), (0.0, [2, 2, 2, 2, 1])])
def test_after_a_pause_all_that_it_gathered_is_decided_in_one_transaction(monkeypatch, gathered_s, together):
    site = Site()
    asked = [site.ask(subject=f"roman/{number}") for number in range(9)]
    reader, save, saved = site.log.reader, site.store.save, []
    monkeypatch.setattr(site.log, "reader", lambda *, committed: Trickle(reader(committed=committed)))

    def counted(*given):
        saved.append(len(given[1]))
        return save(*given)

    monkeypatch.setattr(site.store, "save", counted)
    run_until(site, len(asked), gathered_s=gathered_s)
    assert [record.requestid for record in site.ledger()] == asked
    assert [count for count in saved if count] == together
    assert site.log.committed("test.file.decider", [REQUESTS])[REQUESTS] == len(asked)
