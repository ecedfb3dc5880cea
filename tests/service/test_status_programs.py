"""What status says of observing programs."""

from datetime import UTC, datetime, timedelta

from service.status_programs import program_attention, program_lines

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
FAILURE = {
    "step": "announce", "code": "PORTAL_REFUSED", "ops": 2, "parts": 2, "tried_again": 0,
    "oldest_at": NOW - timedelta(hours=2), "example": "eid_1",
}  # fmt: skip
OVERDUE = {"told_to": "owner", "who": "ada", "ops": 3, "due_at": NOW, "example": "eid_2"}
CLAIM = {"claimant": "ada", "claims": 2, "warned": 1, "next_at": NOW, "next": "eid_3"}


def of(**more):
    return {"programs": [], "program_failures": [], "overdue": [], "claims": [], **more}


def test_what_failed_for_good_calls_somebody_and_what_is_tried_again_is_only_shown():
    for_good = of(program_failures=[FAILURE])
    (line,) = program_attention(for_good, NOW)
    assert "announce failed with PORTAL_REFUSED in 2 observing programs, first 2 h ago" in line
    assert line.endswith("meridian op why eid_1")
    again = of(
        programs=[{"state": "Error", "ops": 2, "held": 0}], program_failures=[{**FAILURE, "tried_again": 2}]
    )
    assert list(program_attention(again, NOW)) == []
    assert "failed in observing programs and tried again by themselves: 2 parts" in list(program_lines(again))


def test_what_is_overdue_names_who_was_told():
    (line,) = program_attention(of(overdue=[OVERDUE]), NOW)
    assert (
        "3 observing programs overdue since 2026-01-05 12:00:00 UTC, such as eid_2: the owner ada was told"
        in line
    )
    (line,) = program_attention(of(overdue=[{**OVERDUE, "told_to": None}]), NOW)
    assert "ada is told next" in line
    (line,) = program_attention(
        of(overdue=[{**OVERDUE, "told_to": "lead", "who": "grace", "due_at": None}]), NOW
    )
    assert "the lead grace was told" in line


def test_states_stand_in_the_order_of_a_programs_life_with_claims_behind_them():
    states = [
        {"state": state, "ops": 1, "held": held} for state, held in (("Published", 0), ("Discovered", 1))
    ]
    lines = list(program_lines(of(programs=states, claims=[CLAIM])))
    assert lines[0] == "observing programs: 1 Discovered, 1 Published; 1 of them held"
    assert "2 attempts of 1 claimant, 1 of them warned that it runs out" in lines[1]
    assert "(ada, eid_3)" in lines[1]
    assert list(program_lines(of())) == [], "a site without programs is told nothing of them"
