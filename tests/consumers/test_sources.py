"""Where announced files may be read from."""

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from consumers.sources import open_source
from consumers.storage import Storage
from consumers.storage_errors import SourceMissing, SourceRefused, SourceTooLarge, StorageUnavailable


@pytest.fixture
def landing(tmp_path):
    folder = tmp_path / "landing"
    folder.mkdir()
    (folder / "a.fits").write_bytes(b"good")
    (tmp_path / "secret").write_bytes(b"not for you")
    return folder


def read(uri: str, roots: list[str], tmp_path: Path, **other: Any) -> tuple[str, bytes]:
    with open_source(uri, roots, tmp_path / "staging", **other) as path:
        return path.name, path.read_bytes()


def test_a_file_inside_a_root_is_given_as_it_is(landing, tmp_path):
    assert read(f"file://{landing}/a.fits", [f"file://{landing}/"], tmp_path) == ("a.fits", b"good")


def test_a_name_with_escaped_letters_is_found(landing, tmp_path):
    (landing / "a b#1.fits").write_bytes(b"odd")
    assert read(f"file://{landing}/a%20b%231.fits", [f"file://{landing}"], tmp_path) == ("a b#1.fits", b"odd")


@pytest.mark.parametrize("step", ["../secret", "%2e%2e/secret", "./../secret", "a.fits/../../secret"])
def test_a_path_that_climbs_out_of_its_root_is_refused(landing, tmp_path, step):
    with pytest.raises(SourceRefused, match="outside of the stream's roots"):
        read(f"file://{landing}/{step}", [f"file://{landing}/"], tmp_path)


def test_a_link_that_leads_out_of_its_root_is_refused(landing, tmp_path):
    (landing / "link.fits").symlink_to(tmp_path / "secret")
    (landing / "door").symlink_to(tmp_path)
    for name in ("link.fits", "door/secret"):
        with pytest.raises(SourceRefused, match="secret, outside"):
            read(f"file://{landing}/{name}", [f"file://{landing}/"], tmp_path)


def test_a_folder_whose_name_only_begins_like_a_root_is_outside(landing, tmp_path):
    beside = tmp_path / "landing-2"
    beside.mkdir()
    (beside / "a.fits").write_bytes(b"other")
    with pytest.raises(SourceRefused):
        read(f"file://{beside}/a.fits", [f"file://{landing}"], tmp_path)


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1/a.fits",
        "ftp://host/a.fits",
        "a.fits",
        "/etc/passwd",
        "file://elsewhere/landing/a.fits",
        "file:///landing/a.fits%00.txt",
        "file:///landing/a.fits?x=1",
        "s3://landing/a.fits",
    ],
)
def test_places_that_are_none_are_refused(uri, tmp_path):
    with pytest.raises(SourceRefused):
        read(uri, ["file:///landing/", "s3://landing/"], tmp_path)


def test_only_regular_files_are_read(landing, tmp_path):
    os.mkfifo(landing / "pipe.fits")
    for name in ("pipe.fits", "."):
        with pytest.raises(SourceRefused, match="no regular file"):
            read(f"file://{landing}/{name}", [f"file://{landing}/"], tmp_path)


def test_what_is_not_there_is_missing_and_what_is_too_large_says_so(landing, tmp_path):
    for name in ("later.fits", "a.fits/inside"):
        with pytest.raises(SourceMissing):
            read(f"file://{landing}/{name}", [f"file://{landing}/"], tmp_path)
    with pytest.raises(SourceTooLarge, match="4 bytes, wanted at most 3"):
        read(f"file://{landing}/a.fits", [f"file://{landing}/"], tmp_path, max_bytes=3)


def test_a_root_that_is_not_mounted_is_a_server_that_is_away_and_no_files_fault(landing, tmp_path):
    away = tmp_path / "not-mounted"
    roots = [f"file://{away}/", f"file://{landing}/"]
    with pytest.raises(StorageUnavailable, match="wanted the stream's root; mount it"):
        read(f"file://{away}/night/a.fits", roots, tmp_path)
    with pytest.raises(SourceMissing):
        read(f"file://{landing}/later.fits", roots, tmp_path)


@pytest.fixture
def stored(s3, tmp_path):
    storage = Storage(
        endpoint=s3.endpoint, access_key=s3.access_key, secret_key=s3.secret_key, region=s3.region
    )
    path = tmp_path / "to-store"
    path.write_bytes(b"from afar")
    sha256 = hashlib.sha256(b"from afar").hexdigest()
    for key in ("roman/a 1.asdf", "romanic/a.asdf"):
        storage.put_file(path, bucket=s3.bucket, key=key, sha256=sha256, size_bytes=9)
    yield storage, s3.bucket
    storage.close()


def test_an_object_is_fetched_under_its_name_and_the_copy_goes_away(stored, tmp_path):
    storage, bucket = stored
    roots = [f"s3://{bucket}/roman/"]
    with open_source(f"s3://{bucket}/roman/a%201.asdf", roots, tmp_path / "staging", storage=storage) as path:
        assert (path.name, path.read_bytes()) == ("a 1.asdf", b"from afar")
    assert list((tmp_path / "staging").iterdir()) == []


def test_objects_outside_the_roots_or_above_the_limit_are_not_fetched(stored, tmp_path):
    storage, bucket = stored
    roots = [f"s3://{bucket}/roman"]
    for key in ("romanic/a.asdf", "roman/../romanic/a.asdf", "roman/", "roman//a.asdf"):
        with pytest.raises(SourceRefused):
            read(f"s3://{bucket}/{key}", roots, tmp_path, storage=storage)
    with pytest.raises(SourceMissing):
        read(f"s3://{bucket}/roman/none.asdf", roots, tmp_path, storage=storage)
    with pytest.raises(SourceTooLarge):
        read(f"s3://{bucket}/roman/a%201.asdf", roots, tmp_path, storage=storage, max_bytes=3)
    assert list((tmp_path / "staging").iterdir()) == []
