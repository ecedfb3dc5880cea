"""Staging: every byte proven, begun again it goes on, and a disk that fills up is never left full by us."""

import hashlib
import os
import shutil
import time
from pathlib import Path

import orjson
import pytest

from consumers.effects.preprocess import place_of_inputs
from consumers.failures import Failed
from consumers.staging import Input, stage
from tests.consumers.programs_given import dataset as a_dataset

ABOUT = {"op": "eid_1_1", "program": "p"}


@pytest.fixture
def source(tmp_path):
    """Three files of two datasets."""
    folder = tmp_path / "source"
    folder.mkdir()
    for name, content in (("a.fits", b"a" * 1000), ("b.fits", b"b" * 2000), ("c.fits", b"")):
        (folder / name).write_bytes(content)
    return folder


def inputs(source):
    wanted = [("AAAA", "a.fits"), ("AAAA", "b.fits"), ("BBBB", "c.fits")]
    return [
        Input(dataset, name, (source / name).as_uri(), (source / name).stat().st_size)
        for dataset, name in wanted
    ]


class Fetching:
    """Copies from the source's folder, and remembers what it was asked for; may stop in the middle."""

    def __init__(self, source, stop_at=None):
        self.source, self.stop_at, self.asked = source, stop_at, []

    def __call__(self, wanted, path):
        self.asked.append(wanted.name)
        if wanted.name == self.stop_at:
            path.write_bytes(b"half of")
            raise ConnectionError("the store went away")
        shutil.copyfile(self.source / wanted.name, path)
        return path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_staged_has_its_sums_in_a_manifest(source, tmp_path):
    folder = tmp_path / "work"
    staged = stage(inputs(source), folder, Fetching(source), about=ABOUT)
    assert (staged.files, staged.size_bytes, staged.fetched) == (3, 3000, 3)
    manifest = orjson.loads(staged.manifest.read_bytes())
    assert hashlib.sha256(staged.manifest.read_bytes()).hexdigest() == staged.manifest_sha256
    for each in manifest["files"]:
        content = (folder / each["dataset"] / each["name"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == each["sha256"]


def test_begun_again_it_goes_on_where_it_stopped(source, tmp_path):
    folder = tmp_path / "work"
    with pytest.raises(ConnectionError):
        stage(inputs(source), folder, Fetching(source, stop_at="b.fits"), about=ABOUT)
    again = Fetching(source)
    staged = stage(inputs(source), folder, again, about=ABOUT)
    assert again.asked == ["b.fits", "c.fits"]
    fresh = stage(inputs(source), tmp_path / "other", Fetching(source), about=ABOUT)
    assert staged.manifest.read_bytes() == fresh.manifest.read_bytes()
    assert list(folder.rglob("*.part")) == []


@pytest.mark.parametrize("spoilt", ["other bytes", "shorter", "gone"])
def test_what_was_spoilt_since_is_fetched_again(source, tmp_path, spoilt):
    folder = tmp_path / "work"
    stage(inputs(source), folder, Fetching(source), about=ABOUT)
    path = folder / "AAAA" / "a.fits"
    if spoilt == "gone":
        path.unlink()
    else:
        path.write_bytes(b"x" * (1000 if spoilt == "other bytes" else 10))
    again = Fetching(source)
    stage(inputs(source), folder, again, about=ABOUT)
    assert again.asked == ["a.fits"]
    assert path.read_bytes() == b"a" * 1000


def test_a_journal_cut_off_by_a_crash_costs_one_file(source, tmp_path):
    folder = tmp_path / "work"
    stage(inputs(source), folder, Fetching(source), about=ABOUT)
    journal = folder / "staged.ndjson"
    journal.write_bytes(journal.read_bytes()[:-20])
    again = Fetching(source)
    stage(inputs(source), folder, again, about=ABOUT)
    assert again.asked == ["c.fits"]
    third = Fetching(source)
    assert stage(inputs(source), folder, third, about=ABOUT).fetched == 0


PLACE = "s3://data/{proposal}/{dataset}/"


def test_inputs_lie_where_the_configuration_says():
    about = {"proposal": "pid_1_118", "source": "/where/it/was/scanned.json"}
    assert place_of_inputs(a_dataset("BLKGA"), PLACE, about) == "s3://data/pid_1_118/BLKGA/"


@pytest.mark.parametrize(
    "name", ["..", "../OTHER", "A/../../B", "/etc", "A#", "A?x=1", "A%2e%2e", "A\\B", "A\nB", ".hidden", "Ä"]
)
def test_no_name_of_a_catalogue_leads_to_the_data_of_another(name):
    for members in ((name, "pid_1"), ("AAAA", name)):
        with pytest.raises(Failed) as failed:
            place_of_inputs(a_dataset(members[0]), PLACE, {"proposal": members[1]})
        assert failed.value.code == "INPUT_NAME_UNSAFE"


def test_what_nobody_has_said_is_named_with_what_is_known():
    with pytest.raises(Failed, match=r"known are \{dataset\}, \{instrument\}"):
        place_of_inputs(a_dataset("AAAA"), PLACE, {})


def test_a_disk_that_can_not_take_it_all_is_not_begun_with(source, tmp_path):
    free = shutil.disk_usage(tmp_path).free
    huge = [Input("AAAA", "a.fits", (source / "a.fits").as_uri(), free)]
    fetch = Fetching(source)
    with pytest.raises(Failed, match="make room there") as failed:
        stage(huge, tmp_path / "work", fetch, about=ABOUT)
    assert (failed.value.code, failed.value.failure_class) == ("NO_ROOM", "transient")
    assert fetch.asked == []


def test_a_disk_that_fills_up_meanwhile_is_told_and_cleared_of_halves(source, tmp_path):
    """The kernel's own device that is always full."""

    def fetch(wanted, path):
        path.write_bytes(b"half of")
        with Path("/dev/full").open("wb") as full:
            full.write(b"x" * wanted.size_bytes)
        return 0, ""

    with pytest.raises(Failed) as failed:
        stage(inputs(source), tmp_path / "work", fetch, about=ABOUT)
    assert failed.value.code == "NO_ROOM"
    assert [path.name for path in (tmp_path / "work").rglob("*") if path.is_file()] == ["staged.ndjson"]


def test_a_file_that_grows_while_it_is_fetched_is_not_taken(source, tmp_path):
    listed = inputs(source)
    (source / "a.fits").write_bytes(b"a" * 1001)
    with pytest.raises(Failed, match="1001 bytes came, its source lists 1000"):
        stage(listed, tmp_path / "work", Fetching(source), about=ABOUT)


def test_halves_left_by_the_dead_are_removed_and_those_of_the_living_are_not(source, tmp_path):
    folder = tmp_path / "work" / "AAAA"
    folder.mkdir(parents=True)
    dead, living = folder / "a.fits.1.part", folder / "a.fits.2.part"
    for each in (dead, living):
        each.write_bytes(b"half")
    long_ago = time.time() - 10_000
    os.utime(dead, (long_ago, long_ago))
    stage(inputs(source), tmp_path / "work", Fetching(source), about=ABOUT)
    assert (dead.exists(), living.exists()) == (False, True)
