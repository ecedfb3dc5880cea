"""A child that watches its standard input ends with its parent, and ends cleanly by itself too."""

import subprocess
import sys

import pytest

WAITS = "stop = threading.Event(); stop_with_parent(stop); sys.exit(0 if stop.wait(20) else 3)"
LEAVES = "stop_with_parent(threading.Event()); time.sleep(0.2)"


def child(what: str) -> "subprocess.Popen[bytes]":
    code = f"import sys, threading, time\nfrom events.parentage import stop_with_parent\n{what}"
    return subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.mark.parametrize("said", [b"", b"a line that nobody asked for\n"])
def test_it_stops_when_its_parent_lets_go(said):
    with child(WAITS) as process:
        _, complaints = process.communicate(said, timeout=30)
    assert (process.returncode, complaints) == (0, b"")


def test_it_may_end_while_the_parent_still_holds_on():
    """A thread that waits inside the buffered stream is a fatal error when the interpreter ends."""
    with child(LEAVES) as process:
        code = process.wait(timeout=30)
        complaints = process.stderr.read()
    assert (code, complaints) == (0, b"")
