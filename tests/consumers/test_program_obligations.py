"""What facts of observing programs oblige to: each step by the fact that asks for it, nothing twice, nothing stale."""

from uuid import UUID

import pytest

from consumers.deadlines import Deadline
from consumers.obligations import closing, obligations
from consumers.owed import Cancelled, DatasetKnown, DeadlineOwed, Held, ItemOwed, PartKnown, PartPassed
from consumers.policies import criteria
from consumers.publishing import STEPS, next_step
from consumers.timers import asked
from consumers.work_lanes import LANES
from events.clock import now
from events.envelope import decode_request
from events.topics import Topics
from machines.program.verdict import judge
from tests.consumers.at_the_door import a_stream, an_event, request_in
from tests.consumers.at_the_door import asked as door
from tests.consumers.programs_given import OP_ID, UNTIL, VBI, VISP, OpStory, cover, dataset, owed, wire

ONE, TWO, CONTEXT = dataset("AAAA"), dataset("BBBB"), dataset("CCCC", VBI, "VBI")
OUTPUT = {"name": "inv.fits", "uri": "s3://scratch/inv.fits", "sha256": "a" * 64, "size_bytes": 10}
SOFTWARE = {"repository": "https://example.org/inv.git", "commit": "1234567"}
LEASE = {"lease_from": "2026-11-21T05:00:00Z", "lease_s": 86400}


def verdict(*datasets):
    return {"verdict": judge(VISP, datasets, criteria()).model_dump(mode="json")}


def effects(record):
    return {(each.effect, each.part) for each in owed(record, ItemOwed)}


def staged(story):
    story.discover(ONE)
    story.close(ONE)
    story.told("judge", verdict(ONE))
    return story.told("not_needed", {"program": VISP, "cover": cover(ONE), "because": "all is there"})


def claimed(story):
    staged(story)
    return story.told("claim", LEASE)


def accepted(story):
    claimed(story)
    story.told("hand_in", {"outputs": [OUTPUT], "inputs": ["AAAA"], "software": SOFTWARE}, attempt=1)
    story.told("inverted", {"outputs_verified": 1, "size_bytes": 10, "commit": "found"}, attempt=1)
    reviewed = {"decision": "accept", "note": "fine"}
    return story.told("review", reviewed, attempt=1, actor="reviewer")


def test_each_program_of_a_discovery_has_readiness_of_its_own():
    record = OpStory().discover(ONE, TWO, CONTEXT)
    items = owed(record, ItemOwed)
    assert {(each.effect, each.part) for each in items} >= {
        ("readiness", f"program:{VISP}"),
        ("readiness", f"program:{VBI}"),
    }
    assert len({each.event_id for each in items}) == len(items), "one would take the other's place"
    assert {each.payload["cause"] for each in items if each.effect == "readiness"} == {record.id}
    assert {each.dataset for each in owed(record, DatasetKnown)} == {"AAAA", "BBBB", "CCCC"}


def test_the_same_record_always_obliges_to_the_same():
    record = OpStory().discover(ONE, TWO)
    assert obligations(record) == obligations(record)


def test_from_readiness_to_staging_each_fact_asks_for_the_next():
    story = OpStory()
    story.discover(ONE)
    assert effects(story.close(ONE)) == {("qualify", f"program:{VISP}")}
    assert effects(story.told("judge", verdict(ONE))) == {("preprocess", f"program:{VISP}")}
    done = story.told("not_needed", {"program": VISP, "cover": cover(ONE), "because": "all is there"})
    assert effects(done) == set()


def test_what_is_not_invertible_is_not_staged():
    story, bad = OpStory(), dataset("AAAA", values={"stokes": "I"})
    story.discover(bad)
    story.close(bad)
    assert effects(story.told("judge", verdict(bad))) == set()


def test_new_data_ends_the_program_s_work_and_its_wait_but_not_the_other_program_s():
    story = OpStory()
    story.discover(ONE, CONTEXT)
    wait = {"program": VISP, "due_at": UNTIL, "policy": "quiet", "policy_version": 1, "cover": cover(ONE)}
    awaited = story.told("await", wait)
    assert [(each.request, each.part) for each in owed(awaited, DeadlineOwed)] == [
        ("op.quiet_due", f"program:{VISP}")
    ]
    changed = story.told("datasets", {"source": "catalogue", "added": wire(TWO)})
    assert [each.part for each in owed(changed, PartPassed)] == [f"program:{VISP}"]
    assert [(each.request, each.part) for each in owed(changed, Cancelled)] == [
        ("op.quiet_due", f"program:{VISP}")
    ]
    assert effects(changed) >= {("readiness", f"program:{VISP}")}


def test_a_word_that_more_will_come_ends_the_wait_for_silence_and_keeps_what_is_under_way():
    story = OpStory()
    story.discover(ONE, CONTEXT)
    story.close(CONTEXT, program=VBI)
    wait = {"program": VISP, "due_at": UNTIL, "policy": "quiet", "policy_version": 1, "cover": cover(ONE)}
    story.told("await", wait)
    kept = story.told("ready", {"by": "ready_event", "expected_datasets": 3})
    assert [(each.request, each.part) for each in owed(kept, Cancelled)] == [
        ("op.quiet_due", f"program:{VISP}")
    ]
    assert [each.part for each in owed(kept, PartKnown)] == [f"program:{VISP}"], "VBI waits for its verdict"
    last = story.told("datasets", {"source": "catalogue", "added": wire(TWO)})
    (item,) = [each for each in owed(last, ItemOwed) if each.effect == "readiness"]
    assert item.payload["announced"] == {"expected": 3, "seen": 3}


def test_a_program_whose_datasets_are_gone_waits_for_nothing():
    story = OpStory()
    story.discover(ONE, CONTEXT)
    gone = {"dataset": "AAAA", "program": VISP, "digest": ONE.digest}
    record = story.told("datasets", {"source": "catalogue", "gone": [gone]})
    assert "readiness" not in {effect for effect, _ in effects(record)}
    assert [each.gone for each in owed(record, DatasetKnown)] == [True]


def test_metadata_is_kept_and_nothing_is_asked():
    story = OpStory()
    story.discover(ONE)
    other = ONE.model_copy(update={"size_bytes": 7})
    record = story.told("datasets", {"source": "catalogue", "metadata": wire(other)})
    assert record.type == "op.metadata_changed"
    assert effects(record) == set()
    assert owed(record, DatasetKnown)[0].told["size_bytes"] == 7


def test_requalified_programs_are_judged_again():
    story = OpStory()
    staged(story)
    record = story.told("requalify", {"criteria": "visp", "criteria_version": 2})
    assert effects(record) == {("qualify", f"program:{VISP}")}


def test_a_lease_has_one_deadline_at_a_time_and_none_after_its_end():
    story = OpStory()
    record = claimed(story)
    assert [(each.request, each.part) for each in owed(record, DeadlineOwed)] == [
        ("op.lease_due", "attempt:1")
    ]
    warned = story.told("lease_due", {"due_sequence": record.sequence}, actor="deadline")
    assert warned.type == "op.lease_warned"
    assert [each.due_sequence for each in owed(warned, DeadlineOwed)] == [warned.sequence]
    assert [each.part for each in owed(warned, Cancelled)] == ["attempt:1"]
    over = story.told("release", {}, attempt=1)
    assert owed(over, DeadlineOwed) == []
    assert [(each.request, each.part) for each in owed(over, Cancelled)] == [("op.lease_due", "attempt:1")]


def test_a_hand_in_is_verified_and_what_was_handed_in_is_known():
    story = OpStory()
    claimed(story)
    record = story.told("hand_in", {"outputs": [OUTPUT], "inputs": ["AAAA"], "software": SOFTWARE}, attempt=1)
    assert effects(record) == {("verify", "attempt:1")}
    (item,) = owed(record, ItemOwed)
    assert item.attempt == 1
    known = owed(record, PartKnown)[0].known
    assert known["outputs"][0]["name"] == "inv.fits"
    assert known["software"]["commit"] == "1234567"


def test_publishing_goes_step_by_step_and_a_failed_step_goes_on_where_it_stopped():
    story = OpStory()
    accepted(story)
    assert effects(story.told("publish", {}, attempt=1)) == {("package", "attempt:1")}
    assert effects(story.told("step_done", {"step": "package"}, attempt=1)) == {("archive", "attempt:1")}
    failure = {"step": "archive", "code": "STORAGE_FULL", "failure_class": "transient", "message": "no room"}
    failed = story.told("fail", {**failure, "due_at": UNTIL, "evidence": {"tries": 1}}, attempt=1)
    assert [(each.request, each.part) for each in owed(failed, DeadlineOwed)] == [("op.recover", "attempt:1")]
    assert owed(failed, PartKnown)[0].known["failed"]["tries"] == 1
    again = story.told("recover", {"due_sequence": failed.sequence}, actor="deadline")
    assert effects(again) == {("archive", "attempt:1")}
    assert owed(again, ItemOwed)[0].attempt == 1
    assert "failed" not in owed(again, PartKnown)[0].known, "tries are counted on"
    assert effects(story.told("step_done", {"step": "archive"}, attempt=1)) == {("announce", "attempt:1")}
    acknowledged = {"step": "announce", "acknowledgement": "42"}
    assert effects(story.told("step_done", acknowledged, attempt=1)) == {("cite", "attempt:1")}
    assert effects(story.told("step_done", {"step": "cite"}, attempt=1)) == {("publish", "attempt:1")}
    assert effects(story.told("published", {}, attempt=1)) == set()


def test_a_verdict_that_failed_is_tried_again_and_staging_of_other_data_is_not():
    story = OpStory()
    story.discover(ONE)
    story.close(ONE)
    failure = {"program": VISP, "code": "EFFECT_BUG", "failure_class": "code", "message": "m"}
    story.told("fail", {**failure, "step": "qualify"})
    assert effects(story.told("recover", {}, reason="mended")) == {("qualify", f"program:{VISP}")}
    story.told("judge", verdict(ONE))
    story.told("fail", {**failure, "step": "preprocess"})
    story.told("datasets", {"source": "catalogue", "added": wire(TWO)})
    assert effects(story.told("recover", {}, reason="mended")) == set()


def test_a_person_who_lets_it_go_on_gives_it_all_its_tries():
    story = OpStory()
    accepted(story)
    story.told("publish", {}, attempt=1)
    story.told("fail", {"step": "package", "code": "X1", "failure_class": "data", "message": "m"}, attempt=1)
    again = story.told("recover", {}, attempt=1, reason="mended")
    assert owed(again, PartKnown)[0].known == {"failed": None}


@pytest.mark.parametrize(("until", "waits"), [(UNTIL, True), (None, False)])
def test_an_embargo_is_lifted_by_a_deadline_or_never_by_itself(until, waits):
    story = OpStory()
    kept = dataset("AAAA", is_embargoed=True, **({"embargo_until": until} if until else {}))
    story.discover(kept)
    story.close(kept)
    story.told("judge", verdict(kept))
    story.told("not_needed", {"program": VISP, "cover": cover(kept), "because": "all is there"})
    story.told("claim", LEASE)
    story.told("hand_in", {"outputs": [OUTPUT], "inputs": ["AAAA"], "software": SOFTWARE}, attempt=1)
    story.told("inverted", {"outputs_verified": 1, "size_bytes": 10, "commit": "found"}, attempt=1)
    story.told("review", {"decision": "accept", "note": "fine"}, attempt=1, actor="reviewer")
    story.told("publish", {}, attempt=1)
    for step in ("package", "archive"):
        story.told("step_done", {"step": step}, attempt=1)
    story.told("step_done", {"step": "announce", "acknowledgement": "42"}, attempt=1)
    record = story.told("published", {}, attempt=1)
    assert [each.request for each in owed(record, DeadlineOwed)] == (["op.lift"] if waits else [])
    lifted = story.told("lift", {}, attempt=1, reason="agreed")
    assert effects(lifted) == {("unveil", "attempt:1")}
    assert [each.request for each in owed(lifted, Cancelled)] == ["op.lift"]


def unstaged(story):
    """Staged, and to leave the work area: nobody works with it."""
    story.discover(ONE)
    story.close(ONE)
    story.told("judge", verdict(ONE))
    there = {"location": "file:///work/1", "files": 1, "size_bytes": 9}
    story.told("preprocessed", {"program": VISP, "cover": cover(ONE), **there})
    return story.told("unstage", {"program": VISP, "policy": "staged-age"})


def test_inputs_that_are_to_go_are_work_of_their_own_that_nothing_else_calls_off():
    story = OpStory()
    record = unstaged(story)
    (item,) = owed(record, ItemOwed)
    assert (item.effect, item.part, item.payload["location"]) == (
        "unstage",
        f"staged:{VISP}",
        "file:///work/1",
    )
    later = story.told("datasets", {"source": "catalogue", "added": wire(TWO)})
    assert item.part not in {each.part for each in owed(later, PartPassed)}


def test_inputs_that_went_are_staged_again_for_whoever_claims_them_in_another_folder():
    story = OpStory()
    unstaged(story)
    record = story.told("claim", LEASE)
    assert ("preprocess", f"program:{VISP}") in effects(record)
    (known,) = (each for each in owed(record, PartKnown) if each.part == f"program:{VISP}")
    assert (known.known, known.owes) == ({"again": record.sequence}, "preprocess")
    beside = {**LEASE, "beside": [1]}
    assert effects(story.told("claim", beside, actor="other", reason="agreed")) == set(), "once is enough"


def test_a_deadline_names_its_attempt():
    due = Deadline(str(UUID(int=1)), "op.lift", OP_ID, None, 9, now(), None, str(UUID(int=2)), "attempt:3")
    ((_, _, value),) = asked([due], topics=Topics("test"), source="timers", at=now())
    assert decode_request(value).attempt == 3


def test_a_hold_rests_the_work_of_the_whole_program():
    story = OpStory()
    story.discover(ONE)
    assert owed(story.told("hold", {}, reason="look first"), Held)[0].is_held
    assert not owed(story.told("unhold", {}, reason="looked"), Held)[0].is_held


def test_due_dates_go_from_the_owner_to_the_lead():
    story = OpStory()
    story.discover(ONE)
    told = {"owner": "ann", "lead": "bob", "due_at": UNTIL, "lead_due_at": "2027-12-01T00:00:00Z"}
    first = story.told("assign", told, reason="hers")
    assert [each.request for each in owed(first, DeadlineOwed)] == ["op.overdue"]
    second = story.told("overdue", {"due_sequence": first.sequence}, actor="deadline")
    assert [each.due_at for each in owed(second, DeadlineOwed)] == ["2027-12-01T00:00:00Z"]


def test_a_report_that_came_too_late_closes_its_item_as_stale():
    story = OpStory()
    story.discover(ONE, TWO)
    story.close(ONE, TWO)
    record = story.told("judge", verdict(ONE))
    assert record.type == "op.report_ignored"
    assert closing(record).outcome == "stale"


def test_a_sender_hears_what_became_of_its_word():
    story = OpStory()
    story.discover(ONE)
    came = {"actor": "dkist", "causationid": "dkist/e1", "correlationid": "e1"}
    record = story.ask("ready", {"by": "ready_event"}, **came)
    (answer,) = [each for each in owed(record, ItemOwed) if each.effect == "answer"]
    assert (answer.payload["sender"], answer.payload["event_id"]) == ("dkist", "e1")
    refused = story.ask("ready", {"by": "ready_event"}, **came)
    assert refused.is_refusal
    assert [each.effect for each in owed(refused, ItemOwed)] == ["answer"]


@pytest.mark.parametrize("cause", [None, "another/e1", "dkist/e2"])
def test_nobody_is_answered_who_has_sent_nothing(cause):
    """An operator under a sender's name, or a part of ours that goes on with a sender's story."""
    extensions = {} if cause is None else {"causationid": cause}
    record = OpStory().told(
        "discover",
        {"source": "catalogue", "datasets": wire(ONE)},
        actor="dkist",
        correlationid="e1",
        **extensions,
    )
    assert "answer" not in {each.effect for each in owed(record, ItemOwed)}


def test_what_comes_in_at_the_door_is_answered():
    """With the envelope that intake gives it."""
    home = a_stream(programs={})
    event = an_event(type="op.ready", data={"stream": home.stream, "op": OP_ID})
    told = request_in(door(event, home))
    names = ("actor", "causationid", "correlationid")
    record = OpStory().ask("ready", told["data"], **{name: told[name] for name in names})
    (answer,) = [each for each in owed(record, ItemOwed) if each.effect == "answer"]
    assert (answer.payload["sender"], answer.payload["event_id"]) == (told["actor"], told["correlationid"])


def test_every_step_has_a_lane_and_follows_the_one_before():
    assert [next_step(STEPS[:number]) for number in range(len(STEPS))] == list(STEPS)
    assert set(STEPS) <= LANES.keys()
