"""Real files of every format in a real child, judged by their stream's rules."""

import pytest

from consumers.checks.judging import Judging, Rule

NOW = "2026-11-21T20:00:00.000Z"
FORMATS = {"keck": "keck-raw-fits", "dkist": "dkist-l1-fits", "roman": "roman-wfi-l2-asdf"}
AIRMASS = Rule("airmass", "critical", "<=", 1.2)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_good_file_of_every_format_fails_no_check(judged, made, kind):
    found = judged(made[kind], FORMATS[kind], judging=Judging(at=NOW))
    assert found.verdict == "ok"
    assert [each.check for each in found.qa if each.passed is False] == []
    assert [each.code for each in found.warnings] == []
    assert {"exposure_plausible", "observation_age", "year_plausible"} <= {each.check for each in found.qa}


def test_pixels_of_real_files_are_looked_at(judged, made):
    found = judged(made["keck"], "keck-raw-fits")
    median = next(each for each in found.qa if each.check == "pixel_median")
    assert (median.value, median.message) == (2047.5, "of all 4096 pixels of HDU 0")


def test_a_critical_rule_decides_and_what_the_file_says_of_itself_is_kept(judged, made):
    """A group has to know which of its members is missing, also of one that only quality is against."""
    found = judged(made["keck"], "keck-raw-fits", judging=Judging((AIRMASS,), at=NOW))
    assert (found.verdict, found.code) == ("invalid", "QA_AIRMASS")
    assert (found.found, found.wanted) == ("1.41", "<= 1.2")
    assert found.metadata["exposure_id"] == "KB.20190509.07554.57"
    assert {"time_order", "pixel_spread"} <= {each.check for each in found.qa}, "all the others ran"


def test_a_rule_for_other_purposes_leaves_the_file_alone(judged, made):
    rule = Rule("airmass", "critical", "<=", 1.2, purposes=("calibration",))
    assert judged(made["keck"], "keck-raw-fits", judging=Judging((rule,))).verdict == "ok"
    assert judged(made["keck"], "keck-raw-fits", judging=Judging((rule,), "calibration")).code == "QA_AIRMASS"


def test_a_clock_that_runs_ahead_is_found_by_the_time_of_the_look(judged, made):
    found = judged(made["keck"], "keck-raw-fits", judging=Judging(at="2019-05-09T02:00:00.000Z"))
    assert [each.code for each in found.warnings] == ["QA_OBSERVATION_AGE"]
