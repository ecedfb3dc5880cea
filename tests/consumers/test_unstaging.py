"""Staged inputs leave the work area whole or not at all, and nothing goes that is not ours."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from consumers.claims import WorkItem
from consumers.effects.unstage import unstage
from consumers.homes import Home
from consumers.staging import Input, stage
from consumers.unstaging import Left, Removed, remove_staged
from events.op_staging import ReportOpUnstaged
from events.program_policy import ObservingPrograms
from tests.consumers.test_staging import ABOUT, Fetching, inputs, source

__all__ = ["source"]

OP, PROGRAM, DIGEST = ABOUT["op"], ABOUT["program"], "0" * 16


@pytest.fixture
def area(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def folder(area: Path, source: Path) -> Path:
    """Three files staged, and another program's beside them."""
    for program in (PROGRAM, "q"):
        stage(
            inputs(source),
            area / OP / program / DIGEST,
            Fetching(source),
            about={**ABOUT, "program": program},
        )
    return area / OP / PROGRAM / DIGEST


def lying(area: Path) -> set[str]:
    return {path.relative_to(area).as_posix() for path in area.rglob("*") if not path.is_dir()}


def test_what_was_staged_goes_and_nothing_else(area, folder):
    others = {name for name in lying(area) if not name.startswith(f"{OP}/{PROGRAM}/")}
    assert len(lying(folder)) == 5
    removed = remove_staged(folder, about=ABOUT, mark="e1")
    assert isinstance(removed, Removed)
    assert (removed.files, removed.size_bytes > 3000) == (5, True)
    assert lying(area) == others
    assert not folder.parent.exists()
    assert remove_staged(folder, about=ABOUT, mark="e1") is None


def test_what_was_begun_is_ended_by_whoever_is_asked_again(area, folder, monkeypatch):
    def dies(path: Path) -> None:
        next(path.rglob("*.fits")).unlink()
        raise OSError(5, "the disk is away")

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", dies)
        with pytest.raises(OSError, match="away"):
            remove_staged(folder, about=ABOUT, mark="e1")
    assert not folder.exists()
    removed = remove_staged(folder, about=ABOUT, mark="e1")
    assert isinstance(removed, Removed)
    assert removed.files == 4
    assert not any(name.startswith(f"{OP}/{PROGRAM}/") for name in lying(area))


def own_work(folder: Path) -> None:
    (folder / "AAAA" / "inverted.fits").write_bytes(b"three weeks")


def changed(folder: Path) -> None:
    (folder / "AAAA" / "a.fits").write_bytes(b"calibrated")


def link_to_elsewhere(folder: Path) -> None:
    (folder / "elsewhere").symlink_to(folder.parent.parent)


def link_in_place(folder: Path) -> None:
    path = folder / "AAAA" / "a.fits"
    path.rename(folder.parent / "kept.fits")
    path.symlink_to(folder.parent / "kept.fits")


def no_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def strange_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b'{"op": ["x"], "files": 3}')


@pytest.mark.parametrize(
    "spoil", [own_work, changed, link_to_elsewhere, link_in_place, no_manifest, strange_manifest]
)
def test_where_anything_is_not_as_it_was_staged_all_of_it_stays(area, folder, spoil):
    spoil(folder)
    before = lying(area)
    with pytest.raises(Left):
        remove_staged(folder, about=ABOUT, mark="e1")
    assert lying(area) == before


def test_a_folder_of_another_program_stays(area, folder):
    before = lying(area)
    with pytest.raises(Left, match="wanted those of"):
        remove_staged(folder, about={**ABOUT, "program": "q"}, mark="e1")
    assert lying(area) == before


def test_what_somebody_is_half_through_with_staging_is_staged_into_folders_that_just_went(
    area, folder, source
):
    """Folders above go with the last one below; whoever stages beside that makes them again."""
    remove_staged(folder, about=ABOUT, mark="e1")
    again = folder.with_name(f"{DIGEST}-7")
    assert stage(inputs(source), again, Fetching(source), about=ABOUT).fetched == 3
    assert remove_staged(folder, about=ABOUT, mark="e1") is None
    assert len(lying(again)) == 5


def asked(area: Path, location: str, *, work_area: str | None = None) -> ReportOpUnstaged:
    home = Home(ObservingPrograms(work_area=work_area or area.as_uri()))
    tools = SimpleNamespace(
        homes=SimpleNamespace(now=lambda: home), host="here", clock=lambda: datetime.now(UTC)
    )
    item = SimpleNamespace(
        subject=OP, payload={"program": PROGRAM, "location": location}, event_id="e1", report_id="r1",
        correlationid=None, attempt=None, version=None, cause="e1",
    )  # fmt: skip
    [ask] = unstage(cast(WorkItem, item), cast(Any, tools))
    assert isinstance(ask.request, ReportOpUnstaged)
    assert ask.is_report
    return ask.request


def test_a_worker_says_what_became_of_it(area, folder):
    told = asked(area, folder.as_uri())
    assert (told.is_gone, told.files, told.message) == (True, 5, "removed")
    assert asked(area, folder.as_uri()).message == "nothing lay there any more"


@pytest.mark.parametrize(
    "location",
    [
        "file:///etc", "file:///", "", "s3://work/x", "{area}", "{area}/../secret", "{area}/eid_1_1/q/" + DIGEST,
        "{area}/eid_1_1/p", "{area}/eid_1_1/p/../../other/x", "{area}/eid_1_1/p/x/..", "{area}/eid_2_1/p/" + DIGEST,
    ],
)  # fmt: skip
def test_nothing_outside_the_programs_own_place_is_touched(area, folder, location):
    before = lying(area.parent)
    told = asked(area, location.format(area=area.as_uri()))
    assert not told.is_gone
    assert "it stays" in told.message
    assert lying(area.parent) == before


def test_a_link_in_the_way_leads_nowhere(area, folder, tmp_path):
    (area / OP).rename(tmp_path / "elsewhere")
    (area / OP).symlink_to(tmp_path / "elsewhere")
    before = lying(tmp_path)
    told = asked(area, folder.as_uri())
    assert (told.is_gone, "a link leads elsewhere" in told.message) == (False, True)
    assert lying(tmp_path) == before


@pytest.mark.parametrize(
    ("work_area", "said"),
    [("file:///not/here", "lies outside"), ("s3://work", "wanted a folder on this host")],
)
def test_where_the_work_area_is_another_by_now_nothing_goes(area, folder, work_area, said):
    told = asked(area, folder.as_uri(), work_area=work_area)
    assert not told.is_gone
    assert said in told.message
    assert folder.exists()


def test_a_worker_that_does_not_see_the_work_area_says_so(area, folder, tmp_path):
    area.rename(tmp_path / "unmounted")
    told = asked(area, folder.as_uri())
    assert not told.is_gone
    assert "found no folder" in told.message


def test_a_disk_that_refuses_leaves_a_reason(area, folder, monkeypatch):
    def refuses(self: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuses)
    told = asked(area, folder.as_uri())
    assert not told.is_gone
    assert "Permission denied; see to its owner and mode" in told.message
    assert Input("AAAA", "a.fits", "", 1).path in {
        path.relative_to(folder).as_posix() for path in folder.rglob("*")
    }
