"""The auditor's own model of the ledger agrees with what the machines decided, and every forgery is seen."""

import sqlite3
from hashlib import sha256
from random import Random
from typing import Any

import orjson
import pytest

from events.chain import seal
from events.ids import partition_of
from service.audit.effects_log import EffectsLog
from service.audit.findings import Tally
from service.audit.ledger_check import UNREADABLE, LedgerCheck
from service.audit.subject import CUTS, Subject
from service.audit.subjects import Subjects
from tests.machines.given import Story
from tests.machines.op_asker import WORDS, Asker
from tests.projectors.histories import Desks, Sealed, a_life, random_histories

FAR = dict.fromkeys(CUTS, 1_000_000)


class Ledger:
    """A check of one partition that takes sealed records."""

    def __init__(self, *, cuts: dict[str, int] | None = None, kept: int = 8000) -> None:
        self.tally = Tally()
        self.subjects = Subjects(sqlite3.connect(":memory:", isolation_level=None), kept=kept)
        self.check = LedgerCheck(
            site="test", place="t/0", partition=0, partitions=1, cuts=cuts or FAR, subjects=self.subjects,
            tally=self.tally,
        )  # fmt: skip
        self.offset = 0

    def take(self, sealed: list[Sealed]) -> "Ledger":
        for _, subject, value in sealed:
            self.check.take(self.offset, subject.encode(), value)
            self.offset += 1
        return self

    @property
    def raised(self) -> dict[str, int]:
        return {name: each.found for name, each in self.tally.counters.items() if each.found}

    @property
    def said(self) -> list[Any]:
        return [offender for each in self.tally.counters.values() for offender in each.offenders]


@pytest.mark.parametrize("seed", range(20))
def test_what_the_desk_has_decided_is_in_order_whatever_it_was(seed: int):
    sealed = [each for each in random_histories(seed) if each[0] == "file"]
    ledger = Ledger(kept=3).take(sealed)
    assert ledger.raised == {}, ledger.said
    assert ledger.check.records == len(sealed)


@pytest.mark.parametrize("machine", ["identity", "stream"])
def test_other_machines_are_in_order_too(machine: str):
    for seed in range(20):
        ledger = Ledger().take([each for each in random_histories(seed) if each[0] == machine])
        assert ledger.raised == {}, ledger.said


@pytest.mark.parametrize("seed", range(8))
def test_observing_programs_are_in_order_whatever_is_asked_of_them(seed: int):
    asker = Asker(Random(seed))
    for _ in range(40):
        asker.ask(asker.dice.choice(WORDS))
        asker.go_on()
    name = asker.story.subject
    ledger = Ledger().take([("op", name, each.value) for each in asker.story.decisions])
    assert ledger.raised == {}, ledger.said
    assert ledger.subjects[name].now.newest.state == asker.story.where
    kept = [("op", name, each.value) for each in asker.story.decisions if each.record.type != "op.judged"]
    assert Ledger().take(kept).raised


@pytest.mark.parametrize("seed", range(8))
def test_groups_are_in_order_whatever_is_asked_of_them(seed: int):
    dice, story = Random(seed), Story("group", "dkist/BLKGA")
    for _ in range(60):
        places = [{"first": 0, "last": dice.randint(0, 4)}]
        member = {
            "member": "m",
            "place": dice.randint(0, 6),
            "status": dice.choice(["seen", "complete", "invalid"]),
        }
        asked: list[tuple[str, dict[str, Any]]] = [
            ("expect", {"kind": "dataset", "by": "policy", "ranges": places}),
            *[("member", {"kind": "dataset", **member})] * 6,
            ("excuse", {"ranges": places}),
            ("close", {}),
            ("reopen", {}),
        ]
        word, data = dice.choice(asked)
        story.ask(word, data, reason="because")
    ledger = Ledger().take([("group", story.subject, each.value) for each in story.decisions])
    assert ledger.raised == {}, ledger.said
    assert ledger.subjects[story.subject].now.newest.state == story.where


@pytest.mark.parametrize("seed", range(10))
def test_the_plain_model_says_what_the_machines_say(seed: int):
    desks = Desks()
    for number in range(4):
        a_life(desks, f"roman/r{number}")
    sealed = random_histories(seed)
    ledger = Ledger(kept=2).take([each for each in sealed if each[0] == "file"])
    found = dict(ledger.subjects.in_order())
    states = _folded(sealed)
    assert found.keys() == states.keys()
    for name, wanted in states.items():
        standing = found[name].now
        assert (standing.sequence, standing.fact, standing.chain) == (
            wanted.sequence,
            wanted.fact_sequence,
            wanted.chain,
        )
        versions = {number: (each.state, each.attempt) for number, each in standing.versions.items()}
        assert versions == {
            number: (each.state, each.attempt) for number, each in wanted.state.versions.items()
        }
        assert standing.best == wanted.state.best
        assert standing.held == wanted.state.is_held
        assert standing.embargoed == wanted.state.embargoed


def _folded(sealed: list[Sealed]) -> dict[str, Any]:
    from events.envelope import decode_record
    from machines import MACHINES
    from machines.desk import Desk

    desk = Desk(MACHINES["file"], site="test")
    states: dict[str, Any] = {}
    for machine, name, value in sealed:
        if machine == "file":
            record = decode_record(value)
            desk.apply(states.setdefault(name, desk.new()), record, chain=record.chain)
    return states


def test_each_reader_is_compared_at_its_own_position():
    desks = Desks()
    a_life(desks, "roman/a")
    ledger = Ledger(cuts={"view": 2, "work": 4, "saved": 0}, kept=1).take(desks.sealed)
    ledger.take([])
    _ = ledger.subjects["roman/other"]
    subject = Subject.load(*ledger.subjects["roman/a"].dump())
    assert [subject.at(cut).sequence for cut in CUTS] == [2, 4, 0]
    assert subject.at("view").versions[1].state == "PROCESSING"
    assert subject.at("work").versions[1].state == "TRANSFERRED"
    assert subject.at("saved").versions == {}
    assert subject.now.versions[1].state == "COMPLETE"


def _changed(value: bytes, link: str, **changes: Any) -> bytes:
    members = {**orjson.loads(value), **changes}
    del members["chain"]
    return seal(link, orjson.dumps(members))[0]


def test_every_single_byte_of_the_past_counts():
    desks = Desks()
    a_life(desks, "roman/a")
    machine, name, value = desks.sealed[2]
    for at in range(40, len(value) - 100, 37):
        spoilt = value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
        ledger = Ledger().take([*desks.sealed[:2], (machine, name, spoilt), *desks.sealed[3:]])
        assert ledger.raised.get("out_of_order"), f"byte {at}: {value[at : at + 10]!r}"


@pytest.mark.parametrize(
    ("changes", "wanted", "says"),
    [
        ({"sequence": 2}, {"out_of_order": 1}, "sequence 2"),
        ({"sequence": 5}, {"out_of_order": 1}, "sequence 5"),
        ({"time": "2026-11-21T04:00:00.000Z"}, {"out_of_order": 1}, "time 2026-11-21T04"),
        ({"ownerepoch": 0}, {"unfenced": 1}, "owner epoch 0"),
        ({"fromstate": "QUEUED"}, {"out_of_order": 1}, "file.validated from QUEUED"),
        (
            {"type": "file.started", "fromstate": "QUEUED", "tostate": "PROCESSING"},
            {"out_of_order": 1},
            "file.started from QUEUED",
        ),
        ({"tostate": "TRANSFERRED"}, {"out_of_order": 1}, "to TRANSFERRED"),
        ({"id": "00000000-0000-5000-8000-000000000000"}, {"duplicated": 1}, "id 00000000"),
    ],
)
def test_a_record_that_does_not_belong_is_told_apart_by_what_is_wrong(changes, wanted, says):
    desks = Desks()
    a_life(desks, "roman/a")
    machine, name, value = desks.sealed[2]
    forged = _changed(value, orjson.loads(desks.sealed[1][2])["chain"], **changes)
    ledger = Ledger().take([*desks.sealed[:2], (machine, name, forged)])
    assert ledger.raised == wanted
    (offender,) = ledger.said
    assert offender.subject == "roman/a"
    assert offender.position == "t/0/2"
    assert says in offender.found


def test_a_second_record_of_a_request_is_a_double_also_when_its_subject_was_out_of_memory():
    desks = Desks()
    a_life(desks, "roman/a")
    machine, name, value = desks.sealed[4]
    first = orjson.loads(desks.sealed[0][2])
    members = {"id": first["id"], "requestid": first["requestid"]}
    forged = _changed(value, orjson.loads(desks.sealed[3][2])["chain"], **members)
    others = Desks()
    for number in range(20):
        a_life(others, f"roman/b{number}")
    ledger = Ledger(kept=4).take([*desks.sealed[:4], *others.sealed, (machine, name, forged)])
    assert ledger.raised == {"duplicated": 1}


def test_wrong_key_wrong_partition_and_no_record_at_all_are_seen():
    desks = Desks()
    a_life(desks, "roman/a")
    value = desks.sealed[0][2]
    other = next(name for name in ("roman/b", "roman/c", "roman/d") if partition_of(name, 2) == 1)
    ledger = Ledger()
    ledger.check.take(0, b"roman/z", value)
    assert ledger.raised == {"out_of_order": 1}
    for broken in (b"", b"{}", b"[]", b"nothing", b'{"subject":1}', None):
        ledger = Ledger()
        ledger.check.take(0, b"roman/a", broken)
        assert ledger.raised == {"out_of_order": 1}, broken
    ledger = Ledger()
    ledger.check._partitions = 2
    ledger.check.take(0, other.encode(), _changed(value, "", subject=other))
    assert "in partition 0" in [each.found for each in ledger.said]


JUNK = [None, 0, -1, 2**63, 1.5, "", "x", "😀", True, [], {}, [1], {"a": 1}, "a" * 2000]


@pytest.mark.parametrize("seed", range(6))
def test_whatever_stands_there_the_audit_goes_on_and_says_so(seed: int):
    dice, desks = Random(seed), Desks()
    a_life(desks, "roman/a")
    ledger = Ledger(kept=2)
    effects = EffectsLog(sqlite3.connect(":memory:", isolation_level=None))
    for _ in range(400):
        members = orjson.loads(dice.choice(desks.sealed)[2])
        target = dice.choice([members, members["data"], members["data"].get("object") or members])
        target[dice.choice(list(target))] = dice.choice(JUNK)
        if dice.random() < 0.2:
            del members[dice.choice(list(members))]
        value = orjson.dumps(members)
        record = ledger.check.take(ledger.offset, b"roman/a", value)
        if record is not None:
            try:
                effects.take(record, "t/0", ledger.offset)
            except UNREADABLE as error:
                ledger.check.unreadable(ledger.offset, value, error)
        ledger.offset += 1
    effects.end()
    assert len(list(ledger.subjects.in_order())) >= 1
    assert ledger.raised["out_of_order"] >= 350


def test_what_a_person_has_led_every_part_past_is_not_judged():
    desks = Desks()
    a_life(desks, "roman/a")
    ledger = Ledger()
    ledger.check.passed = {1: sha256(b"rubbish").hexdigest(), 2: sha256(b"other").hexdigest()}
    for offset, value in enumerate([desks.sealed[0][2], b"rubbish", b"rubbish", desks.sealed[1][2]]):
        ledger.check.take(offset, b"roman/a", value)
    assert ledger.raised == {"out_of_order": 1}
    assert [each.position for each in ledger.said] == ["t/0/2"]
    assert ledger.tally.numbers == {"passed over": 1}
