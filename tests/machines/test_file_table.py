"""The lifecycle of a file, written out again: every state meets every request and every end."""

from itertools import product

import pytest

from events.base import FACTS, REQUESTS
from machines.file_life import FILE_LIFE
from machines.file_state import FileState
from machines.lifecycle import IllegalTransitionError
from tests.machines.given import (
    COMPLETE,
    DUE,
    FAILED,
    REGISTERED,
    SHA_A,
    STARTED,
    a_file,
    arrival,
    current,
    findings,
    stored,
)

EVERY = "QUEUED PROCESSING TRANSFERRING TRANSFERRED COMPLETE INVALID ERROR DISMISSED"
WORKING = "QUEUED PROCESSING TRANSFERRING TRANSFERRED"

# request        fact              from                      to
TABLE = f"""
arrive         | arrived         | ∅                       | QUEUED
arrive         | conflicted      | ∅                       | ERROR
arrive         | witnessed       | {EVERY}                 | =
arrive         | deferred        | {WORKING}               | =
adopt          | adopted         | ∅                       | COMPLETE
start          | started         | QUEUED                  | PROCESSING
validated      | validated       | PROCESSING              | TRANSFERRING COMPLETE INVALID ERROR
reject         | rejected        | PROCESSING              | INVALID
transferred    | transferred     | TRANSFERRING            | TRANSFERRED
registered     | registered      | TRANSFERRED             | COMPLETE
notify_failed  | notify_failed   | TRANSFERRED             | =
preview        | previewed       | {EVERY}                 | =
fail           | failed          | {WORKING}               | ERROR
retry          | retried         | ERROR                   | {WORKING}
reprocess      | reprocessed     | COMPLETE INVALID ERROR  | QUEUED
damaged        | damaged         | COMPLETE                | ERROR
restored       | restored        | ERROR                   | COMPLETE
dismiss        | dismissed       | QUEUED INVALID ERROR    | DISMISSED
reopen         | reopened        | DISMISSED               | QUEUED INVALID ERROR
acknowledge    | acknowledged    | {EVERY}                 | =
hold           | held            | {EVERY}                 | =
unhold         | unheld          | {EVERY}                 | =
redrive        | redriven        | {EVERY}                 | =
note           | noted           | {EVERY}                 | =
embargo        | embargoed       | {EVERY}                 | =
extend         | extended        | {EVERY}                 | =
lift           | lifted          | {EVERY}                 | =
remove         | removing        | {EVERY}                 | =
removed        | removed         | {EVERY}                 | =
pair           | paired          | ∅ {EVERY}               | =
sidecar_due    | sidecar_late    | {EVERY}                 | =
attest         | attested        | ∅ {EVERY}               | =
-              | report_ignored  | {EVERY}                 | =
"""


def rows() -> set[tuple[str, str, str, str]]:
    """Every single transition of the table above: request, fact, from, to."""
    found = set()
    for line in TABLE.strip().splitlines():
        request, fact, sources, ends = (cell.strip() for cell in line.split("|"))
        for source in sources.split():
            for end in [source] if ends == "=" else ends.split():
                found.add((request, fact, source, end))
    return found


def test_the_lifecycle_is_this_table_and_nothing_else():
    built = {
        (request.removeprefix("file.") or "-", fact.removeprefix("file."), str(source), str(end))
        for request, fact, source, end in FILE_LIFE.transitions()
    }
    assert built == rows()


FACT_NAMES = sorted(name for name in FACTS if name.startswith("file.") and name != "file.refused")


@pytest.mark.parametrize("state", FileState)
def test_every_state_meets_every_fact_and_every_end(state):
    ends: dict[tuple[str, str], set[str]] = {(fact, source): set() for _, fact, source, _ in rows()}
    for _, fact, source, end in rows():
        ends[fact, source].add(end)
    for name, end in product(FACT_NAMES, FileState):
        listed = end.value in ends.get((name.removeprefix("file."), state.value), set())
        if listed:
            assert FILE_LIFE.after(name, state, end) is end
            FILE_LIFE.require(FACTS[name], state, end)
        else:
            with pytest.raises(IllegalTransitionError, match="cannot follow"):
                FILE_LIFE.after(name, state, end)
            with pytest.raises(IllegalTransitionError, match="cannot follow"):
                FILE_LIFE.require(FACTS[name], state, end)


REACHED = {
    "QUEUED": ("arrive",),
    "PROCESSING": ("arrive", "start"),
    "TRANSFERRING": ("arrive", "start", "validated"),
    "TRANSFERRED": ("arrive", "start", "validated", "transferred"),
    "COMPLETE": COMPLETE,
    "INVALID": ("arrive", "start", "reject"),
    "ERROR": ("arrive", "start", "fail-due"),
    "DISMISSED": ("arrive", "dismiss"),
}

ASKED = {
    "start": STARTED,
    "validated": findings(),
    "reject": {"code": "TRUNCATED", "message": "cut"},
    "transferred": stored(),
    "registered": REGISTERED,
    "notify_failed": {"code": "REMOTE_DOWN", "message": "no answer"},
    "preview": {"preview": {"code": "NOTHING_TO_SHOW", "message": "no image in it"}},
    "fail": FAILED,
    "retry": {},
    "reprocess": {},
    "damaged": {"wanted_sha256": SHA_A, "message": "sum differs"},
    "restored": {"sha256": SHA_A, "message": "good again"},
    "dismiss": {},
    "reopen": {},
    "acknowledge": {"codes": ["EMPTY_FILE"]},
    "hold": {},
    "unhold": {},
    "redrive": {},
    "note": {"text": "a remark"},
    "embargo": {"until": "2027-01-01T00:00:00Z"},
    "extend": {"until": "2028-01-01T00:00:00Z"},
    "lift": {},
    "remove": {"what": "source"},
    "removed": {"what": "source", "place": "file:///a", "is_gone": True, "message": "removed"},
    "pair": {"sidecar": "a.json", "sidecar_version": 1},
    "attest": {"manifest": "n.md5", "manifest_version": 1, "algorithm": "MD5", "sum": "a" * 32},
    "sidecar_due": {"due_sequence": 1},
    "arrive": arrival(),
    "adopt": {"content": {"uri": "file:///a"}},
}

# What a state allows may still be refused for what the subject remembers; these are the refusals of the plain stories.
REFUSED_BY_MEMORY = {
    ("restored", "ERROR"): "restored needs a damaged archive copy",
    ("sidecar_due", "*"): "the deadline of sequence 1 is not current",
    ("unhold", "*"): "the file is not held",
    ("extend", "*"): "extend needs an embargo",
    ("lift", "*"): "lift needs an embargo",
    **{
        ("remove", state): "a source goes once its version is COMPLETE"
        for state in EVERY.split()
        if state != "COMPLETE"
    },
}


def test_every_request_has_an_example_here():
    assert {f"file.{name}" for name in ASKED} == {name for name in REQUESTS if name.startswith("file.")}


@pytest.mark.parametrize(("state", "request_name"), list(product(REACHED, ASKED)))
def test_every_state_answers_every_request_with_the_listed_fact_or_with_reasons(state, request_name):
    story = a_file(*REACHED[state])
    assert story.where == state
    record = story.ask(request_name, ASKED[request_name], reason="because", **current(story))
    allowed = {fact for request, fact, source, _ in rows() if request == request_name and source == state}
    memory = REFUSED_BY_MEMORY.get((request_name, state)) or REFUSED_BY_MEMORY.get((request_name, "*"))
    if allowed and memory is None:
        assert record.type.removeprefix("file.") in allowed
        assert (record.fromstate, record.tostate) == (state, story.where)
        return
    assert record.type == "file.refused"
    assert record.fromstate == record.tostate == story.where == state
    reason = record.data["reasons"][0]
    assert (
        reason.startswith(memory)
        if memory and allowed
        else f"found {state}" in reason or " in " + state in reason
    )
    listed = {request for request, _, source, _ in rows() if source == state and request != "-"}
    assert set(record.data.get("allowed", ())) <= listed


def test_requests_about_a_file_that_nobody_has_seen_say_so():
    for name in ASKED.keys() - {"arrive", "adopt", "pair", "attest"}:
        story = a_file()
        record = story.ask(name, ASKED[name], reason="because", version=1, attempt=1)
        assert record.data["code"] == "UNKNOWN_SUBJECT", name
        assert record.data["allowed"] == ["arrive", "adopt", "pair", "attest"]


def test_an_error_with_a_due_time_is_left_by_its_own_deadline_only():
    story = a_file("arrive", "start", "fail-due")
    wrong = story.ask("retry", {"due_sequence": 2})
    assert wrong.data["reasons"] == ["the deadline of sequence 2 is not current; current is 3"]
    right = story.ask("retry", {"due_sequence": 3})
    assert (right.type, right.tostate, right.attempt) == ("file.retried", "PROCESSING", 2)
    assert DUE["due_at"] == story.decisions[2].record.data["due_at"]
