"""Jars: only what the lock names comes into the cache, and it comes once."""

import hashlib
from pathlib import Path

import pytest

from service.stack import StackError
from service.stack.jars import Jar, cache_folder, fetch, locked, missing, version_of

CONTENT = b"a jar"
WANTED = Jar("kafka", "org.example:thing:1.0", hashlib.sha256(CONTENT).hexdigest())


def serving(content: bytes):
    def download(jar: Jar, folder: Path) -> Path:
        path = folder / "thing.jar"
        path.write_bytes(content)
        return path

    return download


def refusing(jar: Jar, folder: Path) -> Path:
    raise ConnectionError("no route to host")


def test_a_jar_is_fetched_once_and_then_taken_from_the_cache(tmp_path):
    assert missing([WANTED], tmp_path) == [WANTED]
    (path,) = fetch([WANTED], tmp_path, serving(CONTENT))
    assert path.read_bytes() == CONTENT
    assert fetch([WANTED], tmp_path, refusing) == [path]


def test_a_jar_with_another_checksum_is_refused_and_does_not_reach_the_cache(tmp_path):
    with pytest.raises(StackError, match=f"expected sha256 {WANTED.sha256}, fetched"):
        fetch([WANTED], tmp_path, serving(b"something else"))
    assert list(tmp_path.iterdir()) == []


def test_a_jar_that_was_damaged_in_the_cache_is_fetched_again(tmp_path):
    (path,) = fetch([WANTED], tmp_path, serving(CONTENT))
    path.write_bytes(b"cut sho")
    fetch([WANTED], tmp_path, serving(CONTENT))
    assert path.read_bytes() == CONTENT


def test_without_a_network_the_jar_and_the_way_out_are_named(tmp_path):
    with pytest.raises(
        StackError, match=r"org\.example:thing:1\.0 can't be fetched: no route.*MERIDIAN_CACHE"
    ):
        fetch([WANTED], tmp_path, refusing)
    assert list(tmp_path.iterdir()) == []


def test_the_lock_pins_every_jar_of_both_servers():
    jars = [*locked("kafka"), *locked("s3proxy")]
    assert len(jars) > 40
    assert all(len(jar.sha256) == 64 for jar in jars)
    assert len({jar.name for jar in jars}) == len(jars)
    assert (version_of("kafka"), version_of("s3proxy")) == ("4.3.1", "4.1.0")


def test_the_client_library_of_the_broker_is_of_its_own_version():
    """A bill of materials further down would bring 3.9.1, with which the broker dies."""
    clients = [jar for jar in locked("kafka") if ":kafka-clients:" in jar.coordinates]
    assert [jar.coordinates.split(":")[2] for jar in clients] == ["4.3.1"]


def test_a_user_without_a_cache_keeps_the_jars_with_the_data(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    assert cache_folder(None, tmp_path / "jars") == tmp_path / "jars"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_folder(None, tmp_path / "jars") == tmp_path / "cache" / "meridian"
