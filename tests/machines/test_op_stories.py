"""Stories of observing programs: readiness and verdicts by program, claims, products, publication, failure."""

from typing import Any

import pytest

from events.op_parts import Cover
from machines.op_claims import orcid_against
from machines.op_state import ATTEMPTS_KEPT, DATASETS_KEPT
from tests.machines.given import SHA_B
from tests.machines.given_op import (
    FAILED,
    INVERTED,
    INVERTIBLE,
    LEASE,
    NOW,
    PREPROCESSED,
    PUBLISHED,
    PUBLISHING,
    READY,
    REVIEWER,
    STEPS,
    VBI,
    VERIFIED,
    VISP,
    WORKING,
    a_dataset,
    a_verdict,
    an_op,
    cover,
    outputs,
    products,
    take,
)


def reasons(record: Any) -> list[str]:
    assert record.is_refusal, record.type
    return record.data["reasons"]


def program(story: Any, name: str = VISP) -> Any:
    return story.state.state.programs[name]


# --- datasets, readiness, verdicts ---


def test_late_data_opens_its_own_program_and_no_other():
    story = an_op(*PREPROCESSED)
    story.ask("datasets", {"source": "scan", "added": [a_dataset("C", VBI)]})
    assert (story.where, program(story).is_ready, program(story, VBI).is_ready) == (
        "Preprocessed",
        True,
        False,
    )
    record = story.ask("datasets", {"source": "scan", "added": [a_dataset("B")]})
    assert (record.tostate, record.data["reopened"]) == ("Discovered", [VISP])
    assert (program(story).is_ready, program(story).verdict, program(story).staged) == (False, None, None)


def test_a_program_without_criteria_is_context_and_an_op_of_such_alone_is_not_invertible():
    story = an_op(*INVERTIBLE)
    story.ask("datasets", {"source": "scan", "added": [a_dataset("C", VBI)]})
    story.ask("ready", {"by": "operator", "program": VBI}, reason="all there")
    assert story.ask("judge", a_verdict(story, "not_applicable", VBI)).tostate == "Invertible"
    story.ask("datasets", {"source": "scan", "gone": [{"dataset": "A", "program": VISP, "digest": "0" * 32}]})
    assert story.where == "Not Invertible"
    assert story.ask("datasets", {"source": "scan", "added": [a_dataset("A")]}).tostate == "Discovered"


def test_an_op_is_not_invertible_only_once_nothing_is_undecided():
    story = an_op("discover")
    story.ask("datasets", {"source": "scan", "added": [a_dataset("X", "id.visp2")]})
    story.ask("ready", {"by": "operator"}, reason="all there")
    assert story.ask("judge", a_verdict(story, "fail")).tostate == "Discovered"
    assert story.ask("judge", a_verdict(story, "fail", "id.visp2")).tostate == "Not Invertible"


def test_what_a_scan_tells_again_changes_nothing():
    story = an_op(*PREPROCESSED)
    known = {"source": "scan", "added": [a_dataset("A")], "changed": [{**a_dataset("A"), "was": "0" * 32}]}
    unknown = {"gone": [{"dataset": "never seen", "program": VISP, "digest": "0" * 32}]}
    assert reasons(story.ask("datasets", {**known, **unknown}))[0].startswith("these datasets are known")
    assert reasons(story.ask("discover", {"source": "event", "datasets": [a_dataset("A")]}))
    record = story.ask("datasets", {"source": "scan", "metadata": [a_dataset("A", is_embargoed=True)]})
    assert (record.type, record.tostate) == ("op.metadata_changed", "Preprocessed")
    assert program(story).names["A"][1] == "for ever"


def test_a_dataset_told_as_new_that_is_known_otherwise_is_a_change():
    story = an_op("discover")
    record = story.ask("datasets", {"source": "scan", "added": [a_dataset("A", digest="f" * 32)]})
    assert [each["was"] for each in record.data["changed"]] == [a_dataset("A")["digest"]]
    assert program(story).covers == Cover.of([("A", "f" * 32)])


def test_a_dataset_that_moves_to_another_program_leaves_the_first():
    story = an_op(*INVERTIBLE)
    record = story.ask("datasets", {"source": "scan", "changed": [a_dataset("A", "id.other")]})
    assert {each["program"]: each["cover"]["datasets"] for each in record.data["programs"]} == {
        VISP: 0,
        "id.other": 1,
    }
    assert (story.where, program(story).names) == ("Discovered", {})


def test_one_dataset_with_two_contents_in_one_report_is_refused():
    story = an_op("discover")
    twice = [a_dataset("B"), a_dataset("B", digest="e" * 32)]
    assert "told twice" in reasons(story.ask("datasets", {"source": "scan", "added": twice}))[0]


def test_a_word_of_ready_makes_an_op_known_that_no_catalogue_has_yet():
    story = an_op()
    early = story.ask("ready", {"by": "ready_event", "expected_datasets": 1})
    assert (early.type, early.fromstate, early.tostate) == ("op.ready_kept", None, "Discovered")
    assert reasons(story.ask("discover", {"source": "scan"}))[0].startswith("the OP is known already")
    found = story.ask("discover", {"source": "scan", "proposal": "pid_1", "datasets": [a_dataset("A")]})
    assert (found.type, found.data["proposal"], found.tostate) == ("op.discovered", "pid_1", "Discovered")
    again = story.ask("discover", {"source": "scan", "datasets": [a_dataset("B")]})
    assert again.type == "op.datasets_changed"
    assert story.ask("ready", {"by": "ready_event", "expected_datasets": 2}).type == "op.readiness_closed"


@pytest.mark.parametrize("by", ["manifest", "quiet_period", "operator"])
def test_nobody_else_s_word_makes_an_op_known(by):
    story = an_op()
    assert reasons(story.ask("ready", {"program": VISP, "by": by}, reason="because"))[0].startswith(
        "nothing is known"
    )


def test_a_verdict_has_to_cover_exactly_the_current_datasets():
    story = an_op(*READY)
    old = a_verdict(story)
    story.ask("datasets", {"source": "scan", "added": [a_dataset("B")]})
    record = story.ask("judge", old)
    assert (record.type, record.tostate) == ("op.report_ignored", "Discovered")
    assert (record.data["reported"]["datasets"], record.data["wanted"]["datasets"]) == (1, 2)
    assert reasons(story.ask("judge", a_verdict(story))) == [
        f"program {VISP} is not ready: close it by evidence first (op.ready)"
    ]


def test_a_verdict_has_to_say_what_its_findings_say():
    story = an_op(*READY)
    good, bad = a_verdict(story)["verdict"], a_verdict(story, "fail")["verdict"]
    optional = [{**bad["findings"][0], "required": False}]
    for wrong in (
        {**good, "findings": bad["findings"]},
        {**bad, "findings": good["findings"]},
        {**good, "findings": optional},
        {**good, "outcome": "not_applicable"},
        {**good, "instrument": "VBI"},
        {**good, "findings": [{**good["findings"][0], "dataset": "of another"}]},
    ):
        assert reasons(story.ask("judge", {"verdict": wrong})), wrong
    assert (
        story.ask("judge", {"verdict": {**good, "findings": good["findings"] + optional}}).type == "op.judged"
    )


def test_every_required_criterion_that_was_not_met_is_named_once():
    story = an_op(*READY)
    verdict = a_verdict(story, "fail")["verdict"]
    finding = {**verdict["findings"][0], "dataset": "A"}
    names = ["health", "gos", "health", "light"]
    findings = [{**finding, "name": name, "required": name != "light"} for name in names]
    record = story.ask("judge", {"verdict": {**verdict, "findings": findings}})
    assert (record.tostate, record.data["failed"]) == ("Not Invertible", ["health", "gos"])


def test_a_word_of_ready_before_the_data_is_here_is_kept_and_closes_nothing():
    story = an_op("discover")
    early = story.ask("ready", {"program": VISP, "by": "ready_event", "expected_datasets": 2})
    assert (early.type, early.data["seen_datasets"]) == ("op.ready_kept", 1)
    assert story.ask("ready", {"program": "id.unknown", "by": "ready_event"}).type == "op.ready_kept"
    record = story.ask("datasets", {"source": "scan", "added": [a_dataset("B")]})
    assert record.data["programs"][0]["expected_datasets"] == 2
    closed = story.ask(
        "ready", {"program": VISP, "by": "manifest", "cover": cover(story), "expected_datasets": 2}
    )
    assert closed.type == "op.readiness_closed"


def test_a_quiet_period_ends_at_its_own_deadline_and_not_after_new_data():
    story = an_op("discover")
    wait = {"program": VISP, "due_at": NOW, "policy": "quiet", "policy_version": 1}
    story.ask("await", {**wait, "cover": cover(story)})
    story.ask("datasets", {"source": "scan", "added": [a_dataset("B")]})
    assert reasons(story.ask("quiet_due", {"due_sequence": 2}))
    assert story.ask("await", {**wait, "cover": Cover(datasets=1).model_dump()}).type == "op.report_ignored"
    story.ask("await", {**wait, "cover": cover(story)})
    record = story.ask("quiet_due", {"due_sequence": story.state.sequence})
    assert (record.type, record.data["by"]) == ("op.readiness_closed", "quiet_period")


def test_other_criteria_judge_again_and_the_same_do_not():
    story = an_op(*PREPROCESSED)
    assert reasons(story.ask("requalify", {"criteria": "visp", "criteria_version": 1}))
    assert reasons(story.ask("requalify", {}))
    assert story.ask("requalify", {"criteria": "visp", "criteria_version": 2}).tostate == "Discovered"
    assert program(story).is_ready
    assert story.ask("judge", a_verdict(story)).tostate == "Invertible"


def test_a_program_with_more_datasets_than_are_kept_by_name_is_known_by_its_cover():
    story = an_op("discover")
    many = [a_dataset(f"D{number}", embargo_until=None) for number in range(180)]
    story.ask("datasets", {"source": "scan", "added": many})
    known = program(story)
    everything = Cover.of((each["dataset"], each["digest"]) for each in [a_dataset("A"), *many])
    assert (known.covers, len(known.names), known.is_whole) == (everything, DATASETS_KEPT, False)
    last = many[-1]
    assert reasons(story.ask("datasets", {"source": "s", "changed": [{**last, "digest": "1" * 32}]}))
    changed = {**last, "digest": "1" * 32, "was": last["digest"], "is_embargoed": True}
    gone = [{name: many[-2][name] for name in ("dataset", "program", "digest")}]
    story.ask("datasets", {"source": "s", "changed": [changed], "gone": gone})
    wanted = everything.minus([(many[-2]["dataset"], many[-2]["digest"]), (last["dataset"], last["digest"])])
    assert program(story).covers == wanted.plus([(last["dataset"], "1" * 32)])
    story.ask("ready", {"by": "operator"}, reason="all there")
    assert story.ask("judge", a_verdict(story)).tostate == "Invertible"
    assert len(story.desk.dump(story.state)) < 30_000


# --- claims ---


def test_of_two_who_claim_at_once_one_wins_and_the_other_is_told_who_and_until_when():
    story = an_op(*WORKING)
    record = story.ask("claim", {"program": VISP, **LEASE}, actor="other")
    assert "attempt 1 of somebody holds" in reasons(record)[0]
    until = "2026-11-21T05:16:40Z"
    assert record.data["held_by"] == [{"attempt": 1, "program": VISP, "claimant": "somebody", "until": until}]
    assert story.ask("claim", {"program": VISP, **LEASE, "beside": [1]}, actor="other").is_refusal
    second = story.ask(
        "claim", {**LEASE, "beside": [1], "program": VISP}, actor="other", reason="other method"
    )
    assert (second.type, second.attempt, second.data["beside"]) == ("op.claimed", 2, [1])


def test_a_claim_out_of_order_for_somebody_else_or_with_a_wrong_orcid_says_why_not():
    story = an_op(*PREPROCESSED)
    asked = {**LEASE, "rank": 7, "claimant": "other", "orcid": "0000-0002-1825-0098"}
    found = reasons(story.ask("claim", asked))
    assert [each.split()[0] for each in found] == ["found", "somebody", "it"]
    assert story.ask("claim", {**asked, "orcid": "0000-0002-1825-0097"}, reason="by phone").attempt == 1


@pytest.mark.parametrize(
    ("orcid", "is_right"),
    [("0000-0002-1825-0097", True), ("0000-0002-1694-233X", True), ("0000-0002-1694-2331", False)],
)
def test_the_last_digit_of_an_orcid_is_checked(orcid, is_right):
    assert (orcid_against(orcid) == []) is is_right


def test_a_lease_warns_twice_and_then_ends_by_its_own_deadlines():
    story = an_op(*WORKING)
    claimed = story.decisions[-1].record
    assert (claimed.data["due_at"], claimed.data["lease_until"]) == (
        "2026-11-21T05:12:30Z",
        "2026-11-21T05:16:40Z",
    )
    first = story.ask("lease_due", {"due_sequence": claimed.sequence})
    assert (first.data["percent"], first.data["due_at"]) == (75, "2026-11-21T05:15:50Z")
    assert story.ask("lease_due", {"due_sequence": claimed.sequence}).is_refusal
    second = story.ask("lease_due", {"due_sequence": first.sequence})
    assert (second.data["percent"], second.data["due_at"]) == (95, "2026-11-21T05:16:40Z")
    end = story.ask("lease_due", {"due_sequence": second.sequence})
    assert (end.type, end.data["expired"], end.tostate) == ("op.released", True, "Preprocessed")


def test_an_extended_lease_begins_anew_and_never_ends_earlier():
    story = an_op(*WORKING)
    claimed = story.decisions[-1].record
    assert story.ask("extend", {**LEASE, "lease_s": 900}).is_refusal
    assert story.ask("extend", {**LEASE, "lease_s": 5000}, actor="stranger").is_refusal
    extended = story.ask("extend", {**LEASE, "lease_s": 5000})
    assert story.ask("lease_due", {"due_sequence": claimed.sequence}).is_refusal
    assert story.ask("lease_due", {"due_sequence": extended.sequence}).data["percent"] == 75


def test_a_late_hand_in_is_welcome_while_nobody_else_has_the_claim():
    story = an_op(*WORKING, "release")
    story.ask("claim", {"program": VISP, **LEASE}, actor="other")
    late = story.ask("hand_in", products(), attempt=1)
    assert "other has the program until 2026-11-21T05:16:40Z" in reasons(late)[0]
    story.ask("release", actor="other")
    record = story.ask("hand_in", products(), attempt=1)
    assert (record.type, record.data["late"], record.tostate) == ("op.handed_in", True, "Working")


def test_who_handed_over_or_took_over_may_not_review():
    story = an_op(*WORKING)
    story.ask("hand_over", {**LEASE, "to": "other"})
    story.ask("hand_in", products(), actor="other")
    story.ask("inverted", VERIFIED, actor="worker")
    accept = {"decision": "accept", "note": "good"}
    assert "has worked on attempt 1" in reasons(story.ask("review", accept, actor="somebody"))[0]
    assert story.ask("review", accept, actor="other").is_refusal
    assert story.ask("review", accept, actor=REVIEWER).type == "op.accepted"


def test_a_reviewer_under_another_name_is_known_by_the_orcid():
    orcid = "0000-0002-1825-0097"
    story = an_op(*PREPROCESSED)
    story.ask("claim", {**LEASE, "orcid": orcid})
    story.ask("hand_in", products())
    story.ask("inverted", VERIFIED)
    review = {"decision": "accept", "note": "good", "orcid": orcid}
    assert story.ask("review", review, actor="alias").is_refusal


def test_new_data_flags_attempts_and_an_end_of_the_claim_shows_where_the_program_stands():
    story = an_op(*WORKING)
    record = story.ask("datasets", {"source": "scan", "added": [a_dataset("B")]})
    assert (record.tostate, record.data["attempts_flagged"]) == ("Working", [1])
    assert story.ask("release").tostate == "Discovered"


def test_a_held_op_takes_no_claim_and_publishes_nothing():
    story = an_op(*PREPROCESSED, "hold")
    assert "the OP is held; unhold it first" in reasons(story.ask("claim", LEASE))
    story = an_op(*INVERTED, "accept", "hold")
    assert "the OP is held; unhold it first" in reasons(story.ask("publish"))


# --- products ---


def test_everything_that_is_wrong_with_a_hand_in_is_said_at_once():
    story = an_op(*WORKING)
    story.ask("datasets", {"source": "scan", "added": [a_dataset("C", VBI)]})
    wrong = products(
        outputs=[*outputs("a", "a"), {"name": "b", "uri": "s3://b", "sha256": "xyz", "size_bytes": 0}],
        inputs=["A", "C", "nowhere"],
        software={"repository": " ", "commit": "main"},
    )
    assert reasons(story.ask("hand_in", wrong)) == [
        "the output a is listed twice",
        "sha256 of b: found xyz, wanted 64 hex digits",
        "size of b: found 0 bytes, wanted more than 0",
        f"inputs not of the program {VISP}: C, nowhere (C is of {VBI})",
        "found no repository of the software, wanted its address",
        "software commit: found main, wanted 7 to 64 hex digits",
    ]
    nothing = products(outputs=[], inputs=[])
    assert len(reasons(story.ask("hand_in", nothing))) == 2


def test_inputs_may_be_those_claimed_even_if_the_catalogue_has_dropped_them_since():
    story = an_op(*WORKING)
    gone = [{"dataset": "A", "program": VISP, "digest": "0" * 32}]
    story.ask("datasets", {"source": "scan", "gone": gone, "added": [a_dataset("B")]})
    record = story.ask("hand_in", products())
    assert (record.type, record.data["changed_since"]) == ("op.handed_in", True)


def test_a_hand_in_that_does_not_hold_goes_back_with_a_new_lease_and_a_late_report_on_it_is_ignored():
    story = an_op(*WORKING, "hand in")
    refused = story.ask("hand_in_refused", {"reasons": ["no such file"], "round": 1, **LEASE}, attempt=1)
    assert (refused.tostate, refused.data["attempt_state"]) == ("Working", "Working")
    assert story.ask("lease_due", {"due_sequence": refused.sequence}).type == "op.lease_warned"
    assert story.ask("hand_in", products()).data["round"] == 2
    assert story.ask("inverted", {**VERIFIED, "round": 1}, attempt=1).type == "op.report_ignored"
    assert story.ask("inverted", {**VERIFIED, "round": 2, "outputs_verified": 0}, attempt=1).is_refusal
    assert story.ask("inverted", {**VERIFIED, "round": 2}, attempt=1).tostate == "Inverted"


def test_rework_is_working_again_and_reject_gives_the_program_back():
    story = an_op(*INVERTED)
    assert story.ask("review", {"decision": "rework", "note": "edges"}, actor=REVIEWER).is_refusal
    again = story.ask("review", {"decision": "rework", "note": "edges", **LEASE}, actor=REVIEWER)
    assert again.tostate == "Working"
    story.ask("hand_in", products())
    story.ask("inverted", VERIFIED)
    rejected = story.ask("review", {"decision": "reject", "note": "did not converge"}, actor=REVIEWER)
    assert rejected.tostate == "Preprocessed"
    assert story.ask("claim", LEASE).attempt == 2


# --- publication ---


def test_publication_goes_step_by_step_and_is_not_published_before_all_are_done():
    story = an_op(*PUBLISHING)
    assert "archive comes after package" in reasons(story.ask("step_done", {"step": "archive"}))[0]
    assert "not done: package, archive, announce" in reasons(story.ask("published", {}))[0]
    story.ask("step_done", {"step": "package"})
    assert reasons(story.ask("step_done", {"step": "package"})) == ["package is done already"]
    story.ask("step_done", {"step": "archive"})
    assert "acknowledgement" in reasons(story.ask("step_done", {"step": "announce"}))[0]
    record = story.ask("step_done", {"step": "announce", "acknowledgement": "a"})
    assert record.data["steps_done"] == ["package", "archive", "announce"]
    assert story.ask("published", {}).tostate == "Published"


def test_a_published_op_can_be_inverted_again_and_never_leaves_the_portal():
    story = an_op(*PUBLISHED)
    for step in ("reinvert", "hand in", "verify", "accept", "publish", *STEPS):
        take(story, step)
        assert story.where == "Published", step
    assert story.state.state.attempts[1].is_public
    failed = story.ask("fail", {**FAILED, "step": "announce"}, attempt=2)
    assert (failed.type, failed.tostate) == ("op.failed", "Published")
    assert "recover it first" in reasons(story.ask("published", {}, attempt=2))[0]
    assert story.ask("recover", {}, reason="the store is back").tostate == "Published"
    record = story.ask("published", {}, attempt=2)
    assert record.data["supersedes"] == 1
    attempts = story.state.state.attempts
    assert [(each.state, each.is_public) for each in attempts.values()] == [
        ("Superseded", False),
        ("Published", True),
    ]


def test_what_is_withdrawn_is_kept_and_can_be_published_again():
    story = an_op(*PUBLISHED)
    assert story.ask("withdraw", {}).is_refusal
    asked = story.ask("withdraw", {"replacement": "none"}, reason="wrong wavelengths")
    assert (asked.tostate, asked.data["attempt_state"]) == ("Published", "Withdrawing")
    assert story.ask("withdrawn", {"acknowledgement": "gone", "publication": 1}).tostate == "Inverted"
    assert story.ask("publish", {}, attempt=1).is_refusal
    again = story.ask("publish", {}, attempt=1, reason="they were right")
    assert (again.data["publication"], len(again.data["outputs"])) == (2, 1)
    late = story.ask("step_done", {"step": "package", "publication": 1}, attempt=1)
    assert late.type == "op.report_ignored"


def test_what_is_on_its_way_can_be_taken_back_too():
    story = an_op(*PUBLISHING, "fail at last")
    record = story.ask("withdraw", {}, reason="not this one")
    assert (record.type, record.tostate, story.state.state.failures) == ("op.withdrawing", "Inverted", {})
    assert story.ask("withdrawn", {"acknowledgement": "never announced"}).tostate == "Inverted"


def test_an_embargo_is_the_latest_of_the_inputs_and_lifts_at_its_deadline():
    story = _published_with(
        a_dataset("A", is_embargoed=True, embargo_until="2027-01-01T00:00:00Z"),
        a_dataset("B", is_embargoed=True, embargo_until="2027-06-01T00:00:00.5Z"),
    )
    published = story.decisions[-1].record
    assert published.data["embargo"] == {"is_embargoed": True, "until": "2027-06-01T00:00:00.500000Z"}
    assert published.data["due_at"] == "2027-06-01T00:00:00.500000Z"
    assert story.ask("embargo", {"until": "2027-06-01T00:00:00Z"}, reason="x").is_refusal
    assert story.ask("lift", {"due_sequence": 1}).is_refusal
    assert story.ask("lift", {}).is_refusal
    assert story.ask("lift", {"due_sequence": published.sequence}).type == "op.embargo_lifted"
    assert story.ask("lift", {}, reason="again").is_refusal


def test_an_embargo_without_an_end_never_lifts_itself():
    story = _published_with(
        a_dataset("A", is_embargoed=True), a_dataset("B", is_embargoed=True, embargo_until=NOW)
    )
    published = story.decisions[-1].record
    assert (published.data["embargo"], "due_at" in published.data) == ({"is_embargoed": True}, False)
    assert story.ask("lift", {"due_sequence": published.sequence}).is_refusal
    assert story.ask("lift", {}, reason="the PI agrees").type == "op.embargo_lifted"
    moved = story.ask("embargo", {"until": "2027-06-01T00:00:00Z"}, reason="a thesis")
    assert story.ask("lift", {"due_sequence": moved.sequence}).type == "op.embargo_lifted"


def test_inputs_without_an_embargo_publish_without_one():
    story = _published_with(a_dataset("A"), a_dataset("B"))
    assert story.decisions[-1].record.data["embargo"] == {"is_embargoed": False}


def _published_with(*datasets: dict[str, Any]) -> Any:
    story = an_op()
    story.ask("discover", {"source": "catalogue", "datasets": list(datasets)})
    for step in PUBLISHED[1:]:
        if step == "hand in":
            story.ask("hand_in", products(inputs=["A", "B"]))
        else:
            take(story, step)
    return story


# --- failure and operators ---


def test_a_failed_part_stops_alone_and_recovers_where_it_stopped():
    story = an_op(*INVERTIBLE)
    other = "id.visp2"
    story.ask("datasets", {"source": "scan", "added": [a_dataset("X", other)]})
    story.ask("ready", {"by": "operator"}, reason="all there")
    story.ask("judge", a_verdict(story, "pass", other))
    failed = story.ask("fail", {**FAILED, "program": VISP, "due_at": "2026-11-21T06:00:00Z"})
    assert (failed.tostate, failed.data["part"], failed.data["failed_from"]) == (
        "Error",
        f"program:{VISP}",
        "Invertible",
    )
    not_needed = {"because": "small"}
    assert (
        "recover it first"
        in reasons(story.ask("not_needed", {**not_needed, "program": VISP, "cover": cover(story)}))[0]
    )
    on = story.ask("not_needed", {**not_needed, "program": other, "cover": cover(story, other)})
    assert (on.type, on.tostate) == ("op.not_needed", "Error")
    assert story.ask("fail", {**FAILED, "program": VISP}).is_refusal
    assert story.ask("recover", {"due_sequence": 1}).is_refusal
    assert story.ask("recover", {}).is_refusal
    recovered = story.ask("recover", {"due_sequence": failed.sequence})
    assert (recovered.tostate, recovered.data["superseded"]) == ("Preprocessed", False)


def test_two_failures_are_recovered_one_by_one():
    story = an_op(*WORKING)
    story.ask("fail", {**FAILED, "step": "verify"}, attempt=1)
    story.ask("fail", {**FAILED})
    assert "name the part" in reasons(story.ask("recover", {}, reason="x"))[0]
    assert story.ask("recover", {"part": "op"}, reason="x").tostate == "Error"
    assert story.ask("recover", {}, reason="x").tostate == "Working"


def test_after_new_data_a_failed_program_recovers_to_discovered():
    story = an_op(*INVERTIBLE, "fail")
    assert story.ask("datasets", {"source": "scan", "added": [a_dataset("B")]}).tostate == "Error"
    late = {**FAILED, "program": VISP, "cover": "0" * 32}
    assert story.ask("fail", late).type == "op.report_ignored"
    recovered = story.ask("recover", {}, reason="there is room")
    assert (recovered.tostate, recovered.data["superseded"]) == ("Discovered", True)


def test_overdue_goes_to_the_owner_first_and_then_to_the_lead():
    story = an_op(*PREPROCESSED)
    due = {"owner": "pi", "lead": "boss", "due_at": NOW, "lead_due_at": "2026-11-28T05:00:00Z"}
    assert story.ask("assign", due).is_refusal
    assert story.ask("assign", {**due, "lead_due_at": NOW}, reason="x").is_refusal
    assert story.ask("assign", {"owner": "pi", "lead_due_at": NOW}, reason="x").is_refusal
    assigned = story.ask("assign", due, reason="x")
    first = story.ask("overdue", {"due_sequence": assigned.sequence})
    assert (first.data["who"], first.data["due_at"]) == ("pi", due["lead_due_at"])
    assert story.ask("overdue", {"due_sequence": assigned.sequence}).is_refusal
    second = story.ask("overdue", {"due_sequence": first.sequence})
    assert (second.data["to"], second.data["who"], "due_at" in second.data) == ("lead", "boss", False)


@pytest.mark.parametrize("word", ["prioritise", "assign", "hold", "withdraw"])
def test_what_operators_ask_needs_a_reason(word):
    story = an_op(*PUBLISHED)
    assert story.ask(word, {"owner": "pi"} if word == "assign" else {}).is_refusal


def test_many_attempts_are_forgotten_here_but_for_the_newest():
    story = an_op(*PREPROCESSED)
    for _ in range(ATTEMPTS_KEPT + 5):
        story.ask("claim", LEASE)
        story.ask("release")
    assert len(story.state.state.attempts) == ATTEMPTS_KEPT
    assert story.ask("claim", LEASE).attempt == ATTEMPTS_KEPT + 6


def test_a_whole_life_has_small_records_and_a_small_snapshot():
    story = an_op(*PUBLISHED)
    assert max(len(each.value) for each in story.decisions) < 1_500
    assert len(story.desk.dump(story.state)) < 3_000


HOSTILE: list[tuple[str, dict[str, Any]]] = [
    ("discover", {}),
    ("datasets", {"source": "s", "added": [{**a_dataset("B"), "frames": -1}]}),
    ("datasets", {"source": "s", "added": [{**a_dataset("B"), "digest": "xyz"}]}),
    ("datasets", {"source": "s", "added": [a_dataset("B", values={"deep": {"a": [1]}})]}),
    ("datasets", {"source": "s", "added": [a_dataset("B", values={f"m{n}": n for n in range(65)})]}),
    ("datasets", {"source": "s", "added": [a_dataset("B", values={"text": "x" * 2000})]}),
    ("datasets", {"source": "s", "added": [a_dataset("B", created_at="2026-11-21T05:00:00")]}),
    ("datasets", {"source": "s", "added": [a_dataset(f"B{n}") for n in range(201)]}),
    ("datasets", {"source": "s", "added": [a_dataset(f"B{n}", f"p{n}") for n in range(70)]}),
    ("ready", {"by": "luck"}),
    ("judge", {"verdict": {}}),
    ("claim", {"program": VISP}),
    ("claim", {**LEASE, "lease_s": 10**9}),
    ("claim", {**LEASE, "orcid": "not one"}),
    ("claim", {**LEASE, "program": "'; DROP TABLE op; --"}),
    ("hand_in", products(inputs=[SHA_B] * 600)),
    ("review", {"decision": "accept", "note": " "}),
    ("fail", {**FAILED, "code": "not a code"}),
    ("fail", {**FAILED, "program": "nobody's"}),
    ("recover", {"part": "program:nobody's"}),
    ("lease_due", {"due_sequence": "soon"}),
    ("lease_due", {"due_sequence": -1}),
]


@pytest.mark.parametrize(("request_name", "data"), HOSTILE)
def test_hostile_requests_are_refused_with_reasons_and_change_nothing(request_name, data):
    story = an_op(*WORKING)
    before = story.desk.dump(story.state)
    record = story.ask(request_name, data, reason="because")
    assert (record.type, story.decisions[-1].poison) == ("op.refused", None), record.data
    assert record.data["reasons"]
    assert story.desk.load(before).state == story.state.state


def test_an_attempt_that_failed_and_is_given_back_takes_its_failure_along():
    story = an_op(*WORKING)
    story.ask("fail", {**FAILED, "step": "stage"}, attempt=1)
    record = story.ask("release", attempt=1)
    assert (record.type, record.fromstate, record.tostate) == ("op.released", "Error", "Preprocessed")
