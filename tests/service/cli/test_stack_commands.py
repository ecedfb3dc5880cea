"""``meridian up``: what somebody meant to set, and mistyped, is told before servers are started instead."""

import pytest

from tests.service.cli.command_line import meridian


@pytest.fixture
def started(monkeypatch, tmp_path):
    """What would have been started."""
    found = []
    monkeypatch.setenv("MERIDIAN_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("service.site.bring_up", lambda settings, **_: found.append(settings))
    return found


def test_a_mistyped_setting_is_told(started, capsys, monkeypatch):
    monkeypatch.setenv("MERIDIAN_KAFAK", "kafka.example:9092")
    said = meridian(capsys, "up")
    assert len(started) == 1
    assert "MERIDIAN_KAFAK is no setting; did you mean MERIDIAN_KAFKA; it is not heeded" in said.err
    monkeypatch.delenv("MERIDIAN_KAFAK")
    assert "mind:" not in meridian(capsys, "up").err
