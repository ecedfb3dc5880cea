"""In which order a worker's requests come to stand on the log: a file's start before all else that is asked of it."""

from contextlib import contextmanager
from typing import Any, cast

import pytest

from consumers.claims import WorkItem
from consumers.effects.asking import Ask, report, request_for
from consumers.pace import Pace
from consumers.reporting import Reporting
from events.envelope import decode_request
from events.file_requests import FailFile, LiftFile, StartFile
from tests.consumers.at_work import Files, claim
from tests.consumers.light_bench import TOPICS, Bench
from tests.machines.given import Story

FAILED = FailFile(code="IO_ERROR", failure_class="transient", message="the disk is away")


@pytest.fixture
def bench() -> Bench:
    return Bench(Pace())


@pytest.fixture
def reporting(bench: Bench) -> Reporting:
    """One that gathers for an hour."""
    return Reporting(bench.tools, gathered_s=3600)


@contextmanager
def session(bench: Bench) -> Any:
    with bench.database.begin() as connection:
        yield cast("Any", connection)


@pytest.fixture
def items(bench: Bench) -> list[WorkItem]:
    """Three files to be looked into, under lease."""
    stream = Story("stream", "roman")
    told = {"stream": "roman", "senders": ["soc"], "roots": ["file:///landing/"]}
    bench.told(stream.ask("configure", {"configuration": told}), stream.ask("start"), stream.ask("enable"))
    with session(bench) as connection:
        files = Files(connection)
        for name in ("a", "b", "c"):
            files.arrive(f"roman/{name}")
    with session(bench) as connection:
        return claim(connection)


def start(item: WorkItem) -> Ask:
    request = StartFile(worker="w1", host="h1", software_version="1")
    return request_for(item, request, id=item.event_id, may_wait=True)


def on_the_log(bench: Bench) -> list[str]:
    requests = [decode_request(value) for value in bench.values(TOPICS.requests("file"))]
    return [f"{each.type} {each.subject.partition('/')[2]}" for each in requests]


def test_a_file_that_fails_at_once_is_reported_after_its_start(bench, reporting, items):
    for item in items:
        reporting.send(start(item))
    assert on_the_log(bench) == ["file.start a"], "those after the first wait for company"
    reporting.report([report(items[2], FAILED)])
    assert on_the_log(bench) == ["file.start a", "file.start b", "file.start c", "file.fail c"]


def test_what_cannot_wait_takes_what_waits_with_it(bench, reporting, items):
    for item in items:
        reporting.send(start(item))
    reporting.send(request_for(items[1], LiftFile(), id=items[1].event_id))
    assert on_the_log(bench) == ["file.start a", "file.start b", "file.start c", "file.lift b"]


def test_whoever_waits_for_its_start_has_it_acknowledged(bench, reporting, items):
    sent = [reporting.send(start(item)) for item in items]
    reporting.acknowledged(sent)
    assert on_the_log(bench) == ["file.start a", "file.start b", "file.start c"]
