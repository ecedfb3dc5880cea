"""A reader that goes wrong in every way it can: only its own child ends, and the message says why."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from consumers.child import ChildFailure, ChildResult, Inspector, Limits
from consumers.child_frames import Frames, TooLargeError, frame
from consumers.formats import Expected, Format
from consumers.formats.metadata import MAX_VALUE_CHARACTERS
from events.types import Usage

MISBEHAVING = Format("misbehaving", "text/plain", (), "tests.consumers.formats.misbehaving")
# So much by the clock that what computes meets the limit of processor time, however busy the machine of the tests is.
LIMITS = Limits(memory_bytes=64 * 1024**2, cpu_s=1, wall_s=60.0)


@pytest.fixture(scope="module")
def inspector():
    with Inspector([MISBEHAVING, "any", "fits"], LIMITS) as running:
        yield running


@pytest.fixture
def told(inspector, tmp_path):
    """Have the reader do something; the inspector must serve the next file as if nothing had been."""

    def told(order, *, limits=None):
        path = tmp_path / "order.txt"
        path.write_text(order)
        result = inspector.inspect(path, "misbehaving", Expected(path.name), limits=limits)
        path.write_text("nothing")
        assert answer(inspector.inspect(path, "misbehaving", Expected(path.name))) == "done"
        return result

    return told


def answer(result: ChildResult) -> object:
    assert result.inspection is not None, (result.failure, result.usage.log_tail)
    assert result.inspection.verdict == "ok", result.inspection.message
    return next(each.value for each in result.inspection.qa if each.check == "answer")


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        yield server


def test_too_much_memory_ends_the_child_and_names_the_limit(told):
    result = told("fill-memory")
    assert (result.inspection.verdict, result.inspection.code) == ("invalid", "LIMIT_EXCEEDED")
    assert "67108864 bytes of memory" in result.inspection.message
    assert result.usage.peak_rss_bytes < 500 * 1024**2


def test_too_much_cpu_time_ends_the_child_and_names_the_limit(told):
    result = told("spin")
    assert result.inspection.code == "LIMIT_EXCEEDED"
    assert "1 s of CPU time" in result.inspection.message
    assert result.usage.exit == "SIGXCPU"
    assert 0.5 < result.usage.cpu_s < 3
    assert "_spin" in result.usage.log_tail, "where it was, for whoever has to find out"


def test_too_much_time_ends_the_child_and_names_the_limit(told):
    result = told("sleep 60", limits=Limits(wall_s=2.0))
    assert result.inspection.code == "LIMIT_EXCEEDED"
    assert "2 s" in result.inspection.message
    assert result.usage.exit == "SIGKILL"
    assert 2.0 <= result.usage.wall_s < 9


def test_size_and_checksum_are_known_even_when_the_child_was_killed(told):
    found = told("sleep 60", limits=Limits(wall_s=2.0)).inspection
    assert found.size_bytes == len("sleep 60")
    assert len(found.sha256) == 64


def test_a_message_deeper_than_any_ends_its_child_and_not_the_server(told, inspector):
    before = inspector.server_pid
    result = told("say-it-deep")
    assert (result.failure.code, result.failure.failure_class) == ("READER_BUG", "code")
    assert inspector.server_pid == before


def test_no_child_can_write_what_another_is_at(inspector, tmp_path):
    slow, curious = tmp_path / "slow.txt", tmp_path / "curious.txt"
    slow.write_text("sleep 2")
    curious.write_text("notes-in-reach")
    with ThreadPoolExecutor(1) as beside:
        sleeping = beside.submit(inspector.inspect, slow, "misbehaving", Expected(slow.name))
        time.sleep(0.5)
        found = inspector.inspect(curious, "misbehaving", Expected(curious.name))
        assert not sleeping.done(), "the other was to be read meanwhile"
        assert answer(found) == 1
        sleeping.result()


def test_a_crash_is_the_files_doing(told):
    result = told("crash")
    assert result.inspection.code == "UNSAFE_CONTENT"
    assert "SIGSEGV" in result.inspection.message
    assert "Segmentation fault" in result.usage.log_tail


def test_an_exception_in_our_own_code_is_ours(told):
    result = told("raise the reader is wrong")
    assert result.inspection is None
    assert (result.failure.code, result.failure.failure_class) == ("READER_BUG", "code")
    assert result.failure.message == "RuntimeError: the reader is wrong"
    assert "Traceback" in result.usage.log_tail


def test_an_end_without_a_result_is_ours(told):
    result = told("end 3")
    assert (result.failure.code, result.failure.failure_class) == ("READER_BUG", "code")
    assert result.usage.exit == "3"


def test_a_child_that_somebody_else_killed_is_nobodys_fault(told):
    result = told("kill-self")
    assert (result.failure.code, result.failure.failure_class) == ("CHILD_KILLED", "infrastructure")
    assert result.usage.exit == "SIGKILL"


def test_what_the_child_writes_is_kept_to_its_end_without_control_characters(told):
    usage = told("shout 200000").usage
    assert len(usage.log_tail) <= 65536
    assert usage.log_tail.endswith("end of the log\n")
    assert "\x1b" not in usage.log_tail


def test_a_result_is_bounded(told):
    inspection = told("say-much 10000000").inspection
    assert len(str(inspection.metadata["target"])) <= MAX_VALUE_CHARACTERS
    assert "METADATA_TOO_LONG" in {each.code for each in inspection.warnings}, "what is cut is said to be"


def test_usage_is_measured_and_fits_the_vocabulary(inspector, tmp_path):
    path = tmp_path / "large.bin"
    path.write_bytes(bytes(20 * 1024**2))
    usage = inspector.inspect(path, "any", Expected(path.name)).usage
    assert usage.bytes_read >= 20 * 1024**2
    assert usage.wall_s > 0
    assert 0 < usage.cpu_s < 5
    assert 10 * 1024**2 < usage.peak_rss_bytes < 300 * 1024**2
    assert usage.exit == "0"
    assert Usage(**asdict(usage)).exit == "0"


@pytest.mark.parametrize(
    "order", ["connect {port}", "fetch http://127.0.0.1:{port}/", "connect-and-swallow {port}"]
)
def test_no_network_by_python(told, listener, order):
    port = listener.getsockname()[1]
    result = told(order.format(port=port))
    assert result.inspection.code == "UNSAFE_CONTENT"
    assert any(word in result.inspection.message for word in ("socket.", "urllib."))
    with pytest.raises(TimeoutError):
        listener.accept()


def test_no_network_past_python(told, inspector, listener):
    if inspector.wait_ready()["any"]["network"] == "none":
        pytest.skip("this system gives a process no network of its own")
    assert answer(told(f"connect-without-python {listener.getsockname()[1]}")) != "connected"
    with pytest.raises(TimeoutError):
        listener.accept()


@pytest.mark.parametrize("order", ["run id", "fork"])
def test_no_other_program(told, order):
    assert told(order).inspection.code == "UNSAFE_CONTENT"


def test_no_other_file(told, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    result = told(f"open {secret}")
    assert result.inspection.code == "UNSAFE_CONTENT"
    assert f"refused: open '{secret}'" in result.usage.log_tail
    written = tmp_path / "written.txt"
    assert told(f"write {written}").inspection.code == "UNSAFE_CONTENT"
    assert not written.exists()


def test_no_secrets_of_the_services(tmp_path, monkeypatch):
    monkeypatch.setenv("MERIDIAN_S3_SECRET", "do not tell")
    path = tmp_path / "order.txt"
    path.write_text("environment MERIDIAN_S3_SECRET")
    with Inspector([MISBEHAVING]) as inspector:
        assert answer(inspector.inspect(path, "misbehaving", Expected(path.name))) == "not there"


def test_a_file_that_is_not_there_may_come_later(inspector, tmp_path):
    failure = inspector.inspect(tmp_path / "gone.fits", "fits", Expected("gone.fits")).failure
    assert (failure.code, failure.failure_class) == ("FILE_NOT_FOUND", "transient")
    assert "gone.fits" in failure.message


def test_what_is_no_file_is_not_waited_for(inspector, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", ""):
        failure = inspector.inspect(tmp_path / name, "fits", Expected("x")).failure
        assert (failure.code, failure.failure_class) == ("IO_ERROR", "infrastructure")


def test_a_file_that_is_still_being_written_is_tried_again(inspector, tmp_path):
    path = tmp_path / "growing.bin"
    path.write_bytes(bytes(30 * 1024**2))
    ended = threading.Event()

    def grow():
        with path.open("ab", buffering=0) as file:
            while not ended.wait(0.001):
                file.write(b"x")

    with ThreadPoolExecutor(1) as threads:
        threads.submit(grow)
        failure = inspector.inspect(path, "any", Expected(path.name)).failure
        ended.set()
    assert (failure.code, failure.failure_class) == ("FILE_CHANGED", "transient")


def test_a_format_this_inspector_was_not_given_is_a_mistake_of_the_caller(inspector, tmp_path):
    with pytest.raises(ValueError, match="asdf"):
        inspector.inspect(tmp_path, "asdf", Expected("x"))
    with pytest.raises(ValueError, match="geotiff"):
        Inspector(["geotiff"])


def test_files_are_read_side_by_side(inspector, tmp_path):
    path = tmp_path / "order.txt"
    path.write_text("sleep 1")
    started = time.monotonic()
    with ThreadPoolExecutor(8) as threads:
        results = list(
            threads.map(lambda _: inspector.inspect(path, "misbehaving", Expected(path.name)), range(8))
        )
    assert all(result.inspection.verdict == "ok" for result in results)
    assert time.monotonic() - started < 6, "8 s one after the other"


def test_many_threads_each_get_their_own_answer(inspector, tmp_path):
    paths = []
    for number in range(40):
        paths.append(tmp_path / f"{number}.bin")
        paths[-1].write_bytes(bytes(number + 1))
    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(lambda path: inspector.inspect(path, "any", Expected(path.name)), paths))
    assert [result.inspection.size_bytes for result in results] == list(range(1, 41))


def test_a_server_that_ends_is_started_again_and_the_file_read(tmp_path):
    path = tmp_path / "order.txt"
    path.write_text("sleep 1")
    with Inspector([MISBEHAVING], LIMITS) as inspector, ThreadPoolExecutor(2) as threads:
        inspector.wait_ready()
        waiting = [
            threads.submit(inspector.inspect, path, "misbehaving", Expected(path.name)) for _ in range(2)
        ]
        time.sleep(0.3)
        os.kill(inspector.server_pid, signal.SIGKILL)
        results = [each.result(30) for each in waiting]
    assert [result.inspection and result.inspection.verdict for result in results] == ["ok", "ok"]


def test_a_file_that_ends_the_server_again_and_again_is_given_up(tmp_path):
    path = tmp_path / "order.txt"
    path.write_text("kill-server")
    with Inspector([MISBEHAVING], LIMITS) as inspector:
        assert gone(inspector.inspect(path, "misbehaving", Expected(path.name)))
        path.write_text("nothing")
        assert answer(inspector.inspect(path, "misbehaving", Expected(path.name))) == "done"


def test_closing_ends_the_server_and_its_children(tmp_path):
    path = tmp_path / "order.txt"
    path.write_text("sleep 60")
    inspector = Inspector([MISBEHAVING])
    inspector.start()
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(inspector.inspect, path, "misbehaving", Expected(path.name))
        inspector.wait_ready()
        time.sleep(0.3)
        pid = inspector.server_pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        inspector.close()
        assert gone(waiting.result(10))
    deadline = time.monotonic() + 5
    while alive := [each for each in (str(pid), *children) if is_alive(each)]:
        assert time.monotonic() < deadline, f"still there: {alive}"
        time.sleep(0.02)


def gone(result: ChildResult) -> bool:
    failure = result.failure or ChildFailure("NONE", "code", "")
    return (failure.code, failure.failure_class) == ("READER_GONE", "infrastructure")


def is_alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_closed_inspector_says_so(tmp_path):
    path = tmp_path / "x"
    path.write_text("x")
    inspector = Inspector(["any"])
    inspector.close()
    assert gone(inspector.inspect(path, "any", Expected("x")))


def test_a_server_ends_with_the_process_that_started_it():
    code = (
        "import os, sys; from consumers.child import Inspector; inspector = Inspector(['any']); inspector.start();"
        "inspector.wait_ready(); print(inspector.server_pid, flush=True); os._exit(0)"
    )
    pid = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    deadline = time.monotonic() + 10
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_frames_come_out_as_they_went_in_however_they_are_cut():
    messages: list[dict[str, Any]] = [{"a": 1}, {}, {"text": "ü" * 1000}]
    wire = b"".join(frame(message) for message in messages)
    for size in (1, 3, 1000, len(wire)):
        frames = Frames(max_bytes=10_000)
        pieces = (wire[at : at + size] for at in range(0, len(wire), size))
        assert [message for piece in pieces for message in frames.feed(piece)] == messages


def test_a_frame_too_long_is_refused_before_it_is_held():
    with pytest.raises(TooLargeError):
        list(Frames(max_bytes=10).feed(frame({"text": "x" * 100})[:8]))
