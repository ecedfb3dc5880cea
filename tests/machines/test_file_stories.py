"""Files' lives as stories: versions, attempts, what waits, what is refused and why."""

from dataclasses import asdict, fields
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machines.file_state import VERSIONS_KEPT, File, FileState, Version
from tests.machines.given import (
    COMPLETE,
    DUE,
    FAILED,
    REGISTERED,
    SHA_A,
    SHA_B,
    SHA_C,
    STARTED,
    Story,
    a_file,
    arrival,
    current,
    findings,
    stored,
)


def test_a_good_file_becomes_complete_and_best():
    story = a_file(*COMPLETE)
    assert [each.record.tostate for each in story.decisions] == [
        "QUEUED",
        "PROCESSING",
        "TRANSFERRING",
        "TRANSFERRED",
        "COMPLETE",
    ]
    assert story.decisions[-1].record.data["best"] == 1


UNUSUAL = {
    **dict.fromkeys(("best", "witnesses", "size_bytes", "due_sequence", "embargo_sequence", "attempt"), 7),
    **dict.fromkeys(("sidecar_due_sequence",), 0),
    **{key: {"a": "b"} for key in ("pending", "object", "quarantine", "work", "attested", "acknowledged")},
    **{key: ["x"] for key in ("overtaken", "warnings", "looked", "removed", "primaries")},
    **dict.fromkeys(("is_held", "embargoed"), True),
    **dict.fromkeys(("sha256", "md5", "code", "preview", "sidecar", "embargo_until"), ""),
    **dict.fromkeys(("failed_from", "came_from", "dismissed_from"), FileState.ERROR),
    "transfer": False,
}
"""Of each member that a file or a version begins without, a value; such that are false are left out all the same."""


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kind, each.name)
        for kind in (File, Version)
        for each in fields(kind)
        if each.name not in {"versions", "number", "state", "content"}
    ],
)
def test_a_snapshot_keeps_each_member_that_is_not_as_it_began(kind, name):
    version = Version(1, FileState.QUEUED, {"uri": "a"})
    file = File({1: version})
    setattr(file if kind is File else version, name, UNUSUAL[name])
    dumped = orjson.loads(orjson.dumps(file.dump()))
    assert File.load(dumped) == file != File({1: Version(1, FileState.QUEUED, {"uri": "a"})})


def test_a_snapshot_leaves_out_what_is_as_it_began_and_one_with_every_member_is_read_too():
    file = a_file(*COMPLETE).state.state
    dumped = file.dump()
    assert dumped.keys() == {"versions", "best"}
    left_out = {each.name for each in fields(Version)} - dumped["versions"][0].keys()
    assert {"md5", "code", "failed_from", "removed", "quarantine"} <= left_out
    whole = asdict(file)
    assert File.load({**whole, "versions": list(whole["versions"].values())}) == file


def test_the_same_announced_again_is_one_more_witness():
    story = a_file("arrive", "start")
    record = story.ask("arrive", arrival(witness="inbox/0/9"))
    assert (record.type, record.tostate, record.data["witnesses"]) == ("file.witnessed", "PROCESSING", 2)


def test_without_a_checksum_path_size_and_time_tell_whether_it_is_the_same():
    story = Story("file", "roman/a")
    story.ask("arrive", arrival(None, modified_at="2026-11-21T04:00:00Z"))
    same = story.ask("arrive", arrival(None, modified_at="2026-11-21T04:00:00Z"))
    assert same.type == "file.witnessed"
    other = story.ask("arrive", arrival(None, modified_at="2026-11-21T04:30:00Z"))
    assert other.type == "file.deferred"


def test_other_content_after_complete_is_a_new_version_and_best_waits_for_it():
    story = a_file(*COMPLETE)
    record = story.ask("arrive", arrival(SHA_B))
    assert (record.type, record.version, record.fromstate, record.tostate) == (
        "file.arrived",
        2,
        None,
        "QUEUED",
    )
    assert story.state.state.best == 1
    story.ask("start", STARTED, **current(story))
    story.ask("reject", {"code": "TRUNCATED", "message": "cut"}, **current(story))
    assert story.state.state.best == 1, "a truncated resend can't take a good file out of COMPLETE"


def test_other_content_in_flight_waits_and_is_told_when_the_version_ends():
    story = a_file("arrive", "start")
    waiting = story.ask("arrive", arrival(SHA_B, witness="inbox/0/2"))
    assert (waiting.type, waiting.tostate) == ("file.deferred", "PROCESSING")
    ended = story.ask("reject", {"code": "TRUNCATED", "message": "cut"}, **current(story))
    assert ended.data["pending"]["content"]["sha256"] == SHA_B
    follow_up = story.ask("arrive", ended.data["pending"])
    assert (follow_up.type, follow_up.version) == ("file.arrived", 2)
    assert "overtaken" not in follow_up.data


def test_content_overtaken_before_its_turn_is_listed_and_never_processed():
    story = a_file("arrive", "start")
    story.ask("arrive", arrival(SHA_B, witness="inbox/0/2"))
    newer = story.ask("arrive", arrival(SHA_C, witness="inbox/0/3"))
    assert newer.data["overtaken"]["sha256"] == SHA_B
    late = story.ask("arrive", arrival(SHA_B, witness="inbox/0/2"))
    assert late.data["code"] == "REFUSED"
    assert "overtaken by newer content" in late.data["reasons"][0]


def test_newer_content_that_comes_before_the_follow_up_overtakes_what_waited():
    story = a_file("arrive", "start")
    story.ask("arrive", arrival(SHA_B, witness="inbox/0/2"))
    ended = story.ask("reject", {"code": "TRUNCATED", "message": "cut"}, **current(story))
    newer = story.ask("arrive", arrival(SHA_C, witness="inbox/0/3"))
    assert (newer.type, newer.version, newer.data["overtaken"]["sha256"]) == ("file.arrived", 2, SHA_B)
    assert story.ask("arrive", ended.data["pending"]).type == "file.refused"


def test_a_stream_that_wants_names_to_keep_their_content_gets_a_conflict():
    story = a_file(*COMPLETE)
    record = story.ask("arrive", arrival(SHA_B, policy="conflict"))
    assert (record.type, record.version, record.tostate) == ("file.conflicted", 2, "ERROR")
    assert SHA_A in record.data["message"]
    assert SHA_B in record.data["message"]
    again = story.ask("reprocess", {}, reason="the new one is right")
    assert (again.type, again.tostate) == ("file.reprocessed", "QUEUED")
    assert again.data["brief"]["content"]["sha256"] == SHA_B


def test_after_invalid_new_content_is_welcome_whatever_the_policy():
    story = a_file("arrive", "start", "reject")
    assert story.ask("arrive", arrival(SHA_B, policy="conflict")).type == "file.arrived"


def test_a_report_of_an_earlier_attempt_is_recorded_and_ignored():
    story = a_file("arrive", "start", "fail")
    story.ask("retry", reason="try again")
    record = story.ask("validated", findings(), version=1, attempt=1)
    assert (record.type, record.fromstate, record.tostate) == (
        "file.report_ignored",
        "PROCESSING",
        "PROCESSING",
    )
    assert (record.data["reported_attempt"], record.data["wanted_attempt"]) == (1, 2)


def test_a_report_without_version_and_attempt_is_refused():
    record = a_file("arrive").ask("start", STARTED)
    assert "has to carry version and attempt" in record.data["reasons"][0]


def test_a_critical_check_that_failed_can_not_be_reported_as_validated():
    story = a_file("arrive", "start")
    record = story.ask("validated", findings(passed=False), **current(story))
    assert "critical check structure did not pass" in record.data["reasons"][0]


def test_bytes_that_are_not_those_announced_can_not_be_validated():
    story = a_file("arrive", "start")
    record = story.ask("validated", findings(SHA_B), **current(story))
    assert record.data["reasons"] == [
        "sha256 read bbbbbbbbbbbb…, announced aaaaaaaaaaaa…; reject with CHECKSUM_MISMATCH"
    ]


def test_a_needed_identity_has_to_be_reserved_first():
    story = a_file("arrive", "start")
    assert (
        "needs an archive identity"
        in story.ask("validated", findings(identity_required=True), **current(story)).data["reasons"][0]
    )
    held = {"archive_identity": "KB.20190509.07554.57", "reserved_by": "fact"}
    record = story.ask("validated", findings(identity_required=True, identity=held), **current(story))
    assert record.data["brief"]["identity"] == held


def test_a_copy_that_differs_at_the_destination_is_no_transfer():
    story = a_file("arrive", "start", "validated")
    record = story.ask("transferred", stored(SHA_B), **current(story))
    assert "sha256 at the destination bbbbbbbbbbbb…" in record.data["reasons"][0]


def test_a_retry_goes_on_where_it_failed_with_all_that_work_needs():
    story = a_file("arrive", "start", "validated", "fail")
    record = story.ask("retry", reason="the gateway is back")
    assert (record.type, record.tostate, record.attempt) == ("file.retried", "TRANSFERRING", 2)
    assert record.data["brief"]["sha256"] == SHA_A
    assert record.reason == "the gateway is back"


def test_a_retry_needs_a_reason_or_its_deadline():
    record = a_file("arrive", "fail").ask("retry")
    assert record.data["reasons"] == [
        "retry needs a reason, or the sequence of the deadline that asks for it"
    ]
    assert "retry" in record.data["allowed"]


def test_an_old_version_is_not_tried_again_over_a_newer_one():
    story = a_file("arrive", "start", "fail")
    story.ask("arrive", arrival(SHA_B))
    record = story.ask("retry", reason="please", version=1)
    assert "version 2 has taken the place of version 1" in record.data["reasons"]


def test_reprocessing_without_transfer_ends_where_it_began():
    story = a_file(*COMPLETE)
    story.ask("reprocess", {"transfer": False}, reason="new checks")
    story.ask("start", STARTED, **current(story))
    record = story.ask("validated", findings(), **current(story))
    assert (record.tostate, record.attempt) == ("COMPLETE", 2)


def test_reprocessing_carries_its_overrides_to_the_work():
    story = a_file("arrive", "start", "fail")
    record = story.ask("reprocess", {"overrides": {"identity": "KB.X"}}, reason="clock was stale")
    assert record.data["brief"]["overrides"] == {"identity": "KB.X"}


def test_what_was_said_of_a_file_stays_said_when_it_is_checked_once_more():
    """A check is mended and a night is reprocessed: nobody's identity or program is taken back by that."""
    story = a_file("arrive", "start", "fail")
    said = {"identity": "KB.X", "program": "C257", "same_content": "allow"}
    story.ask("reprocess", {"overrides": {**said, "stream_version": 2}}, reason="clock was stale")
    story.ask("start", STARTED, **current(story))
    story.ask("fail", FAILED, **current(story))
    again = story.ask("reprocess", {"overrides": {"program": "C258"}}, reason="a check was mended")
    wanted = {**said, "program": "C258"}
    assert (again.data["overrides"], again.data["brief"]["overrides"]) == (wanted, wanted)
    for step, data in (("start", STARTED), ("fail", FAILED)):
        story.ask(step, data, **current(story))
    fresh = story.ask("reprocess", {"afresh": True, "overrides": {"program": "C259"}}, reason="begin anew")
    assert fresh.data["brief"]["overrides"] == {"program": "C259"}


def warned(*codes: str) -> dict[str, Any]:
    return {"warnings": [{"code": code, "message": "look at it"} for code in codes]}


def test_a_new_look_at_a_file_stands_in_place_of_the_former_one():
    """The remedy of a missing program is to say one: then it is no longer missing."""
    story = a_file()
    story.ask("arrive", arrival() | warned("UNEXPECTED_DATA"))
    story.ask("start", STARTED, **current(story))
    first = story.ask("validated", findings(**warned("PROGRAM_MISSING", "NOT_ASCII")), **current(story))
    assert "withdraws" not in first.data
    for step, data in (("transferred", stored()), ("registered", REGISTERED)):
        story.ask(step, data, **current(story))
    story.ask("reprocess", {"transfer": False, "overrides": {"program": "C257"}}, reason="by the schedule")
    story.ask("start", STARTED, **current(story))
    again = story.ask("validated", findings(**warned("NOT_ASCII", "VALUE_TYPE")), **current(story))
    assert again.data["withdraws"] == ["NOT_ASCII", "PROGRAM_MISSING"]
    assert story.state.state.newest.warnings == ["NOT_ASCII", "UNEXPECTED_DATA", "VALUE_TYPE"]
    refused = story.ask("remove", {"what": "source"}, reason="room")
    assert "warnings are open: NOT_ASCII, UNEXPECTED_DATA, VALUE_TYPE;" in refused.data["reasons"][0]


def test_a_look_that_found_a_file_invalid_is_taken_back_by_the_next_one_too():
    story = a_file("arrive", "start")
    told = {"code": "QA_AIRMASS", "message": "too low", **warned("NOT_ASCII")}
    assert "withdraws" not in story.ask("reject", told, **current(story)).data
    for number in (1, 2):
        story.ask("reprocess", reason="the threshold was wrong")
        story.ask("start", STARTED, **current(story))
        if number == 1:
            second = story.ask("reject", told, **current(story))
            assert second.data["withdraws"] == ["NOT_ASCII"]
            assert story.state.state.newest.warnings == ["NOT_ASCII"]
    good = story.ask("validated", findings(), **current(story))
    assert (good.data["withdraws"], story.state.state.newest.warnings) == (["NOT_ASCII"], [])


def test_dismissed_and_reopened_is_back_where_it_was():
    story = a_file("arrive", "start", "reject", "dismiss")
    record = story.ask("reopen", reason="a mistake")
    assert (record.tostate, record.attempt) == ("INVALID", 2)


def test_a_damaged_copy_takes_best_away_until_it_is_restored():
    story = a_file(*COMPLETE, "damaged")
    assert (story.where, story.state.state.best) == ("ERROR", None)
    assert "is not left by trying again" in story.ask("retry", reason="hope").data["reasons"][0]
    story.ask("restored", {"sha256": SHA_A, "message": "from the second copy"})
    assert (story.where, story.state.state.best) == ("COMPLETE", 1)


def test_an_embargo_moves_later_and_never_earlier():
    story = a_file("arrive", "embargo")
    early = story.ask("extend", {"until": "2026-12-01T00:00:00Z"}, reason="no")
    assert "wanted one after 2027-01-01T00:00:00Z" in early.data["reasons"][0]
    assert story.ask("extend", {"until": "2027-06-01T00:00:00Z"}, reason="yes").type == "file.extended"
    stale = story.ask("lift", {"due_sequence": 2})
    assert stale.data["reasons"] == ["the deadline of sequence 2 is not current"]
    assert story.ask("lift", {"due_sequence": story.state.state.embargo_sequence}).type == "file.lifted"


def test_old_versions_are_forgotten_but_never_the_best():
    story = a_file(*COMPLETE)
    for number in range(VERSIONS_KEPT + 5):
        story.ask("arrive", arrival(f"{number:064x}"))
        story.ask("start", STARTED, **current(story))
        story.ask("reject", {"code": "TRUNCATED", "message": "cut"}, **current(story))
    kept = story.state.state.versions
    assert len(kept) == VERSIONS_KEPT + 1
    assert 1 in kept


STEPS = st.sampled_from(
    [
        ("arrive", arrival(SHA_A)),
        ("arrive", arrival(SHA_B, witness="inbox/0/2")),
        ("arrive", arrival(SHA_C, witness="inbox/0/3", policy="conflict")),
        ("start", STARTED),
        ("validated", findings(SHA_A)),
        ("validated", findings(SHA_B)),
        ("reject", {"code": "TRUNCATED", "message": "cut"}),
        ("transferred", stored(SHA_A)),
        ("registered", REGISTERED),
        ("fail", FAILED),
        ("fail", DUE),
        ("retry", {}),
        ("reprocess", {"transfer": False}),
        ("dismiss", {}),
        ("reopen", {}),
        ("hold", {}),
        ("unhold", {}),
        ("damaged", {"wanted_sha256": SHA_A, "message": "x"}),
        ("restored", {"sha256": SHA_A, "message": "x"}),
        ("embargo", {"until": "2027-01-01T00:00:00Z"}),
        ("lift", {}),
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_whatever_is_asked_the_fold_of_the_records_is_the_state(steps):
    story = Story("file", "roman/a")
    for name, data in steps:
        where = current(story) if story.state.state.versions else {"version": 1, "attempt": 1}
        record = story.ask(name, data, reason="because", **where)
        assert story.decisions[-1].poison is None
        assert record.sequence == len(story.decisions)
    again = story.desk.new()
    for decision in story.decisions:
        story.desk.apply(again, decision.record, chain=decision.record.chain)
    assert story.desk.dump(again) == story.desk.dump(story.state)
    assert story.desk.dump(story.desk.load(story.desk.dump(again))) == story.desk.dump(again)
