"""A check that goes wrong in every way it can, in a real child: it is its own finding, and the file goes on."""

import pytest

from consumers.checks.judging import Judging, Rule
from consumers.child import Inspector, Limits
from consumers.formats import Expected, Format

BAD = Format("bad-checks", "text/plain", (), "tests.consumers.checks.bad_checks")
# More processor than a check is given time: one that only spins is ended by its own bound.
LIMITS = Limits(memory_bytes=64 * 1024**2, cpu_s=3, wall_s=90.0)
CRITICAL = Judging((Rule("told_what_to_do", level="critical"),))


@pytest.fixture(scope="module")
def inspector():
    with Inspector([BAD], LIMITS) as running:
        yield running


@pytest.fixture
def told(inspector, tmp_path):
    def told(order, *, judging=None, limits=None):
        path = tmp_path / "order.txt"
        path.write_text(order)
        return inspector.inspect(path, "bad-checks", Expected(path.name, judging=judging), limits=limits)

    return told


def result_of(inspection, check="told_what_to_do"):
    return next(each for each in inspection.qa if each.check == check)


def raised(inspection):
    return [(each.keyword, each.found) for each in inspection.warnings if each.code == "CHECK_RAISED"]


@pytest.mark.parametrize(
    ("order", "kind"),
    [
        ("raise gone wrong", "LookupError"),
        ("exit 0", "SystemExit"),
        ("recurse", "RecursionError"),
        ("spin", "CheckTimeoutError"),
        ("sleep 30", "CheckTimeoutError"),
        ("connect", "GuardedError"),
        ("list", "NonsenseError"),
        ("many 101", "NonsenseError"),
        ("object", "NonsenseError"),
        ("pass-with-a-word", "NonsenseError"),
        ("spin-and-swallow", "Limit"),
        ("fill-memory", "Limit"),
        ("crash", "Limit"),
        ("end 0", "Limit"),
        ("end 3", "Limit"),
    ],
)
def test_whatever_a_check_does_wrong_is_its_own_finding_and_the_file_goes_on(told, order, kind):
    result = told(order)
    assert result.failure is None, (result.failure, result.usage.log_tail)
    assert result.inspection.verdict == "ok", result.inspection.message
    assert raised(result.inspection) == [("told_what_to_do", kind)]
    assert result_of(result.inspection).passed is None
    assert result_of(result.inspection).level == "record-only"
    assert result_of(result.inspection, "good").passed is True


@pytest.mark.parametrize("order", ["raise gone wrong", "list", "connect", "sleep 30"])
def test_of_a_critical_check_that_goes_wrong_nobody_claims_anything_about_the_file(told, order):
    """Neither taken nor rejected: the failure is the code's, and says which check to mend."""
    result = told(order, judging=CRITICAL)
    assert result.inspection is None
    assert (result.failure.code, result.failure.failure_class) == ("CHECK_RAISED", "code")
    assert "told_what_to_do" in result.failure.message


def test_a_stream_may_let_such_files_go_on(told):
    judging = Judging((Rule("told_what_to_do", level="critical", when_raised="warn"),))
    inspection = told("raise gone wrong", judging=judging).inspection
    assert inspection.verdict == "ok"
    assert len(raised(inspection)) == 1


@pytest.mark.parametrize("order", ["spin-and-swallow", "fill-memory", "crash"])
def test_no_file_gets_past_a_critical_check_by_ending_it(told, order):
    """A file can be made so that a check hangs over it; one that decides is not left out."""
    result = told(order, judging=CRITICAL)
    assert result.inspection.verdict == "invalid"
    assert result.inspection.code in {"LIMIT_EXCEEDED", "UNSAFE_CONTENT"}
    assert "told_what_to_do" in result.inspection.message


def test_a_check_may_answer_for_each_part(told):
    parts = [each.part for each in told("many 100").inspection.qa if each.check == "told_what_to_do"]
    assert parts == [str(number) for number in range(100)]


@pytest.mark.parametrize("order", ["answer nan", "answer inf", "answer -inf", "text 1"])
def test_what_cannot_be_compared_has_not_passed(told, order):
    inspection = told(order).inspection
    assert inspection.verdict == "ok"
    assert result_of(inspection).passed is False
    assert result_of(inspection).value == order.split()[1]
    assert "QA_TOLD_WHAT_TO_DO" in [each.code for each in inspection.warnings]
    assert told(order, judging=CRITICAL).inspection.code == "QA_TOLD_WHAT_TO_DO"


def test_a_long_text_with_control_characters_is_kept_short_and_clean(told):
    value = result_of(told("text \x1b[31m" + "x" * 10_000).inspection).value
    assert len(value) <= 500
    assert "\x1b" not in value
