"""Requests that are decided together come out as if each had been decided alone, whatever they ask."""

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from events.envelope import encode_request
from service.decider import batch
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
        subject = f"roman/{dice.randrange(12)}"
        request, data = dice.choice(ASKED)
        extensions = {"version": 1, "attempt": 1} if request in {"start", "transferred"} else {}
        if dice.random() < 0.1:
            extensions["expectedsequence"] = dice.randrange(4)
        identifier = number(dice.randrange(each + 1) if dice.random() < 0.1 else each)
        value = encode_request(
            id=identifier, type=f"file.{request}", subject=subject, actor="somebody", source="test",
            at=AT, data=data, reason="because", **extensions,
        )  # fmt: skip
        made.append((b"{" if dice.random() < 0.03 else value, subject))
    return made


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
