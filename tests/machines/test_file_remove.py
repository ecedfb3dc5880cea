"""Nothing goes before its copy is proven and nobody has a question left."""

from dataclasses import replace

import pytest

from events.file_removal import RemoveFile
from machines.ruling import Ask, Refusal
from tests.machines.given import SHA_A, SHA_B, a_file, arrival, current, findings, stored

SOURCE, ORIGINAL = {"what": "source"}, {"what": "quarantine"}
BECAUSE = {"reason": "the summit needs room"}
ASIDE = {"bucket": "archive", "key": "quarantine/roman/a/v1", "size_bytes": 100, "sha256": SHA_A}
WARNED = [{"code": "MISSING_PROGRAM", "message": "no program"}]
GONE = {"is_gone": True, "message": "removed"}


def complete(**more):
    story = a_file("arrive", "start")
    story.ask("validated", findings(**more), **current(story))
    story.ask("transferred", stored(), **current(story))
    story.ask("registered", {"register_table": "operations.l2_file", "row_id": "7"}, **current(story))
    assert story.where == "COMPLETE"
    return story


def rejected(**more):
    story = a_file("arrive", "start")
    story.ask(
        "reject", {"code": "TRUNCATED", "message": "cut", "quarantine": ASIDE, **more}, **current(story)
    )
    return story


def test_the_source_of_a_complete_file_may_go_and_the_fact_says_where_it_lies():
    story = complete()
    record = story.ask("remove", SOURCE, **BECAUSE)
    assert (record.type, record.tostate, record.data["place"]) == (
        "file.removing",
        "COMPLETE",
        "file:///landing/a.fits",
    )
    assert record.data["brief"]["object"]["key"] == "a/b"


def test_without_a_reason_or_a_policy_nothing_goes():
    assert complete().ask("remove", SOURCE).data["reasons"] == ["remove needs a policy or a reason"]
    assert complete().ask("remove", {**SOURCE, "policy": "x"}).type == "file.removing"


def test_an_open_warning_keeps_the_source_until_somebody_has_looked():
    story = complete(warnings=WARNED)
    refused = story.ask("remove", SOURCE, **BECAUSE)
    assert refused.data["reasons"] == [
        "warnings are open: MISSING_PROGRAM; look into them and acknowledge them"
    ]
    story.ask("acknowledge", {"codes": ["MISSING_PROGRAM"]}, reason="known test frames")
    assert story.ask("remove", SOURCE, **BECAUSE).type == "file.removing"


def test_a_held_file_keeps_its_source():
    story = complete()
    story.ask("hold", {}, reason="wait")
    assert "the file is held; release it first" in story.ask("remove", SOURCE, **BECAUSE).data["reasons"]


def test_newer_content_at_the_same_place_keeps_the_source():
    story = complete()
    story.ask("arrive", arrival(SHA_B, witness="inbox/0/2"))
    refused = story.ask("remove", SOURCE, version=1, **BECAUSE)
    assert refused.data["reasons"] == ["version 2 may lie at the same place; it has to end first"]


def test_a_file_archived_in_place_has_no_source_beside_it():
    story = a_file("arrive", "start", "validated")
    told = stored()
    told["object"]["in_place"] = True
    story.ask("transferred", told, **current(story))
    story.ask("registered", {"register_table": "operations.l2_file", "row_id": "7"}, **current(story))
    (reason,) = story.ask("remove", SOURCE, **BECAUSE).data["reasons"]
    assert "the source is the archived file itself" in reason


def test_an_original_in_quarantine_goes_once_and_only_where_there_is_one():
    story = rejected()
    record = story.ask("remove", {**ORIGINAL, "policy": "quarantine-age", "because": "91 days"})
    assert record.data["place"] == "s3://archive/quarantine/roman/a/v1"
    story.ask("removed", {**ORIGINAL, **GONE, "place": record.data["place"]})
    again = story.ask("remove", ORIGINAL, **BECAUSE)
    assert "its quarantine has been removed already" in again.data["reasons"]
    assert (
        "no original of this version was put aside"
        in complete().ask("remove", ORIGINAL, **BECAUSE).data["reasons"]
    )


def test_an_original_stays_while_its_version_is_worked_on():
    story = rejected()
    story.ask("reprocess", {}, reason="another look")
    (reason,) = story.ask("remove", ORIGINAL, **BECAUSE).data["reasons"]
    assert reason == "an original goes once nobody works on its version, found QUEUED"


@pytest.mark.parametrize("is_gone", [True, False])
def test_what_was_left_where_it_is_may_be_asked_again(is_gone):
    story = complete()
    story.ask("remove", SOURCE, **BECAUSE)
    told = {**SOURCE, "place": "file:///landing/a.fits", "is_gone": is_gone, "message": "said"}
    assert story.ask("removed", told, **current(story)).type == "file.removed"
    again = story.ask("remove", SOURCE, **BECAUSE)
    assert again.is_refusal is is_gone


def test_what_was_removed_is_remembered_through_a_snapshot():
    story = complete()
    story.ask("remove", SOURCE, **BECAUSE)
    story.ask("removed", {**SOURCE, "place": "x", **GONE}, **current(story))
    machine = story.desk.machine
    again = machine.load(machine.dump(story.state.state))
    assert again.newest.removed == ["source"]
    assert machine.dump(again) == machine.dump(story.state.state)


PICTURE = {"bucket": "archive", "key": "previews/roman/a/v1.png", "size_bytes": 10, "sha256": SHA_A}
OF_PICTURES = {"what": "preview", "policy": "preview-age"}


def test_a_picture_goes_once_and_a_new_one_may_go_again():
    story = complete()
    (reason,) = story.ask("remove", OF_PICTURES).data["reasons"]
    assert reason == "no picture of this version lies in the archive"
    for _ in range(2):
        story.ask("preview", {"preview": {"object": PICTURE, "media_type": "image/png"}}, **current(story))
        record = story.ask("remove", OF_PICTURES)
        assert (record.type, record.tostate) == ("file.removing", "COMPLETE")
        assert record.data["place"] == "s3://archive/previews/roman/a/v1.png"
        story.ask("removed", {"what": "preview", **GONE, "place": record.data["place"]})
        assert story.ask("remove", OF_PICTURES).type == "file.refused"


def test_a_picture_that_could_not_be_made_is_none():
    story = complete()
    story.ask("preview", {"preview": {"code": "NOTHING_TO_SHOW", "message": "no image"}}, **current(story))
    assert story.ask("remove", OF_PICTURES).type == "file.refused"


def test_the_picture_of_a_held_file_stays():
    story = complete()
    story.ask("preview", {"preview": {"object": PICTURE, "media_type": "image/png"}}, **current(story))
    story.ask("hold", {}, reason="wait")
    assert "the file is held; release it first" in story.ask("remove", OF_PICTURES).data["reasons"]


def test_where_a_picture_lies_is_remembered_through_a_snapshot():
    story = complete()
    story.ask("preview", {"preview": {"object": PICTURE, "media_type": "image/png"}}, **current(story))
    machine = story.desk.machine
    again = machine.load(machine.dump(story.state.state))
    assert again.newest.preview == "s3://archive/previews/roman/a/v1.png"


@pytest.mark.parametrize(
    ("until", "may_go"),
    [
        (None, True),
        ("2026-11-21T06:00:00Z", True),
        ("2026-11-21T05:00:02Z", False),
        ("2026-11-20T00:00:00Z", False),
    ],
)
def test_an_acknowledgement_lets_the_source_go_while_it_stands(until, may_go):
    story = complete(warnings=[{"code": "NOT_ASCII", "message": "a comment"}])
    told = {"codes": ["NOT_ASCII"], **({"until": until} if until else {})}
    story.ask("acknowledge", told, reason="known")
    asked = story.ask("remove", SOURCE, **BECAUSE)
    assert asked.is_refusal is not may_go
    if not may_go:
        assert "warnings are open: NOT_ASCII" in asked.data["reasons"][0]
    for time in ("", "yesterday", "2026-11-21T05:00:00"):
        unclear = story.request("remove", SOURCE, **BECAUSE)
        ruling = story.desk.machine.decide(
            story.state.state, Ask(RemoveFile(what="source"), replace(unclear, time=time))
        )
        assert isinstance(ruling, Refusal) is (until is not None), "who says no time has none to stand on"
    if until == "2026-11-20T00:00:00Z":
        story.ask("acknowledge", {"codes": ["NOT_ASCII"]}, reason="for good")
        assert not story.ask("remove", SOURCE, **BECAUSE).is_refusal
