"""Watched folders: what has arrived is announced once, what has not is left alone, and nothing is missed."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from consumers.folder import announcement, run_folders
from consumers.folder_files import Announced, Found, Settling, files_below, is_ignored, look_at
from consumers.intake import Refused, Taken, take
from consumers.reading import read_to_end
from events.memory_log import MemoryLog
from events.topics import Topics
from tests.consumers.at_the_door import NOW, Streams, a_message, a_stream, rules_of

TOPICS = Topics("t")
NS = 1_000_000_000


@pytest.fixture
def landing(tmp_path):
    folder = tmp_path / "landing"
    folder.mkdir()
    return folder


@contextmanager
def watching(memory: MemoryLog, landing: Path, data_dir: Path, *, settle_s: float = 0.3) -> Iterator[None]:
    stop = threading.Event()
    rules = Streams(a_stream("keck", senders=(), roots=(), watch_folders=(str(landing),)))
    kept = {
        "kafka": memory,
        "topics": TOPICS,
        "rules": rules,
        "data_dir": data_dir,
        "stop": stop,
        "settle_s": settle_s,
    }
    thread = threading.Thread(target=run_folders, kwargs=kept)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def announced(memory: MemoryLog) -> list[str]:
    return [
        orjson.loads(message.value or b"")["data"]["uri"]
        for message in read_to_end(memory, "t.inbox.folder-keck")
    ]


def wait_for(memory: MemoryLog, count: int, *, limit_s: float = 10.0) -> list[str]:
    until = time.monotonic() + limit_s
    while len(announced(memory)) < count and time.monotonic() < until:
        time.sleep(0.05)
    return announced(memory)


def aged(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_file_that_is_closed_is_announced_at_once_and_so_is_one_that_is_moved_in(landing, tmp_path):
    memory = MemoryLog()
    with watching(memory, landing, tmp_path):
        wait_for(memory, 0)
        time.sleep(1.0)
        began = time.monotonic()
        (landing / "a.fits").write_bytes(b"x")
        (tmp_path / "b.fits").write_bytes(b"y")
        (tmp_path / "b.fits").rename(landing / "b.fits")
        (landing / "c.fits.part").write_bytes(b"z")
        (landing / "c.fits.part").rename(landing / "c.fits")
        found = wait_for(memory, 3)
        took = time.monotonic() - began
    assert sorted(Path(uri).name for uri in found) == ["a.fits", "b.fits", "c.fits"]
    assert took < 2


def test_a_file_that_is_moved_in_is_not_waited_for_and_one_that_is_still_written_is(landing, tmp_path):
    memory, here = MemoryLog(), aged(landing / "c.fits")
    with watching(memory, landing, tmp_path, settle_s=3600), (landing / "open.fits").open("wb") as unfinished:
        unfinished.write(b"x")
        unfinished.flush()
        time.sleep(1.0)
        here.rename(tmp_path / "taken-away.fits")
        aged(tmp_path / "elsewhere" / "b.fits").rename(landing / "b.fits")
        wait_for(memory, 1)
        time.sleep(0.5)
        found = announced(memory)
    assert [Path(uri).name for uri in found] == ["b.fits"]


def test_files_in_folders_that_come_later_are_found_too(landing, tmp_path):
    memory = MemoryLog()
    with watching(memory, landing, tmp_path):
        time.sleep(0.7)
        aged(landing / "night" / "deep" / "a.fits")
        assert len(wait_for(memory, 1, limit_s=20)) == 1


def test_a_restart_announces_what_came_meanwhile_and_nothing_twice(landing, tmp_path):
    memory = MemoryLog()
    (landing / "a.fits").write_bytes(b"x")
    with watching(memory, landing, tmp_path):
        wait_for(memory, 1, limit_s=20)
    (landing / "b.fits").write_bytes(b"y")
    with watching(memory, landing, tmp_path):
        wait_for(memory, 2, limit_s=20)
        time.sleep(1.0)
    assert sorted(Path(uri).name for uri in announced(memory)) == ["a.fits", "b.fits"]


def test_changed_content_is_announced_anew_and_a_file_only_looked_at_is_not(landing, tmp_path):
    memory = MemoryLog()
    with watching(memory, landing, tmp_path):
        (landing / "a.fits").write_bytes(b"x")
        wait_for(memory, 1)
        with (landing / "a.fits").open("ab"):
            pass  # closed after writing nothing
        time.sleep(0.3)
        assert len(announced(memory)) == 1
        (landing / "a.fits").write_bytes(b"longer")
        assert len(wait_for(memory, 2)) == 2


def test_a_folder_that_is_not_there_yet_is_waited_for(landing, tmp_path):
    memory = MemoryLog()
    landing.rmdir()
    with watching(memory, landing, tmp_path):
        time.sleep(0.7)
        aged(landing / "a.fits")
        assert len(wait_for(memory, 1, limit_s=20)) == 1


def test_the_door_takes_what_a_folder_announces(tmp_path):
    path = aged(tmp_path / "landing" / "KB.1 a.fits")
    found = look_at(path, is_closed=True)
    assert found is not None
    key, value = announcement(found, stream="keck", sender="folder-keck", at=NOW)
    stream = a_stream(
        "keck", senders=(), roots=(), watch_folders=(str(tmp_path / "landing"),), name_pattern=".+"
    )
    outcome = take(a_message(value, sender="folder-keck", key=key), rules_of(stream), NOW)
    assert isinstance(outcome, Taken)
    assert [one.subject for one in outcome.asked] == ["keck/KB.1 a"]


def test_the_same_file_unchanged_is_the_same_event_and_changed_another():
    def event_id(**other: Any) -> str:
        found = Found(**{"path": "/l/a.fits", "size_bytes": 5, "modified_ns": NS, "touched_ns": NS, **other})
        return str(orjson.loads(announcement(found, stream="keck", sender="folder-keck", at=NOW)[1])["id"])

    assert event_id() == event_id(touched_ns=7 * NS)
    assert (
        len({event_id(), event_id(size_bytes=6), event_id(modified_ns=NS + 1), event_id(path="/l/b.fits")})
        == 4
    )


@pytest.mark.parametrize(("age", "is_old"), [(timedelta(hours=1), False), (timedelta(days=3), True)])
def test_old_files_are_announced_as_a_matter_of_catching_up(age, is_old):
    modified = int((NOW - age).timestamp()) * NS
    value = announcement(Found("/l/a", 5, modified, modified), stream="keck", sender="folder-keck", at=NOW)[1]
    assert orjson.loads(value)["data"]["catch_up"] is is_old


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        ("a.fits", False),
        ("night/a.fits", False),
        (".a.fits", True),
        (".night/a.fits", True),
        ("a.fits.tmp", True),
        ("a.fits.part", True),
        ("a.fits.part/b.fits", True),
        ("a.fits~", True),
    ],
)
def test_hidden_and_unfinished_files_are_nobodys_business(landing, path, ignored):
    assert is_ignored(landing / path, landing) is ignored
    aged(landing / path)
    assert [found.path for found in files_below(landing)] == ([] if ignored else [str(landing / path)])


def test_what_is_no_regular_file_is_left_out(landing):
    os.mkfifo(landing / "pipe")
    (landing / "nowhere").symlink_to(landing / "missing")
    (landing / "loop").symlink_to(landing)
    assert list(files_below(landing)) == []


def a_file(*, age_s: float = 0.0, size: int = 5, is_closed: bool = False) -> Found:
    touched = int((time.time() - age_s) * NS)
    return Found("/l/a", size, touched, touched, is_closed)


def test_a_file_that_was_closed_has_arrived_and_one_that_grows_has_not():
    assert list(Settling().settled([a_file(is_closed=True)], 0.0)) != []
    assert list(Settling().settled([a_file()], 0.0)) == []
    assert list(Settling().settled([a_file(age_s=10)], 0.0)) != []


def test_a_file_closed_empty_is_given_time_to_be_filled():
    assert list(Settling().settled([a_file(size=0, is_closed=True)], 0.0)) == []
    assert list(Settling().settled([a_file(size=0, is_closed=True, age_s=10)], 0.0)) != []


def test_a_file_whose_times_lie_in_the_future_arrives_once_it_stays_as_it_is():
    settling, ahead = Settling(settle_s=3), a_file(age_s=-3600)
    assert list(settling.settled([ahead], 0.0)) == []
    assert list(settling.settled([ahead], 2.0)) == []
    assert list(settling.settled([a_file(age_s=-3700)], 3.5)) == []
    assert list(settling.settled([ahead], 4.0)) == []
    assert list(settling.settled([ahead], 7.5)) == [ahead]


def test_what_was_announced_is_known_after_a_restart_and_forgotten_when_gone(tmp_path):
    here, gone = aged(tmp_path / "a.fits"), aged(tmp_path / "b.fits")
    both = [look_at(path, is_closed=True) for path in (here, gone)]
    kept = Announced(tmp_path / "kept.sqlite3")
    kept.add([each for each in both if each is not None])
    kept.close()
    gone.unlink()
    kept = Announced(tmp_path / "kept.sqlite3")
    first, second = both
    assert first is not None
    assert second is not None
    assert (kept.has(first), kept.has(second)) == (True, False)


def test_a_name_that_is_no_utf8_is_announced_and_refused_by_the_door(tmp_path):
    folder = tmp_path / "landing"
    folder.mkdir()
    path = Path(os.fsdecode(os.fsencode(folder) + b"/a\xff.fits"))
    path.write_bytes(b"x")
    (found,) = files_below(folder)
    kept = Announced(tmp_path / "kept.sqlite3")
    kept.add([found])
    assert kept.has(found)
    value = announcement(found, stream="keck", sender="folder-keck", at=NOW)[1]
    stream = a_stream("keck", senders=(), roots=(), watch_folders=(str(folder),))
    outcome = take(a_message(value, sender="folder-keck"), rules_of(stream), NOW)
    assert isinstance(outcome, Refused)
    assert outcome.code == "BAD_URI"


def test_a_broken_note_of_what_was_announced_is_begun_anew(landing, tmp_path):
    found = look_at(aged(landing / "a.fits"), is_closed=False)
    assert found is not None
    place = tmp_path / "kept.sqlite3"
    place.write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    kept = Announced(place)
    assert not kept.has(found)
    kept.add([found])
    kept.close()
    assert Announced(place).has(found)


def test_a_note_that_breaks_while_it_is_used_costs_an_announcement_and_no_more(landing, tmp_path):
    found = look_at(aged(landing / "a.fits"), is_closed=False)
    assert found is not None
    kept = Announced(tmp_path / "kept.sqlite3")
    kept._rows.close()
    kept._rows = FailingRows(sqlite3.DatabaseError("database disk image is malformed"))  # type: ignore[assignment]
    assert not kept.has(found)
    kept.add([found])
    assert kept.has(found)


def test_a_full_disk_stops_nobody_and_nothing_is_announced_twice_meanwhile(landing, tmp_path):
    founds = [look_at(aged(landing / name), is_closed=False) for name in ("a.fits", "b.fits")]
    one, two = [each for each in founds if each is not None]
    kept = Announced(tmp_path / "kept.sqlite3")
    rows, kept._rows = kept._rows, FailingRows(sqlite3.OperationalError("database or disk is full"))  # type: ignore[assignment]
    kept.add([one])
    assert kept.has(one)
    assert not kept.has(two)
    kept._rows = rows
    kept.add([two])
    kept.close()
    again = Announced(tmp_path / "kept.sqlite3")
    assert again.has(one)
    assert again.has(two)


class FailingRows:
    """A database that can't be used."""

    def __init__(self, error: sqlite3.Error) -> None:
        self._error = error

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None

    def execute(self, *_: object) -> None:
        raise self._error

    executemany = execute

    def close(self) -> None:
        return None
