"""The stack's folder: its own and nobody else's, and a full disk is said in words."""

import errno
import fcntl
import os
import shutil
from pathlib import Path

import pytest

from service.settings import load
from service.stack import local
from service.stack.failure import StackError
from service.stack.place import Place, write_whole


@pytest.fixture
def settings(tmp_path):
    return load(data=tmp_path / "data", kafka="elsewhere:9092", s3_endpoint="http://e", s3_access_key="a",
                s3_secret_key="b")  # fmt: skip


def test_a_folder_with_other_peoples_things_is_neither_taken_nor_erased(settings):
    settings.data.mkdir(mode=0o755)
    thesis = settings.data / "thesis.tex"
    thesis.write_text("ten years")
    for ask in (lambda: local.up(settings), lambda: local.down(settings, erase=True)):
        with pytest.raises(StackError, match=r"found thesis\.tex there.*MERIDIAN_DATA"):
            ask()
    assert thesis.read_text() == "ten years"
    assert sorted(path.name for path in settings.data.iterdir()) == ["thesis.tex"]
    assert settings.data.stat().st_mode & 0o777 == 0o755


def test_what_our_other_parts_left_before_the_first_start_stands_in_nobodys_way(settings):
    place = Place(settings.data)
    for name in ("demo", "staging", "lost+found"):
        (settings.data / name).mkdir(parents=True)
    assert place.strangers() == []
    (settings.data / "notes").touch()
    assert place.strangers() == ["notes"]
    place.credentials()
    assert place.strangers() == []  # it has lived here; what was put beside it since goes with it


def test_passwords_that_were_only_begun_are_nobody_elses(settings):
    """By one who starts at the same time, or who was killed then: the folder must not be refused for ever."""
    settings.data.mkdir()
    begun = settings.data / "credentials.json.12532"
    begun.write_text('{"database_pass')
    Place(settings.data).check_own()
    begun.rename(settings.data / "credentials.json.bak")
    with pytest.raises(StackError, match=r"found credentials\.json\.bak there"):
        Place(settings.data).check_own()


def test_passwords_are_made_by_one_at_a_time(settings, monkeypatch):
    """Of two at once, one would start the servers with passwords that the other's then take the place of."""
    place = Place(settings.data)
    asked = []

    def made_in_turn(_: Place) -> None:
        with Path(place.turn).open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        asked.append(1)
        raise StackError("enough")

    monkeypatch.setattr(Place, "credentials", made_in_turn)
    with pytest.raises(StackError, match="enough"):
        local.up(settings)
    assert asked


def test_erasing_takes_all_of_it(settings):
    place = Place(settings.data)
    place.make()
    place.credentials()
    (settings.data / "kafka" / "log").mkdir(parents=True)
    (settings.data / "kafka" / "log" / "0.log").touch()
    local.down(settings, erase=True)
    assert not settings.data.exists()
    assert local.down(settings, erase=True) is False


def test_what_can_not_be_deleted_is_told(settings, monkeypatch):
    place = Place(settings.data)
    place.make()
    place.credentials()
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    with pytest.raises(StackError, match=r"1 files could not be deleted, such as .*credentials\.json"):
        local.down(settings, erase=True)


def test_a_full_disk_is_said_and_leaves_no_half_file(tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "state.json").write_text("1")
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(
        StackError, match=r"state\.json can't be written: No space left on device.*MERIDIAN_DATA"
    ):
        write_whole(tmp_path / "state.json", {"a": 1})
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]
    assert (tmp_path / "state.json").read_text() == "1"
