"""Globus's transfer service as far as a delivery uses it: a real HTTP server whose tasks end when they are told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

__all__ = ["GlobusServer", "globus_server"]


class GlobusServer:
    """``sources``: bytes by path in the source collection; ``faults``: answers (status, code) before it behaves."""

    def __init__(self) -> None:
        self.url = ""
        self.sources: dict[str, bytes] = {}
        self.kept: dict[str, bytes] = {}
        self.tasks: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.faults: list[tuple[int, str]] = []
        self.looks_before_end = 1
        self.ends_in = "SUCCEEDED"

    def answer(self, method: str, target: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and document."""
        parts = urlsplit(target)
        place = parts.path.removeprefix("/v0.10")
        self.asked.append(f"{method} {place}")
        if self.faults:
            status, code = self.faults.pop(0)
            return status, {"code": code, "message": f"{code} on purpose"}
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if place.startswith("/operation/endpoint/"):
            found = self.kept.get(query["path"])
            missing = {"code": "NotFound", "message": "no such file"}
            return (404, missing) if found is None else (200, {"type": "file", "size": len(found)})
        if place == "/submission_id":
            return 200, {"value": str(UUID(int=len(self.asked)))}
        if place == "/task_list":
            wanted = dict(each.split(":", 1) for each in query["filter"].split("/"))
            return 200, {"DATA": [each for each in self.tasks.values() if each["label"] == wanted["label"]]}
        if place == "/transfer":
            return 202, self._submitted(body)
        return 200, self._looked(place.rpartition("/")[2])

    def _submitted(self, body: dict[str, Any]) -> dict[str, Any]:
        assert body["verify_checksum"] is True
        task = {
            "task_id": str(UUID(int=len(self.tasks) + 1)),
            "label": body["label"],
            "status": "ACTIVE",
            "looks": 0,
        }
        self.tasks[task["task_id"]] = task | {"items": body["DATA"]}
        return {"code": "Accepted", "task_id": task["task_id"]}

    def _looked(self, name: str) -> dict[str, Any]:
        task = self.tasks[name]
        task["looks"] += 1
        if task["looks"] >= self.looks_before_end and task["status"] == "ACTIVE":
            task["status"] = self.ends_in
            if self.ends_in == "SUCCEEDED":
                for item in task["items"]:
                    self.kept[item["destination_path"]] = self.sources[item["source_path"]]
        return {**task, "nice_status_details": "no space left" if task["status"] == "FAILED" else None}


@contextmanager
def globus_server() -> Iterator[GlobusServer]:
    """One that listens on this machine until the block ends."""
    service = GlobusServer()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            status, document = service.answer(self.command, self.path, body)
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    service.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
