"""A small process that has the libraries loaded and forks children that read files; ends when its parent lets go.

A file is read by a child of its own, or by one that has read others of the same company before it, as long as each of
them was in order in every way. Anything else than a file in order is believed only of a child that has read nothing
before: what goes wrong with a file among others is looked at once more, alone.
"""

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
from functools import partial
from typing import Any

from consumers.child_at_work import RSS_UNIT, Asked, Child, Company
from consumers.child_frames import Frames, frame
from consumers.child_guard import Guard, leave_network
from consumers.child_note import Note
from consumers.child_pages import into_large_pages
from consumers.child_run import run_child
from consumers.formats import Format
from consumers.formats.try_out import try_out

__all__ = ["main"]

MAX_REQUEST_BYTES = 256 * 1024
PIECE_BYTES = 64 * 1024
FORKS_BETWEEN = 200

# Children that read one small file after the other: so many at once, as more of them would only be forked for nothing.
AT_ONCE = os.cpu_count() or 1
SLOW_S = 0.25  # one that is at its file longer than this is not counted: nobody waits for a file that takes its time
IDLE_S = 1.0  # so long a child waits for its next file


def main() -> None:
    """Serve requests on the socket named by the first argument, for the formats told by the second (JSON)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    network = leave_network()
    Guard()  # only made: where libraries lie is known to every child then
    formats = [Format(**told) for told in json.loads(sys.argv[2])]
    _Server(socket.socket(fileno=int(sys.argv[1])), formats, network).run()


class _Server:
    """One thread: requests come in by the control socket, children report by pipes, their end comes as a signal."""

    def __init__(self, control: socket.socket, formats: list[Format], network: str) -> None:
        self._control = control
        self._network = network
        self._formats = {each.name: each for each in formats}
        self._to_warm = list(self._formats)
        self._frames = Frames(max_bytes=MAX_REQUEST_BYTES)
        self._files: deque[int] = deque()
        self._waiting: deque[Asked] = deque()
        self._children: dict[int, Child] = {}
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
        for child in self._children.values():
            self._look_at(child, time.monotonic())
        self._reap()
        if self._forks >= FORKS_BETWEEN and not self._children:
            self._forks = 0
            into_large_pages()  # what was written since has come apart into small ones
        self._start_waiting()
        if self._to_warm:
            self._warm_one()
            self._start_waiting()  # those who have waited for just this format
        return True

    def _wait_s(self) -> float | None:
        """Until a file has taken too long, a child has waited long enough, or one proves slow and makes room."""
        if self._to_warm:
            return 0
        now = time.monotonic()
        children = [child for child in self._children.values() if not child.killed_for]
        times = [child.deadline for child in children if child.deadline is not None]
        times += [child.started + IDLE_S for child in children if child.asked is None]
        if self._waiting:
            times += [child.started + SLOW_S for child in self._quick(now)]
        return max(0.0, min(times) - now) + 0.001 if times else None

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
            (each.request["format"] for each in self._waiting if each.request["format"] in self._to_warm),
            None,
        )
        name = wanted or self._to_warm[0]
        started = time.monotonic()
        failed = None
        try:
            self._formats[name].warm_up()
            _remember_settings()
            try_out(self._formats[name])
        except Exception:  # noqa: BLE001 - the other formats still work; the parent's log says what is wrong with this
            failed = traceback.format_exc()
        self._to_warm.remove(name)
        # What is loaded by now is for ever: keep the collector of each child from touching, and so copying, it.
        gc.collect()
        gc.freeze()
        if not self._to_warm:
            into_large_pages()
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT
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
            self._waiting.append(Asked(request, self._files.popleft(), time.monotonic()))
        return True

    def _start_waiting(self) -> None:
        full: set[Company | None] = (
            set()
        )  # who stay without a reader in this round, for nobody becomes free in it
        for _ in range(len(self._waiting)):
            asked = self._waiting.popleft()
            if asked.company in full or asked.request["format"] in self._to_warm or not self._began(asked):
                self._waiting.append(asked)
                if asked.company is not None:
                    full.add(asked.company)

    def _began(self, asked: Asked) -> bool:
        """Whether somebody reads it now: else it waits for one of those who will soon be over with theirs."""
        company = asked.company
        if company is not None:
            if self._is_given(asked, company):
                return True
            if len(self._quick(time.monotonic())) >= AT_ONCE:
                return False
        self._start(asked)
        return True

    def _quick(self, now: float) -> list[Child]:
        """Children that read one file after the other, and may soon be over with the one they have."""
        return [
            child
            for child in self._children.values()
            if child.company is not None and child.asked is not None and child.started > now - SLOW_S
        ]

    def _is_given(self, asked: Asked, company: Company) -> bool:
        for child in self._children.values():
            if child.asked is None and child.company == company and child.killed_for is None:
                if child.give(asked):
                    return True
                child.kill("it takes no file")
        return False

    def _start(self, asked: Asked) -> None:
        (result_r, result_w), (log_r, log_w) = os.pipe(), os.pipe()
        ours, theirs = socket.socketpair() if asked.company is not None else (None, None)
        note = Note()
        self._forks += 1
        pid = os.fork()
        if pid == 0:
            for other in self._children.values():
                other.note.close()  # what they tell is nobody else's to write
            run_child(
                self._formats[asked.request["format"]],
                asked.request,
                note=note,
                file_fd=asked.file_fd,
                result_fd=result_w,
                log_fd=log_w,
                control_fd=None if theirs is None else theirs.fileno(),
            )
        os.close(result_w)
        os.close(log_w)
        if ours is not None and theirs is not None:
            theirs.close()
            ours.setblocking(False)
        child = Child(pid, asked, result_r, log_r, ours, asked.company, time.monotonic(), note=note)
        self._children[pid] = child
        for fd, take in child.pipes():
            os.set_blocking(fd, False)
            self._selector.register(fd, selectors.EVENT_READ, partial(self._read_pipe, take))

    def _read_pipe(self, take: Callable[[bytes], None], fd: int) -> bool:
        """What a pipe holds now; at its end it is no longer looked at."""
        if piece := os.read(fd, PIECE_BYTES):
            take(piece)
        else:
            self._selector.unregister(fd)
        return True

    # Results

    def _look_at(self, child: Child, now: float) -> None:
        """What a child that is still there has come to."""
        if child.asked is None:
            if now > child.started + IDLE_S:
                child.kill("nothing left to read")
        elif child.is_over_with_its_file:
            self._over(child)
        elif now > child.asked.wall_s + child.started:
            child.out_of_time(now)

    def _over(self, child: Child) -> None:
        """It waits for its next file. It gets one only after a file that was in order."""
        child.read_log()
        if child.is_clean:
            self._answer(child, child.report(0))
            child.started = time.monotonic()
        else:
            self._ended(child, 0)
            child.kill("its file was not in order")

    def _ended(self, child: Child, exit_code: int, usage: resource.struct_rusage | None = None) -> None:
        """What went wrong after other files is asked again of a child that has read none."""
        asked = child.asked
        if asked is None:
            return
        if child.files == 1 or (child.is_clean and exit_code == 0):
            self._answer(child, child.report(exit_code, usage))
        else:
            child.asked = None
            self._waiting.append(Asked(asked.request, asked.file_fd, asked.since, is_alone=True))

    def _answer(self, child: Child, report: dict[str, Any]) -> None:
        if child.asked is not None:
            os.close(child.asked.file_fd)
            child.asked = None
            self._send(report)

    def _reap(self) -> None:
        for pid, child in list(self._children.items()):
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if ended:
                child.is_running = False
                del self._children[pid]
                self._drain(child)
                self._ended(child, os.waitstatus_to_exitcode(status), usage)
                child.note.close()

    def _drain(self, child: Child) -> None:
        """Read what a child that is gone left in its pipes, and close them."""
        for fd, take in child.pipes():
            with contextlib.suppress(BlockingIOError):  # nothing more now, and nobody is left to write
                while piece := os.read(fd, PIECE_BYTES):
                    take(piece)
            if fd in self._selector.get_map():
                self._selector.unregister(fd)
            os.close(fd)
        if child.control is not None:
            child.control.close()

    def _send(self, message: dict[str, Any]) -> None:
        self._control.sendall(frame(message))


def _remember_settings() -> None:
    """Of astropy, where a format has loaded it: its configuration lies in a home of the server's own, and is empty."""
    if "astropy.io.fits" in sys.modules:
        from consumers.formats.astropy_settings import remember_settings

        remember_settings()


if __name__ == "__main__":
    main()
