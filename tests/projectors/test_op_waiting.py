"""What somebody has to see to among observing programs, read from the views of lives whose states are known."""

import pytest

from machines.op_state import AttemptState
from projectors.op_waiting import programs_waiting
from tests.machines.given_op import LEASE, PREPROCESSED, VISP, WORKING, an_op
from tests.projectors.histories import on_log
from tests.projectors.op_histories import op_histories
from tests.projectors.test_projector import drain

BY_NOON = {
    "owner": "ada", "lead": "grace",
    "due_at": "2026-01-01T12:00:00Z", "lead_due_at": "2026-01-01T13:00:00Z",
}  # fmt: skip


@pytest.fixture
def told(engine, following):
    def told(sealed):
        follower = following(on_log(sealed))
        follower.take_over()
        drain(follower)
        follower.close()
        with engine.connect() as connection:
            return programs_waiting(connection)

    return told


def sealed_of(story):
    return [("op", story.subject, decision.value) for decision in story.decisions]


def overdue(rows):
    return [(row["told_to"], row["who"], row["ops"]) for row in rows["overdue"]]


def test_what_is_overdue_is_told_by_who_heard_of_it_last(told):
    story = an_op(*PREPROCESSED)
    assigned = story.ask("assign", BY_NOON, reason="by noon")
    before = sealed_of(story)
    first = story.ask("overdue", {"due_sequence": assigned.sequence})
    after = sealed_of(story)
    story.ask("overdue", {"due_sequence": first.sequence})
    assert overdue(told(before)) == [(None, "ada", 1)], "the timers have not come by yet"
    assert overdue(told(after)) == [("owner", "ada", 1)]
    assert overdue(told(sealed_of(story))) == [("lead", "grace", 1)]
    story.ask("assign", {"owner": "ada", "due_at": "2126-01-01T00:00:00Z"}, reason="later")
    assert overdue(told(sealed_of(story))) == []


def test_claims_are_told_by_person_the_one_that_ends_next_first(told):
    story = an_op(*WORKING)
    story.ask(
        "claim",
        {"program": VISP, **LEASE, "lease_s": 500, "beside": [1]},
        actor="other",
        reason="other method",
    )
    story.ask("lease_due", {"due_sequence": story.decisions[-1].record.sequence})
    rows = told(sealed_of(story))["claims"]
    first, second = rows
    assert (first["claimant"], first["claims"], first["warned"]) == ("other", 1, 1)
    assert (second["claims"], second["warned"], second["next"]) == (1, 0, story.subject)


@pytest.mark.parametrize("seed", range(3))
def test_of_random_lives_all_are_counted_and_every_failure_that_is_not_mended_is_told(told, seed):
    sealed, ops, _ = op_histories(seed, length=90)
    rows = told(sealed)
    known = [op for op in ops.values() if op.state.is_known]
    assert sum(row["ops"] for row in rows["programs"]) == len(known)
    assert sum(row["held"] for row in rows["programs"]) == sum(op.is_held for op in known)
    assert sum(row["parts"] for row in rows["program_failures"]) == sum(len(op.failures) for op in known)
    working = [each for op in known for each in op.attempts.values() if each.state is AttemptState.WORKING]
    assert sum(row["claims"] for row in rows["claims"]) == len(working)
