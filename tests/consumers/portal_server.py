"""A metadata store of our own: a real HTTP server that knows keys it has seen, and may be told to misbehave."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["PortalServer", "portal_server"]


class PortalServer:
    """What the store was told, and what it shows. ``faults``: answers (status, body) given before it behaves."""

    def __init__(self) -> None:
        self.shown: dict[str, dict[str, Any]] = {}
        self.withdrawn: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str, str]] = []
        self.faults: list[tuple[int, bytes] | None] = []
        self._known: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self.url = ""

    def answer(self, method: str, place: str, key: str, body: dict[str, Any]) -> tuple[int, bytes] | None:
        """Status and body; None: the answer is lost on its way, whatever was done."""
        with self._lock:
            self.asked.append((method, place, key))
            fault = self.faults.pop(0) if self.faults else (0, b"")
            if fault is not None and fault[0]:
                return fault
            if key not in self._known:
                self._known[key] = self._do(place, body)
            return None if fault is None else (200, json.dumps(self._known[key]).encode())

    def _do(self, place: str, body: dict[str, Any]) -> dict[str, Any]:
        steps = place.strip("/").split("/")[1:]
        if len(steps) == 1:
            name = f"pub-{len(self._known) + 1}"
            self.shown[name] = body
            self.shown.pop(body.get("replaces") or "", None)
            return {"id": name}
        if steps[2] == "withdrawal":
            self.shown.pop(steps[1], None)
            self.withdrawn[steps[1]] = body
        else:
            self.shown[steps[1]].update(body)
        return {"id": f"{steps[1]}-{steps[2]}"}


@contextmanager
def portal_server() -> Iterator[PortalServer]:
    """One that listens on this machine until the block ends."""
    store = PortalServer()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            given = store.answer(self.command, self.path, self.headers["Idempotency-Key"], body)
            if given is None:
                self.close_connection = True
                return
            self.send_response(given[0])
            self.send_header("Content-Length", str(len(given[1])))
            self.end_headers()
            self.wfile.write(given[1])

        do_POST = do_PUT = _any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    store.url = f"http://127.0.0.1:{server.server_port}/api"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
