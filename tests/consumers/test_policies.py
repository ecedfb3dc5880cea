import json

import pytest

from consumers.policies import PolicyFileError, criteria
from events.op_parts import FINDINGS_AT_MOST

LOCKED = {"name": "ao", "metric": "ao_locked_share", "comparison": ">=", "threshold": 0.5, "scope": "program"}
GOOD = {"name": "mine", "version": 2, "instruments": ["VISP"], "criterion": [LOCKED]}


def given(path, **members):
    path.write_text(json.dumps({**GOOD, **members}))
    return path


def one(**members):
    return {"criterion": [{**LOCKED, **members}]}


def test_criteria_are_read_from_toml_and_from_json_alike(tmp_path):
    from_json = criteria(given(tmp_path / "mine.json"))
    path = tmp_path / "mine.toml"
    path.write_text(
        'name="mine"\nversion=2\ninstruments=["VISP"]\n[[criterion]]\nname="ao"\nmetric="ao_locked_share"\n'
        'comparison=">="\nthreshold=0.5\nscope="program"\n'
    )
    assert criteria(path) == from_json
    assert from_json.label == "mine v2"
    assert from_json.reads == {"ao_locked", "frames"}


def test_the_shipped_ones_are_the_six_and_the_five():
    shipped = criteria()
    assert [each.name for each in shipped.rules if each.required] == [
        "health",
        "gos",
        "ao",
        "stokes",
        "on_disk",
        "fe_i_630",
    ]
    assert len(shipped.rules) == 11 < FINDINGS_AT_MOST
    assert {
        "health.good",
        "gos.open",
        "ao_locked",
        "frames",
        "stokes",
        "bounding_box",
        "started_at",
    } <= shipped.reads


@pytest.mark.parametrize(
    ("members", "told"),
    [
        (one(metric="beauty"), "wanted one of frames"),
        (one(threshold="high"), "wanted a number"),
        (one(threshold=None), "either threshold or threshold_metric"),
        (one(threshold_metric="frames"), "either threshold or threshold_metric"),
        (one(threshold_metric="no", threshold=None), "found the metric no"),
        (one(comparison="recorded", threshold=None), "nothing to compare"),
        (one(comparison="covers"), "covers goes with a range"),
        (one(metric="wavelengths_nm"), "covers goes with a range"),
        (one(required=False), "everything would pass"),
        (one(scope="somewhere"), "criterion.0.scope"),
        (one(colour="red"), "criterion.0.colour"),
        (one(comparison="~"), "criterion.0.comparison"),
        ({"criterion": [LOCKED, LOCKED]}, "several criteria named ao"),
        ({"criterion": []}, "criterion"),
        ({"version": 0}, "version"),
        ({"instruments": []}, "instruments"),
    ],
    ids=str,
)
def test_a_file_that_makes_no_sense_is_refused_naming_the_place(tmp_path, members, told):
    with pytest.raises(PolicyFileError) as refused:
        criteria(given(tmp_path / "mine.json", **members))
    assert told in str(refused.value)
    assert str(tmp_path) in str(refused.value)


@pytest.mark.parametrize(
    ("name", "text"), [("x.toml", "name = "), ("x.json", "{"), ("x.json", "[]"), ("x.json", "NaN")]
)
def test_a_file_that_is_none_is_refused(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(PolicyFileError):
        criteria(path)


def test_a_threshold_that_is_no_number_is_refused(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(GOOD | one(threshold=float("nan"))))
    with pytest.raises(PolicyFileError):
        criteria(path)
