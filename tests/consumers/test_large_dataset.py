"""One dataset of very many frames, from the first that arrives until its program is ready: small all the way."""

import random
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import orjson
import psutil
import pytest

from consumers import obligations
from consumers.effects import groups
from consumers.effects.judging import closing_request
from consumers.owed import ItemOwed
from consumers.policies import readiness
from events.envelope import decode_request, encode_request
from events.ids import record_id
from events.op_parts import Dataset, ProgramNow
from machines.desk import Desk, Stamp, digest_of
from machines.group import GROUP
from machines.membership import membership
from tests.consumers.programs_given import OpStory

LARGEST = 77_694
"""Frames of the largest dataset in a real catalogue."""

BEGIN = datetime(2026, 11, 21, 5, tzinfo=UTC)
HEADER = {
    "DSETID": "BLKGA", "IP_ID": "id.1.1", "OBSPR_ID": "eid_1_1_opX_R001.1", "PROP_ID": "pid_1_1", "INSTRUME": "VISP",
    "DNAXIS": 3, "DAAXES": 2,
}  # fmt: skip


class Told:
    """A group asked member after member; what it says is looked at and let go."""

    def __init__(self, subject):
        self.desk, self.subject = Desk(GROUP, site="test"), subject
        self.state = self.desk.new()
        self.count, self.largest = 0, 0

    def member(self, place, frames, status):
        """A frame comes to this; the record, and its bytes on the wire."""
        header = {**HEADER, "DNAXIS3": frames, "DINDEX3": place + 1}
        found = membership("dkist-dataset", name="x", metadata={"extra": header})
        self.count += 1
        value = encode_request(
            id=str(UUID(int=self.count)), type="group.member", subject=self.subject, actor="worker", source="test",
            at=BEGIN, data=found.counted(f"VISP_2026_11_21_{place:06d}_BLKGA_L1", status).wire(),
        )  # fmt: skip
        request = decode_request(value)
        identifier = record_id("test", self.subject, request.id)
        stamp = Stamp(identifier, digest_of(request), "2026-11-21T05:00:00.000Z", f"t/0/{self.count}", 1)
        decision = self.desk.decide(self.state, request, stamp)
        assert not decision.record.is_refusal, decision.record.data
        self.largest = max(self.largest, len(decision.value))
        return decision.record

    @property
    def dumped(self):
        """Bytes of its snapshot."""
        return len(orjson.dumps(self.state.state.dump()))


@contextmanager
def no_database():
    yield None


@pytest.mark.parametrize("frames", [1_200, pytest.param(LARGEST, marks=pytest.mark.long)])
def test_a_dataset_of_many_frames_becomes_ready_by_small_records_and_flat_memory(monkeypatch, frames):
    dice = random.Random(frames)
    group = Told("dkist-l1/BLKGA")
    order = list(range(frames))
    dice.shuffle(order)
    waiting, owed, held, record = [], [], [], None
    own = psutil.Process()
    for number, place in enumerate(order):
        group.member(place, frames, "seen")
        waiting.append(place)
        while waiting and (len(waiting) > 50 or number == frames - 1):
            record = group.member(waiting.pop(dice.randrange(len(waiting))), frames, "complete")
            owed += [each for each in obligations.obligations(record) if isinstance(each, ItemOwed)]
        if number % (frames // 4) == frames // 8:
            held.append(own.memory_info().rss)
    assert record.tostate == "Complete"
    assert record.data["counts"]["complete"] == frames
    # Seven sets of places, a bit each; the names of all frames would take a hundred times as much.
    assert group.dumped < 2_000 + frames // 2
    assert group.largest < 2_000
    # The process: its sets, and what Python keeps for the next request.
    assert max(held) - held[0] < 16_000_000
    (item,) = owed
    assert (item.effect, item.payload["counts"]["complete"]) == ("datasets", frames)
    ready(monkeypatch, item, frames)


def ready(monkeypatch, item, frames):
    """The dataset's word to its program, which closes by policy once it has been quiet."""
    monkeypatch.setattr(groups, "datasets_of", lambda _connection, keys: {key: [] for key in keys})
    tools: Any = SimpleNamespace(engine=SimpleNamespace(connect=no_database))
    work: Any = SimpleNamespace(
        key=("k", "datasets"),
        payload=item.payload,
        subject=item.subject,
        report_id=str(UUID(int=9)),
        stream="dkist-l1",
    )
    [(_, ask)] = groups.tell_datasets([work], tools)
    assert (ask.request.name, ask.subject) == ("op.discover", HEADER["OBSPR_ID"])
    story = OpStory(subject=ask.subject)
    record = story.told("discover", ask.request.wire())
    [now] = record.data["programs"]
    [dataset] = record.data["datasets"]
    assert (dataset["frames"], now["cover"]["datasets"]) == (frames, 1)
    asked = closing_request(
        ProgramNow.model_validate(now),
        [Dataset.model_validate(dataset)],
        readiness(),
        at=BEGIN + timedelta(days=8),
    )
    closed = story.told("ready", asked.wire())
    assert (closed.type, closed.data["by"]) == ("op.readiness_closed", "quiet_period")
    assert len(orjson.dumps(closed.data)) < 1_000
