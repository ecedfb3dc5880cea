"""The parent's end of one child server: starts it, asks it, hears its answers, and notices when it has gone."""

import contextlib
import itertools
import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import asdict
from pathlib import Path
from typing import Any

from consumers.child_frames import Frames, frame
from consumers.formats import Format

__all__ = ["ServerGoneError", "ServerLink"]

log = logging.getLogger(__name__)

MAX_REPLY_BYTES = 4 * 1024 * 1024
PIECE_BYTES = 64 * 1024
ENOUGH_TO_END_S = 1.0  # it has nothing to save; one that is loading libraries does not hear us
# What a reader of files needs to know of its surroundings; passwords and keys of the services stay outside.
KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "TZ", "TMPDIR", "VIRTUAL_ENV")


class ServerGoneError(Exception):
    """The server ended, or does not answer; what it was asked can be asked again."""


class ServerLink:
    """One running server. Threads may ask at the same time; each waits for its own answer."""

    def __init__(self, formats: Sequence[Format]) -> None:
        self.ready: dict[str, dict[str, Any]] = {}
        self._formats = tuple(formats)
        self._all_ready = threading.Event()
        self._answers: dict[int, Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._is_gone = False
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - what the server writes about itself; closed with the link
        self._home = tempfile.TemporaryDirectory(prefix="meridian-reader-")
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = self._spawn(theirs)
        self._listener = threading.Thread(target=self._listen, name="inspector-answers", daemon=True)
        self._listener.start()

    @property
    def is_gone(self) -> bool:
        """Whether the server has ended; a gone link stays gone."""
        return self._is_gone

    @property
    def pid(self) -> int:
        """The server's process number."""
        return self._process.pid

    def wait_ready(self, timeout_s: float | None) -> bool:
        """Wait until the libraries of every format are loaded."""
        return self._all_ready.wait(timeout_s) and not self._is_gone

    def ask(self, request: Mapping[str, Any], file_fd: int, *, timeout_s: float) -> dict[str, Any]:
        """Hand over one open file and wait for what became of it. Raises ServerGoneError."""
        answer: Future[dict[str, Any]] = Future()
        with self._lock:
            if self._is_gone:
                raise ServerGoneError(self.last_words())
            number = next(self._numbers)
            self._answers[number] = answer
            try:
                data = frame({**request, "id": number})
                sent = socket.send_fds(self._socket, [data], [file_fd])
                self._socket.sendall(data[sent:])
            except OSError as error:
                del self._answers[number]
                raise ServerGoneError(self.last_words()) from error
        try:
            return answer.result(timeout_s)
        except TimeoutError as error:
            self._process.kill()  # it answers for every child within its limits, or it is not well
            raise ServerGoneError(f"no answer in {timeout_s:.0f} s") from error

    def close(self) -> None:
        """Let the server go: it ends its children and itself when the socket closes."""
        with contextlib.suppress(OSError):  # the other end may have closed it first
            self._socket.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(ENOUGH_TO_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(ENOUGH_TO_END_S)
        self._socket.close()
        self._words.close()
        self._home.cleanup()

    def last_words(self) -> str:
        """The end of what the server wrote about itself, for whoever has to find out why it ended."""
        if self._words.closed:
            return ""
        size = os.fstat(self._words.fileno()).st_size
        return os.pread(self._words.fileno(), 2_000, max(0, size - 2_000)).decode("utf-8", "replace").strip()

    def _spawn(self, theirs: socket.socket) -> "subprocess.Popen[bytes]":
        arguments = [str(theirs.fileno()), json.dumps([asdict(each) for each in self._formats])]
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "consumers.child_server", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=self._words,
            stderr=self._words,
            pass_fds=[theirs.fileno()],
            env=_environment(self._home.name),
            start_new_session=True,
        )

    def _listen(self) -> None:
        """Hand every answer to who waits for it, until the server is gone."""
        frames = Frames(max_bytes=MAX_REPLY_BYTES)
        with contextlib.suppress(
            OSError, ValueError
        ):  # a socket cut off, a frame cut off: the server is gone
            while piece := self._socket.recv(PIECE_BYTES):
                for message in frames.feed(piece):
                    self._take(message)
        with self._lock:
            self._is_gone = True
            waiting, self._answers = self._answers, {}
        self._all_ready.set()
        for answer in waiting.values():
            answer.set_exception(ServerGoneError(self.last_words()))

    def _take(self, message: dict[str, Any]) -> None:
        if "ready" in message:
            if "failed" in message:
                extra = {"format": message["ready"], "traceback": message["failed"]}
                log.error("format can't be read, its libraries do not load", extra=extra)
            self.ready[message["ready"]] = message
            if len(self.ready) == len(self._formats):
                self._all_ready.set()
            return
        with self._lock:
            answer = self._answers.pop(message["id"], None)
        if answer is not None:
            answer.set_result(message)


def _environment(home: str) -> dict[str, str]:
    """The server's variables: its own home, since libraries write settings there, and one thread a library."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    code = str(Path(__file__).resolve().parent.parent)
    threads = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return {**kept, **threads, "HOME": home, "PYTHONPATH": code, "PYTHONDONTWRITEBYTECODE": "1"}
