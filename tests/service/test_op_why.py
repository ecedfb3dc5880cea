"""Answers to ``op why``: what is not met by how much, who has to act, and commands that are the right ones."""

from datetime import UTC, datetime, timedelta

import pytest

from consumers.policies import criteria
from machines.program.verdict import judge
from service.helping import NOBODY
from service.op_why import OpStory, op_why, unknown_op
from service.op_why_text import lines_of
from tests.machines.program.building import a_dataset

NOW = datetime(2026, 1, 10, tzinfo=UTC)
SINCE = NOW - timedelta(days=5)
OP = {"op": "op-1", "state": "Preprocessed", "since_at": SINCE}
PROGRAM = {
    "op": "op-1", "program": "id.1.1", "instrument": "VISP", "since_at": SINCE, "datasets": 2, "criteria": "visp",
    "criteria_version": 1, "judged_at": SINCE,
}  # fmt: skip
ATTEMPT = {
    "op": "op-1", "attempt": 1, "program": "id.1.1", "claimant": "ada", "since_at": SINCE, "reviewer": "bob",
    "lease_until": NOW + timedelta(days=9), "is_public": False, "published_at": SINCE,
}  # fmt: skip


def rows_of(verdict):
    """Failed findings as the view has them."""
    for each in verdict.findings:
        if not each.passed:
            members = each.model_dump(mode="json")
            text = members["value"] if isinstance(members["value"], str) else None
            yield {
                **members, "program": verdict.program, "criterion": each.name, "wanted_by": each.source,
                "value": None if text else members["value"], "value_text": text, "threshold_text": None,
            }  # fmt: skip


def a_program(state, **members):
    return op_why(OpStory(NOW, OP, ({**PROGRAM, "state": state, **members},)))


def an_attempt(state, **members):
    attempt = {**ATTEMPT, "state": state, **members}
    return op_why(OpStory(NOW, OP, ({**PROGRAM, "state": "Preprocessed"},), (), (attempt,)))


def commands(answer):
    return [each.command for each in answer.help]


def test_every_criterion_that_is_not_met_is_told_with_value_threshold_dataset_margin_and_what_would_do():
    bad = a_dataset("BBBBB", say={"health.good": 280, "light_level.med": 1.0})
    verdict = judge("id.1.1", [a_dataset("AAAAA"), bad], criteria())
    rows = tuple(rows_of(verdict))
    assert len(rows) >= 1
    program = {**PROGRAM, "state": "Not Invertible"}
    answer = op_why(OpStory(NOW, {**OP, "state": "Not Invertible"}, (program,), rows))
    [stand] = answer.stands
    assert {(each.criterion, each.dataset) for each in stand.failed} == {
        (row["criterion"], row["dataset"]) for row in rows
    }
    lines = "\n".join(lines_of(answer))
    assert "op-1: Not Invertible since 2026-01-05 00:00:00 UTC, 5 days ago" in lines
    assert "program id.1.1 (VISP): Not Invertible since 2026-01-05 00:00:00 UTC" in lines
    assert "health in BBBBB: value 0.7, threshold >= 0.75, margin -0.05" in lines
    assert "20 more of its 400 frames would do" in lines
    assert "(wanted by " in lines
    assert lines.count("whoever answers for the data or for visp v1 has to act") == 1
    assert "meridian op requalify op-1 --program id.1.1 --reason '…'" in commands(answer)


def test_a_finding_without_words_is_put_in_words_and_one_without_values_keeps_its_own():
    bare = {"criterion": "light", "dataset": None, "comparison": ">=", "unit": "%", "required": False,
            "program": "id.1.1", "value": 0.5, "threshold": 0.75, "margin": -0.25}  # fmt: skip
    unsaid = dict.fromkeys(("value", "threshold", "margin"))
    words = {**bare, **unsaid, "criterion": "health", "message": "found no dataset", "required": True}
    ranged = {**bare, "value": None, "value_text": "[629.4, 631.0]", "threshold": 853.0, "margin": -222.0}
    program = {**PROGRAM, "state": "Not Invertible", "left_out": 2}
    lines = lines_of(op_why(OpStory(NOW, OP, (program,), (bare, words, ranged))))
    assert (
        "    light of the program as a whole: value 0.5 %, threshold >= 0.75 %, margin -0.25 % (recorded only)"
        in (lines)
    )
    assert "      found 0.5, wanted >= 0.75" in lines
    assert "    health of the program as a whole" in lines
    assert "      found no dataset" in lines
    assert any("value 629.4 – 631 %" in line for line in lines)
    assert "    2 findings more in its record: meridian op history op-1" in lines
    assert any("1 required criterion is not met" in line for line in lines)


@pytest.mark.parametrize(
    ("state", "members", "because", "who"),
    [
        ("Discovered", {"is_ready": True, "ready_message": "all came"}, "its 2 datasets are all there (all came)",
         NOBODY),
        ("Discovered", {"expected_datasets": 4}, "2 datasets so far of 4 expected, and nobody has said",
         "whoever sends the data, or an operator"),
        ("Discovered", {"awaited_until": NOW, "readiness_policy": "quiet", "readiness_version": 1},
         "quiet v1 takes them for all if nothing comes until 2026-01-10 00:00:00 UTC", NOBODY),
        ("Invertible", {}, "it passed visp v1; its inputs are staged next", NOBODY),
        ("Not applicable", {}, "visp v1 is for other instruments", NOBODY),
        ("Preprocessed", {"staged_location": "s3://in"}, "its inputs are staged at s3://in, and nobody has claimed it",
         "a scientist"),
        ("Preprocessed", {"not_needed_because": "small"}, "nothing had to be staged (small)", "a scientist"),
    ],
)  # fmt: skip
def test_a_program_says_what_it_waits_for_and_for_whom(state, members, because, who):
    answer = a_program(state, **members)
    assert because in answer.stands[0].because
    assert answer.who == who
    assert answer.again_at == members.get("awaited_until")


@pytest.mark.parametrize(
    ("state", "members", "because", "who", "command"),
    [
        ("Working", {}, "ada works on it; the claim ends at 2026-01-19", "ada",
         "meridian op extend op-1 --attempt 1"),
        ("HandedIn", {"outputs": [{}]}, "1 product handed in", NOBODY, None),
        ("Verified", {"verified_outputs": 2}, "2 products verified; a review is awaited", "a reviewer other than ada",
         "meridian op review op-1 accept --attempt 1 --note '…'"),
        ("Accepted", {"review_note": "good"}, "bob accepted it (good)", "an operator",
         "meridian op publish op-1 --attempt 1"),
        ("Publishing", {"steps_done": ["package"]}, "steps done: package", NOBODY, None),
        ("Withdrawing", {"is_public": True}, "the portal's acknowledgement is awaited", NOBODY, None),
        ("Published", {"is_public": True, "identifier": "10.1/x"}, "as 10.1/x", NOBODY,
         "meridian op reinvert op-1 --program id.1.1"),
    ],
)  # fmt: skip
def test_an_attempt_says_who_has_to_act_and_its_program_asks_for_no_claim(
    state, members, because, who, command
):
    answer = an_attempt(state, **members)
    program, attempt = answer.stands
    assert "attempt 1 of ada has it" in program.because
    assert because in attempt.because
    assert answer.who == who
    assert commands(answer) == [] if command is None else command in commands(answer)


@pytest.mark.parametrize("state", ["Rejected", "Released", "Superseded", "Withdrawn"])
def test_an_attempt_that_has_ended_leaves_its_program_to_be_claimed(state):
    answer = an_attempt(state)
    assert [each.part for each in answer.stands] == ["program id.1.1"]
    assert "meridian op claim op-1 --program id.1.1" in commands(answer)


def test_a_failure_says_when_it_is_tried_again_or_who_mends_it_and_stops_claims():
    failure = {"step": "preprocess", "code": "DISK_FULL", "failure_class": "code", "message": "no room",
               "found": "1 GB", "at": "2026-01-09T00:00:00Z"}  # fmt: skip
    programs = ({**PROGRAM, "state": "Preprocessed"},)
    op = {**OP, "state": "Error", "failures": {"program:id.1.1": failure}}
    answer = op_why(OpStory(NOW, op, programs))
    assert answer.stands[0].because == "preprocess failed with DISK_FULL: no room"
    assert answer.who == "whoever writes the software"
    assert commands(answer) == ["meridian op recover op-1 --part program:id.1.1 --reason '…'"]
    assert answer.because == "1 failure in it not mended; of its 1 instrument program: 1 Preprocessed"
    again = {**failure, "due_at": "2026-01-10T01:00:00Z"}
    waiting = op_why(OpStory(NOW, {**op, "failures": {"program:id.1.1": again}}, programs))
    assert (waiting.who, waiting.again_at) == (NOBODY, NOW + timedelta(hours=1))


def test_what_is_held_asks_for_no_claim_and_says_why_and_what_is_overdue():
    op = {**OP, "is_held": True, "held_reason": "look first", "owner": "ada", "owner_due_at": SINCE,
          "overdue_to": "owner", "overdue_at": SINCE}  # fmt: skip
    answer = op_why(OpStory(NOW, op, ({**PROGRAM, "state": "Preprocessed"},)))
    assert commands(answer) == ["meridian op unhold op-1 --reason '…'"]
    lines = lines_of(answer)
    assert "    because look first" in lines
    assert "  owner ada, was due at 2026-01-05 00:00:00 UTC" in lines
    assert "  overdue: the owner ada was told at 2026-01-05 00:00:00 UTC" in lines


def test_an_unknown_op_says_so_with_the_nearest_names():
    answer = unknown_op("op 7", ["op-1", "op-2"])
    assert answer.state is None
    assert lines_of(answer)[:3] == [
        "op 7: not known",
        "  because nothing is known of an observing program of this name",
        "  did you mean op-1, op-2",
    ]
    assert commands(answer)[0] == "meridian op why op-1"
    assert not any("did you mean" in line for line in lines_of(unknown_op("op 7", ())))


@pytest.mark.parametrize("is_ready", [False, True])
def test_what_was_announced_of_all_of_it_is_named_while_it_is_waited_for(is_ready):
    op = {**OP, "announced_datasets": 7, "datasets": 2}
    answer = op_why(OpStory(NOW, op, ({**PROGRAM, "state": "Discovered", "is_ready": is_ready},)))
    told = "7 datasets were announced of all of it, and 2 are here"
    assert (told in answer.evidence) is not is_ready
    assert op_why(OpStory(NOW, OP, ({**PROGRAM, "state": "Discovered"},))).evidence == ()
