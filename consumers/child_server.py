"""A small process that has the libraries loaded and forks one child a file; ends when its parent lets go."""

import contextlib
import gc
import json
import os
import resource
import selectors
import signal
import socket
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from consumers.child_frames import Frames, TooLargeError, frame
from consumers.child_guard import Guard, leave_network
from consumers.child_pages import into_large_pages
from consumers.child_run import run_child
from consumers.formats import Format
from consumers.formats.try_out import try_out

__all__ = ["main"]

MAX_REQUEST_BYTES = 256 * 1024
MAX_RESULT_BYTES = 2 * 1024 * 1024
LOG_TAIL_BYTES = 64 * 1024
PIECE_BYTES = 64 * 1024
FORKS_BETWEEN = 200


def main() -> None:
    """Serve requests on the socket named by the first argument, for the formats told by the second (JSON)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    network = leave_network()
    Guard()  # only made: where libraries lie is known to every child then
    formats = [Format(**told) for told in json.loads(sys.argv[2])]
    _Server(socket.socket(fileno=int(sys.argv[1])), formats, network).run()


@dataclass(slots=True)
class _Child:
    """One file being read."""

    request_id: int
    pid: int
    result_fd: int
    log_fd: int
    started: float
    deadline: float
    frames: Frames = field(default_factory=lambda: Frames(max_bytes=MAX_RESULT_BYTES))
    messages: list[dict[str, Any]] = field(default_factory=list)
    log: bytearray = field(default_factory=bytearray)
    killed_for: str | None = None
    is_running: bool = True

    def kill(self, reason: str) -> None:
        """End the child; one that has ended has given its number back and must not be signalled."""
        if self.is_running:
            self.killed_for = self.killed_for or reason
            os.kill(self.pid, signal.SIGKILL)

    def take_result(self, piece: bytes) -> None:
        """Messages as they come; what is too long or no JSON ends the child."""
        try:
            self.messages.extend(self.frames.feed(piece))
        except (TooLargeError, ValueError):
            self.kill("result")

    def take_log(self, piece: bytes) -> None:
        """The end of what the child wrote."""
        self.log += piece
        del self.log[:-LOG_TAIL_BYTES]


class _Server:
    """One thread: requests come in by the control socket, children report by pipes, their end comes as a signal."""

    def __init__(self, control: socket.socket, formats: list[Format], network: str) -> None:
        self._control = control
        self._network = network
        self._formats = {each.name: each for each in formats}
        self._to_warm = list(self._formats)
        self._frames = Frames(max_bytes=MAX_REQUEST_BYTES)
        self._files: deque[int] = deque()
        self._waiting: deque[tuple[dict[str, Any], int]] = deque()
        self._children: dict[int, _Child] = {}
        self._forks = 0
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ, self._read_control)
        self._watch_signals()

    def run(self) -> None:
        """Serve until the parent closes its end; children still at work end with the server."""
        why = "the server ends"
        try:
            while self._turn():
                pass
        except (BrokenPipeError, ConnectionResetError) as error:
            why = f"the parent is gone: {error}"  # and with it whoever wanted an answer
        for child in self._children.values():
            child.kill(why)

    def _turn(self) -> bool:
        """Handle what has come, then load one more format, so that nobody waits behind another's libraries."""
        for key, _ in self._selector.select(self._wait_s()):
            if not key.data(key.fd):
                return False
        now = time.monotonic()
        for child in self._children.values():
            if now > child.deadline:
                child.kill("wall")
        self._reap()
        if self._forks >= FORKS_BETWEEN and not self._children:
            self._forks = 0
            into_large_pages()  # what was written since has come apart into small ones
        self._start_waiting()
        if self._to_warm:
            self._warm_one()
        return True

    def _wait_s(self) -> float | None:
        if self._to_warm or self._waiting:
            return 0
        deadlines = [child.deadline for child in self._children.values() if child.killed_for is None]
        return max(0.0, min(deadlines) - time.monotonic()) + 0.001 if deadlines else None

    def _watch_signals(self) -> None:
        """The end of a child wakes the loop."""
        wake_r, wake_w = os.pipe()
        for fd in (wake_r, wake_w):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(wake_w, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(wake_r, selectors.EVENT_READ, lambda fd: bool(os.read(fd, PIECE_BYTES)))

    # Formats

    def _warm_one(self) -> None:
        wanted = next(
            (request["format"] for request, _ in self._waiting if request["format"] in self._to_warm), None
        )
        name = wanted or self._to_warm[0]
        started = time.monotonic()
        failed = None
        try:
            self._formats[name].warm_up()
            try_out(self._formats[name])
        except Exception:  # noqa: BLE001 - the other formats still work; the parent's log says what is wrong with this
            failed = traceback.format_exc()
        self._to_warm.remove(name)
        # What is loaded by now is for ever: keep the collector of each child from touching, and so copying, it.
        gc.collect()
        gc.freeze()
        if not self._to_warm:
            into_large_pages()
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
        took = time.monotonic() - started
        told = {"ready": name, "warm_up_s": took, "peak_rss_bytes": rss, "network": self._network}
        self._send(told if failed is None else {**told, "failed": failed})

    # Requests

    def _read_control(self, _: int) -> bool:
        data, files, *_rest = socket.recv_fds(self._control, PIECE_BYTES, 64)
        if not data:
            return False
        self._files.extend(files)
        for request in self._frames.feed(data):
            # A frame may be complete only with its last piece; its file came with the first.
            self._waiting.append((request, self._files.popleft()))
        return True

    def _start_waiting(self) -> None:
        for _ in range(len(self._waiting)):
            request, file_fd = self._waiting.popleft()
            if request["format"] in self._to_warm:
                self._waiting.append((request, file_fd))
            else:
                self._start(request, file_fd)

    def _start(self, request: dict[str, Any], file_fd: int) -> None:
        (result_r, result_w), (log_r, log_w) = os.pipe(), os.pipe()
        now = time.monotonic()
        self._forks += 1
        pid = os.fork()
        if pid == 0:
            run_child(
                self._formats[request["format"]], request, file_fd=file_fd, result_fd=result_w, log_fd=log_w
            )
        for fd in (result_w, log_w, file_fd):
            os.close(fd)
        child = _Child(request["id"], pid, result_r, log_r, now, now + request["limits"]["wall_s"])
        self._children[pid] = child
        for read_fd, take in ((result_r, child.take_result), (log_r, child.take_log)):
            os.set_blocking(read_fd, False)
            self._selector.register(read_fd, selectors.EVENT_READ, partial(self._read_pipe, take))

    def _read_pipe(self, take: Callable[[bytes], None], fd: int) -> bool:
        """What a pipe holds now; at its end it is no longer looked at."""
        if piece := os.read(fd, PIECE_BYTES):
            take(piece)
        else:
            self._selector.unregister(fd)
        return True

    # Results

    def _reap(self) -> None:
        for pid, child in list(self._children.items()):
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if ended:
                child.is_running = False
                del self._children[pid]
                self._drain(child)
                self._send(_report(child, os.waitstatus_to_exitcode(status), usage))

    def _drain(self, child: _Child) -> None:
        """Read what a child that is gone left in its pipes, and close them."""
        for fd, take in ((child.result_fd, child.take_result), (child.log_fd, child.take_log)):
            with contextlib.suppress(BlockingIOError):  # nothing more now, and nobody is left to write
                while piece := os.read(fd, PIECE_BYTES):
                    take(piece)
            if fd in self._selector.get_map():
                self._selector.unregister(fd)
            os.close(fd)

    def _send(self, message: dict[str, Any]) -> None:
        self._control.sendall(frame(message))


# Linux counts the peak resident set in kilobytes, macOS in bytes.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def _report(child: _Child, exit_code: int, usage: resource.struct_rusage) -> dict[str, Any]:
    return {
        "id": child.request_id,
        "messages": child.messages,
        "exit": exit_code,
        "killed_for": child.killed_for,
        "wall_s": time.monotonic() - child.started,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_rss_bytes": usage.ru_maxrss * _RSS_UNIT,
        "log": child.log.decode("utf-8", "replace"),
    }


if __name__ == "__main__":
    main()
