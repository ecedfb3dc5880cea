"""A metadata store of the demo's own: a small HTTP server that shows what it is told and knows keys it has seen."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["MetadataStore", "metadata_store"]

_BODY_AT_MOST = 1024 * 1024


class MetadataStore:
    """What is shown, by the store's own id. The same key asked again gets the answer that it had."""

    def __init__(self) -> None:
        self.url = ""
        self.shown: dict[str, dict[str, Any]] = {}
        self._answers: dict[str, dict[str, Any]] = {}
        self._asked: dict[str, dict[str, Any]] = {}
        self._troubles: list[str] = []
        self._lock = threading.Lock()

    def keys_of(self, op: str) -> set[str]:
        """The keys under which publications of an observing program were announced; one however often it was asked."""
        with self._lock:
            return {key for key, told in self._asked.items() if told.get("op") == op}

    def trouble(self, what: str, times: int = 1) -> None:
        """The next requests find it ``away`` (503), or get no answer (``answer_lost``) to what it has taken in."""
        with self._lock:
            self._troubles += [what] * times

    @property
    def troubles_left(self) -> int:
        """How many of them nobody has met yet."""
        with self._lock:
            return len(self._troubles)

    def next_trouble(self) -> str | None:
        """The one that this request meets."""
        with self._lock:
            return self._troubles.pop(0) if self._troubles else None

    def announced(self, key: str, publication: dict[str, Any]) -> dict[str, Any]:
        """Show it instead of what it replaces; the store's word that it does."""
        with self._lock:
            if key not in self._answers:
                name = f"publication-{publication.get('op')}-{publication.get('attempt')}"
                self.shown.pop(str(publication.get("replaces")), None)
                self.shown[name] = publication
                self._answers[key] = {"id": name}
                self._asked[key] = publication
            return self._answers[key]


@contextmanager
def metadata_store() -> Iterator[MetadataStore]:
    """One that listens on this machine until the block ends."""
    store = MetadataStore()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            if self.path != "/publications" or not 0 < length <= _BODY_AT_MOST:
                self._answer(HTTPStatus.NOT_FOUND, {"wanted": "POST /publications"})
                return
            publication, trouble = json.loads(self.rfile.read(length)), store.next_trouble()
            if trouble == "away":
                self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {"wanted": "later"})
                return
            taken = store.announced(self.headers["Idempotency-Key"], publication)
            if trouble == "answer_lost":
                self.close_connection = True
                return
            self._answer(HTTPStatus.CREATED, taken)

        def _answer(self, status: HTTPStatus, document: dict[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing: the demo tells what was announced."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    store.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, name="metadata store", daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
