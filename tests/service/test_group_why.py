"""Why a group stands where it stands: one rule for each way of standing, and commands that fit it."""

from datetime import UTC, datetime

import pytest

from service.answer import answer_lines
from service.group_why import group_why, unknown_group

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def a_group(**members):
    return {
        "group_id": "dkist-l1/AAAA", "stream": "dkist-l1", "state": "Open", "since_at": NOW, "expected": None,
        "expected_by": None, "missing": None, "seen": 0, "complete": 0, "invalid": 0, "dismissed": 0, "excused": 0,
        "unexpected": 0, "sidecars": 0, "due_at": None, "is_due": False, "missing_ranges": None, "warnings": None,
        "op": None, "program": None, "note": None, "noted_at": None, **members,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("members", "because"),
    [
        ({"seen": 3, "complete": 2}, "3 files of it came, 2 complete, and nobody has said how many belong to it"),
        ({"expected": 4, "expected_by": "header", "missing": 1}, "1 of 4 members expected (as said by header) missing"),
        ({"expected": 4, "missing": 0}, "all 4 members expected are complete, excused or dismissed"),
        ({"expected": 4, "missing": 2, "state": "Closed short"}, "it was closed with 2 of 4 members expected missing"),
        ({"expected": 4, "missing": 2, "state": "Reopened"}, "it was over once, and now has 2 of 4 members"),
    ],
)  # fmt: skip
def test_each_way_of_standing_has_its_sentence(members, because):
    assert group_why(a_group(**members)).because.startswith(because)


def test_what_is_whole_needs_nobody_and_what_is_not_names_who_and_how():
    whole = group_why(a_group(expected=4, missing=0, state="Complete"))
    assert (whole.who, whole.help) == ("nobody", ())
    short = group_why(a_group(expected=4, missing=1, due_at=NOW))
    assert short.who == "whoever sends the files, or an operator"
    assert short.again_at == NOW
    assert any(each.command.startswith("meridian group excuse dkist-l1/AAAA --places") for each in short.help)
    assert group_why(a_group(expected=4, missing=1, due_at=NOW, is_due=True)).again_at is None


def test_places_and_warnings_are_told_as_far_as_a_person_reads():
    ranges = [{"first": 2 * n, "last": 2 * n + n % 2} for n in range(20)]
    warnings = [{"code": "SIDECAR_LATE", "message": "3 members have no sidecar"}]
    found = group_why(
        a_group(expected=50, missing=30, missing_ranges=ranges, warnings=warnings, invalid=2, op="op-1")
    )
    text = "\n".join(answer_lines(found))
    assert "places 0, 2-3, 4, 6-7" in text
    assert "and 8 ranges more" in text
    assert "warning SIDECAR_LATE: 3 members have no sidecar" in text
    assert "2 invalid" in text
    assert "observing program op-1, program not said" in text


def test_a_name_that_nobody_knows_is_told_with_those_that_are_close():
    found = unknown_group("dkist-l1/AAAB", ["dkist-l1/AAAA"])
    text = "\n".join(answer_lines(found))
    assert "dkist-l1/AAAB: not known" in text
    assert "meridian group why dkist-l1/AAAA" in text
