"""Level, threshold and purpose by the stream's rules: what decides, what warns, what is only recorded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.checks.check import Judged, check
from consumers.checks.judge import UnjudgedError, judge
from consumers.checks.judging import Judging, Rule
from consumers.formats.findings import Findings
from consumers.formats.inspection import QaResult
from tests.consumers.checks.a_look import a_look, judged, rule


@check(unit="arcsec", wanted=("<=", 1.5), purposes=("science",))
def seeing(file):
    """The seeing is good."""
    return file.values.get("SEEING")


@check(level="critical", wanted=(">", 0))
def gain(file):
    """There is a gain."""
    return file.values.get("GAIN")


CHECKS = {"seeing": seeing, "gain": gain}
BAD_SEEING = {"SEEING": 2.5, "GAIN": 1.0}


def of(findings, name):
    return [each for each in findings.qa if each.check == name]


def test_an_advisory_failure_warns_with_what_was_found_and_wanted():
    findings, invalid = judged(a_look(values=BAD_SEEING), checks=CHECKS)
    assert invalid is None
    (result,) = of(findings, "seeing")
    assert (result.passed, result.value, result.unit, result.comparison, result.threshold) == (
        False, 2.5, "arcsec", "<=", 1.5,
    )  # fmt: skip
    (warning,) = findings.warnings
    assert (warning.code, warning.keyword, warning.found, warning.wanted) == (
        "QA_SEEING", "seeing", "2.5", "<= 1.5",
    )  # fmt: skip
    assert warning.message == "check seeing: found 2.5 arcsec, wanted <= 1.5 arcsec"


def test_a_critical_failure_decides_after_every_check_has_run():
    findings, invalid = judged(a_look(values={"SEEING": 2.5, "GAIN": -1}), checks=CHECKS)
    assert (invalid.code, invalid.found, invalid.wanted) == ("QA_GAIN", "-1", "> 0")
    assert {each.check: each.passed for each in findings.qa} == {"seeing": False, "gain": False}
    assert [each.code for each in findings.warnings] == ["QA_SEEING"]


def test_several_critical_failures_are_all_named():
    _, invalid = judged(
        a_look(values={"SEEING": 2.5, "GAIN": -1}), rule("seeing", level="critical"), checks=CHECKS
    )
    assert "1 more failed: " in invalid.message
    assert {"seeing", "gain"} <= set(invalid.message.replace(":", " ").split())


@pytest.mark.parametrize(
    ("level", "code", "warnings"),
    [
        ("critical", "QA_SEEING", []),
        ("advisory", None, ["QA_SEEING"]),
        ("record-only", None, []),
    ],
)
def test_the_streams_rule_sets_the_level(level, code, warnings):
    findings, invalid = judged(a_look(values=BAD_SEEING), rule("seeing", level=level), checks=CHECKS)
    assert (invalid and invalid.code) == code
    assert [each.code for each in findings.warnings] == warnings
    assert [(each.level, each.passed) for each in of(findings, "seeing")] == [(level, False)]


def test_what_a_stream_has_turned_off_is_not_run():
    findings, _ = judged(a_look(values=BAD_SEEING), rule("seeing", level="off"), checks=CHECKS)
    assert of(findings, "seeing") == []


def test_the_streams_rule_sets_threshold_and_comparison():
    findings, _ = judged(a_look(values=BAD_SEEING), rule("seeing", threshold=3), checks=CHECKS)
    assert [(each.passed, each.threshold) for each in of(findings, "seeing")] == [(True, 3)]
    wanted = rule("seeing", comparison="between", threshold=(2.6, 9))
    findings, _ = judged(a_look(values=BAD_SEEING), wanted, checks=CHECKS)
    assert [(each.passed, each.threshold) for each in of(findings, "seeing")] == [(False, "2.6, 9")]


def test_a_check_is_run_for_its_purposes_only_unless_the_stream_names_others():
    flat = a_look(values=BAD_SEEING, purpose="calibration")
    assert of(judged(flat, checks=CHECKS)[0], "seeing") == []
    asked = rule("seeing", purposes=("calibration",))
    assert len(of(judged(flat, asked, checks=CHECKS)[0], "seeing")) == 1


def test_the_first_rule_for_the_files_purpose_counts():
    rules = (
        rule("gain", purposes=("engineering", "test"), level="record-only"),
        rule("gain", purposes=("science",), level="advisory"),
        rule("gain", level="off"),
    )
    for purpose, level in (("test", "record-only"), ("science", "advisory"), ("calibration", None)):
        findings, invalid = judged(a_look(values={"GAIN": -1}, purpose=purpose), *rules, checks=CHECKS)
        assert invalid is None
        assert [each.level for each in of(findings, "gain")] == ([level] if level else [])


def test_a_file_that_does_not_tell_has_failed_only_what_is_required():
    silent = a_look()
    findings, invalid = judged(silent, checks=CHECKS)
    assert invalid is None
    assert [(each.check, each.passed) for each in findings.qa] == [("gain", None)]
    _, invalid = judged(silent, rule("gain", required=True), checks=CHECKS)
    assert invalid.code == "QA_GAIN"
    assert "the stream requires it" in invalid.message


@pytest.mark.parametrize(
    "wanted",
    [
        {"threshold": "much"}, {"threshold": float("nan")}, {"threshold": float("inf")}, {"threshold": (1, 2)},
        {"comparison": "between"}, {"comparison": "roughly", "threshold": 1}, {"threshold": True},
        {"comparison": "between", "threshold": (9, 1)},
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_meant_is_named_and_the_check_judges_as_it_declares(wanted):
    findings, invalid = judged(a_look(values=BAD_SEEING), rule("seeing", **wanted), checks=CHECKS)
    assert invalid is None
    assert [each.code for each in findings.warnings] == ["CHECK_MISCONFIGURED", "QA_SEEING"]
    assert [(each.threshold, each.passed) for each in of(findings, "seeing")] == [(1.5, False)]


AIRMASS = QaResult("airmass", "record-only", None, 2.4)


def test_any_value_that_a_format_records_may_be_given_a_level_and_a_threshold():
    wanted = rule("airmass", level="critical", comparison="<=", threshold=2.0)
    findings, invalid = judged(a_look(), wanted, checks={}, recorded=[AIRMASS])
    assert (invalid.code, invalid.found, invalid.wanted) == ("QA_AIRMASS", "2.4", "<= 2.0")
    (result,) = findings.qa
    assert (result.level, result.passed, result.threshold) == ("critical", False, 2.0)


def test_a_threshold_without_a_comparison_says_nothing_of_a_recorded_value():
    findings, invalid = judged(a_look(), rule("airmass", threshold=2.0), checks={}, recorded=[AIRMASS])
    assert invalid is None
    assert [each.code for each in findings.warnings] == ["CHECK_MISCONFIGURED"]
    assert findings.qa == [AIRMASS]


def test_what_a_format_decides_no_stream_weakens():
    structure = QaResult("structure", "critical", True)
    findings, _ = judged(a_look(), rule("structure", level="off"), checks={}, recorded=[structure])
    assert findings.qa == [structure]
    assert [each.code for each in findings.warnings] == ["CHECK_MISCONFIGURED"]


def test_a_rule_for_a_check_that_nobody_knows_is_a_warning_or_a_failure_if_it_is_required():
    findings, _ = judged(a_look(), rule("moon"), checks=CHECKS)
    assert [(each.code, each.wanted) for each in findings.warnings] == [("UNKNOWN_CHECK", "moon")]
    _, invalid = judged(a_look(), rule("moon", level="critical", required=True), checks=CHECKS)
    assert invalid.code == "QA_MOON"


def test_a_rule_for_a_check_that_only_other_formats_have_is_named():
    @check(formats=("asdf",))
    def blocks(_file):
        """Of ASDF."""
        return 1

    findings, _ = judged(a_look(), rule("blocks", level="critical"), checks={"blocks": blocks})
    assert [each.code for each in findings.warnings] == ["UNKNOWN_CHECK"]
    assert findings.qa == []


def test_a_check_that_raises_leaves_the_others_their_results():
    @check()
    def raises(_file):
        """Is wrong."""
        raise ZeroDivisionError("by zero")

    findings, invalid = judged(a_look(values=BAD_SEEING), checks={"raises": raises, **CHECKS})
    assert invalid is None
    assert [(each.code, each.found) for each in findings.warnings] == [
        ("CHECK_RAISED", "ZeroDivisionError"), ("QA_SEEING", "2.5"),
    ]  # fmt: skip
    assert {each.check: each.passed for each in findings.qa} == {
        "raises": None,
        "seeing": False,
        "gain": True,
    }


@check()
def raises(_file):
    """Is wrong."""
    raise ZeroDivisionError("by zero")


def test_a_file_that_a_critical_check_could_not_judge_is_neither_good_nor_bad():
    findings = Findings()
    rules = Judging((rule("raises", level="critical"), rule("gain", level="critical")))
    with pytest.raises(UnjudgedError, match="raises raised ZeroDivisionError: by zero; mend the check"):
        judge(a_look(values={"GAIN": 2.0}), rules, findings, checks={"raises": raises, **CHECKS})
    assert "CHECK_RAISED" in [each.code for each in findings.warnings]


def test_a_file_that_another_critical_check_found_bad_is_bad():
    wanted = (rule("raises", level="critical"), rule("seeing", level="critical"))
    _, invalid = judged(a_look(values=BAD_SEEING), *wanted, checks={"raises": raises, **CHECKS})
    assert invalid.code == "QA_SEEING"


def test_a_critical_rule_that_cannot_be_used_holds_files_up_unless_the_stream_says_otherwise():
    unfit = {"level": "critical", "comparison": "<=", "threshold": "low"}
    with pytest.raises(UnjudgedError, match="rule for seeing is not in force"):
        judged(a_look(values=BAD_SEEING), rule("seeing", **unfit), checks=CHECKS)
    findings, invalid = judged(
        a_look(values=BAD_SEEING), rule("seeing", **unfit, when_raised="warn"), checks=CHECKS
    )
    assert invalid is None
    assert "CHECK_MISCONFIGURED" in [each.code for each in findings.warnings]


@given(st.lists(st.sampled_from(["ok", "bad", "raises"]), max_size=6))
def test_a_file_goes_on_only_if_each_critical_check_has_passed(answers):
    def made(number, answer):
        def look(_file):
            """Answers."""
            return 1 // 0 if answer == "raises" else Judged(passed=answer == "ok")

        look.__name__ = f"c{number}"
        return check(level="critical")(look)

    checks = {f"c{number}": made(number, answer) for number, answer in enumerate(answers)}
    try:
        _, invalid = judged(a_look(), checks=checks)
    except UnjudgedError:
        assert "raises" in answers
        assert "bad" not in answers
        return
    assert (invalid is None) == (set(answers) <= {"ok"})


def test_a_want_of_memory_is_left_to_who_limits_it():
    @check()
    def hungry(_file):
        """Wants too much."""
        raise MemoryError

    with pytest.raises(MemoryError):
        judged(a_look(), checks={"hungry": hungry})


def test_an_answer_may_bring_its_own_verdict_and_words():
    @check()
    def own(_file):
        """Knows by itself."""
        return [Judged("a", passed=True, part="1"), Judged("b", passed=False, message="is b", part="2")]

    findings, _ = judged(a_look(), checks={"own": own})
    assert [(each.part, each.passed) for each in findings.qa] == [("1", True), ("2", False)]
    assert [each.message for each in findings.warnings] == ["check own: found b in 2, is b"]


def test_judging_is_what_it_was_after_it_went_to_a_child():
    import json
    from dataclasses import asdict

    judging = Judging(
        (Rule("a", "critical", "between", (1, 2.5), ("science",), required=True), Rule("b", threshold="x")),
        purpose="test",
        at="2026-11-21T20:00:00.000Z",
        left_out=("c",),
    )
    assert Judging.from_plain(json.loads(json.dumps(asdict(judging)))) == judging
