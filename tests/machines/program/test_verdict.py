import itertools
import math
import re
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.policies import criteria
from events.op_parts import Cover
from machines.program.criteria import Criteria
from machines.program.sun import apparent_radius_arcsec
from machines.program.verdict import judge, told_verdict
from tests.machines.program.building import a_dataset

VISP = criteria()
REQUIRED = ["health", "gos", "ao", "stokes", "on_disk", "fe_i_630"]
RECORDED = ["ca_ii_854", "ca_ii_849", "light_level", "polarimetric_accuracy", "fried_parameter"]


def failed(verdict) -> set[str]:
    return {each.name for each in verdict.findings if not each.passed and each.required}


def test_a_program_that_meets_everything_passes_and_everything_is_listed():
    verdict = judge("id.1.1", [a_dataset("A"), a_dataset("B")], VISP)
    assert (verdict.outcome, verdict.instrument, verdict.criteria, verdict.criteria_version) == (
        "pass",
        "VISP",
        "visp",
        1,
    )
    listed = {(each.name, each.dataset) for each in verdict.findings}
    for name in (*REQUIRED[:-1], "light_level", "polarimetric_accuracy", "fried_parameter"):
        assert {(name, "A"), (name, "B")} <= listed
    assert {each.name for each in verdict.findings} == {*REQUIRED, *RECORDED}
    assert {each.name for each in verdict.findings if not each.required} == set(RECORDED)
    assert verdict.cover == Cover.of((each.dataset, each.digest) for each in (a_dataset("B"), a_dataset("A")))


ONE_WRONG = [
    ("health", {"health.good": 299}),
    ("gos", {"gos.open": 399}),
    ("ao", {"ao_locked": 299}),
    ("stokes", {"stokes": "I"}),
    ("on_disk", {"bounding_box": (0.0, 0.0, 0.0, 980.0)}),
]


@pytest.mark.parametrize(("name", "say"), ONE_WRONG)
def test_one_dataset_that_fails_is_enough_and_the_verdict_says_which(name, say):
    verdict = judge("id.1.1", [a_dataset("A"), a_dataset("B", say=say), a_dataset("C")], VISP)
    assert verdict.outcome == "fail"
    assert [(each.name, each.dataset) for each in verdict.findings if not each.passed and each.required] == [
        (name, "B")
    ]
    assert verdict.findings[0].message


@pytest.mark.parametrize(("name", "path"), [
    ("health", "health.good"), ("gos", "gos.open"), ("ao", "ao_locked"), ("stokes", "stokes"),
    ("on_disk", "bounding_box"), ("fe_i_630", "wavelength_min_nm"),
])  # fmt: skip
def test_what_a_record_does_not_say_is_not_met_and_is_never_guessed(name, path):
    verdict = judge("id.1.1", [a_dataset("A", say={path: None})], VISP)
    assert failed(verdict) == {name}
    assert "does not say" in str([each.message for each in verdict.findings if each.name == name])


def test_a_line_is_covered_by_any_dataset_of_the_program_and_its_ends_belong_to_a_range():
    blue = a_dataset("A", say={"wavelength_min_nm": 396.0, "wavelength_max_nm": 397.0})
    assert failed(judge("p", [blue], VISP)) == {"fe_i_630"}
    for shortest, longest in ((629.0, 630.2), (630.2, 631.0)):
        red = a_dataset("B", say={"wavelength_min_nm": shortest, "wavelength_max_nm": longest})
        found = judge("p", [blue, red], VISP)
        assert found.outcome == "pass"
        assert [each.dataset for each in found.findings if each.name == "fe_i_630"] == ["B"]
    beside = a_dataset("B", say={"wavelength_min_nm": 630.21, "wavelength_max_nm": 631.0})
    assert failed(judge("p", [blue, beside], VISP)) == {"fe_i_630"}


def test_the_sun_is_976_arcseconds_at_perihelion_and_944_at_aphelion():
    assert round(apparent_radius_arcsec(datetime(2023, 1, 4, 16, tzinfo=UTC))) == 976
    assert round(apparent_radius_arcsec(datetime(2023, 7, 6, 20, tzinfo=UTC))) == 944
    box = {"bounding_box": (0.0, 960.0, 10.0, 900.0)}
    winter = a_dataset(started_at=datetime(2023, 1, 4, tzinfo=UTC), say=box)
    summer = a_dataset(started_at=datetime(2023, 7, 6, tzinfo=UTC), say=box)
    assert judge("p", [winter], VISP).outcome == "pass"
    assert failed(judge("p", [summer], VISP)) == {"on_disk"}


def test_a_corner_on_the_limb_is_not_inside():
    at = datetime(2023, 7, 6, tzinfo=UTC)
    radius = apparent_radius_arcsec(at)
    for corner, passes in ((radius - 0.01, True), (radius, False), (radius + 0.01, False)):
        box = {"bounding_box": (0.0, 0.0, 0.0, corner)}
        assert (judge("p", [a_dataset(started_at=at, say=box)], VISP).outcome == "pass") == passes


def test_all_four_corners_count_and_not_only_the_two_that_are_written():
    assert failed(judge("p", [a_dataset(say={"bounding_box": (700.0, 0.0, 0.0, 700.0)})], VISP)) == {
        "on_disk"
    }


def test_programs_of_other_instruments_are_context():
    verdict = judge("p", [a_dataset(instrument="VBI", say={"stokes": "I"})], VISP)
    assert (verdict.outcome, verdict.findings, verdict.instrument) == ("not_applicable", (), "VBI")


@pytest.mark.parametrize("datasets", [
    [], [a_dataset("A"), a_dataset("B", instrument="VBI")], [a_dataset("A", instrument="unknown")],
    [a_dataset("A", program="unassigned")],
])  # fmt: skip
def test_a_program_that_is_none_does_not_pass_and_hears_why(datasets):
    verdict = judge("p", datasets, VISP)
    assert verdict.outcome == "fail"
    assert verdict.findings[0].message.startswith("found")


COUNTS = st.none() | st.integers(0, 40)
SAID = st.fixed_dictionaries({
    "health.good": COUNTS, "gos.open": COUNTS | st.just(40), "ao_locked": COUNTS | st.just(40),
    "stokes": st.sampled_from([None, "I", "IQUV"]),
    "bounding_box": st.none() | st.tuples(*[st.floats(-1000, 1000)] * 4),
    "wavelength_min_nm": st.sampled_from([None, 396.0, 629.0, 630.2, 630.5]),
    "wavelength_max_nm": st.sampled_from([None, 630.2, 631.0, 900.0]),
})  # fmt: skip
DAYS = st.datetimes(datetime(2022, 1, 1), datetime(2026, 1, 1), timezones=st.just(UTC))


def by_the_book(datasets) -> set[str]:
    """VISP v1, written out again from the lifecycle's text."""
    wrong = set()
    for each in datasets:
        said = each.values
        if said.get("health.good") is None or said["health.good"] / 40 < 0.75:
            wrong.add("health")
        if said.get("gos.open") != 40:
            wrong.add("gos")
        if said.get("ao_locked") is None or said["ao_locked"] / 40 < 0.75:
            wrong.add("ao")
        if said.get("stokes") != "IQUV":
            wrong.add("stokes")
        box = said.get("bounding_box")
        radius = apparent_radius_arcsec(each.started_at)
        if box is None or any(math.hypot(x, y) >= radius for x, y in itertools.product(box[::2], box[1::2])):
            wrong.add("on_disk")
    ranges = [
        (each.values.get("wavelength_min_nm"), each.values.get("wavelength_max_nm")) for each in datasets
    ]
    if not any(None not in each and each[0] <= 630.2 <= each[1] for each in ranges):
        wrong.add("fe_i_630")
    return wrong


@given(st.lists(st.tuples(SAID, DAYS), min_size=1, max_size=4))
def test_the_verdict_is_the_one_of_the_book(said):
    datasets = [a_dataset(f"D{n}", frames=40, started_at=at, say=each) for n, (each, at) in enumerate(said)]
    verdict = judge("p", datasets, VISP)
    assert failed(verdict) == by_the_book(datasets)
    assert verdict.outcome == ("fail" if by_the_book(datasets) else "pass")
    assert judge("p", datasets[::-1], VISP) == verdict
    for each in verdict.findings:
        assert each.margin is None or each.passed == (
            each.margin > 0 if each.comparison == "inside" else each.margin >= 0
        )
        assert each.passed or each.message
    order = [(each.passed, not each.required) for each in verdict.findings]
    assert order == sorted(order)


@given(st.integers(1, 2000), st.integers(0, 2000))
def test_so_many_more_frames_would_do_and_one_less_would_not(frames, good):
    good = min(good, frames)
    verdict = judge("p", [a_dataset(frames=frames, say={"health.good": good})], VISP)
    if verdict.outcome == "pass":
        return
    (more,) = map(int, re.findall(r"; (\d+) more of its", str(verdict.findings[0].message)))
    enough = a_dataset(frames=frames, say={"health.good": good + more})
    short = a_dataset(frames=frames, say={"health.good": good + more - 1})
    assert (judge("p", [enough], VISP).outcome, judge("p", [short], VISP).outcome) == ("pass", "fail")


def test_a_verdict_of_very_many_datasets_lists_what_failed_and_counts_the_rest():
    datasets = [a_dataset(f"D{n:04d}", say={"ao_locked": 0 if n == 150 else 400}) for n in range(200)]
    verdict = judge("p", datasets, VISP)
    assert (len(verdict.findings), verdict.left_out) == (512, 200 * 8 + 3 - 512)
    assert [each.dataset for each in verdict.findings if not each.passed and each.required] == ["D0150"]
    assert verdict.left_out_digest


def test_the_digest_of_criteria_is_that_of_what_decides():
    members = VISP.model_dump(by_alias=True)
    assert Criteria.model_validate({**members, "title": "else"}).digest == VISP.digest
    members["criterion"][0]["threshold"] = 0.74
    assert Criteria.model_validate(members).digest != VISP.digest


PATHS = (
    "health.good",
    "gos.open",
    "ao_locked",
    "stokes",
    "bounding_box",
    "wavelength_min_nm",
    "light_level.med",
)


@given(missing=st.lists(st.sets(st.sampled_from(PATHS)), max_size=3), other=st.booleans())
def test_a_verdict_for_the_wire_is_the_verdict(missing, other):
    """What is sent without a look at its form has the form, whatever the records say and leave out."""
    datasets = [a_dataset(f"D{n}", say=dict.fromkeys(paths)) for n, paths in enumerate(missing)]
    if other:
        datasets.append(a_dataset("X").model_copy(update={"instrument": "VBI"}))
    told = told_verdict("id.1.1", datasets, VISP)
    verdict = judge("id.1.1", datasets, VISP).model_dump(mode="json", exclude_none=True)
    assert orjson.loads(orjson.dumps(told)) == verdict


def test_so_is_one_with_more_findings_than_are_listed():
    datasets = [a_dataset(f"D{number}") for number in range(200)]
    told = told_verdict("id.1.1", datasets, VISP)
    assert orjson.loads(orjson.dumps(told)) == judge("id.1.1", datasets, VISP).model_dump(
        mode="json", exclude_none=True
    )
    assert told["left_out_digest"]
