"""All that is known of an observing program, as people read it."""

from datetime import UTC, datetime

from service.cli.op_showing import op_shown

AT = datetime(2026, 1, 10, tzinfo=UTC)
CRITERION = {
    "op": "op-1", "program": "id.1", "criterion": "health", "dataset": "A", "comparison": ">=", "value": 0.7,
    "value_text": None, "threshold": 0.75, "threshold_text": None, "margin": -0.05, "unit": None, "passed": False,
    "required": True,
}  # fmt: skip
MEMBERS = {
    "op": "op-1", "state": "Working", "owner": None, "partition": 3,
    "instrument_programs": [{"op": "op-1", "program": "id.1", "state": "Not Invertible", "criteria": "visp"}],
    "dataset_rows": [
        {"program": "id.1", "dataset": "A", "frames": 400, "created_at": AT},
        {"program": "id.1", "dataset": "B", "frames": None, "is_gone": True},
        {"program": "id.2", "dataset": "C"},
    ],
    "criteria": [
        CRITERION,
        {**CRITERION, "criterion": "light", "comparison": "recorded", "threshold": None, "margin": None,
         "value": 390.0, "passed": True, "required": False},
    ],
    "attempt_rows": [{"op": "op-1", "attempt": 1, "program": "id.1", "claimant": "ada", "orcid": None}],
    "waited": [{"waited_for": "the claimant", "waited_s": 129_600.0, "state": "Working", "entered": 2,
                "is_current": True}],
}  # fmt: skip


def test_each_part_is_shown_under_what_it_belongs_to_and_what_has_no_value_is_left_out():
    assert list(op_shown(MEMBERS)) == [
        "op-1",
        "  state  Working",
        "program id.1",
        "  state     Not Invertible",
        "  criteria  visp",
        "  dataset A: 400 frames, created 2026-01-10 00:00:00",
        "  dataset B: GONE from its catalogue",
        "  NOT MET: health in A: value 0.7, threshold >= 0.75, margin -0.05",
        "  recorded, met: light in A: value 390",
        "attempt 1 on id.1",
        "  claimant  ada",
        "waited for",
        "  the claimant: 1.5 days in Working (2 times, now too)",
    ]
