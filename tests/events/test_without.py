import logging

import pytest

from events import breakable, without
from events.without import GUARDS, UnknownGuardError, is_without


@pytest.fixture(autouse=True)
def asked_anew():
    is_without.cache_clear()
    yield
    is_without.cache_clear()


def test_every_guard_is_on_where_nobody_says_otherwise(monkeypatch):
    monkeypatch.delenv(without.VARIABLE, raising=False)
    assert not any(is_without(guard) for guard in GUARDS)


def test_one_guard_can_be_switched_off_and_the_others_stay(monkeypatch):
    monkeypatch.setenv(without.VARIABLE, "dedupe")
    assert [guard for guard in GUARDS if is_without(guard)] == ["dedupe"]


def test_an_unknown_guard_is_refused_with_the_list(monkeypatch):
    monkeypatch.setenv(without.VARIABLE, "brakes")
    with pytest.raises(UnknownGuardError, match="fencing, compare_and_set"):
        is_without("fencing")


def test_no_guard_can_be_switched_off_in_a_build_without_the_mark(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(breakable, "MARK", tmp_path / "BREAKABLE")
    monkeypatch.setenv(without.VARIABLE, "fencing")
    with caplog.at_level(logging.ERROR):
        assert not is_without("fencing")
    assert "not one for tests" in caplog.text
