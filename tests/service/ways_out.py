"""A site on real servers whose halts are waited for, and left by the very command that each of them names."""

import shlex
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from events.log import Message, Place
from projectors.halt_codes import HALTS
from service.cli import run
from service.client import Ask, Client, new_id
from service.recover import Remedies, Remedy
from service.roles import Run, run_decider, run_dispatch, run_projector
from service.settings import load
from service.wiring import Wiring
from tests.service.cli.a_site import Site, arrival
from tests.topics_by_hand import TopicsByHand

__all__ = ["REACHED", "Broken", "a_broken_site", "reaches"]

REACHED: set[str] = set()
PARTITIONS = "file=1,identity=1,stream=1"


def reaches(*codes: str):
    """Marks the test that reaches these halts and leaves them again."""
    assert set(codes) <= HALTS.keys()
    REACHED.update(codes)
    return lambda function: function


@dataclass
class Broken:
    """The site, and hands that break it."""

    site: Site
    hands: TopicsByHand

    @property
    def requests(self) -> Place:
        return Place(self.site.wiring.topics.requests("file"), 0)

    @property
    def ledger(self) -> Place:
        return Place(self.site.wiring.topics.events("file"), 0)

    def start(self, *roles: Run) -> None:
        for role in roles:
            self.site.start(role)

    def stop(self, *roles: Run) -> None:
        for role in roles:
            self.site.stop(role)

    def ask(self, name: str) -> str:
        """Announce a file; the request's id. Nobody waits for the answer."""
        request_id = new_id()
        self.site.client.ask([Ask(f"keck/{name}", arrival(name), request_id=request_id)], timeout_s=0)
        return request_id

    def is_decided(self, name: str, request_id: str) -> bool:
        """Within some seconds."""
        outcomes = self.site.client.outcomes.wait([(f"keck/{name}", request_id)], timeout_s=20)
        return request_id in outcomes

    def goes_on(self, name: str) -> None:
        """What is asked now is decided, and nothing stands still."""
        assert self.is_decided(name, self.ask(name))
        assert self.remedies().explain() == []

    def is_shown(self, *names: str) -> None:
        """The views have exactly these files, within some seconds."""
        wanted = {f"keck/{name}" for name in names}
        until(lambda: self._shown() == wanted, lambda: f"shown: {self._shown()}, wanted {wanted}")

    def awaited(self, code: str, part: str = "decider") -> Remedy:
        """The remedy of this halt, once it stands."""
        until(
            lambda: self._standing(code, part) is not None,
            lambda: f"no halt {code} of {part}; found {[each.halt for each in self.remedies().explain()]}",
        )
        found = self._standing(code, part)
        assert found is not None
        return found

    def stands(self, code: str, part: str = "decider") -> bool:
        """This halt stands now."""
        return self._standing(code, part) is not None

    def leave(self, code: str, part: str = "decider") -> int:
        """Wait for the halt, and run the command that it names; its exit code."""
        remedy = self.awaited(code, part)
        program, *arguments = shlex.split(remedy.command.replace("…", "the disk was swapped"))
        assert (program, arguments[:2]) == ("meridian", ["recover", "--apply"])
        return run([*arguments, "--yes", "--quiet"])

    def remedies(self) -> Remedies:
        client = self.site.client
        return Remedies(logs=client.log, engine=client.engine, topics=self.site.wiring.topics)

    def do(self, statement: str) -> None:
        """Something behind our back in the database."""
        with self.site.client.engine.begin() as connection:
            connection.execute(text(statement))

    def rows(self, query: str) -> list[tuple[object, ...]]:
        with self.site.client.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]

    def forget_snapshots(self) -> None:
        self.do("DELETE FROM decider.watermark")
        self.do("DELETE FROM decider.snapshot")

    def records(self, place: Place) -> list[Message]:
        """All that stands there."""
        reader = self.site.client.log.reader()
        try:
            reader.assign({place: reader.beginning(place)})
            found: list[Message] = []
            while reader.position(place) < reader.end(place):
                found += reader.poll(at_most=100, timeout_s=0.5).get(place, [])
            return found
        finally:
            reader.close()

    def _shown(self) -> set[object]:
        return {row[0] for row in self.rows("SELECT file FROM v1.file")}

    def _standing(self, code: str, part: str) -> Remedy | None:
        found = self.remedies().explain()
        return next((each for each in found if (each.halt.code, each.halt.part) == (code, part)), None)


def until(holds: Callable[[], bool], said: Callable[[], str]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, said()
        time.sleep(0.1)


@contextmanager
def a_broken_site(
    environment: pytest.MonkeyPatch, tmp_path: Path, *, site: str, kafka: str, postgres: str
) -> Iterator[Broken]:
    """Nothing runs yet."""
    settings = {"SITE": site, "KAFKA": kafka, "DATABASE": postgres, "DATA": str(tmp_path)}
    servers = {"S3_ENDPOINT": "http://127.0.0.1:9", "S3_ACCESS_KEY": "a", "S3_SECRET_KEY": "b"}
    for name, value in {**settings, **servers, "PARTITIONS": PARTITIONS}.items():
        environment.setenv(f"MERIDIAN_{name}", value)
    wiring = Wiring.of(load(), program="test")
    running = Site(wiring, Client(wiring, actor="ada", reason="a test"))
    try:
        yield Broken(running, TopicsByHand(kafka))
    finally:
        running.close()


ALL = (run_decider, run_projector, run_dispatch)
