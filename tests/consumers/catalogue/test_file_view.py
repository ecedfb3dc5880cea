import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consumers.catalogue.file_view import FileView
from consumers.catalogue.look import Look
from consumers.catalogue.record import read_record
from consumers.catalogue.scan import Known, scan
from consumers.catalogue.spool_sql import Spool

T0 = datetime(2023, 1, 10, 18, tzinfo=UTC)


def a_frame(dataset: str = "AAAAA", n: int = 0, **keywords):
    said = {
        "DSETID": dataset, "OBSPR_ID": "op-1", "IP_ID": "id.1", "INSTRUME": "VISP", "PROP_ID": "pid_1",
        "EXPER_ID": "eid_1", "HEADVERS": "4.0", "DATE": (T0 + timedelta(days=30, seconds=n)).isoformat(),
        "DSHEALTH": "GOOD", "GOS_STAT": "open", "AO_LOCK": True, "STOKES": "IQUV"[n % 4], "LIGHTLVL": 300.0 + n,
        "ATMOS_R0": 0.1, "WAVEMIN": 629.4 + n / 1000, "WAVEMAX": 631.0 + n / 1000,
    }  # fmt: skip
    return {
        "obs_start_utc": T0 + timedelta(seconds=n),
        "obs_end_utc": T0 + timedelta(seconds=n + 1),
        "extra": {**said, **keywords},
    }


def seen(rows):
    look = Look()
    return [read_record(each.raw) for each in FileView(lambda: rows).records(look)], look


def test_frames_become_the_record_of_their_dataset_in_whatever_order_they_came():
    rows = [a_frame(n=n, AO_LOCK=n != 3, DSHEALTH="GOOD" if n else "ILL") for n in range(40)]
    random.Random(1).shuffle(rows)
    (read,), look = seen(rows)
    dataset = read.dataset
    assert (read.op_id, dataset.program, dataset.instrument, dataset.frames) == ("op-1", "id.1", "VISP", 40)
    said = dataset.values
    assert (said["stokes"], said["ao_locked"], said["health.good"], said["health.ill"], said["gos.open"]) == (
        "IQUV",
        39,
        39,
        1,
        40,
    )
    assert (said["wavelength_min_nm"], said["wavelength_max_nm"]) == (629.4, 631.039)
    assert (said["light_level.min"], said["light_level.max"]) == (300.0, 339.0)
    assert dataset.started_at == T0
    assert dataset.ended_at == T0 + timedelta(seconds=40)
    assert dataset.created_at == T0 + timedelta(days=30, seconds=39)
    assert {each.path for each in read.problems} == {
        "boundingBox",
        "datasetSize",
        "exposureTime",
        "isEmbargoed",
    }
    assert look.is_whole


def test_the_box_of_a_dataset_has_all_of_its_frames_that_say_where_they_point():
    pointed: dict[str, Any] = {
        "WCSAXES": 2, "NAXIS1": 10, "NAXIS2": 10, "CTYPE1": "HPLN-TAN", "CTYPE2": "HPLT-TAN", "CUNIT1": "arcsec",
        "CUNIT2": "arcsec", "CRPIX1": 5.5, "CRPIX2": 5.5, "CDELT1": 1.0, "CDELT2": 1.0,
    }  # fmt: skip
    rows = [
        a_frame(n=0, **pointed, CRVAL1=-100.0, CRVAL2=20.0),
        a_frame(n=1, **pointed, CRVAL1=200.0, CRVAL2=0.0),
        a_frame(n=2),
    ]
    (read,), _ = seen(rows)
    assert read.dataset.values["bounding_box"] == (205, 25, -105, -5)


def test_frames_that_disagree_whose_they_are_make_no_op():
    (read,), _ = seen([a_frame(), a_frame(n=1, OBSPR_ID="op-2")])
    assert read.dataset is None
    assert [each.path for each in read.problems] == ["observingProgramExecutionId"]


@pytest.mark.parametrize("rows", [
    [a_frame(), {"extra": {}}, {"extra": None}, {}], [a_frame("A"), a_frame("B"), a_frame("A", n=1)],
])  # fmt: skip
def test_rows_that_can_not_be_told_apart_are_a_gap(rows):
    with Spool() as spool:
        found = scan(FileView(lambda: rows), [], significant=(), spool=spool)
        assert len(found.gaps) == 1
        assert found.counts["datasets"] >= 1


def test_a_frame_of_nonsense_spoils_only_what_it_says():
    (read,), _ = seen(
        [a_frame(), a_frame(n=1, LIGHTLVL="bright", WAVEMIN=float("nan"), DATE="soon", STOKES=7)]
    )
    assert read.dataset.frames == 2
    assert read.dataset.values["wavelength_min_nm"] == 629.4
    assert read.dataset.values["stokes"] == "I"


def test_a_dataset_whose_frames_are_still_coming_is_not_told_of_and_not_gone():
    rows = [a_frame("A", n) for n in range(3)] + [{**a_frame("B", n), "is_arriving": True} for n in range(2)]
    (known,) = [Known("op-1", read.dataset) for read in seen(rows[3:])[0]]
    with Spool() as spool:
        found = scan(FileView(lambda: rows), [known], significant=(), spool=spool)
        assert (found.counts["arriving"], found.counts["gone"]) == (1, 0)
        assert [each.dataset for change in found.changes() for each in change.added] == ["A"]
        assert found.problems == [each for each in found.problems if each.dataset_id == "A"]


FREE, UNTIL, EVER = (
    {"is_embargoed": False},
    {"is_embargoed": True, "embargo_until": T0},
    {"is_embargoed": True, "embargo_until": None},
)


@pytest.mark.parametrize(
    ("embargoes", "told"),
    [
        ([FREE, FREE], (False, None)),
        ([FREE, UNTIL], (True, T0)),
        ([UNTIL, EVER], (True, None)),
        ([UNTIL, {**UNTIL, "embargo_until": T0 + timedelta(days=1)}], (True, T0 + timedelta(days=1))),
    ],
)
def test_a_dataset_is_for_whom_the_most_guarded_of_its_frames_is(embargoes, told):
    rows = [{**a_frame(n=n, XPOSURE=24.0), **each, "size_bytes": 1 << 29} for n, each in enumerate(embargoes)]
    (read,), _ = seen(rows)
    assert (read.dataset.is_embargoed, read.dataset.embargo_until) == told
    assert (read.dataset.values["size_gib"], read.dataset.values["exposure_ms"]) == (1, 24)
    assert {each.path for each in read.problems} == {"boundingBox"}
