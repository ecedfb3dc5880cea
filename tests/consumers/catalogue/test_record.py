import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.catalogue.entry import Entry
from consumers.catalogue.record import read_record
from events.op_parts import Dataset
from machines.program import dataset
from machines.program.dataset import changes, flat, significant_digest
from tests.consumers.catalogue.making import a_record

READS = ("health.good", "gos.open", "ao_locked")


def test_a_good_record_has_no_problems_and_says_everything():
    read = read_record(a_record(), READS)
    assert read.problems == ()
    assert read.op_id == "eid_1_1_opX_R001"
    dataset = read.dataset
    assert (dataset.dataset, dataset.program, dataset.instrument, dataset.frames) == (
        "AAAAA",
        "id.1.1",
        "VISP",
        400,
    )
    assert dataset.created_at.isoformat() == "2023-01-10T12:00:00.123456+00:00"
    assert dataset.values["bounding_box"] == (-560.16, -347.5, -677.17, -467.21)
    assert (dataset.is_embargoed, dataset.embargo_until) == (False, None)
    assert Dataset.model_validate_json(dataset.model_dump_json()) == dataset


def test_null_counters_are_zero_where_the_others_sum_to_the_frames():
    dataset = read_record(a_record(health={"good": None, "bad": 400, "ill": None, "unknown": None})).dataset
    assert [dataset.values[f"health.{each}"] for each in ("good", "bad", "ill", "unknown")] == [0, 400, 0, 0]


def test_null_counters_stay_unsaid_where_the_others_do_not_sum_to_the_frames():
    read = read_record(a_record(health={"good": None, "bad": 399, "ill": None, "unknown": None}))
    assert "health.good" not in read.dataset.values
    assert [(each.path, each.found, each.wanted) for each in read.problems] == [
        ("health", "counters that sum to 399", "frameCount, which is 400")
    ]


WRONG = [
    ({"frameCount": "400"}, "frameCount", "frames"),
    ({"frameCount": True}, "frameCount", "frames"),
    ({"frameCount": 0}, "frameCount", "frames"),
    ({"frameCount": 400.5}, "frameCount", "frames"),
    ({"frameCount": -3}, "frameCount", "frames"),
    ({"frameCount": math.nan}, "frameCount", "frames"),
    ({"frameCount": 10**40}, "frameCount", "frames"),
    ({"frameCount": [400]}, "frameCount", "frames"),
    ({"createDate": None}, "createDate", "created_at"),
    ({"createDate": "yesterday"}, "createDate", "created_at"),
    ({"createDate": 1700000000}, "createDate", "created_at"),
    ({"createDate": "0001-01-01T00:00:00"}, "createDate", "created_at"),
    ({"aoLocked": math.nan}, "aoLocked", "ao_locked"),
    ({"aoLocked": 401}, "aoLocked", "ao_locked"),
    ({"boundingBox": "(1,2),(3)"}, "boundingBox", "bounding_box"),
    ({"boundingBox": "(1,2),(3,nan)"}, "boundingBox", "bounding_box"),
    ({"boundingBox": None}, "boundingBox", "bounding_box"),
    ({"boundingBox": [1, 2, 3, 4]}, "boundingBox", "bounding_box"),
    ({"stokesParameters": ["I"]}, "stokesParameters", "stokes"),
    ({"stokesParameters": "I\x00"}, "stokesParameters", "stokes"),
    ({"wavelengthMin": 700.0}, "wavelengthMin", "wavelength_min_nm"),
    ({"wavelengthMax": 0}, "wavelengthMax", "wavelength_max_nm"),
    ({"health": 400}, "health", "health.good"),
    ({"health": {"good": 401}}, "health.good", "health.good"),
    ({"health": {"good": "400"}}, "health.good", "health.good"),
    ({"health": {"good": 400, "bad": ""}}, "health.bad", "health.bad"),
    ({"health": {"good": 400, "bad": False}}, "health.bad", "health.bad"),
    ({"health": {"good": 500, "bad": -100}}, "health.bad", "health.bad"),
    ({"gosStatus": None}, "gosStatus", "gos.open"),
    ({"lightLevel": {"min": 1, "p25": 2, "med": 3, "p75": 4, "max": 10**40}}, "lightLevel.max", "light_level.max"),
    ({"lightLevel": {"min": 1, "p25": True, "med": 3, "p75": 4, "max": 5}}, "lightLevel.p25", "light_level.p25"),
    ({"lightLevel": {"min": math.nan, "p25": 2, "med": 3, "p75": 4, "max": 5}}, "lightLevel.min", "light_level.min"),
    ({"lightLevel": {"min": 3, "med": 2}}, "lightLevel", "light_level.med"),
    ({"friedParameter": {"med": math.inf}}, "friedParameter.med", "fried_m.med"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "path", "unsaid"), WRONG, ids=str)
def test_a_wrong_member_is_not_said_and_a_problem_tells_why(members, path, unsaid):
    read = read_record(a_record(**members), READS)
    assert read.dataset is not None
    assert read.op_id == "eid_1_1_opX_R001"
    assert path in [each.path for each in read.problems]
    assert unsaid not in flat(read.dataset)
    assert [each.path for each in read.dataset.problems] == [each.path for each in read.problems]


MAY_BE_NULL = {"embargoEndDate", "headerVersion", "polarimetricAccuracy", "friedParameter"}


@pytest.mark.parametrize("path", sorted(a_record().keys() - MAY_BE_NULL))
def test_a_missing_member_is_a_problem_with_its_path(path):
    record = a_record()
    del record[path]
    read = read_record(record, READS)
    assert [each.path for each in read.problems if each.found == "nothing"] == [path]
    assert (read.dataset is None) == (path in {"datasetId", "observingProgramExecutionId"})


def test_who_says_nothing_of_an_embargo_is_kept_from_the_public():
    assert read_record(a_record(isEmbargoed=None)).dataset.is_embargoed
    assert read_record(a_record(isEmbargoed="no")).dataset.is_embargoed


def test_times_the_wrong_way_round_are_listed_and_kept():
    read = read_record(a_record(endTime="2022-06-01T00:00:00"))
    assert [each.path for each in read.problems] == ["endTime"]
    assert read.dataset.ended_at.isoformat() == "2022-06-01T00:00:00+00:00"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(JSON | st.dictionaries(st.sampled_from(sorted(a_record())), JSON))
def test_whatever_stands_in_a_record_it_is_read(raw):
    if isinstance(raw, dict):
        raw = {**a_record(), **raw}
    read = read_record(raw, READS)
    if read.dataset is None:
        assert read.problems
        return
    assert Dataset.model_validate_json(read.dataset.model_dump_json()) == read.dataset
    assert read.dataset.model_dump_json().isprintable()
    assert all(each.path and each.wanted for each in read.problems)


@given(st.sampled_from(sorted(a_record())), JSON)
def test_the_digest_moves_with_the_significant_members_and_with_no_others(name, value):
    before, after = (
        read_record(a_record(), READS).dataset,
        read_record(a_record(**{name: value}), READS).dataset,
    )
    if before is None or after is None:
        return
    differing = {each.path for each in changes(flat(before), flat(after))}
    counts = differing & {"program", "instrument", "created_at", "frames", *READS}
    assert (before.digest != after.digest) == bool(counts)


def test_a_whole_number_is_the_same_however_it_is_spelled():
    assert significant_digest({"frames": 3, "x": [1.0]}, ["x"]) == significant_digest(
        {"frames": 3.0, "x": [1]}, ["x"]
    )


@given(JSON | st.dictionaries(st.sampled_from(sorted(a_record())), JSON))
def test_what_is_written_of_a_record_is_what_its_class_would_write(raw):
    if isinstance(raw, dict):
        raw = {**a_record(), **raw}
    read = read_record(raw, READS)
    if read.entry is None:
        return
    dataset = read.entry.read()
    again = Entry.of(read.entry.op, dataset)
    assert orjson.loads(read.entry.body) == orjson.loads(again.body)
    assert read.entry == again._replace(body=read.entry.body)
    assert read.entry.digest == significant_digest(flat(dataset), READS)


@given(st.dictionaries(st.sampled_from(["frames", *READS]), JSON | st.floats(min_value=1e-9, max_value=1e20)))
def test_a_digest_is_over_the_text_that_the_standard_library_writes(members):
    text = dataset._text(members)
    assert text == dataset._written(members).encode()
