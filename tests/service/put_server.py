"""A store of our own on the loopback that only takes objects: it notes how each was put."""

import hashlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Put", "PutServer", "running"]


@dataclass(frozen=True)
class Put:
    """One object as it came: SHA-256 in hex of its bytes, and what its request said."""

    key: str
    sha256: str
    size: int
    headers: dict[str, str]

    @property
    def is_signed(self) -> bool:
        """Whether the bytes themselves were signed, for which they are summed once more."""
        return self.headers["x-amz-content-sha256"] != "UNSIGNED-PAYLOAD"


@dataclass
class PutServer:
    """``left``: keys that are there. ``statuses``: what the next puts are answered instead. ``found``: of each object.

    It answers after ``pause_s``, and where it ``closes``, its connection ends after each answer without a word.
    """

    endpoint: str = ""
    puts: list[Put] = field(default_factory=list)
    left: set[str] = field(default_factory=set)
    statuses: list[int] = field(default_factory=list)
    found: dict[str, str] = field(default_factory=dict)
    pause_s: float = 0.0
    closes: bool = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        store = self.server.store
        store.puts.append(Put(self.path, hashlib.sha256(body).hexdigest(), len(body), headers))
        time.sleep(store.pause_s)
        self.close_connection = store.closes
        status = store.statuses.pop(0) if store.statuses else 200
        if status == 200:
            store.left.add(self.path)
        self._answer(status, {"ETag": '"e"', "x-amz-checksum-sha256": headers["x-amz-checksum-sha256"]})

    def do_HEAD(self) -> None:
        self._answer(200, self.server.store.found)

    def do_DELETE(self) -> None:
        self.server.store.left.discard(self.path)
        self._answer(204, {})

    def _answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": "0", **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    store: PutServer


@contextmanager
def running() -> Iterator[PutServer]:
    """Serves until the block ends."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.store = PutServer(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server.store
        server.shutdown()
        thread.join()
