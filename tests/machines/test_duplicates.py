"""What comes twice: the content, the name, the archive identity. The same message again is the decider's to find."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.effects.same_content import content_identity
from consumers.formats.koaid import koaid
from tests.machines.given import (
    COMPLETE,
    FAILED,
    REGISTERED,
    SHA_A,
    SHA_B,
    STARTED,
    Story,
    a_file,
    arrival,
    current,
    findings,
    stored,
)

FRAMES_OF_A_STALE_CLOCK = 54
"""KCWI, UT 2020-12-13, as the archive's own list of problems has it."""


def holder(number: int, sha256: str = SHA_A) -> dict[str, object]:
    return {"subject": f"keck/kb201213_{number:05d}", "version": 1, "sha256": sha256}


def test_the_same_content_told_by_another_message_is_a_witness_in_every_state_but_costs_no_work():
    for steps in (("arrive",), ("arrive", "start"), COMPLETE, ("arrive", "start", "reject")):
        story = a_file(*steps)
        state = story.where
        record = story.ask("arrive", arrival(witness="inbox/0/77"))
        assert (record.type, record.fromstate, record.tostate) == ("file.witnessed", state, state)
        assert record.version == 1


def test_the_same_name_with_other_content_is_a_version_or_a_conflict_as_the_stream_wants():
    assert a_file(*COMPLETE).ask("arrive", arrival(SHA_B)).type == "file.arrived"
    conflict = a_file(*COMPLETE).ask("arrive", arrival(SHA_B, policy="conflict"))
    assert (conflict.type, conflict.tostate) == ("file.conflicted", "ERROR")
    assert conflict.data["other"]["sha256"] == SHA_A
    assert conflict.data["content"]["sha256"] == SHA_B


def test_the_same_content_under_another_name_is_found_by_its_bytes():
    """Two subjects, so no file knows of the other: who holds the bytes does."""
    story = Story("identity", content_identity(SHA_A))
    assert story.ask("reserve", {"holder": holder(1)}).type == "identity.reserved"
    second = story.ask("reserve", {"holder": holder(2)})
    assert (second.type, second.data["holder"]) == ("identity.refused", holder(1))


@given(order=st.permutations(range(FRAMES_OF_A_STALE_CLOCK)))
def test_of_all_frames_with_one_time_one_holds_the_identity_and_each_other_is_told_which(order):
    """In whatever order workers ask within a second: the first to be decided, and the evidence names both sides."""
    story = Story("identity", "KB.20201213.07554.57")
    decided = [
        story.ask("reserve", {"holder": holder(number, f"{number:064x}")}, actor="worker") for number in order
    ]
    first, *others = decided
    assert first.type == "identity.reserved"
    winner = holder(order[0], f"{order[0]:064x}")
    for number, refused in zip(order[1:], others, strict=True):
        assert refused.type == "identity.refused"
        assert refused.data["holder"] == winner
        assert f"{number:064x}" in refused.data["reasons"][0]
        assert winner["sha256"] in refused.data["reasons"][0]
    assert story.state.state.holder == winner


@given(fraction=st.integers(0, 999), other=st.integers(0, 999))
def test_exposures_of_one_second_share_an_identity_only_where_their_hundredths_are_one(fraction, other):
    """The archive's pipeline drops leading zeros: .057 s and .57 s become one identity there, and never here."""
    from datetime import UTC, datetime

    values = {"INSTRUME": "KCWI", "CAMERA": "BLUE"}
    day = datetime(2020, 12, 13, tzinfo=UTC)
    one, two = (koaid(values, ut_date=day, ut=f"02:05:54.{each:03d}") for each in (fraction, other))
    assert (one == two) is (fraction // 10 == other // 10)


def test_a_file_that_lost_its_identity_is_taken_under_another_one():
    story = a_file("arrive", "start")
    lost = {**FAILED, "code": "IDENTITY_CONFLICT", "failure_class": "data"}
    failed = story.ask("fail", lost, **current(story))
    assert (failed.tostate, failed.data["code"]) == ("ERROR", "IDENTITY_CONFLICT")
    again = story.ask("reprocess", {"overrides": {"identity": "KB.20201213.07554.58"}}, reason="stale clock")
    assert again.data["brief"]["overrides"] == {"identity": "KB.20201213.07554.58"}
    story.ask("start", STARTED, **current(story))
    held = {"archive_identity": "KB.20201213.07554.58", "reserved_by": "some-record"}
    done = story.ask("validated", findings(identity=held, identity_required=True), **current(story))
    assert done.data["brief"]["identity"] == held


def test_a_retry_alone_does_not_get_around_a_conflict_and_a_transfer_does():
    identity = Story("identity", "KB.20201213.07554.57")
    identity.ask("reserve", {"holder": holder(1)})
    assert identity.ask("reserve", {"holder": holder(2, SHA_B)}).is_refusal
    assert identity.ask("reserve", {"holder": holder(2, SHA_B)}).is_refusal
    identity.ask("transfer", {"to": holder(2, SHA_B)}, reason="the first had the wrong time")
    assert identity.ask("reserve", {"holder": holder(2, SHA_B)}).type == "identity.reserved"
    assert identity.ask("reserve", {"holder": holder(1)}).data["holder"] == holder(2, SHA_B)


def put(etag: str | None, at: str, size: int = 100, **more: Any) -> Any:
    """What a store announces of an object: no checksum, but an ETag and the time of the put."""
    return arrival(None, modified_at=at, size_bytes=size, **({"etag": etag} if etag else {}), **more)


@pytest.mark.parametrize(
    ("first", "second", "word"),
    [
        (("a1", "10"), ("a1", "11"), "witnessed"),  # put again as it was: another time, the same bytes
        (("a1", "10"), ("b2", "11"), "arrived"),
        (("a1", "10"), ("b2", "10"), "arrived"),  # two puts within one moment of the store's clock
        (("a1", "10"), (None, "11"), "arrived"),
        (("a1", "10"), (None, "10"), "witnessed"),
        ((None, "10"), ("a1", "10"), "witnessed"),
    ],
)
def test_an_object_that_was_put_again_is_known_by_its_etag(first, second, word):
    (etag, minute), (other, later) = first, second
    story = a_file()
    story.ask("arrive", put(etag, f"2026-11-21T05:{minute}:00Z"))
    for step, data in (("start", STARTED), ("validated", findings()), ("fail", FAILED)):
        story.ask(step, data, **current(story))
    again = put(other, f"2026-11-21T05:{later}:00Z", witness="inbox/0/2", policy="new_version")
    assert story.ask("arrive", again).type == f"file.{word}"
    grown = put(etag, f"2026-11-21T05:{minute}:00Z", size=101, witness="inbox/0/3")
    assert a_file("arrive", "start", "fail").ask("arrive", grown).type == "file.arrived"


def test_a_stream_whose_names_keep_their_content_takes_an_object_put_again_for_what_it_is():
    story = a_file()
    story.ask("arrive", put("a1", "2026-11-21T05:10:00Z"))
    for step, data in (
        ("start", STARTED),
        ("validated", findings()),
        ("transferred", stored()),
        ("registered", REGISTERED),
    ):
        story.ask(step, data, **current(story))
    assert story.where == "COMPLETE"
    again = put("a1", "2026-11-21T06:10:00Z", witness="inbox/0/2", policy="conflict")
    assert story.ask("arrive", again).type == "file.witnessed"
    other = put("b2", "2026-11-21T06:10:00Z", witness="inbox/0/3", policy="conflict")
    assert story.ask("arrive", other).type == "file.conflicted"
