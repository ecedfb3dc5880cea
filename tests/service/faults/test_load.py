"""The load on a log in memory: what of programs goes out, and what is written down for the auditor."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from events.envelope import decode_request
from events.log import Place, TopicSpec
from events.memory_log import MemoryLog
from events.topics import Topics
from service.audit.expected import Inbox, Request, State, read_expected
from service.faults.load import Load, Rates
from service.faults.program_life import BESIDE_THE_ATTEMPT, ENDS
from service.faults.program_pieces import SENDER

TOPICS = Topics("t")
PARTITIONS = {"file": 3, "op": 2}
OP = TOPICS.requests("op")
WITHIN_S = 60.0


@pytest.fixture
def log() -> MemoryLog:
    made = MemoryLog()
    made.ensure([TopicSpec(TOPICS.requests(name), count) for name, count in PARTITIONS.items()])
    made.ensure([TopicSpec(TOPICS.inbox(name), 1) for name in (SENDER, "night")])
    return made


def load_on(log: MemoryLog, folder: Path, **standing: Any) -> Load:
    wiring: Any = SimpleNamespace(
        topics=TOPICS, settings=SimpleNamespace(partitions=PARTITIONS), log=lambda **_: log
    )
    rates = Rates(requests=0.0, files=0.0, programs=50.0)
    return Load(
        wiring, landing=folder, products=folder / "products", expected=folder / "sent.ndjson", seed=4, rates=rates,
        **standing,
    )  # fmt: skip


def until(condition: Any) -> None:
    end = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def asked(log: MemoryLog) -> Iterator[Any]:
    for partition in range(PARTITIONS["op"]):
        reader, place = log.reader(), Place(OP, partition)
        reader.assign({place: 0})
        for message in reader.poll(at_most=10_000, timeout_s=0.0).get(place, []):
            yield decode_request(message.value)


def test_programs_go_to_their_ends_and_each_word_of_theirs_is_written_down(log: MemoryLog, tmp_path: Path):
    load: Load = load_on(log, tmp_path, standing=lambda: dict(load.progress.programs))
    load.start()
    until(lambda: load.programs_over >= 12)
    load.rest()
    until(lambda: load.is_at_rest)
    load.stop()
    lines = list(read_expected(tmp_path / "sent.ndjson"))
    requests = [each for each in lines if isinstance(each, Request)]
    sent = [(each.subject, each.id) for each in asked(log)]
    assert sorted((each.subject, each.id) for each in requests) == sorted(sent)
    assert len(set(sent)) < len(sent), "some are said twice"
    assert {each.machine for each in requests} == {"op"}
    assert {each.sender for each in lines if isinstance(each, Inbox)} == {SENDER}
    ends = {each.subject: each for each in lines if isinstance(each, State)}
    assert {each.machine for each in ends.values()} == {"op"}
    assert {each.states for each in ends.values()} <= {(BESIDE_THE_ATTEMPT.get(end, end),) for end in ENDS}
    assert len(ends) >= 12


def test_none_is_asked_on_that_nobody_has_seen_where_it_has_to_be(log: MemoryLog, tmp_path: Path):
    looked: list[int] = []

    def nowhere() -> dict[str, str]:
        looked.append(len(load.progress.programs))
        return {}

    load: Load = load_on(log, tmp_path, standing=nowhere)
    load.start()
    until(lambda: looked[-3:] == [6, 6, 6])
    load.rest()
    until(lambda: load.is_at_rest)
    load.stop()
    firsts = {each.id for each in asked(log)}
    assert len(firsts) <= 6
    assert load.programs_over == 0
