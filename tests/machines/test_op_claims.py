"""Stories of observing programs: who works on what, under which lease, and what is handed in."""

import pytest

from machines.op_claims import orcid_against
from tests.machines.given_op import (
    INVERTED,
    LEASE,
    PREPROCESSED,
    REVIEWER,
    VBI,
    VERIFIED,
    VISP,
    WORKING,
    a_dataset,
    an_op,
    outputs,
    products,
    reasons,
)


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


def test_what_does_not_hold_and_what_is_sent_back_shorten_no_claim():
    story = an_op(*WORKING)
    until = story.ask("extend", {**LEASE, "lease_s": 9000}).data["lease_until"]
    story.ask("hand_in", products())
    shorter = story.ask("hand_in_refused", {"reasons": ["no such file"], "round": 1, **LEASE}, attempt=1)
    assert shorter.data["lease_until"] == until
    assert shorter.data["due_at"] == "2026-11-21T06:52:30Z", "three quarters of what it has now"
    story.ask("hand_in", products())
    story.ask("inverted", VERIFIED)
    again = story.ask("review", {"decision": "rework", "note": "edges", **LEASE}, actor=REVIEWER)
    assert again.data["lease_until"] == until
    story.ask("hand_in", products())
    longer = {"reasons": ["no such file"], "round": 3, **LEASE, "lease_s": 20_000}
    assert story.ask("hand_in_refused", longer, attempt=1).data["lease_until"] > until


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


def test_where_the_policy_wants_an_orcid_nobody_claims_or_takes_over_without_one():
    story = an_op(*PREPROCESSED)
    wanted = {**LEASE, "program": VISP, "orcid_wanted": True}
    (reason,) = reasons(story.ask("claim", wanted, actor="ada"))
    assert reason == "found no ORCID of ada, wanted one by the policy in force; say --orcid"
    wrong = story.ask("claim", {**wanted, "orcid": "0000-0002-1825-0098"}, actor="ada")
    assert "last digit" in reasons(wrong)[0]
    unknown = {**wanted, "orcid": "0000-0002-1825-0097", "orcid_against": "nobody knows it here"}
    assert reasons(story.ask("claim", unknown, actor="ada")) == ["nobody knows it here"]
    assert story.ask("claim", {**wanted, "orcid": "0000-0002-1825-0097"}, actor="ada").type == "op.claimed"
    over = {**LEASE, "to": "bob", "orcid_wanted": True}
    assert "no ORCID of bob" in reasons(story.ask("hand_over", over, actor="ada", attempt=1))[0]
    assert (
        story.ask("hand_over", {**over, "orcid_wanted": False}, actor="ada", attempt=1).type
        == "op.handed_over"
    )
