"""A metadata store of our own on the loopback: serves records by GraphQL or as a document, and misbehaves on order."""

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.consumers.catalogue.making import an_answer

__all__ = ["Store", "running"]

Misdeed = Callable[["Store", BaseHTTPRequestHandler, dict[str, Any]], bool]
"""Does something instead of answering (True), or lets the answer be given (False)."""


class Store:
    """The records, what was asked, and what goes wrong; tests change these while it runs."""

    def __init__(self, records: list[Any]) -> None:
        self.records = records
        self.hidden: set[str] = set()  # left out of lists, and given when asked by name
        self.asked: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.misdeeds: list[Misdeed] = []
        self.page_of: Callable[[list[Any], int, int], list[Any]] = lambda found, limit, offset: found[
            offset : offset + limit
        ]
        self.beside: dict[str, Any] = {}
        self.knows_names = True
        self.url = ""

    def answer(self, variables: dict[str, Any]) -> dict[str, Any]:
        listed = [each for each in self.records if each["datasetId"] not in self.hidden]
        if "ids" in variables:
            if not self.knows_names:
                return {"errors": [{"message": "unknown argument filterParams"}], "data": None}
            return an_answer([each for each in self.records if each["datasetId"] in variables["ids"]])
        if "limit" in variables:
            listed = self.page_of(listed, variables["limit"], variables["offset"])
        return an_answer(listed, **self.beside)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._serve(body.get("variables") or {})

    def do_GET(self) -> None:
        self._serve({})

    def _serve(self, variables: dict[str, Any]) -> None:
        store = self.server.store
        store.asked.append(variables)
        if any(each(store, self, variables) for each in list(store.misdeeds)):
            return
        body = json.dumps(store.answer(variables)).encode()
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == tag:
            self.give(304, b"", ETag=tag)
        else:
            self.give(200, body, ETag=tag)

    def give(self, status: int, body: bytes, *, length: int | None = None, **headers: str) -> None:
        self.server.store.statuses.append(status)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    store: Store

    def handle_error(self, *_: Any) -> None:  # whoever asked went away: that is what some tests are about
        pass


@contextmanager
def running(store: Store) -> Iterator[Store]:
    """The store on a free port, until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.store = store
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    store.url = f"http://127.0.0.1:{server.server_address[1]}/graphql"
    try:
        yield store
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def times(count: int, deed: Misdeed) -> Misdeed:
    """The misdeed only so many times."""
    left = [count]

    def limited(store: Store, handler: Any, variables: dict[str, Any]) -> bool:
        if left[0] <= 0:
            return False
        left[0] -= 1
        return deed(store, handler, variables)

    return limited


def at(offset: int, deed: Misdeed) -> Misdeed:
    """The misdeed only on the page from this record on."""
    return lambda store, handler, variables: (
        variables.get("offset") == offset and deed(store, handler, variables)
    )


def status(code: int, **headers: str) -> Misdeed:
    """An answer with this status."""

    def deed(_: Store, handler: Any, __: dict[str, Any]) -> bool:
        handler.give(code, b"no", **headers)
        return True

    return deed


def cut_off(store: Store, handler: Any, variables: dict[str, Any]) -> bool:
    """Half of the answer, and the connection ends."""
    body = json.dumps(store.answer(variables)).encode()
    handler.give(200, body[: len(body) // 2], length=len(body))
    handler.close_connection = True
    return True


def cut_off_unseen(store: Store, handler: Any, variables: dict[str, Any]) -> bool:
    """Half of the answer as if it were whole."""
    body = json.dumps(store.answer(variables)).encode()
    handler.give(200, body[: len(body) // 2])
    return True


def silent(_: Store, handler: Any, __: dict[str, Any]) -> bool:
    """Nothing for longer than anyone waits."""
    time.sleep(0.6)
    handler.close_connection = True
    return True


def dripping(_: Store, handler: Any, __: dict[str, Any]) -> bool:
    """A byte now and then: each in time, and never an end."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _each in range(60):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.03)
    handler.close_connection = True
    return True
