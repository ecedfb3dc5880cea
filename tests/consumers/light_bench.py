"""A worker's light thread by hand: what is dispatched is claimed and done, on the simulation's database."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

import tests.simulation.sql_programs
import tests.simulation.sql_work  # noqa: F401  # what statements mean
from consumers import claims
from consumers.homes import Homes
from consumers.light_claims import claim_all_light
from consumers.light_work import LightWork
from consumers.pace import Pace
from consumers.policies import criteria
from consumers.reporting import Reporting
from consumers.sender import Sender
from events.envelope import decode_request
from events.log import LogUnavailableError, Place
from events.memory_log import MemoryLog
from events.topic_specs import topic_specs
from events.topics import MACHINES, Topics
from machines.program.verdict import judge
from tests.consumers.at_work import dispatched
from tests.consumers.programs_given import VISP, OpStory, dataset, wire
from tests.simulation.database import Database
from tests.simulation.scheduler import Scheduler

__all__ = ["TOPICS", "Bench", "counted_reports", "passed", "ready", "spoil"]

NOW = datetime(2026, 11, 22, tzinfo=UTC)
TOPICS = Topics("test")
ONE = dataset("AAAA")


class AskedLog(MemoryLog):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[list[str]] = []
        self.is_away = False

    def partitions(self, names: Iterable[str]) -> dict[str, int]:
        wanted = list(names)
        self.asked.append(wanted)
        if self.is_away:
            raise LogUnavailableError("told to be away")
        return super().partitions(wanted)


class Bench:
    """A worker's light thread by hand: what is dispatched is claimed and done, and can be looked at."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.database = Database(Scheduler(), lambda: NOW)
        self.log = AskedLog()
        self.log.ensure(topic_specs(TOPICS, dict.fromkeys(MACHINES, 1), ("soc",)))
        self.log.asked.clear()
        engine = cast("Any", self.database)
        tools = SimpleNamespace(
            engine=engine, log=self.log, topics=TOPICS, sender=Sender(self.log.writer), homes=Homes(engine),
            clock=lambda: NOW, worker="w1", answer_topics={},
        )  # fmt: skip
        self.tools = cast("Any", tools)
        self.reporting = Reporting(self.tools)
        self.light = LightWork(self.tools, self.reporting)

    def told(self, *records: Any) -> None:
        with self.database.begin() as connection:
            dispatched(cast("Any", connection), *records)

    def claim(self) -> list[claims.WorkItem]:
        with self.database.begin() as session:
            connection = cast("Any", session)
            standing = claims.stand(connection)
            home = self.tools.homes.last
            found, self.may_be_more = claim_all_light(
                connection, standing, home=home, owner="w1", pace=self.pace
            )
        return found

    def do_all(self) -> int:
        """Claims and does until there is nothing; how many items."""
        count = 0
        while items := self.claim():
            self.light.do(items)
            count += len(items)
        return count

    def requests(self) -> list[Any]:
        """What stands on the requests of observing programs."""
        return [decode_request(value) for value in self.values(TOPICS.requests("op"))]

    def values(self, topic: str) -> list[bytes]:
        reader, place = self.log.reader(), Place(topic, 0)
        reader.assign({place: 0})
        found: list[bytes] = []
        while more := reader.poll(at_most=1000, timeout_s=0.0).get(place, []):
            found += [message.value or b"" for message in more]
        return found

    def states(self, effect: str) -> dict[str, str]:
        """The states of items by subject."""
        rows = self.database.rows("work.item")
        return {row["subject"]: row["state"] for row in rows if row["effect"] == effect}

    def reason(self, effect: str, subject: str) -> str:
        rows = self.database.rows("work.item")
        return next(
            f"{row['parked_reason']}" for row in rows if (row["effect"], row["subject"]) == (effect, subject)
        )


def ready(name: str, *, actor: str = "", correlationid: str = "") -> list[Any]:
    """An observing program that waits for its verdict; ``actor``: it was discovered by this sender's message."""
    story = OpStory(subject=name)
    told = {"source": "catalogue", "datasets": wire(ONE)}
    sent = {"actor": actor, "correlationid": correlationid, "causationid": f"{actor}/{correlationid}"}
    extensions = sent if actor else {}
    return [story.told("discover", told, **extensions), story.close(ONE)]


def passed(name: str) -> list[Any]:
    """One that has passed and waits to be staged."""
    story = OpStory(subject=name)
    records = [story.discover(ONE), story.close(ONE)]
    verdict = judge(VISP, [ONE], criteria()).model_dump(mode="json")
    return [*records, story.told("judge", {"verdict": verdict})]


def spoil(bench: Bench, table: str, subject: str, **members: Any) -> None:
    """Something that no code of ours would have written."""
    for row in bench.database.tables[table].values():
        if row["subject"] == subject and row.get("part", "program:").startswith("program:"):
            row.update(members)


def counted_reports(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many reports went together, each time."""
    written: list[int] = []
    put = bench.reporting.report

    def counting(asks: Sequence[Any]) -> None:
        written.append(len(asks))
        put(asks)

    monkeypatch.setattr(bench.reporting, "report", counting)
    return written
