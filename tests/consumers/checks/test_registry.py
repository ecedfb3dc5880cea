"""A check is found by itself: one file is all that it takes."""

import re
import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from consumers.checks import known_checks, of, registry
from consumers.checks.check import check, code_of
from consumers.checks.registry import checks_in
from consumers.formats import FORMATS
from events.stream_checks import CheckRule
from tests.consumers.checks.a_look import a_look, judged

NEW = '''"""A new theme."""

from consumers.checks.check import check

__all__ = ["moonlight"]


@check(wanted=("<", 0.5))
def moonlight(file):
    """The moon is not too bright."""
    return file.number("MOONILL")
'''


def test_one_new_file_is_a_new_check(tmp_path, monkeypatch):
    (tmp_path / "moon.py").write_text(NEW)
    monkeypatch.setattr(of, "__path__", [*of.__path__, str(tmp_path)])
    known_checks.cache_clear()
    try:
        assert known_checks()["moonlight"].says == "The moon is not too bright."
        assert "exposure_positive" in known_checks()
    finally:
        known_checks.cache_clear()
        sys.modules.pop("consumers.checks.of.moon", None)


def test_two_checks_of_one_name_are_refused_with_both_places():
    one, two = ModuleType("one"), ModuleType("two")

    def twin(_file):
        """Is there twice."""

    vars(one)["twin"], vars(two)["twin"] = check()(twin), check()(twin)
    with pytest.raises(ValueError, match="twin: found in one and in two"):
        checks_in([one, two])
    vars(two)["twin"] = vars(one)["twin"]  # the same one, imported
    assert list(checks_in([one, two])) == ["twin"]


def test_a_check_without_words_or_with_a_threshold_that_cannot_be_is_none():
    with pytest.raises(ValueError, match="docstring"):
        check()(lambda _: 1)
    with pytest.raises(ValueError, match="threshold"):
        check(wanted=("<", float("nan")))(known_checks()["time_order"].look)


def test_every_check_can_be_named_in_a_rule_and_has_a_code_of_its_own():
    codes = {code_of(name) for name in known_checks()}
    assert len(codes) == len(known_checks()) > 10
    assert all(re.fullmatch(r"[A-Z][A-Z0-9_]{1,63}", code) for code in codes)
    for each in known_checks().values():
        CheckRule.model_validate({"check": each.name, "level": "critical", "purposes": each.purposes})
        assert set(each.formats) <= set(FORMATS)


def test_a_check_says_what_it_looks_for_in_a_sentence():
    for each in known_checks().values():
        assert each.says[0].isupper(), each.name
        assert each.says.endswith("."), each.name
        assert each.look.__module__.startswith(f"{of.__name__}.")


def test_another_packages_checks_are_found_by_their_entry_point_and_broken_ones_are_named(monkeypatch):
    theirs = EntryPoint("theirs", "tests.consumers.checks.bad_checks", registry.ENTRY_POINTS)
    gone = EntryPoint("gone-away", "no.such.package", registry.ENTRY_POINTS)
    monkeypatch.setattr(registry, "entry_points", lambda group: [theirs, gone])
    known_checks.cache_clear()
    try:
        found = known_checks()
    finally:
        known_checks.cache_clear()
    assert {"good", "told_what_to_do", "time_order"} <= set(found)
    findings, invalid = judged(a_look(), checks={"gone_away": found["gone_away"]})
    assert invalid is None
    (warning,) = findings.warnings
    assert (warning.code, warning.keyword, warning.found) == ("CHECK_RAISED", "gone_away", "ImportError")
    assert "no.such.package" in warning.message
