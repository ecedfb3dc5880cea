"""The lock: one holder, known by its number, gone with its process."""

import os
import signal
import subprocess
import sys

import pytest

from service.stack import StackError, lock
from service.stack.lock import hold, holder


def test_the_holder_is_known_while_it_holds(tmp_path):
    path = tmp_path / "stack.lock"
    assert holder(path) is None
    with hold(path):
        assert holder(path) == os.getpid()
    assert holder(path) is None


def test_nobody_else_gets_it(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "_PATIENCE_S", 0.1)
    with (
        hold(tmp_path / "stack.lock"),
        pytest.raises(StackError, match=f"held by process {os.getpid()}"),
        hold(tmp_path / "stack.lock"),
    ):
        pass


def test_it_is_free_again_when_its_holder_was_killed(tmp_path):
    path = tmp_path / "stack.lock"
    code = "import sys, time, pathlib; from service.stack.lock import hold\n"
    code += "with hold(pathlib.Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"held\n"
        assert holder(path) == process.pid
        process.send_signal(signal.SIGKILL)
    assert holder(path) is None
    with hold(path):
        assert holder(path) == os.getpid()
