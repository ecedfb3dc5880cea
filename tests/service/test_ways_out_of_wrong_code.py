"""Code that raises at a record of the ledger: the part halts before it, and goes on once better code is deployed."""

from typing import Any

import pytest

from consumers import dispatch
from machines.desk import Desk
from service.roles import run_decider
from service.site import await_topics
from tests.service.ways_out import ALL, Broken, a_broken_site, until

FINE = 0


@pytest.fixture
def up(monkeypatch, tmp_path, site, kafka, postgres):
    """All that follows runs, and one file is known."""
    with a_broken_site(monkeypatch, tmp_path, site=site, kafka=kafka, postgres=postgres) as broken:
        broken.start(*ALL)
        await_topics(broken.site.wiring)
        assert broken.is_decided("a", broken.ask("a"))
        broken.is_shown("a")
        yield broken


def wrong(*_: Any, **__: Any) -> Any:
    raise ZeroDivisionError("no good")


def test_folding_that_raises_at_a_take_over_waits_for_better_code(up: Broken, monkeypatch):
    up.stop(run_decider)
    up.forget_snapshots()
    with monkeypatch.context() as code:
        code.setattr(Desk, "apply", wrong)
        up.start(run_decider)
        remedy = up.awaited("CODE_IS_WRONG")
        assert "keck/a: folding a record of the ledger raised ZeroDivisionError" in remedy.halt.message
        request_id = up.ask("b")
    assert up.leave("CODE_IS_WRONG") == FINE  # deployed
    assert up.is_decided("b", request_id)
    up.is_shown("a", "b")


def test_work_that_is_not_written_down_for_a_bug_of_ours_is_written_by_better_code(up: Broken, monkeypatch):
    owed = "SELECT FROM work.version WHERE subject = 'keck/b'"
    with monkeypatch.context() as code:
        code.setattr(dispatch, "write", wrong)
        assert up.is_decided("b", up.ask("b"))
        remedy = up.awaited("CODE_IS_WRONG", "dispatch")
        assert "the code raised at file/0 offset" in remedy.halt.message
        assert not up.rows(owed)
    assert up.leave("CODE_IS_WRONG", "dispatch") == FINE
    up.goes_on("c")
    until(lambda: bool(up.rows(owed)), lambda: "not written")
