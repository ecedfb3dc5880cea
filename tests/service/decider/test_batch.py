"""Requests that are decided together come out as if each had been decided alone, whatever they ask."""

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from events.envelope import decode_record, encode_request
from events.ids import partition_of
from events.log import Message
from machines.desk import Desk
from machines.file import FILE
from service.bench.unsafe import Forgetful
from service.decider import batch
from service.decider.batch import BatchDecider, Owner
from tests.machines.given import SHA_A, SHA_B, STARTED, arrival
from tests.service.decider.site import DEAD, LEDGER, Site, number

AT = datetime(2026, 11, 21, tzinfo=UTC)
ASKED: list[tuple[str, dict[str, Any]]] = [
    ("arrive", arrival()),
    ("arrive", arrival(sha256=SHA_B, witness="inbox.x/0/2")),
    ("start", STARTED),
    ("hold", {}),
    ("note", {"text": "x"}),
    ("note", {"text": "nul \x00 in it"}),
    ("note", {}),
    ("transferred", {"object": {"bucket": "b", "key": "k", "size_bytes": 1, "sha256": SHA_A}}),
    ("dance", {}),
]


def requests(dice: Random, count: int) -> list[tuple[bytes, str]]:
    """Of few subjects, so that many come twice in a batch; ids are used again, with the same content or other."""
    made: list[tuple[bytes, str]] = []
    for each in range(count):
        if made and dice.random() < 0.1:
            made.append(dice.choice(made))
            continue
        subject = "roman/" + dice.choice("abcdefghijk\u00e9")
        request, data = dice.choice(ASKED)
        extensions = {"version": 1, "attempt": 1} if request in {"start", "transferred"} else {}
        if dice.random() < 0.1:
            extensions["expectedsequence"] = dice.randrange(4)
        identifier = number(dice.randrange(each + 1) if dice.random() < 0.1 else each)
        value = encode_request(
            id=identifier, type=f"file.{request}", subject=subject, actor="somebody", source="test",
            at=AT, data=data, reason="because", **extensions,
        )  # fmt: skip
        made.append(
            (
                dice.choice([b"{", twice(value, id=number(each + 1000))]) if dice.random() < 0.1 else value,
                subject,
            )
        )
    return made


def twice(value: bytes, **members: str) -> bytes:
    """The request with further members of names that it has already: of those the last one counts."""
    more = b"".join(b',"%s":"%s"' % (name.encode(), each.encode()) for name, each in members.items())
    return value[:-1] + more + b"}"


def what_came_of(asked: list[tuple[bytes, str]], *, at_once: int) -> tuple[list[Any], list[Any]]:
    site = Site()
    for value, subject in asked:
        site.put(value, subject)
    owner = site.owner(batch=at_once, subjects_kept=3)
    owner.take_over()
    while owner.step():
        pass
    return [[(each.key, each.value) for each in site.read(place)] for place in (LEDGER, DEAD)]  # type: ignore[return-value]


@pytest.mark.parametrize("seed", range(12))
def test_many_at_once_come_out_as_one_after_the_other(seed, monkeypatch):
    dice = Random(seed)
    monkeypatch.setattr(batch, "AT_ONCE", dice.choice([2, 5, 128]))
    asked = requests(dice, 150)
    alone, together = what_came_of(asked, at_once=1), what_came_of(asked, at_once=dice.choice([40, 1000]))
    assert together == alone
    assert len(alone[0]) > 100
    assert alone[1]


@pytest.mark.parametrize("at_once", [1, 1000])
def test_a_request_that_seems_to_be_another_one_is_decided_as_what_it_is(at_once):
    """It begins as ours do, so it is looked up by how it begins; a later member of the same name counts instead."""
    first, second = ("roman/a", number(1)), ("roman/b", number(2))
    value = encode_request(
        id=first[1],
        type="file.arrive",
        subject=first[0],
        actor="somebody",
        source="test",
        at=AT,
        data=arrival(),
    )
    other = twice(value, id=second[1], subject=second[0])
    ledger, dead = what_came_of([(value, "roman/a"), (other, "roman/b"), (other, "roman/b")], at_once=at_once)
    records = [decode_record(value) for _, value in ledger]
    assert [(each.subject, each.requestid) for each in records] == [first, second]
    assert [each.sequence for each in records] == [1, 1]
    assert dead == []


def test_who_is_decided_again_after_a_restart_by_a_wrong_guess_is_repeated_not_decided():
    site = Site()
    value = encode_request(
        id=number(1),
        type="file.arrive",
        subject="roman/a",
        actor="somebody",
        source="test",
        at=AT,
        data=arrival(),
    )
    other = twice(value, id=number(2), subject="roman/b")
    for _ in range(2):
        site.put(other, "roman/b")
        owner = site.owner()
        owner.take_over()
        assert owner.step() == 1
    assert [decode_record(value).subject for _, value in _told(site)] == ["roman/b"]


def _told(site: Site) -> list[tuple[bytes | None, bytes | None]]:
    return [(each.key, each.value) for each in site.read(LEDGER)]


class Asked(Forgetful):
    """Writes down about whom it is asked."""

    def __init__(self) -> None:
        self.subjects: list[str] = []

    def load(self, subjects: Sequence[str], records: Sequence[str] = ()) -> dict[str, bytes]:
        self.subjects += subjects
        return super().load(subjects, records)


@pytest.mark.parametrize("begins", [b"", b" "])
def test_of_a_subject_of_another_partition_the_store_is_not_asked(begins):
    """Its own owner may have decided and not yet saved: it would look as if its snapshot were lost."""
    ours, theirs = "roman/a", next(f"roman/{n}" for n in range(9) if partition_of(f"roman/{n}", 2) == 1)
    assert partition_of(ours, 2) == 0
    made = [
        begins + encode_request(
            id=number(each), type="file.arrive", subject=subject, actor="x", source="x", at=AT, data=arrival()
        )
        for each, subject in enumerate([ours, theirs], start=1)
    ]  # fmt: skip
    store = Asked()
    decider = BatchDecider(Desk(FILE, site="x"), store, partition=0, partitions=2, subjects_kept=9)
    come = [Message("r", 0, offset, b"", value, (), 0) for offset, value in enumerate(made)]
    found = decider.decide(come, Owner(1, "x"), "2026-11-22T00:00:00.000Z")
    assert store.subjects == [ours]
    assert [each.subject for each in found.answers] == [ours]
    assert [each.code for each in found.dead] == ["WRONG_PARTITION"]
