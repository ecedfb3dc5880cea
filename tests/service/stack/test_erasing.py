"""A folder goes although somebody still writes into it; one that can't go is told of, in bounded time."""

import shutil
from pathlib import Path

from service.stack.erasing import erased


def test_what_is_written_while_the_folder_goes_goes_too(tmp_path, monkeypatch):
    folder, tries = tmp_path / "data", []
    folder.mkdir()
    right = shutil.rmtree

    def beside(path: Path, *, ignore_errors: bool) -> None:
        right(path, ignore_errors=ignore_errors)
        tries.append(path)
        if len(tries) == 1:
            (folder / "log").mkdir(parents=True)
            (folder / "log" / "late").write_text("the last word of a child")

    monkeypatch.setattr(shutil, "rmtree", beside)
    assert erased(folder)
    assert not folder.exists()
    assert len(tries) > 1


def test_a_folder_that_does_not_go_is_given_up(tmp_path, monkeypatch):
    tries = []
    monkeypatch.setattr(shutil, "rmtree", lambda path, **_: tries.append(path))
    assert not erased(tmp_path, within_s=0.3)
    assert len(tries) > 1
    assert tmp_path.exists()
