"""A metadata store of the demo's own: a small HTTP server that shows what it is told and knows keys it has seen."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

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

    def taken(self, key: str, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """What is asked at this path, done; None: there is nothing there."""
        match path.strip("/").split("/"):
            case ["publications"]:
                return self.announced(key, body)
            case ["publications", name, what]:
                return self.changed(key, unquote(name), what, body)
        return None

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

    def changed(self, key: str, name: str, what: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Its embargo is another one, or it is withdrawn; None: there is no such publication, or no such change."""
        with self._lock:
            if key not in self._answers:
                if what not in {"embargo", "withdrawal"} or name not in self.shown:
                    return None
                if what == "withdrawal":
                    del self.shown[name]
                else:
                    self.shown[name] = {**self.shown[name], **body}
                self._answers[key] = {"id": f"{name}-{what}"}
            return self._answers[key]


@contextmanager
def metadata_store() -> Iterator[MetadataStore]:
    """One that listens on this machine until the block ends."""
    store = MetadataStore()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(store))
    store.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, name="metadata store", daemon=True)
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler_of(store: MetadataStore) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            if not 0 < length <= _BODY_AT_MOST:
                self._answer(HTTPStatus.BAD_REQUEST, {"wanted": f"a body of up to {_BODY_AT_MOST} bytes"})
                return
            body, trouble = json.loads(self.rfile.read(length)), store.next_trouble()
            if trouble == "away":
                self._answer(HTTPStatus.SERVICE_UNAVAILABLE, {"wanted": "later"})
                return
            taken = store.taken(self.headers["Idempotency-Key"], self.path, body)
            if trouble == "answer_lost":
                self.close_connection = True
            elif taken is None:
                wanted = (
                    "POST /publications, PUT …/{id}/embargo or POST …/{id}/withdrawal of one that is shown"
                )
                self._answer(HTTPStatus.NOT_FOUND, {"wanted": wanted})
            else:
                self._answer(HTTPStatus.CREATED, taken)

        do_PUT = do_POST  # noqa: N815

        def _answer(self, status: HTTPStatus, document: dict[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Say nothing: the demo tells what was announced."""

    return Handler
