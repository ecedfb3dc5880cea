"""The observing programs of the demo: their frames make one that is fit and one that is not, and the map is right."""

import json
from datetime import UTC, date, datetime

import numpy as np
import pytest
from astropy.io import fits

from consumers.catalogue.catalogue_file import CatalogueFile
from consumers.catalogue.look import Look
from consumers.catalogue.record import read_record
from consumers.failures import Failed
from consumers.policies import criteria
from consumers.portal import Portal
from machines.program.verdict import judge
from service.demo.inversion import invert
from service.demo.maker import CATALOGUE, PROGRAM_FRAMES
from service.demo.metadata_store import metadata_store
from service.demo.program_frames import write
from service.demo.program_story import story_of
from service.demo.programs import Programs
from tests.consumers.programs_given import OpStory, dataset

NIGHT = date(2026, 11, 1)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    return folder, list(write(folder, seed=7, night=NIGHT, count=PROGRAM_FRAMES, full=False))


def test_the_catalogue_is_read_without_a_problem_but_what_no_frame_says(made):
    folder, paths = made
    reads = [read_record(each.raw) for each in CatalogueFile(folder / CATALOGUE).records(Look())]
    assert [each.dataset.frames for each in reads] == [PROGRAM_FRAMES // 2] * 2
    assert {problem.path for each in reads for problem in each.problems} == set()
    assert {each.dataset_id for each in reads} == {path.parent.name for path in paths}
    assert len({each.op_id for each in reads}) == 2


def test_the_first_is_fit_to_be_inverted_and_the_second_is_not_because_of_its_clouds(made):
    folder, _ = made
    rules = criteria()
    reads = [read_record(each.raw, rules.reads) for each in CatalogueFile(folder / CATALOGUE).records(Look())]
    datasets = [each.dataset for each in reads if each.dataset is not None]
    fit, unfit = (judge(dataset.program, [dataset], rules) for dataset in datasets)
    assert fit.outcome == "pass", [each for each in fit.findings if not each.passed]
    assert (unfit.outcome, [each.name for each in unfit.findings if each.required and not each.passed]) == (
        "fail",
        ["ao"],
    )


def test_another_night_has_other_programs_and_datasets(made, tmp_path):
    folder, _ = made
    list(write(tmp_path, seed=8, night=NIGHT, count=PROGRAM_FRAMES, full=False))
    names = []
    for place in (folder, tmp_path):
        records = json.loads((place / CATALOGUE).read_text())["data"]["datasetInventories"]
        names += [each[member] for each in records for member in ("datasetId", "observingProgramExecutionId")]
    assert len(set(names)) == 8


def test_a_line_that_is_shifted_and_split_comes_back_as_its_velocity_and_field(tmp_path):
    wavelengths, field_gauss, shift = 6302 + 0.01 * (np.arange(200) - 100), 120.0, 0.03

    def line(centre):
        return 1000 * (1 - 0.7 * np.exp(-(((wavelengths - centre) / 0.1) ** 2)))

    split = 4.67e-13 * 2.5 * wavelengths.mean() ** 2 * field_gauss
    paths = []
    for step, centre in enumerate((6302 - shift, 6302 + shift)):
        for stokes in "IV":
            image = line(centre) if stokes == "I" else -split * np.gradient(line(centre), wavelengths)
            told = {"STOKES": stokes, "DINDEX3": step, "CRVAL2": 6302e-10, "CDELT2": 1e-12, "CRPIX2": 101.0}
            hdu = fits.PrimaryHDU(np.repeat(image[None, :, None], 4, axis=2).astype(np.float32))
            hdu.header.update(told)
            paths.append(tmp_path / f"{step}{stokes}.fits")
            hdu.writeto(paths[-1])
    invert(paths, tmp_path / "out" / "maps.fits", made_at=datetime(2026, 11, 2, tzinfo=UTC))
    with fits.open(tmp_path / "out" / "maps.fits", checksum=True) as maps:
        assert maps["VLOS"].data.shape == (2, 4)
        assert maps["VLOS"].data[1] - maps["VLOS"].data[0] == pytest.approx(
            2 * shift / 6302 * 299792.458, rel=0.01
        )
        assert maps["BLOS"].data == pytest.approx(field_gauss, rel=0.01)


def test_the_store_shows_what_it_was_told_once_and_lets_nothing_be_replaced_by_nothing():
    with metadata_store() as store:
        portal = Portal(store.url)
        first = portal.announce({"op": "op-1", "attempt": 1, "replaces": None}, key="a")
        assert portal.announce({"op": "op-1", "attempt": 1, "replaces": None}, key="a") == first
        second = portal.announce({"op": "op-1", "attempt": 2, "replaces": first}, key="b")
        assert [*store.shown] == [second]
        with pytest.raises(Failed, match="404"):
            portal.withdraw("publication-op-2-1", {}, key="c")
        portal.withdraw(second, {}, key="d")
        assert not store.shown


def test_the_story_tells_every_step_in_words():
    story = OpStory()
    seen = dataset("AAAA")
    records = [story.discover(seen), story.close(seen)]
    rows = [
        {
            "type": each.type, "tostate": each.tostate, "data": each.data, "actor": each.actor, "time": each.at,
            "is_refusal": False,
        }
        for each in records
    ]  # fmt: skip
    shown = {"identifier": "10.5072/x", "manifest": {"uri": "s3://bucket/manifest"}}
    told = "\n".join(story_of(Programs(published="op-1", history=rows, refused=None, shown=shown)))
    assert "a scan finds it in a catalogue: 1 dataset, 100 frames" in told
    assert "all of its data is there: manifest" in told
    assert "s3://bucket/manifest" in told
