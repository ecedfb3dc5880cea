"""Commands with servers of their own, ended from outside: nothing of theirs goes on, and the exit code says how."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from service.cli.ending import EndedError, stopping_its_own
from service.settings import PROJECT

MARK = "MARK_OF_A_TEST"
BENCH = ("bench", "programs", "--files", "50", "--times", "1")
FAULTS = ("faults", "--cell", "decider.*", "--seeds", "3", "--seed", "1")


def marked(mark: str) -> dict[psutil.Process, str]:
    """Every process that was started by the command, by whomever of its children, and what it is.

    All is asked at once: any of them may end between one question and the next.
    """
    found = {}
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found[process] = process.name()
    return found


def names(mark: str) -> set[str]:
    """What they are."""
    return set(marked(mark).values())


def until(holds: Callable[[], bool], seconds: float) -> bool:
    """Whether it came to hold in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below pytest's own, which is private: PostgreSQL's user could not get there if we are root."""
    found = Path(tempfile.mkdtemp(prefix="meridian-ended-"))
    found.chmod(0o755)
    yield found
    shutil.rmtree(found, ignore_errors=True)


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "ended_by", "code"),
    [
        (BENCH, signal.SIGTERM, 143),
        (BENCH, signal.SIGHUP, 129),
        (BENCH, signal.SIGKILL, -9),
        (FAULTS, signal.SIGTERM, 143),
        (FAULTS, signal.SIGINT, 130),
    ],
    ids=lambda each: each[0] if isinstance(each, tuple) else str(each),
)
def test_nothing_that_was_started_goes_on(folder, typed, ended_by, code):
    mark = uuid.uuid4().hex
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MERIDIAN_")}
    environment = plain | {MARK: mark, "TMPDIR": str(folder), "MERIDIAN_DATA": str(folder / "none")}
    with (folder / "said").open("wb") as said:
        command = subprocess.Popen(
            [sys.executable, "-m", "service", *typed], cwd=PROJECT, env=environment, stdout=said, stderr=said
        )
        try:
            assert until(lambda: {"java", "postgres"} <= names(mark), 120), (folder / "said").read_text()
            command.send_signal(ended_by)
            assert command.wait(90) == code, (folder / "said").read_text()
            assert until(lambda: not marked(mark), 30), names(mark)
        finally:
            for process in (command, *marked(mark)):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
    if ended_by != signal.SIGKILL:
        told = f"ended by {ended_by.name}; what was started has been stopped"
        assert told in " ".join((folder / "said").read_text().split())
        assert not list(folder.glob("meridian-*"))


def test_what_is_open_is_closed_and_a_second_signal_does_not_cut_that_short():
    said: list[str] = []
    closed: list[bool] = []

    def work() -> None:
        with stopping_its_own(said.append):
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                signal.raise_signal(signal.SIGINT)
                closed.append(True)

    with pytest.raises(SystemExit) as ended:
        work()
    assert (ended.value.code, closed) == (143, [True])
    assert said == ["ended by SIGTERM; what was started has been stopped"]


def test_what_could_not_be_stopped_is_said():
    said: list[str] = []

    def work() -> None:
        with stopping_its_own(said.append):
            try:
                signal.raise_signal(signal.SIGTERM)
            except EndedError:
                raise OSError("3 files could not be deleted") from None

    with pytest.raises(SystemExit):
        work()
    assert said == [
        "ended by SIGTERM; what was started has been stopped, but for: 3 files could not be deleted"
    ]


def test_failures_and_signals_that_are_ignored_stay_what_they_are():
    def work() -> None:
        with stopping_its_own(print):
            signal.raise_signal(signal.SIGHUP)
            raise ValueError("a fault")

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with pytest.raises(ValueError, match="a fault"):
            work()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
