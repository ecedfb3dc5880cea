"""Orphans: what a dead supervisor left is stopped, and nobody else is."""

import signal
import subprocess

import psutil
import pytest

from service.stack.orphans import Trace, stop_orphans, trace, write_traces


def noted(name: str, pid: int) -> Trace:
    found = trace(name, pid, stop_signal=signal.SIGTERM, stop_limit_s=0.3)
    assert found
    return found


@pytest.fixture
def sleeper():
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        yield process
        process.kill()


def test_a_child_that_was_left_is_stopped(tmp_path, sleeper):
    note = tmp_path / "children.json"
    write_traces(note, [noted("kafka", sleeper.pid)])
    assert stop_orphans(note) == [f"kafka ({sleeper.pid})"]
    assert not psutil.pid_exists(sleeper.pid)
    assert not note.exists()


def test_a_child_is_known_again_though_it_had_no_command_yet_when_written_down(
    tmp_path, sleeper, monkeypatch
):
    real, asked = psutil.Process.cmdline, []

    def late(process):
        asked.append(process.pid)
        return [] if len(asked) == 1 else real(process)

    monkeypatch.setattr(psutil.Process, "cmdline", late)
    write_traces(tmp_path / "children.json", [noted("kafka", sleeper.pid)])
    assert stop_orphans(tmp_path / "children.json") == [f"kafka ({sleeper.pid})"]


def test_a_start_that_rounds_to_the_next_second_is_the_same_start(tmp_path, sleeper):
    rounded = noted("kafka", sleeper.pid)
    rounded = rounded.model_copy(update={"created_s": rounded.created_s + 1})
    write_traces(tmp_path / "children.json", [rounded])
    assert stop_orphans(tmp_path / "children.json") == [f"kafka ({sleeper.pid})"]


def test_a_child_that_does_not_stop_is_killed(tmp_path):
    stubborn = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]
    with subprocess.Popen(stubborn, start_new_session=True, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        write_traces(tmp_path / "c", [noted("role", process.pid)])
        stop_orphans(tmp_path / "c")
        assert not psutil.pid_exists(process.pid)


@pytest.mark.parametrize(
    "change",
    [{"argv": ("postgres", "-D", "data")}, {"created_s": 1.0}, {"boot": "an earlier one"}],
    ids=["another command", "another time", "another boot"],
)
def test_a_stranger_who_got_the_number_is_left_alone(tmp_path, sleeper, change):
    stranger = noted("postgres", sleeper.pid).model_copy(update=change)
    write_traces(tmp_path / "children.json", [stranger])
    assert stop_orphans(tmp_path / "children.json") == []
    assert sleeper.poll() is None


def test_a_note_that_can_not_be_read_stops_nobody(tmp_path):
    (tmp_path / "children.json").write_text("[{}]")
    assert stop_orphans(tmp_path / "children.json") == []
