import os
import signal
import subprocess
import sys
import time
from io import BytesIO
from pathlib import Path

import pytest

from events import breakable, failpoints
from events.failpoints import POINTS, FailpointError, UnknownFailpointError, arm, arm_from, reach

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def disarmed():
    yield
    failpoints.disarm()


def test_nothing_happens_where_nothing_is_armed():
    for name in POINTS:
        reach(name)
        with failpoints.during(name):
            pass
    stream = BytesIO(b"x")
    assert failpoints.watched(stream, "worker.mid_upload") is stream


def test_an_exception_is_raised_at_the_nth_time_and_only_then():
    arm("decider.after_send:exception:3")
    reach("decider.after_send")
    reach("decider.after_poll")
    reach("decider.after_send")
    with pytest.raises(FailpointError, match=r"decider\.after_send"):
        reach("decider.after_send")
    reach("decider.after_send")


def test_an_exception_during_a_commit_comes_after_the_commit():
    arm("decider.during_commit:exception")
    done = []
    with pytest.raises(FailpointError), failpoints.during("decider.during_commit"):
        done.append("committed")
    assert done == ["committed"]


def test_a_file_that_is_being_sent_is_watched_piece_by_piece():
    arm("worker.mid_upload:exception:2")
    stream = failpoints.watched(BytesIO(b"x" * 200_000), "worker.mid_upload")
    assert len(stream.read(131_072)) == 131_072  # as the object store's client reads
    with pytest.raises(FailpointError):
        stream.read(131_072)


@pytest.mark.parametrize(
    "wrong", ["decider.nowhere:kill", "decider.after_send:burn", "decider.after_send:kill:0"]
)
def test_what_does_not_exist_is_refused_with_what_does(wrong):
    with pytest.raises(UnknownFailpointError, match=r"wanted .*(decider\.after_poll|kill)"):
        arm(wrong)


def test_a_role_asked_for_an_unknown_failpoint_does_not_start():
    environment = {**os.environ, failpoints.VARIABLE: "decider.nowhere:kill", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "service", "run", "decider"],
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "decider.after_send" in done.stderr


CHILD = """
import os, time
from events import failpoints
failpoints.arm_from(os.environ)
print("begun", flush=True)
while True:
    failpoints.reach("decider.after_poll")
    time.sleep(0.01)
"""


def child(**more: str) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **more}
    started = subprocess.Popen([sys.executable, "-c", CHILD], env=environment, stdout=subprocess.PIPE)
    assert started.stdout.readline() == b"begun\n"
    return started


def test_a_process_kills_itself_where_its_environment_says():
    assert child(MERIDIAN_FAILPOINT="decider.after_poll:kill:2").wait(10) == -signal.SIGKILL


def test_a_running_process_is_armed_by_its_file_and_of_two_only_one_acts(tmp_path):
    control = tmp_path / "decider"
    first, second = (child(MERIDIAN_FAILPOINT_FILE=str(control)) for _ in range(2))
    try:
        (tmp_path / "new").write_text("decider.after_poll:exit:5")
        (tmp_path / "new").rename(control)
        until = time.monotonic() + 10
        while first.poll() is None and second.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.5)
        assert sorted([first.poll() is None, second.poll() is None]) == [False, True]
        assert not control.exists()
    finally:
        for each in (first, second):
            each.kill()
            each.wait()


def test_a_build_without_the_mark_does_nothing_of_it(monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(breakable, "MARK", tmp_path / "BREAKABLE")
    arm_from({failpoints.VARIABLE: "decider.after_poll:exception"})
    reach("decider.after_poll")
    assert "not one for tests" in caplog.text


def test_the_mark_goes_into_no_image_and_no_package():
    image = (ROOT / "service" / "Dockerfile").read_text()
    assert not [line for line in image.splitlines() if line.startswith(("COPY", "ADD")) and "tests" in line]
    assert "tests" in (ROOT / ".dockerignore").read_text().splitlines()
    import tomllib

    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert not [name for name in wanted["packages"]["find"]["include"] if name.startswith("tests")]
    assert breakable.MARK.is_file()


def test_every_point_stands_in_the_code_once_and_no_other_does():
    import re

    code = [
        path for path in (ROOT).glob("*/**/*.py") if path.parts[len(ROOT.parts)] not in {"tests", ".venv"}
    ]
    named = [
        name
        for path in code
        for name in re.findall(r'failpoints\.(?:reach|during|watched)\([^"]*f?"([^"]+)"\)', path.read_text())
    ]
    spelt = {each for name in named for each in _spelt(name)}
    assert spelt == POINTS


def _spelt(name: str) -> list[str]:
    if name.startswith("{self._name}"):
        return [name.replace("{self._name}", follower) for follower in ("projector", "dispatch")]
    return [name]
