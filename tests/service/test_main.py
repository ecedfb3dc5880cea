"""The command itself: what a process does before and after one command."""

import gc
import sys
from collections.abc import Iterator, Sequence

import pytest

import service.cli
from service import __main__ as command


@pytest.fixture
def _thresholds() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("_thresholds")
def test_a_command_looks_for_garbage_seldom_and_not_at_all_at_its_end(monkeypatch):
    told: list[object] = []

    def run(arguments: Sequence[str]) -> int:
        told.append((list(arguments), gc.get_threshold()[0] > 10_000))
        return 3

    monkeypatch.setattr(service.cli, "run", run)
    monkeypatch.setattr(sys, "argv", ["meridian", "codes"])
    monkeypatch.setattr(gc, "freeze", lambda: told.append("freeze"))
    with pytest.raises(SystemExit) as ended:
        command.main()
    assert told == ["freeze", (["codes"], True), "freeze"]
    assert ended.value.code == 3
