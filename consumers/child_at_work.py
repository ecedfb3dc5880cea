"""One child as its server sees it: the file it reads, what it says, its clock; and which file it may be given next."""

import contextlib
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from consumers.child_clock import standing_of
from consumers.child_frames import Frames, TooLargeError, frame
from consumers.child_note import Note

__all__ = ["RSS_UNIT", "Asked", "Child", "Company"]

MAX_RESULT_BYTES = 2 * 1024 * 1024
LOG_TAIL_BYTES = 64 * 1024
PIECE_BYTES = 64 * 1024

# Linux counts the peak resident set in kilobytes, macOS in bytes.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024

Company = tuple[str, str, tuple[tuple[str, float], ...]]
"""What files must have in common: who vouches for them, the format, the limits."""


@dataclass(slots=True)
class Asked:
    """A file that somebody wants looked into. ``is_alone``: in a child that has read nothing before."""

    request: dict[str, Any]
    file_fd: int
    since: float
    is_alone: bool = False

    @property
    def company(self) -> Company | None:
        """Files of the same company may be read by one child, one after the other; None: this one only alone."""
        together = None if self.is_alone else self.request.get("together")
        if together is None:
            return None
        return str(together), self.request["format"], tuple(sorted(self.request["limits"].items()))

    @property
    def wall_s(self) -> float:
        """How long it may take."""
        return float(self.request["limits"]["wall_s"])


@dataclass(slots=True)
class Child:
    """A forked process. ``files``: how many it has been given; ``control``: where it is given the next, if at all.

    ``note``: what it is at. Until it is over with its file it says no more, so that nobody is woken in between.
    """

    pid: int
    asked: Asked | None
    result_fd: int
    log_fd: int
    control: socket.socket | None
    company: Company | None
    started: float
    files: int = 1
    note: Note = field(default_factory=Note)
    frames: Frames = field(default_factory=lambda: Frames(max_bytes=MAX_RESULT_BYTES))
    messages: list[dict[str, Any]] = field(default_factory=list)
    log: bytearray = field(default_factory=bytearray)
    killed_for: str | None = None
    is_held_up: bool = False
    is_running: bool = True

    @property
    def deadline(self) -> float | None:
        """When the file it reads has taken too long; None where it reads none."""
        return None if self.asked is None else self.started + self.asked.wall_s

    @property
    def is_over_with_its_file(self) -> bool:
        """It has said all there is to say, and waits for the next."""
        return bool(self.messages) and self.messages[-1].get("stays") is True

    @property
    def is_clean(self) -> bool:
        """The file is in order, and nothing out of the ordinary happened while it was read."""
        told = self.messages[-1] if self.messages else {}
        verdict = _part(told, "inspection").get("verdict")
        return verdict == "ok" and not told.get("tried") and not self.log and self.killed_for is None

    def kill(self, reason: str) -> None:
        """End the child; one that has ended has given its number back and must not be signalled."""
        if self.is_running:
            self.killed_for = self.killed_for or reason
            os.kill(self.pid, signal.SIGKILL)

    def out_of_time(self, now: float) -> None:
        """End the child, and note whether it was its own time that it used up."""
        if self.killed_for is not None:
            return
        standing = standing_of(self.pid) if self.is_running else None
        self.is_held_up = standing is None or standing.is_held_up(now - self.started)
        self.kill("wall")

    def take_result(self, piece: bytes) -> None:
        """Messages as they come; what is too long or no JSON ends the child."""
        try:
            for message in self.frames.feed(piece):
                self.messages.append(_an_object(message))
        except (TooLargeError, ValueError):
            self.kill("result")

    def take_log(self, piece: bytes) -> None:
        """The end of what the child wrote."""
        self.log += piece
        del self.log[:-LOG_TAIL_BYTES]

    def pipes(self) -> Iterator[tuple[int, Callable[[bytes], None]]]:
        """Where it writes, and who takes that."""
        yield self.result_fd, self.take_result
        yield self.log_fd, self.take_log

    def read_log(self) -> None:
        """All it has written by now: before it said that it is over with its file, so it belongs to that."""
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self.log_fd, PIECE_BYTES):
                self.take_log(piece)

    def give(self, asked: Asked) -> bool:
        """Its next file; False if it does not take it, and is of no use any more."""
        if self.control is None:
            return False
        data = frame(asked.request)
        self.note.clear()
        try:
            is_whole = socket.send_fds(self.control, [data], [asked.file_fd]) == len(data)
        except OSError:  # it has gone, or does not read what it is sent
            is_whole = False
        if is_whole:
            self.asked, self.started, self.files = asked, time.monotonic(), self.files + 1
            self.messages.clear()
            self.log.clear()
        return is_whole

    def report(self, exit_code: int, usage: resource.struct_rusage | None = None) -> dict[str, Any]:
        """What became of its file. ``usage``: of the whole process, where that has read this file only."""
        spent = _part(self.messages[-1] if self.messages else {}, "spent")
        cpu_s, rss_bytes = spent.get("cpu_s", 0.0), spent.get("peak_rss_bytes", 0)
        if usage is not None and self.files == 1:
            cpu_s, rss_bytes = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * RSS_UNIT
        return {
            "id": self.asked.request["id"] if self.asked is not None else None,
            "messages": [*([] if self.is_clean else [self.note.told()]), *self.messages],
            "exit": exit_code,
            "killed_for": self.killed_for,
            "is_held_up": self.is_held_up,
            "wall_s": time.monotonic() - self.started,
            "cpu_s": cpu_s,
            "peak_rss_bytes": rss_bytes,
            "log": self.log.decode("utf-8", "replace"),
        }


def _an_object(message: object) -> dict[str, Any]:
    """Raises ValueError for JSON that is no object."""
    if not isinstance(message, dict):
        raise ValueError(f"a child said {type(message).__name__}, wanted an object")
    return message


def _part(told: dict[str, Any], name: str) -> dict[str, Any]:
    """What a child that was taken over by its file may say in any shape."""
    found = told.get(name)
    return found if isinstance(found, dict) else {}
