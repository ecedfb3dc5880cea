"""The lifecycle of an observing program, written out again: every state meets every request and every end."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from events.base import FACTS, REQUESTS
from machines.lifecycle import IllegalTransitionError
from machines.op_life import OP_LIFE
from machines.op_state import OpState
from service.audit import op_lives
from tests.machines.given import Story
from tests.machines.given_op import (
    FAILED,
    INVERTED,
    INVERTIBLE,
    LEASE,
    NOW,
    PREPROCESSED,
    PUBLISHED,
    READY,
    VERIFIED,
    VISP,
    WORKING,
    a_dataset,
    a_verdict,
    an_op,
    cover,
    products,
)

EARLY = "Discovered, Invertible, Not Invertible, Preprocessed"
DONE = "Inverted, Published, Error"
LATER = f"Working, {DONE}"
EVERY = f"{EARLY}, {LATER}"
UNDECIDED = f"Discovered, Invertible, Preprocessed, {LATER}"
UNPUBLISHED = f"{EARLY}, Working, Inverted, Error"

# request       fact                from                       to
TABLE = f"""
discover        | discovered        | ∅, Discovered              | Discovered
discover        | datasets_changed  | Discovered, Not Invertible | Discovered
discover        | datasets_changed  | Invertible                 | Discovered, Invertible
discover        | datasets_changed  | Preprocessed               | Discovered, Invertible, Preprocessed
discover        | datasets_changed  | {LATER}                    | =
discover        | metadata_changed  | {EVERY}                    | =
datasets        | datasets_changed  | Discovered, Not Invertible | Discovered, Not Invertible
datasets        | datasets_changed  | Invertible                 | Discovered, Invertible, Not Invertible
datasets        | datasets_changed  | Preprocessed               | {EARLY}
datasets        | datasets_changed  | {LATER}                    | =
datasets        | metadata_changed  | {EVERY}                    | =
await           | ready_awaited     | {UNDECIDED}                | =
ready           | readiness_closed  | {UNDECIDED}                | =
ready           | ready_kept        | ∅                          | Discovered
ready           | ready_kept        | {EVERY}                    | =
quiet_due       | readiness_closed  | {UNDECIDED}                | =
judge           | judged            | Discovered                 | Discovered, Invertible, Not Invertible
judge           | judged            | Invertible, Preprocessed   | =
judge           | judged            | {LATER}                    | =
requalify       | requalified       | Discovered, Not Invertible | Discovered
requalify       | requalified       | Invertible                 | Invertible, Discovered
requalify       | requalified       | Preprocessed               | Preprocessed, Invertible, Discovered
requalify       | requalified       | {LATER}                    | =
preprocessed    | preprocessed      | Invertible, Preprocessed   | Preprocessed
preprocessed    | preprocessed      | {LATER}                    | =
not_needed      | not_needed        | Invertible, Preprocessed   | Preprocessed
not_needed      | not_needed        | {LATER}                    | =
unstage         | unstaging         | {EVERY}                    | =
unstaged        | unstaged          | {EVERY}                    | =
claim           | claimed           | Preprocessed               | Working
claim           | claimed           | {LATER}                    | =
reinvert        | claimed           | Published                  | =
extend          | extended          | {LATER}                    | =
hand_over       | handed_over       | {LATER}                    | =
release         | released          | Working                    | {EARLY}, Working
release         | released          | Inverted, Published        | =
release         | released          | Error                      | {UNPUBLISHED}
lease_due       | lease_warned      | {LATER}                    | =
lease_due       | released          | Working                    | {EARLY}, Working
lease_due       | released          | Inverted, Published        | =
lease_due       | released          | Error                      | {UNPUBLISHED}
hand_in         | handed_in         | {LATER}                    | =
hand_in         | handed_in         | {EARLY}                    | Working
inverted        | inverted          | Working                    | Inverted
inverted        | inverted          | {DONE}                     | =
hand_in_refused | hand_in_refused   | {LATER}                    | =
review          | accepted          | {DONE}                     | =
review          | rework_asked      | Inverted                   | Inverted, Working
review          | rework_asked      | Published, Error           | =
review          | rejected          | Inverted                   | {EARLY}, Working, Inverted
review          | rejected          | Published, Error           | =
publish         | publishing        | {DONE}                     | =
step_done       | step_done         | {DONE}                     | =
published       | published         | {DONE}                     | Published
withdraw        | withdrawing       | Inverted, Published        | =
withdraw        | withdrawing       | Error                      | Error, Inverted
withdrawn       | withdrawn         | Inverted, Error            | =
withdrawn       | withdrawn         | Published                  | {DONE}
embargo         | embargoed         | Published                  | =
lift            | embargo_lifted    | Published                  | =
fail            | failed            | {UNPUBLISHED}              | Error
fail            | failed            | Published                  | =
recover         | recovered         | Error                      | {UNPUBLISHED}
recover         | recovered         | Published                  | =
prioritise      | prioritised       | {EVERY}                    | =
assign          | assigned          | {EVERY}                    | =
overdue         | overdue           | {EVERY}                    | =
hold            | held              | {EVERY}                    | =
unhold          | unheld            | {EVERY}                    | =
note            | noted             | {EVERY}                    | =
-               | report_ignored    | {EVERY}                    | =
"""


def rows() -> set[tuple[str, str, str, str]]:
    """Every single transition of the table above: request, fact, from, to."""
    found = set()
    for line in TABLE.strip().splitlines():
        request, fact, sources, ends = (cell.strip() for cell in line.split("|"))
        for source in sources.split(", "):
            for end in [source] if ends == "=" else ends.split(", "):
                found.add((request, fact, source, end))
    return found


def test_the_lifecycle_is_this_table_and_nothing_else():
    built = {
        (request.removeprefix("op.") or "-", fact.removeprefix("op."), str(source), str(end))
        for request, fact, source, end in OP_LIFE.transitions()
    }
    assert built == rows()


def test_the_auditor_has_the_same_table():
    ours = {(f"op.{fact}", None if source == "∅" else source, end) for _, fact, source, end in rows()}
    theirs = {
        (fact, *pair) for fact, pairs in op_lives.LIVES.items() if fact.startswith("op.") for pair in pairs
    }
    assert ours == theirs


FACT_NAMES = sorted(name for name in FACTS if name.startswith("op.") and name != "op.refused")


@pytest.mark.parametrize("state", OpState)
def test_every_state_meets_every_fact_and_every_end(state):
    listed = {(fact, source, end) for _, fact, source, end in rows()}
    for name, end in product(FACT_NAMES, OpState):
        if (name.removeprefix("op."), state.value, end.value) in listed:
            assert OP_LIFE.after(name, state, end) is end
        else:
            with pytest.raises(IllegalTransitionError, match="cannot follow"):
                OP_LIFE.after(name, state, end)


REACHED = {
    "Discovered": READY,
    "Invertible": INVERTIBLE,
    "Not Invertible": (*READY, "not pass"),
    "Preprocessed": PREPROCESSED,
    "Working": WORKING,
    "Inverted": INVERTED,
    "Published": PUBLISHED,
    "Error": (*INVERTED, "fail at last"),
}

ASKED: dict[str, Callable[[Story], dict[str, Any]]] = {
    "discover": lambda op: {"source": "event", "datasets": [a_dataset("B")]},
    "datasets": lambda op: {"source": "scan", "added": [a_dataset("B")]},
    "await": lambda op: {"program": VISP, "due_at": NOW, "policy": "q", "policy_version": 1, "cover": cover(op)},
    "ready": lambda op: {"by": "operator"},
    "quiet_due": lambda op: {"due_sequence": 1},
    "judge": a_verdict,
    "requalify": lambda op: {},
    "preprocessed": lambda op: {
        "program": VISP, "cover": cover(op), "location": "/work", "files": 1, "size_bytes": 1,
    },
    "not_needed": lambda op: {"program": VISP, "cover": cover(op), "because": "small"},
    "unstage": lambda op: {"program": VISP, "location": "/work"},
    "unstaged": lambda op: {"program": VISP, "location": "/work", "is_gone": True, "message": "removed"},
    "claim": lambda op: {"program": VISP, **LEASE},
    "reinvert": lambda op: {"program": VISP, **LEASE},
    "extend": lambda op: {**LEASE, "lease_s": 2000},
    "hand_over": lambda op: {**LEASE, "to": "other"},
    "release": lambda op: {},
    "lease_due": lambda op: {"due_sequence": 5},
    "hand_in": lambda op: products(),
    "inverted": lambda op: VERIFIED,
    "hand_in_refused": lambda op: {"reasons": ["a sum differs"], **LEASE},
    "review": lambda op: {"decision": "accept", "note": "good"},
    "publish": lambda op: {},
    "step_done": lambda op: {"step": "package"},
    "published": lambda op: {},
    "withdraw": lambda op: {},
    "withdrawn": lambda op: {"acknowledgement": "gone"},
    "embargo": lambda op: {"until": "2027-01-01T00:00:00Z"},
    "lift": lambda op: {},
    "fail": lambda op: {**FAILED, "program": VISP},
    "recover": lambda op: {},
    "prioritise": lambda op: {"priority": 5},
    "assign": lambda op: {"owner": "me"},
    "overdue": lambda op: {"due_sequence": 1},
    "hold": lambda op: {},
    "unhold": lambda op: {},
    "note": lambda op: {"text": "a remark"},
}  # fmt: skip

# What a state allows may still be refused for what the subject remembers; these are the refusals of the plain stories.
REFUSED_BY_MEMORY = {
    ("await", "*"): "program id.visp is closed already",
    ("ready", "*"): "all of its programs are closed already",
    ("quiet_due", "*"): "the deadline of sequence 1 is not current",
    ("overdue", "*"): "the deadline of sequence 1 is not current",
    ("unhold", "*"): "the OP is not held",
    (
        "unstage",
        "*",
    ): "found nothing of it at /work, wanted one where inputs of program id.visp are staged: none",
    ("unstaged", "*"): "found a report on the inputs at /work, wanted one on those that are to go: none",
    ("requalify", "Discovered"): "found no program with a verdict",
    **{("judge", state): "program id.visp is judged already" for state in REACHED if state != "Discovered"},
    **{
        (request, state): "staging needs the program id.visp in Invertible"
        for request in ("preprocessed", "not_needed")
        for state in REACHED
        if state != "Invertible"
    },
    **{("claim", state): "attempt 1 of somebody holds" for state in ("Inverted", "Error")},
    ("claim", "Working"): "somebody has the claim already",
    ("claim", "Inverted"): "somebody has the claim already",
    ("claim", "Error"): "somebody has the claim already",
    ("claim", "Published"): "program id.visp is published, by attempt 1",
    ("lease_due", "Working"): None,
    **{
        (request, state): f"{request} needs one attempt in Working"
        for request in ("extend", "hand_over", "release")
        for state in ("Inverted", "Published", "Error")
    },
    **{
        ("lease_due", state): "the deadline of sequence 5 is not current"
        for state in ("Inverted", "Published", "Error")
    },
    **{("hand_in", state): "hand_in needs one attempt in Working" for state in REACHED if state != "Working"},
    **{
        (request, state): f"{request} needs one attempt in HandedIn"
        for request in ("inverted", "hand_in_refused")
        for state in REACHED
    },
    ("review", "Published"): "review needs one attempt in Verified",
    ("review", "Error"): "attempt:1 failed at archive (DISK_FULL)",
    **{("publish", state): "publish needs one attempt in Accepted" for state in REACHED},
    **{
        (request, state): f"{request} needs one attempt in Publishing"
        for request in ("step_done", "published")
        for state in REACHED
    },
    ("withdraw", "Inverted"): "withdraw needs one attempt in Published or Publishing",
    ("withdraw", "Error"): "withdraw needs one attempt in Published or Publishing",
    **{("withdrawn", state): "withdrawn needs one attempt in Withdrawing" for state in REACHED},
    ("lift", "Published"): "lift needs an embargo",
    ("recover", "Published"): "recover needs one failure, found none",
}


def test_every_request_has_an_example_here():
    assert {f"op.{name}" for name in ASKED} == {name for name in REQUESTS if name.startswith("op.")}


@pytest.mark.parametrize(("state", "request_name"), list(product(REACHED, ASKED)))
def test_every_state_answers_every_request_with_the_listed_fact_or_with_reasons(state, request_name):
    story = an_op(*REACHED[state])
    assert story.where == state
    actor = "reviewer" if request_name == "review" else "somebody"
    record = story.ask(request_name, ASKED[request_name](story), reason="because", actor=actor)
    allowed = {fact for request, fact, source, _ in rows() if request == request_name and source == state}
    memory = REFUSED_BY_MEMORY.get((request_name, state), REFUSED_BY_MEMORY.get((request_name, "*")))
    if allowed and memory is None:
        assert record.type.removeprefix("op.") in allowed, record.data
        assert (record.fromstate, record.tostate) == (state, story.where)
        return
    assert record.type == "op.refused"
    assert record.fromstate == record.tostate == story.where == state
    reason = record.data["reasons"][0]
    assert reason.startswith(memory) if memory and allowed else f"found {state}" in reason, reason
    listed = {request for request, _, source, _ in rows() if source == state and request != "-"}
    assert set(record.data["allowed"]) == listed


def test_requests_about_an_op_that_nobody_has_seen_say_so():
    for name in ASKED.keys() - {"discover", "ready"}:
        story = an_op()
        record = story.ask(name, ASKED[name](story), reason="because", attempt=1)
        assert record.data["code"] == "UNKNOWN_SUBJECT", name
        assert record.data["allowed"] == ["discover", "ready"]
