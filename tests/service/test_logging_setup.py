"""Whatever happens in a role, what it says on standard error is one JSON object a line."""

import json
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

SCRIPT = """
import logging, threading, warnings
from service.logging_setup import set_up

class Unraisable:
    def __del__(self):
        raise ValueError("in a finalizer")

def die():
    raise ZeroDivisionError("in a thread")

set_up("info", role="tested")
warnings.warn("a library's advice", stacklevel=1)
thread = threading.Thread(target=die, name="doomed")
thread.start()
thread.join()
Unraisable()
logging.getLogger("ours").info("said", extra={"subject": "roman/a", "position": "t/0/1"})
raise KeyError("at the end")
"""


def test_errors_nobody_caught_and_warnings_are_lines_like_all_others():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    said = [json.loads(line) for line in done.stderr.splitlines()]
    assert [each["message"].split(":")[0] for each in said if each["level"] in {"critical", "error"}] == [
        "a thread died of this",
        "could not be raised",
        "nobody caught this",
    ]
    assert all(each["role"] == "tested" for each in said)
    assert "ZeroDivisionError: in a thread" in said[1]["traceback"]
    assert said[1]["part"] == "doomed"
    assert "KeyError" in said[-1]["traceback"]
    assert [each["subject"] for each in said if each["message"] == "said"] == ["roman/a"]
    assert any("a library's advice" in each["message"] for each in said)
    assert done.returncode == 1
