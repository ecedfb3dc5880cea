"""Stories of observing programs: what fails and is recovered, what operators ask, and what never harms."""

from typing import Any

import pytest

from machines.op_state import ATTEMPTS_KEPT
from tests.machines.given import SHA_B
from tests.machines.given_op import (
    FAILED,
    INVERTIBLE,
    LEASE,
    NOW,
    PREPROCESSED,
    PUBLISHED,
    VISP,
    WORKING,
    a_dataset,
    a_verdict,
    an_op,
    cover,
    products,
    reasons,
)


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
