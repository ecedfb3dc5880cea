"""Archive identities: the first to reserve wins, and everybody else is told who has it."""

from itertools import product

import pytest

from machines.identity import IDENTITY_LIFE
from tests.machines.given import SHA_A, SHA_B, Story

TABLE = {
    ("reserve", "reserved", "Free", "Reserved"),
    ("reserve", "reserved", "Reserved", "Reserved"),
    ("release", "released", "Reserved", "Free"),
    ("transfer", "transferred", "Reserved", "Reserved"),
}


def holder(subject: str = "keck/a", version: int = 1, sha256: str = SHA_A) -> dict[str, object]:
    return {"subject": subject, "version": version, "sha256": sha256}


def reserved() -> Story:
    story = Story("identity", "KB.20190509.07554.57")
    story.ask("reserve", {"holder": holder()})
    return story


def test_the_lifecycle_is_this_table_and_nothing_else():
    short = {
        (request.removeprefix("identity."), fact.removeprefix("identity."), str(source), str(end))
        for request, fact, source, end in IDENTITY_LIFE.transitions()
    }
    assert short == TABLE


REQUESTS = {"reserve": {"holder": holder("keck/b")}, "release": {}, "transfer": {"to": holder("keck/b")}}


@pytest.mark.parametrize(("state", "name"), list(product(("Free", "Reserved"), REQUESTS)))
def test_every_state_answers_every_request(state, name):
    story = reserved() if state == "Reserved" else Story("identity", "KB.1")
    record = story.ask(name, REQUESTS[name], reason="because")
    accepted = {(row[0], row[2]) for row in TABLE} - {("reserve", "Reserved")}  # held by another: refused
    assert record.is_refusal is ((name, state) not in accepted)
    assert record.tostate == story.where


def test_the_second_is_refused_with_the_holder_and_both_checksums():
    story = reserved()
    record = story.ask("reserve", {"holder": holder("keck/b", 1, SHA_B)})
    assert record.data["holder"] == holder()
    assert SHA_A in record.data["reasons"][0]
    assert SHA_B in record.data["reasons"][0]


def test_asking_again_for_what_one_holds_is_granted():
    assert reserved().ask("reserve", {"holder": holder()}).type == "identity.reserved"


def test_a_later_version_of_the_same_file_keeps_the_identity():
    story = reserved()
    story.ask("reserve", {"holder": holder("keck/a", 2, SHA_B)})
    assert story.state.state.holder == holder("keck/a", 2, SHA_B)


def test_release_and_transfer_need_a_reason():
    assert reserved().ask("release").data["reasons"] == ["release needs a reason"]
    assert reserved().ask("transfer", {"to": holder("keck/b")}).data["reasons"] == ["transfer needs a reason"]


def test_release_names_the_holder_it_means():
    story = reserved()
    record = story.ask("release", {"holder": holder("keck/z")}, reason="stale clock")
    assert record.data["reasons"] == ["held by keck/a version 1, not by keck/z"]
