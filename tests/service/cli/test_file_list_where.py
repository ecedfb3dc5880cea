"""``file list --where``, ``--proposal`` and ``--owner`` on real views."""

from typing import Any

import pytest

from service.cli.errors import FINE, WRONG_USE
from tests.projectors.histories import SHA, STARTED, Desks, arrived, validated
from tests.service.cli.command_line import meridian
from tests.service.cli.shown_views import show

WHERE = {"version": 1, "attempt": 1}


@pytest.fixture
def listed(postgres, monkeypatch, tmp_path, capsys):
    """``file list`` of four files: two streams of two owners, one file of a proposal, one of a program of ada's."""
    desks = Desks()
    for stream, owner in (("keck", "kim"), ("dkist", "dan")):
        desks.ask("stream", stream, "configure", {"configuration": {"stream": stream, "owner": owner}})
    desks.ask("op", "op-1", "discover", {"source": "scan", "proposal": "pid_2", "datasets": []})
    desks.ask("op", "op-1", "assign", {"owner": "ada"}, reason="hers")
    told: dict[str, dict[str, Any]] = {
        "keck/a": {"exposure_s": 30.0, "obs_start_tai": "2026-11-21T06:00:37"},
        "keck/b": {"exposure_s": 900.0, "target": "it's %"},
        "dkist/c": {"program": "pid_1"},
        "dkist/d": {"visit_id": "op-1"},
    }
    for name, metadata in told.items():
        desks.ask("file", name, "arrive", arrived(SHA[0]))
        desks.ask("file", name, "start", STARTED, **WHERE)
        desks.ask("file", name, "validated", validated(SHA[0], **metadata), **WHERE)
    desks.ask("file", "keck/a", "hold", {}, reason="wait")
    show(desks, postgres, monkeypatch, tmp_path)
    return lambda *typed: meridian(capsys, "file", "list", "-o", "ids", *typed)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (("--where", "exposure_s > 600"), ["keck/b"]),
        (("--where", "is_held OR target = 'it''s %'"), ["keck/a", "keck/b"]),
        (("--where", "stream = 'keck' AND NOT is_held"), ["keck/b"]),
        (("--where", "obs_start_tai = '2026-11-21T06:00:37'"), ["keck/a"]),
        (("--where", "size_bytes > 1e15 OR extra IS NULL AND version > best_version"), []),
        (("--where", "since_at > '1990-01-01'", "--stream", "dkist"), ["dkist/c", "dkist/d"]),
        (("--where", "name LIKE '%'", "--at", "0,0,180"), []),
        (("--proposal", "pid_1"), ["dkist/c"]),
        (("--proposal", "pid_2"), ["dkist/d"]),
        (("--owner", "kim"), ["keck/a", "keck/b"]),
        (("--owner", "ada"), ["dkist/d"]),
        (("--owner", "dan", "--where", "program IS NOT NULL"), ["dkist/c"]),
    ],
    ids=str,
)
def test_files_are_found_by_what_holds_for_them(listed, typed, found):
    said = listed(*typed)
    assert (said.code, sorted(said.out.split())) == (FINE, found), said


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("--where", "exposure > 60"), "found no column exposure, wanted one of file, stream, name, state"),
        (("--where", "exposure > 60"), "did you mean exposure_s"),
        (("--where", "file = 'x'; SELECT 1"), "found '; SELECT 1'"),
        (("--owner", "kin"), "wanted one of ada, dan, kim; did you mean kim"),
    ],
    ids=str,
)
def test_what_there_is_not_is_named_with_what_there_is(listed, typed, told):
    said = listed(*typed)
    assert (said.code, said.out) == (WRONG_USE, ""), said
    assert told in said.err


def test_a_command_on_files_takes_the_same_condition(listed, capsys):
    said = meridian(capsys, "file", "hold", "--where", "exposure_s > 600", "--dry-run", "-o", "ids")
    assert (said.code, said.out.split()) == (FINE, ["keck/b"])
