"""Membership: frames of the data centre's own simulator, names of Rubin and Roman, and headers that say nonsense."""

from datetime import date
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machines.membership import RULES, SENSORS, membership, sensors_expected
from service.demo.dkist import Scan
from tests.machines.given import Story

SIMULATED = "dkist-dataset-from-0"
NAME = "MC_O_20250423_000034_R31_S10"


@cache
def headers() -> list[dict[str, Any]]:
    """Headers of one raster scan in all Stokes states, as DKIST's simulator writes them: counted from 0."""
    scan = Scan(seed=7, night=date(2026, 11, 20), steps=2, shape=(4, 4))
    return [dict(frame.header()) for frame in scan]


def test_each_frame_of_a_dataset_has_a_place_of_its_own_and_says_how_many_there_are():
    frames = headers()
    found = [
        membership(SIMULATED, name="x", metadata={"extra": each, "instrument": "VISP"}) for each in frames
    ]
    assert len(frames) == 8
    assert {each.place for each in found} == set(range(8))
    assert {each.expected for each in found} == {8}
    parents = found[0].parents
    assert (found[0].group, parents.dataset) == (frames[0]["DSETID"], frames[0]["DSETID"])
    assert (parents.program, parents.op) == (frames[0]["IP_ID"], frames[0]["OBSPR_ID"])
    assert len({(each.group, each.parents.op) for each in found}) == 1


def test_the_pipelines_count_from_1_and_the_simulator_from_0():
    frames = headers()
    one = [{**each, **{k: v + 1 for k, v in each.items() if k.startswith("DINDEX")}} for each in frames]
    for rule, told in (("dkist-dataset", one), (SIMULATED, frames)):
        found = [membership(rule, name="x", metadata={"extra": each}).place for each in told]
        assert set(found) == set(range(8))
    assert membership("dkist-dataset", name="x", metadata={"extra": frames[0]}).place is None
    assert membership(SIMULATED, name="x", metadata={"extra": one[-1]}).place is None


def test_the_frames_of_a_dataset_complete_its_group():
    story = Story("group", "dkist/x")
    frames = headers()
    for number, header in enumerate(frames):
        found = membership(SIMULATED, name="x", metadata={"extra": header})
        story.ask("member", found.counted(f"frame {number}", "complete").wire())
    record = story.decisions[-1].record
    assert (record.tostate, record.data["counts"]["expected"]) == ("Complete", 8)
    assert record.data["parents"]["op"] == frames[0]["OBSPR_ID"]


def test_a_header_that_does_not_say_which_frame_it_is_gives_no_place():
    good = headers()[0]
    axis = next(key for key in good if key.startswith("DINDEX"))
    for wrong in ({axis: 99}, {axis: -1}, {axis: "1"}, {axis: True}, {"DNAXIS": 10**9}, {"DAAXES": None}):
        found = membership(SIMULATED, name="x", metadata={"extra": {**good, **wrong}})
        assert (found.group, found.place, found.expected) == (good["DSETID"], None, None), wrong
    huge = {axis.replace("DINDEX", "DNAXIS"): 10**9}
    assert membership(SIMULATED, name="x", metadata={"extra": {**good, **huge}}).place is None
    assert membership(SIMULATED, name="x", metadata={"extra": {**good, "DSETID": " "}}) is None
    assert membership(SIMULATED, name="x", metadata={}) is None


def test_the_camera_has_its_own_numbering():
    assert len(SENSORS) == 205
    assert (SENSORS["R01_S00"], SENSORS["R22_S11"], SENSORS["R43_S22"]) == (0, 94, 188)
    assert (SENSORS["R00_SG0"], SENSORS["R00_SW1"], SENSORS["R44_SW1"]) == (189, 192, 204)


@pytest.mark.parametrize(
    ("name", "place", "role"),
    [
        (NAME, SENSORS["R31_S10"], "primary"),
        (f"{NAME}.fits", SENSORS["R31_S10"], "primary"),
        (f"{NAME}.json", SENSORS["R31_S10"], "sidecar"),
        ("MC_O_20250423_000034_R44_SG1_guider.fits", SENSORS["R44_SG1"], "primary"),
        ("MC_O_20250423_000034_R00_S11.fits", None, "primary"),
    ],
)
def test_rubin_names_give_exposure_sensor_and_role(name, place, role):
    found = membership("rubin-exposure", name=name, metadata={})
    assert (found.group, found.place, found.role) == ("MC_O_20250423_000034", place, role)


def test_a_manifest_without_guiders_expects_them_all_the_same():
    listed = [each for each in SENSORS if "_SG" not in each]
    assert len(listed) == 197
    story = Story("group", "rubin/MC_O_20250423_000034")
    story.ask("expect", sensors_expected(listed).wire())
    assert story.state.state.counts().expected == 205
    story.ask("expect", sensors_expected(listed, with_guiders=False).wire())
    assert story.state.state.counts().expected == 197
    with pytest.raises(ValueError, match="R99_S00"):
        sensors_expected(["R99_S00"])


def test_roman_names_give_visit_exposure_and_detector():
    name = "r0000101001001001001_0001_wfi18_f158_cal"
    for each in (name, f"{name}.asdf"):
        found = membership("roman-exposure", name=each, metadata={"program": "1"})
        assert (found.group, found.place, found.expected) == ("r0000101001001001001_0001", 17, 18)
    assert membership("roman-exposure", name=name.replace("wfi18", "wfi19"), metadata={}).place is None


values = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.lists(st.integers())
)
keys = st.sampled_from(
    ["DSETID", "IP_ID", "OBSPR_ID", "PROP_ID", "INSTRUME", "DNAXIS", "DAAXES"]
    + [f"{word}{axis}" for word in ("DNAXIS", "DINDEX") for axis in range(6)]
)


@given(rule=st.sampled_from(sorted(RULES)), name=st.text(max_size=60), extra=st.dictionaries(keys, values))
def test_whatever_a_file_says_a_rule_gives_a_place_that_can_be_asked_or_none(rule, name, extra):
    found = membership(rule, name=name, metadata={"extra": extra})
    if found is not None:
        assert found.counted("m", "seen").place == found.place
