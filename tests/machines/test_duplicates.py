"""What comes twice: the content, the name, the archive identity. The same message again is the decider's to find."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.effects.same_content import content_identity
from consumers.formats.koaid import koaid
from tests.machines.given import (
    COMPLETE,
    FAILED,
    SHA_A,
    SHA_B,
    STARTED,
    Story,
    a_file,
    arrival,
    current,
    findings,
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
