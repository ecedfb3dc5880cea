"""The server of child processes, step by step: who is believed, who waits, and who is let go."""

import os
import socket
import time
from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

from consumers import child_server
from consumers.child import Limits
from consumers.child_at_work import Asked, Child
from consumers.child_frames import Frames, frame
from consumers.child_server import AT_ONCE, IDLE_S, SLOW_S, _Server

IN_ORDER = {"inspection": {"verdict": "ok"}, "stays": True}


@pytest.fixture
def killed(monkeypatch) -> list[int]:
    """The children that were told to end, by their number."""
    found: list[int] = []
    monkeypatch.setattr("consumers.child_at_work.os.kill", lambda pid, _signal: found.append(pid))
    return found


@pytest.fixture
def server(monkeypatch) -> Any:
    """One that has forked nobody, and whose answers go to ``told``; ``forked`` has what it would fork for."""
    one: Any = _Server.__new__(_Server)
    one._children, one._waiting, one._to_warm = {}, deque(), []
    one._control, one.told = socket.socketpair()
    one.forked = []
    monkeypatch.setattr(one, "_start", one.forked.append)
    yield one
    one._control.close()
    one.told.close()


def asked_for(number: int = 1) -> Asked:
    request = {"id": number, "format": "any", "limits": Limits().to_dict(), "together": "s"}
    return Asked(request, file_fd=os.open(os.devnull, os.O_RDONLY), since=0.0)


def at_work(server: Any, *, started: float, files: int = 1, pid: int = 1, **other: Any) -> Child:
    asked = asked_for(pid)
    child = Child(pid, asked, -1, -1, None, asked.company, started, files, **other)
    server._children[pid] = child
    return child


def answers(server: Any) -> list[dict[str, Any]]:
    server.told.setblocking(False)
    try:
        return list(Frames(max_bytes=1 << 20).feed(server.told.recv(1 << 20)))
    except BlockingIOError:
        return []


@pytest.mark.parametrize(
    ("files", "exit_code", "is_believed"), [(1, 0, True), (1, -11, True), (2, 0, True), (2, -11, False)]
)
def test_a_child_that_has_read_others_is_believed_only_if_it_also_ends_in_order(
    server, files, exit_code, is_believed
):
    child = at_work(server, started=0.0, files=files)
    child.take_result(frame(IN_ORDER))

    server._ended(child, exit_code)

    assert [each["exit"] for each in answers(server)] == ([exit_code] if is_believed else [])
    assert [each.is_alone for each in server._waiting] == ([] if is_believed else [True])
    assert child.asked is None


def test_what_a_child_wrote_before_it_said_that_it_is_over_belongs_to_that_file(server, killed):
    (result_r, result_w), (log_r, log_w) = os.pipe(), os.pipe()
    os.set_blocking(log_r, False)
    child = at_work(server, started=0.0, files=2)
    child.log_fd = log_r
    os.write(log_w, b"a warning")
    child.take_result(frame(IN_ORDER))

    server._over(child)

    for fd in (result_r, result_w, log_r, log_w):
        os.close(fd)
    assert answers(server) == []
    assert [each.is_alone for each in server._waiting] == [True]
    assert killed == [child.pid], "it reads nothing more"


def test_a_child_with_nothing_to_read_is_let_go_after_a_while(server, killed):
    child = at_work(server, started=100.0)
    child.asked = None

    server._look_at(child, 100.0 + IDLE_S / 2)
    assert killed == []
    server._look_at(child, 100.1 + IDLE_S)
    assert killed == [child.pid]


def test_its_server_wakes_for_that(server, monkeypatch):
    monkeypatch.setattr("consumers.child_server.time.monotonic", lambda: 100.0)
    at_work(server, started=100.0).asked = None
    assert server._wait_s() == pytest.approx(IDLE_S, abs=0.01)
    server._children.clear()
    assert server._wait_s() is None


def test_as_many_quick_children_as_there_are_cores_and_the_next_file_waits(server, monkeypatch):
    monkeypatch.setattr("consumers.child_server.time.monotonic", lambda: 100.0)
    for pid in range(AT_ONCE - 1):
        at_work(server, started=100.0, pid=pid)
    assert server._began(asked_for(90))
    at_work(server, started=100.0, pid=91)
    assert not server._began(asked_for(92))
    assert [each.request["id"] for each in server.forked] == [90]

    for child in server._children.values():
        child.started = 100.0 - 2 * SLOW_S
    assert server._began(asked_for(93)), "nobody waits for those that take their time"


@pytest.mark.parametrize(
    "other",
    [
        {"together": "another stream"},
        {"format": "another"},
        {"limits": Limits(wall_s=1.0).to_dict()},
        {"limits": Limits(memory_bytes=1 << 28).to_dict()},
    ],
    ids=["stream", "format", "time", "memory"],
)
def test_a_child_reads_on_only_with_files_that_have_stream_format_and_limits_in_common(
    server, monkeypatch, other
):
    given: list[Asked] = []

    def give(_child: Child, asked: Asked) -> bool:
        given.append(asked)
        return True

    monkeypatch.setattr(Child, "give", give)
    child = at_work(server, started=0.0)
    child.asked = None  # it is over with its file, and waits for the next
    alike, different = asked_for(2), asked_for(3)
    different.request.update(other)

    server._waiting.extend([different, alike])
    server._start_waiting()

    assert given == [alike]
    assert server.forked == [different]


def test_settings_are_remembered_before_the_first_file_is_looked_through(server, monkeypatch):
    """Every child has what is worked out before its fork."""
    done: list[str] = []
    kind = SimpleNamespace(warm_up=lambda: done.append("loaded"))
    server._formats, server._to_warm, server._network = {"any": kind}, ["any", "another"], "none"
    monkeypatch.setattr(child_server, "gc", SimpleNamespace(collect=lambda: None, freeze=lambda: None))
    monkeypatch.setattr(child_server, "_remember_settings", lambda: done.append("remembered"))
    monkeypatch.setattr(child_server, "try_out", lambda _: done.append("tried"))
    server._warm_one()
    assert done == ["loaded", "remembered", "tried"]
    assert [each["ready"] for each in answers(server)] == ["any"]


def test_one_look_a_round_tells_that_nobody_is_free_for_files_of_one_kind(server, monkeypatch):
    for number in range(AT_ONCE):
        at_work(server, started=time.monotonic(), pid=number + 1)
    looked: list[int] = []
    monkeypatch.setattr(server, "_is_given", lambda asked, _: looked.append(asked.request["id"]))
    waiting = [asked_for(number) for number in range(100, 120)]
    alone = asked_for(200)
    alone.is_alone = True
    server._waiting.extend([*waiting, alone])
    server._start_waiting()
    assert looked == [100]
    assert server.forked == [alone]
    assert list(server._waiting) == waiting
