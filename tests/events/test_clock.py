"""The roles' clock: right, unless a build for tests is told otherwise."""

import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from events import breakable


def read_clock(**environment: str) -> datetime:
    program = "import events.clock as c; print(c.now().isoformat())"
    told = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return datetime.fromisoformat(told.stdout.strip())


@pytest.mark.parametrize("shift", [0, 3600, -3600])
def test_the_clock_is_wrong_by_what_it_is_told(shift):
    before = datetime.now(UTC)
    read = read_clock(MERIDIAN_CLOCK_SHIFT_S=str(shift))
    between = (read - before).total_seconds()
    assert shift <= between <= shift + (datetime.now(UTC) - before).total_seconds()


def test_a_build_without_the_mark_reads_the_machines_clock(monkeypatch, tmp_path):
    monkeypatch.setattr(breakable, "MARK", tmp_path / "no such file")
    assert breakable.order({"MERIDIAN_CLOCK_SHIFT_S": "3600"}, "MERIDIAN_CLOCK_SHIFT_S") is None
