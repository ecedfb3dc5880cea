"""Reports as they are read at a terminal: nothing is lost that needs somebody, and nothing is wider than it may be."""

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cli.report_drawing import BOTH, LIMIT, MIDDLE, WIDTH, night_lines, trend_lines
from service.cli.shift_drawing import shift_lines

BEGIN = datetime(2026, 11, 20, tzinfo=UTC)
EMPTY = {
    "stream": "keck", "night": date(2026, 11, 20), "begin": BEGIN, "end": BEGIN + timedelta(days=1), "fresh_to": BEGIN,
    "states": [], "superseded_versions": 0, "errors": [], "warnings": [], "stages": [], "lookups": [], "slowest": [],
    "failed_checks": [], "beside": None,
}  # fmt: skip
COMPLETE = {"state": "COMPLETE", "files": 3, "bytes": 1_500_000_000, "oldest_since_at": BEGIN}


def an_error(code="TRUNCATED", *, files=2, acknowledged=0, keyword=None):
    return {
        "code": code, "keyword": keyword, "failure_class": "data", "files": files, "acknowledged": acknowledged,
        "tried_again": 0, "example": "keck/a", "message": "ends early",
    }  # fmt: skip


def text_of(**changed):
    return "\n".join(night_lines({**EMPTY, "states": [COMPLETE], **changed}))


def test_an_empty_night_says_so():
    nothing, observed = list(night_lines(EMPTY))[-2:]
    assert nothing == "no file was announced that night"
    assert observed.endswith(
        "--stream keck --observed-since 2026-11-20T00:00:00 --observed-until 2026-11-21T00:00:00"
    )


def test_an_empty_night_says_when_anything_came():
    """A night of observation is looked for under its own date, and its files may have been announced in the next."""
    beside = {"last_before": BEGIN - timedelta(hours=2), "first_after": BEGIN + timedelta(days=2)}
    told = list(night_lines({**EMPTY, "beside": beside}))
    assert "the last before it came at 2026-11-19 22:00:00 UTC" in told
    assert "the first after it came at 2026-11-22 00:00:00 UTC" in told


def test_one_is_not_told_as_many():
    told = text_of(states=[{**COMPLETE, "files": 1}], errors=[an_error(files=1)], superseded_versions=1)
    assert "\n1 file, 1.500 GB\n" in told
    assert "errors: 1 file\n" in told
    assert "beside them 1 version that" in told


def test_what_is_acknowledged_is_left_out_and_counted_apart():
    told = text_of(errors=[an_error(), an_error("EMPTY_FILE", files=0, acknowledged=4)])
    assert "errors: 2 files (and 4 acknowledged)" in told
    assert "TRUNCATED  such as keck/a  ends early" in told
    assert "EMPTY_FILE" not in told
    assert "errors: none (and 4 acknowledged)" in text_of(errors=[an_error(files=0, acknowledged=4)])


def test_failed_checks_say_what_was_found_and_wanted():
    row = {
        "check_name": "seeing", "level": "critical", "files": 7, "unit": "arcsec", "comparison": "<=", "threshold": 1.5,
        "threshold_text": None, "lowest": 1.6, "highest": 3.25, "example": "keck/b", "message": None,
    }  # fmt: skip
    assert "7  seeing  critical  found 1.6 to 3.25 arcsec  wanted <= 1.5  such as keck/b" in text_of(
        failed_checks=[row]
    )
    named = {**row, "threshold": None, "comparison": "one_of", "threshold_text": "F158, F146", "lowest": None}
    assert "wanted one of F158, F146" in text_of(failed_checks=[named])
    own = {**named, "comparison": None, "threshold_text": ">= 31060 bytes", "message": "HDU 0 ends early"}
    assert "7  seeing  critical    HDU 0 ends early  such as keck/b" in text_of(failed_checks=[own])


def test_a_long_list_is_cut_and_says_how_much_is_left():
    told = text_of(errors=[an_error(f"CODE_{number}") for number in range(40)])
    assert "and 28 kinds more; -o json lists them" in told


def test_the_slowest_files_name_their_stage():
    slow = {
        "file": "keck/slow", "version": 1, "state": "COMPLETE", "seconds": 12.5, "stage": "copy to the archive",
        "stage_s": 11.0,
    }  # fmt: skip
    assert "keck/slow  COMPLETE  12.500 s  of it 11.000 s: copy to the archive" in text_of(slowest=[slow])


def a_night(day, values, **more):
    values = sorted(values)
    return {
        "night": date(2026, 11, 1) + timedelta(days=day), "files": len(values), "values": len(values), "failed": 0,
        "lowest": values[0], "p10": values[len(values) // 10], "median": values[len(values) // 2],
        "p90": values[len(values) * 9 // 10], "highest": values[-1], "unit": "arcsec", "comparison": "<=",
        "threshold": 1.5, "threshold_text": None, **more,
    }  # fmt: skip


VALUES = st.floats(-1e300, 1e300) | st.integers(-5, 5).map(float)


@given(
    nights=st.lists(st.lists(VALUES, min_size=1, max_size=20), min_size=1, max_size=5),
    threshold=st.none() | st.floats(-1e300, 1e300),
)
def test_every_night_is_one_line_of_one_width_with_its_median(nights, threshold):
    rows = [a_night(day, values, threshold=threshold) for day, values in enumerate(nights)]
    lines = [line for line in trend_lines("seeing", "keck", rows) if line.startswith("2026-")]
    assert len(lines) == len(nights)
    for line in lines:
        drawn = line[29 : 29 + WIDTH]
        assert sum(mark in {MIDDLE, BOTH} for mark in drawn) == 1, line


def test_the_threshold_is_drawn_where_it_lies_between_the_values():
    rows = [a_night(0, [1.0, 1.2, 1.4]), a_night(1, [1.0, 1.8, 2.0], failed=2)]
    lines = list(trend_lines("seeing", "keck", rows))
    assert lines[0] == "seeing of keck, in arcsec"
    good, bad = lines[2:4]
    assert good.index(MIDDLE) < good.index(LIMIT)
    assert bad.index(LIMIT) < bad.index(MIDDLE)
    assert lines[4] == f"{LIMIT} is the threshold of its night: wanted <= 1.5"
    far = list(trend_lines("seeing", "keck", [a_night(0, [1.0, 1.2], threshold=1e9)]))
    assert LIMIT not in far[2], "a threshold far away would press all values into one column"


def test_both_ends_of_a_range_are_drawn():
    ranged = a_night(0, [1.0, 2.0, 9.0], comparison="between", threshold=None, threshold_text="0, 10")
    assert list(trend_lines("seeing", "keck", [ranged]))[2].count(LIMIT) == 2


def test_a_check_without_numbers_has_counts_and_no_drawing():
    row = {**a_night(0, [1.0]), "values": 0, "failed": 3, "lowest": None, "median": None, "unit": None}
    lines = list(trend_lines("filter_known", "keck", [row]))
    assert lines == ["filter_known of keck", "2026-11-01        1       3"]


@pytest.mark.parametrize("value", [0.0, -0.0, 5e-324, 1e308])
def test_nights_of_one_value_are_drawn_too(value):
    line = list(trend_lines("a", "b", [a_night(0, [value, value], threshold=None)]))[2]
    assert MIDDLE in line
    assert math.isfinite(float(line.split()[-1]))


QUIET: dict[str, Any] = {
    "since": BEGIN, "until": BEGIN + timedelta(hours=8), "stream": None, "fresh_to": BEGIN, "people": [], "by_hand": [],
    "happened": [], "notes": [], "problems": [], "waiting": [], "held": [], "silent": [], "groups": [],
    "parked": [], "claims": [], "overdue": [], "program_failures": [],
}  # fmt: skip


def test_a_quiet_shift_says_of_each_thing_that_there_is_nothing():
    lines = list(shift_lines(QUIET))
    assert lines[0] == "shift from 2026-11-20 00:00:00 to 2026-11-20 08:00:00 UTC"
    assert [line for line in lines if line.endswith(": nothing")] == [
        "what happened: nothing", "who acted: nothing", "done by hand: nothing", "notes: nothing",
        "files on their way: nothing", "on hold: nothing", "streams that are silent: nothing",
        "groups that are due and not complete: nothing", "claims of observing programs: nothing",
        "observing programs that are overdue: nothing", "failed in observing programs: nothing",
        "work that is parked: nothing", "not acknowledged: nothing",
    ]  # fmt: skip


def test_what_was_done_by_hand_names_who_what_and_why():
    row = {
        "actor": "ada", "what": "file.retry", "is_refusal": True, "reason": "gateway back", "subjects": 3,
        "first_at": BEGIN, "last_at": BEGIN, "example": "keck/a",
    }  # fmt: skip
    told = "\n".join(shift_lines({**QUIET, "by_hand": [row] * 15}))
    assert "ada  file.retry (refused)  3 subjects, such as keck/a  gateway back" in told
    assert "and 3 more; -o json lists them" in told


def test_the_share_of_lookups_is_told_where_there_were_some():
    row = {"files": 40, "seconds": 8.0, "longest_s": 2.5, "share": 0.25, "longest_of": "keck/a"}
    assert (
        "40 files waited 8.000 s for services outside, 25% of the work on them; longest 2.500 s, keck/a"
        in text_of(lookups=[row])
    )
    assert "services outside" not in text_of()
