"""The ingest bench: what it makes is good, its floor does the work, and a corpus is judged by its codes."""

import hashlib
import json
from functools import partial
from types import SimpleNamespace

import psutil
import pytest

from consumers.formats import FORMATS, Expected
from consumers.storage import Storage
from service.bench import memory_watch
from service.bench.ingest import Order, bench_ingest
from service.bench.ingest_floor import FLOOR, TUNED, Source, floor_seconds
from service.bench.ingest_ground import clear, land
from service.bench.ingest_hostile import Bad, NoCorpusError, by_stream, read_corpus, wrongly_ended
from service.bench.ingest_made import make_frames
from service.bench.memory_watch import MemoryWatch
from service.demo.exposure import make_exposure
from service.settings import Settings
from service.stack import S3Access
from tests.service import put_server


def test_frames_are_good_files_of_the_size_asked_for_and_each_turns_are_new(tmp_path):
    first, second = (make_frames(tmp_path, turn=turn, count=2, size_bytes=50_000) for turn in (1, 2))
    found = [FORMATS["fits"].inspect(path, Expected(path.name)) for path in (*first, *second)]
    assert {each.verdict for each in found} == {"ok"}
    assert len({each.sha256 for each in found}) == 4
    assert all(45_000 < (each.size_bytes or 0) < 60_000 for each in found)
    sums = {qa.check: qa.passed for qa in found[0].qa if qa.check.startswith("fits_")}
    assert sums == {"fits_checksum": True, "fits_datasum": True}


def test_an_exposure_may_have_sensors_of_a_size_and_no_two_are_the_same(tmp_path):
    exposure = make_exposure(tmp_path, sensor_bytes=40_000)
    images = [file for file in exposure.files if file.path.suffix == ".fits"]
    assert len({file.sha256 for file in images}) == len(images) == 205
    assert all(40_000 <= file.size_bytes < 50_000 for file in images)
    found = FORMATS["fits"].inspect(images[0].path, Expected(images[0].path.name))
    assert (found.verdict, found.size_bytes) == ("ok", images[0].size_bytes)


def corpus(folder, *told):
    (folder / "expected.json").write_text(json.dumps(list(told)))
    (folder / "a.fits").write_bytes(b"")
    return folder


def test_a_corpus_names_its_files_and_their_codes(tmp_path):
    folder = corpus(tmp_path, {"file": "a.fits", "format": "fits", "code": "EMPTY_FILE"})
    assert read_corpus(folder) == [Bad(folder / "a.fits", "fits", "EMPTY_FILE", {})]


@pytest.mark.parametrize("told", [(), ({"file": "gone.fits", "format": "fits", "code": "X"},)])
def test_a_corpus_without_its_files_is_refused(tmp_path, told):
    with pytest.raises(NoCorpusError, match=str(tmp_path)):
        read_corpus(corpus(tmp_path, *told))


def test_a_folder_that_is_no_corpus_is_refused(tmp_path):
    with pytest.raises(NoCorpusError, match=r"expected\.json"):
        read_corpus(tmp_path)


def test_a_file_ends_rightly_only_in_its_own_code(tmp_path):
    bads = [
        Bad(tmp_path / name, "fits", code, {})
        for name, code in (("a", "X"), ("b", "X"), ("c", None), ("d", "X"))
    ]
    ends = {"a": ("INVALID", "X"), "b": ("INVALID", "Y"), "c": ("COMPLETE", None)}
    wrong = wrongly_ended(bads, ends)
    assert [(each["file"], each["state"]) for each in wrong] == [("b", "INVALID"), ("d", "none")]
    assert wrongly_ended(bads[:1], {"a": ("COMPLETE", "X")}) != []


def test_a_stream_gets_files_of_one_way_and_of_names_of_their_own(tmp_path):
    def bad(place: str, form: str = "fits", **more) -> Bad:
        return Bad(tmp_path / place, form, "X", more.pop("settings", {}), **more)

    corpus = [
        bad("1/a"), bad("b"), bad("2/a"), bad("c", "asdf"), bad("d", settings={"x": 1}),
        bad("e", checks=("wcs",)), bad("3/a"), bad("2/b"),
    ]  # fmt: skip
    streams = [[str(each.path.relative_to(tmp_path)) for each in bads] for bads in by_stream(corpus)]
    assert streams == [["1/a", "b"], ["2/a", "2/b"], ["c"], ["d"], ["e"], ["3/a"]]


def test_files_land_by_a_move_and_are_cleared_away(tmp_path):
    made, landing = tmp_path / "made", tmp_path / "landing"
    made.mkdir(), landing.mkdir()
    (made / "a").write_text("x")
    assert land([made / "a"], landing) == [landing / "a"]
    assert not (made / "a").exists()
    clear(landing)
    assert list(landing.iterdir()) == []


def test_memory_is_watched_by_role_and_a_role_that_died_is_named(tmp_path, monkeypatch):
    child = psutil.Popen(["sleep", "60"])
    roles = [
        {"name": "me", "kind": "role", "pid": psutil.Process().pid},
        {"name": "child", "kind": "role", "pid": child.pid},
    ]
    monkeypatch.setattr(memory_watch, "children_of", lambda _: roles)
    watch = MemoryWatch(Settings(data=tmp_path))
    watch.look()
    assert watch.peak_mb["me"] > 10
    assert watch.died() == ()
    child.kill()
    child.wait()
    watch.look()
    assert watch.died() == ("child",)


@pytest.mark.parametrize("is_tuned", [False, True])
def test_both_floors_put_every_file_as_it_is_and_only_the_plain_one_signs_its_bytes(tmp_path, is_tuned):
    paths = make_frames(tmp_path, turn=1, count=3, size_bytes=20_000)
    with put_server.running() as server:
        s3 = S3Access(server.endpoint, "a", "b", "us-east-1")
        storage = partial(Storage, endpoint=s3.endpoint, access_key="a", secret_key="b")
        wiring = SimpleNamespace(endpoints=SimpleNamespace(s3=s3), bucket="bucket", storage=storage)
        sources = [Source(str(path)) for path in paths]
        assert floor_seconds(wiring, sources, is_tuned=is_tuned) > 0  # type: ignore[arg-type]
    files = [put for put in server.puts if put.size > 1]
    assert sorted(put.sha256 for put in files) == sorted(
        hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    )
    assert {put.is_signed for put in files} == {not is_tuned}
    assert server.left == set()


@pytest.mark.long
def test_all_parts_run_on_a_site_of_their_own_and_the_audit_is_clean(tmp_path):
    order = Order(times=1, files=6, file_bytes=50_000, romans=2, roman_side=128, sensor_bytes=10_000, within_s=1.0,
                  hostile=corpus(tmp_path, {"file": "a.fits", "format": "fits", "code": "EMPTY_FILE"}))  # fmt: skip
    result = bench_ingest(
        Settings(data=tmp_path / "data"),
        order,
        parts=["frames", "romans", "exposures", "hostile"],
        progress=lambda _: None,
    )
    assert len(result.figures) == 4
    plain = [figure.floor_name for figure in result.figures if "plain boto3" in figure.floor_name]
    stricter = [figure.stricter.name for figure in result.figures if figure.stricter is not None]
    assert (plain, stricter) == ([FLOOR], [TUNED])
    assert all(figure.ratio > 0 for figure in result.figures)
    assert result.figures[-1].notes["wrongly_ended"] == []
    assert {count for audit in result.audits for count in audit["counters"].values()} == {0}
