"""A filter that names what there is not is wrong use, with the names there are; nothing found would be no answer."""

import pytest

from service.cli.errors import FINE, WRONG_USE
from tests.projectors.histories import SHA, STARTED, Desks, arrived, transferred, validated
from tests.service.cli.command_line import meridian
from tests.service.cli.shown_views import show

WHERE = {"version": 1, "attempt": 1}
SEEING = {"check": "seeing", "level": "advisory", "passed": True, "value": 1.0, "unit": "arcsec"}
ODD = {"code": "ODD_ONE", "message": "of a format that another package brings"}
QA = [{"check": "dome_seeing", "level": "record-only"}]


@pytest.fixture
def listed(postgres, monkeypatch, tmp_path, capsys):
    """``file list`` of two files: one with a result and without a preview, one with a warning of somebody else."""
    desks = Desks()
    desks.ask("stream", "keck", "configure", {"configuration": {"stream": "keck", "qa": QA}})
    for name, more in (("keck/a", {"qa": [SEEING]}), ("keck/b", {"warnings": [ODD]})):
        desks.ask("file", name, "arrive", arrived(SHA[0]))
        desks.ask("file", name, "start", STARTED, **WHERE)
        desks.ask("file", name, "validated", validated(SHA[0]) | more, **WHERE)
        desks.ask("file", name, "transferred", transferred(SHA[0]), **WHERE)
    no_picture = {"preview": {"code": "NOTHING_TO_SHOW", "message": "no image in it"}}
    desks.ask("file", "keck/a", "preview", no_picture, **WHERE)
    show(desks, postgres, monkeypatch, tmp_path)
    return lambda *typed: meridian(capsys, "file", "list", "-o", "ids", *typed)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (
            ("--qa", "seeng<1.2"),
            "found no check of that name, wanted one of grade, seeing, structure; did you mean seeing",
        ),
        (("--qa", "seeng<1.2"), "meridian report checks lists those"),
        (("--warning", "PROGRAM_MISING"), "did you mean PROGRAM_MISSING"),
        (("--warning", "TRUNCATED"), "found no such warning (it is a code of invalid)"),
        (("--code", "TRUNCATET"), "wanted one of those that meridian codes --kind invalid"),
        (("--stream", "kek"), "--stream kek: wanted one of keck"),
        (("--state", "DONE"), "--state DONE: wanted one of QUEUED"),
    ],
    ids=str,
)
def test_a_name_that_there_is_not_is_refused_with_those_there_are(listed, typed, told):
    said = listed(*typed)
    assert (said.code, said.out) == (WRONG_USE, ""), said
    assert told in said.err


@pytest.mark.parametrize(
    "typed",
    [
        ("--qa", "seeing>5"),
        ("--qa", "exposure_plausible>5"),
        ("--qa", "dome_seeing>5"),
        ("--warning", "program_missing"),
        ("--warning", "odd_one", "--state", "ERROR"),
        ("--warning", "QA_EXPOSURE_PLAUSIBLE"),
        ("--code", "truncated"),
    ],
    ids=str,
)
def test_a_name_that_there_is_may_well_find_nothing(listed, typed):
    said = listed(*typed)
    assert (said.code, said.out) == (FINE, ""), said


def test_the_reason_why_there_is_no_preview_finds_its_files_as_a_warning_does(listed):
    assert listed("--warning", "nothing_to_show").out.split() == ["keck/a"]
    assert listed("--warning", "ODD_ONE").out.split() == ["keck/b"]


def test_a_command_on_files_refuses_it_too(listed, capsys):
    said = meridian(capsys, "file", "hold", "--qa", "seeng<1.2", "--reason", "look first")
    assert (said.code, "found no check of that name" in said.err) == (WRONG_USE, True), said


def test_manifests_and_groups_of_a_stream_that_there_is_not_are_refused_too(listed, capsys):
    for typed in (("file", "listed"), ("group", "list")):
        said = meridian(capsys, *typed, "--stream", "kek")
        assert (said.code, "--stream kek: wanted one of keck" in said.err) == (WRONG_USE, True), said
