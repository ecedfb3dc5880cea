"""A small real HTTP server that knows programs, and behaves as it is told to: well, slowly, or not as it should."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class ProgramServer:
    """``asked`` is what came in, request by request. ``say``: bytes sent as they are, in place of an answer."""

    url: str = ""
    known: dict[str, Any] = field(default_factory=dict)
    asked: list[list[dict[str, Any]]] = field(default_factory=list)
    say: bytes | None = None
    drip: bytes | None = None
    wait: threading.Event | None = None

    def answer(self, keys: list[dict[str, Any]]) -> bytes:
        body = json.dumps({"programs": [self.known.get(key["target"]) for key in keys]}).encode()
        return ok(body)


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )


@contextmanager
def program_server() -> Iterator[ProgramServer]:
    """It runs within the block."""
    told = ProgramServer()
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            keys = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["keys"]
            told.asked.append(keys)
            if told.wait is not None:
                told.wait.wait(30)
            try:
                self.wfile.write(told.answer(keys) if told.say is None else told.say)
                while told.drip and not over.is_set():
                    self.wfile.write(told.drip)
                    time.sleep(0.05)
            except OSError:  # the other side has had enough
                return
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Nothing on the screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_address[1]}/programs?v=1"
    try:
        yield told
    finally:
        over.set()
        server.shutdown()
        server.server_close()
