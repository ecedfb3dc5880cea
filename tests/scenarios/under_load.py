"""Small files announced without end, so that something is always under way; and what became of them."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from consumers.drafts import STRUCTURED
from events.log import Headers, LogError
from events.stream import StreamConfiguration
from service.client import Client
from service.streams import bring_in_force
from tests.scenarios.lone import LoneSite

__all__ = ["SENDER", "STREAM", "Load", "an_arrival", "facts", "prepare", "rows", "states", "until"]

STREAM, SENDER = "small", "soc"

_FILES = "SELECT state, count(*) FROM v1.file GROUP BY 1"
_FACTS = "SELECT type, count(*) FROM v1.ledger WHERE machine = 'file' GROUP BY 1"


def prepare(client: Client, landing: Path) -> None:
    """A stream in force, and the inbox of its sender."""
    told = StreamConfiguration(
        stream=STREAM, senders=(SENDER,), roots=(f"{landing.as_uri()}/",), format="any"
    )
    bring_in_force(client, [told], enable=True)
    until(lambda: SENDER in client.senders(), 60)


def an_arrival(landing: Path, number: int) -> tuple[None, bytes, Headers]:
    """A small file, and the message that announces it."""
    path = landing / f"small-{number:05d}.dat"
    path.write_bytes(f"file {number}\n".encode() * 100)
    data = {"stream": STREAM, "uri": path.as_uri(), "size_bytes": path.stat().st_size}
    event = {"specversion": "1.0", "id": str(uuid4()), "source": SENDER, "type": "file.arrived", "data": data}
    return None, json.dumps(event).encode(), STRUCTURED


class Load:
    """Announces some files a second in a thread of its own. ``announced`` are those that stand in the inbox."""

    def __init__(self, site: LoneSite, *, first: int = 0, every_s: float = 0.25) -> None:
        self._site = site
        self._first = first
        self._every_s = every_s
        self._stop = threading.Event()
        self.announced = 0

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """While the block lasts."""
        thread = threading.Thread(target=self._run, name="load", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            thread.join(60)

    def _run(self) -> None:
        client = Client(self._site.wiring, actor="scenario", source="scenario")
        for number in itertools.count(self._first):
            message = an_arrival(self._site.landing, number)
            while not self._stop.is_set():
                try:
                    client.publish(SENDER, [message])
                except LogError:
                    _let_go(client)
                    client = Client(self._site.wiring, actor="scenario", source="scenario")
                    self._stop.wait(0.5)
                    continue
                self.announced += 1
                break
            if self._stop.wait(self._every_s):
                break
        _let_go(client)


def _let_go(client: Client) -> None:
    with suppress(LogError):  # what it could not send is sent again under the same ids
        client.close()


def states(client: Client) -> dict[str, int]:
    """Files by state."""
    return dict(rows(client, _FILES))


def facts(client: Client) -> dict[str, int]:
    """Records of the ledger by type."""
    return dict(rows(client, _FACTS))


def rows(client: Client, query: str) -> list[Any]:
    """What a query gives."""
    with client.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def until(wanted: Callable[[], bool], seconds: float, what: Callable[[], object] = str) -> None:
    """Return once ``wanted`` holds; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not wanted():
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not come to that within {seconds:.0f} s: {what()}")
        time.sleep(0.2)
