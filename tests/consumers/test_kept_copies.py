"""Fetched copies kept between two steps: used once, bounded, and never anybody else's file."""

import os
import socket
import time

import pytest

from consumers.kept_copies import KeptCopies

URI, SUM = "s3://landing/a.fits", "a" * 64


def fetched(staging, name="a.fits", size=10):
    folder = staging / f"fetched-{time.monotonic_ns()}"
    folder.mkdir(parents=True)
    path = folder / name
    path.write_bytes(b"x" * size)
    return path


def test_a_copy_is_given_once_with_its_name_and_then_removed(tmp_path):
    kept = KeptCopies(tmp_path)
    path = fetched(tmp_path)
    assert kept.keep(path, uri=URI, sha256=SUM)
    assert not path.exists()
    with kept.taken(URI, SUM) as copy:
        assert (copy.name, copy.read_bytes()) == ("a.fits", b"x" * 10)
    assert not copy.exists()
    with kept.taken(URI, SUM) as copy:
        assert copy is None


def test_a_copy_with_other_bytes_is_not_given(tmp_path):
    kept = KeptCopies(tmp_path)
    kept.keep(fetched(tmp_path), uri=URI, sha256=SUM)
    with kept.taken(URI, "b" * 64) as copy:
        assert copy is None
    assert kept.size_bytes == 10


def test_a_copy_whose_use_failed_is_kept_for_the_next_try(tmp_path):
    kept = KeptCopies(tmp_path)
    kept.keep(fetched(tmp_path), uri=URI, sha256=SUM)
    with pytest.raises(ConnectionError), kept.taken(URI, SUM):
        raise ConnectionError
    with kept.taken(URI, SUM) as copy:
        assert copy.exists()


def test_a_file_that_lies_where_it_landed_is_left_there(tmp_path):
    kept = KeptCopies(tmp_path / "staging")
    path = fetched(tmp_path / "landing")
    assert not kept.keep(path, uri=path.as_uri(), sha256=SUM)
    assert path.exists()


def test_the_oldest_go_when_all_take_too_much(tmp_path):
    kept = KeptCopies(tmp_path, at_most_bytes=25)
    for number in range(3):
        kept.keep(fetched(tmp_path), uri=f"{URI}{number}", sha256=SUM)
    assert kept.size_bytes == 20
    with kept.taken(f"{URI}0", SUM) as first, kept.taken(f"{URI}2", SUM) as last:
        assert first is None
        assert last.exists()
    assert not kept.keep(fetched(tmp_path, size=26), uri=URI, sha256=SUM)
    assert sum(path.is_file() for path in tmp_path.rglob("1/*")) == 0


def test_an_old_copy_is_not_given(tmp_path):
    kept = KeptCopies(tmp_path, age_s=0.0)
    kept.keep(fetched(tmp_path), uri=URI, sha256=SUM)
    time.sleep(0.001)
    with kept.taken(URI, SUM) as copy:
        assert copy is None
    assert kept.size_bytes == 0


def test_what_dead_processes_left_is_removed_and_what_living_ones_have_stays(tmp_path):
    host = socket.gethostname()
    dead, living, other = (
        tmp_path / f"kept-{name}" for name in (f"{host}-99999999", f"{host}-1", "elsewhere-7")
    )
    mine = tmp_path / f"kept-{host}-{os.getpid()}"
    for folder in (dead, living, other, mine):
        (folder / "1").mkdir(parents=True)
    KeptCopies(tmp_path)
    assert [folder.exists() for folder in (dead, living, other, mine)] == [False, True, True, False]


def test_all_can_be_dropped_at_once(tmp_path):
    kept = KeptCopies(tmp_path)
    kept.keep(fetched(tmp_path), uri=URI, sha256=SUM)
    kept.clear()
    assert kept.size_bytes == 0
    assert not any(path.is_file() for path in tmp_path.rglob("*"))
