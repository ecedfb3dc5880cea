"""A site of a test's own: decider, projector and dispatch on real servers, and the settings that lead to them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from events.base import Request
from events.file import Content
from events.file_requests import ArriveFile, FailFile, StartFile
from service.client import Ask, Client
from service.roles import Run, run_decider, run_dispatch, run_projector
from service.settings import load
from service.site import await_topics
from service.wiring import Wiring

STREAM = """
stream = "keck-kcwi"
title = "Keck KCWI"
senders = ["keck-summit"]
roots = ["file:///landing/"]
format = "keck-raw-fits"
name_pattern = 'k[br]\\d{6}_\\d{5}\\.fits'
"""


@dataclass
class Site:
    """What runs, and a client of it."""

    wiring: Wiring
    client: Client
    running: dict[str, tuple[threading.Thread, threading.Event]] = field(default_factory=dict)

    def start(self, role: Run) -> None:
        """A role as a thread."""
        stop = threading.Event()
        thread = threading.Thread(target=role, args=(self.wiring, stop), name=role.__name__, daemon=True)
        thread.start()
        self.running[role.__name__] = (thread, stop)

    def stop(self, role: Run) -> None:
        """Ends it."""
        thread, stop = self.running.pop(role.__name__)
        stop.set()
        thread.join(15)
        assert not thread.is_alive(), f"{role.__name__} did not stop"

    def close(self) -> None:
        """Ends everything."""
        for _, stop in self.running.values():
            stop.set()
        for thread, _ in self.running.values():
            thread.join(15)
        self.client.close()

    def asks(self, subject: str, *requests: Request, **more: Any) -> None:
        """Ask one after the other; each has to be accepted."""
        for request in requests:
            asked = self.client.ask([Ask(subject, request, **more)], timeout_s=30)[0]
            assert asked.outcome is not None, f"{request.name} of {subject} is in doubt"
            assert asked.outcome.accepted, asked.outcome.reasons


def arrival(name: str, **more: Any) -> ArriveFile:
    """A file has come."""
    content = Content(uri=f"file:///landing/{name}.fits", size_bytes=100, sha256="a" * 64)
    return ArriveFile(content=content, witness=f"inbox/0/{name}", stream_version=1, **more)


def started() -> StartFile:
    """A worker begins."""
    return StartFile(worker="w", host="h", software_version="meridian 0")


def failure(code: str = "TRANSFER_MISMATCH", **more: Any) -> FailFile:
    """It did not work."""
    return FailFile(
        code=code, failure_class="transient", message="the bytes differ", found="x", wanted="y", **more
    )


@contextmanager
def a_site(
    environment: pytest.MonkeyPatch, tmp_path: Path, *, site: str, kafka: str, postgres: str
) -> Iterator[Site]:
    """The settings in the environment, as for the command line, and the three roles running."""
    for name, value in {"SITE": site, "KAFKA": kafka, "DATABASE": postgres, "DATA": str(tmp_path)}.items():
        environment.setenv(f"MERIDIAN_{name}", value)
    for name, value in {"ENDPOINT": "http://127.0.0.1:9", "ACCESS_KEY": "a", "SECRET_KEY": "b"}.items():
        environment.setenv(f"MERIDIAN_S3_{name}", value)
    wiring = Wiring.of(load(), program="test")
    running = Site(wiring, Client(wiring, actor="ada", reason="a test"))
    try:
        for role in (run_decider, run_projector, run_dispatch):
            running.start(role)
        await_topics(wiring)
        yield running
    finally:
        running.close()
