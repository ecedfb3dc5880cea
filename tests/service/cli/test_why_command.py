"""``meridian why``: whatever has a name is explained, by its kind or by its name alone."""

import json

import pytest

from service.cli.errors import ATTENTION, FINE, WRONG_USE
from tests.projectors.histories import SHA, STARTED, Desks, arrived
from tests.service.cli.command_line import meridian
from tests.service.cli.shown_views import show

WHERE = {"version": 1, "attempt": 1}
FAILURE = {"code": "SOURCE_GONE", "failure_class": "transient", "message": "no such file"}
HELD_BY = {"holder": {"subject": "keck/a", "version": 1, "sha256": SHA[0]}}
SILENT = {"purpose": "science", "since_at": "2026-11-21T06:00:00Z", "every_s": 600.0}


@pytest.fixture
def asked(postgres, monkeypatch, tmp_path, capsys):
    """``why`` of a site with one of each kind, and two of some names."""
    desks = Desks()
    desks.ask("stream", "keck", "configure", {"configuration": {"stream": "keck", "owner": "kim"}})
    desks.ask("stream", "keck", "hold", {}, reason="the archive is moved")
    desks.ask("stream", "roman", "configure", {"configuration": {"stream": "roman"}})
    for name in ("keck/a", "roman/a", "keck/KB.1"):
        desks.ask("file", name, "arrive", arrived(SHA[0]))
        desks.ask("file", name, "start", STARTED, **WHERE)
    desks.ask("file", "keck/KB.1", "fail", FAILURE, **WHERE)
    desks.ask("op", "op-1", "discover", {"source": "scan", "datasets": []})
    expected = {"kind": "dataset", "by": "operator", "ranges": [{"first": 0, "last": 9}]}
    desks.ask("group", "keck/AAAA", "expect", expected, reason="told")
    desks.ask("identity", "KB.1", "reserve", HELD_BY)
    desks.ask("identity", "KI.2", "reserve", HELD_BY)
    show(desks, postgres, monkeypatch, tmp_path)
    monkeypatch.setattr("service.client.Client.log", None)
    monkeypatch.setattr("service.client.mentions", lambda *_: ())
    return lambda *typed: meridian(capsys, "why", *typed)


@pytest.mark.parametrize(
    ("typed", "kind", "subject", "state"),
    [
        ("keck/a", "file", "keck/a", "PROCESSING"),
        ("KB.1", "file", "keck/KB.1", "ERROR"),
        ("file:roman/a", "file", "roman/a", "PROCESSING"),
        ("op-1", "op", "op-1", "Discovered"),
        ("op:op-1", "op", "op-1", "Discovered"),
        ("AAAA", "group", "keck/AAAA", "Open"),
        ("group:keck/AAAA", "group", "keck/AAAA", "Open"),
        ("KI.2", "identity", "KI.2", "Reserved"),
        ("identity:KB.1", "identity", "KB.1", "Reserved"),
        ("keck", "stream", "keck", "Standby"),
    ],
)
def test_a_name_is_explained_as_what_it_is(asked, typed, kind, subject, state):
    said = asked(typed, "-o", "json")
    assert said.code == FINE, said
    answer = json.loads(said.out)
    assert (answer["kind"], answer["subject"], answer["state"]) == (kind, subject, state)
    assert answer["because"]


def test_what_else_has_the_name_is_said_and_of_two_files_none_is_chosen(asked):
    assert "KB.1 is also identity:KB.1; meridian why identity:KB.1 explains it" in asked("KB.1").err
    said = asked("a")
    assert (said.code, "a is the name of file:keck/a, file:roman/a; say which" in said.err) == (
        WRONG_USE,
        True,
    )


def test_people_read_who_has_to_act_and_what_would_help(asked):
    said = asked("keck", "identity:KI.2", "group:keck/AAAA").out
    assert "it is on hold: the archive is moved" in said
    assert "its owner kim has to act" in said
    assert "meridian stream unhold keck" in said
    assert "keck/a version 1 holds it (identity.reserved by " in said
    assert "10 of 10 members expected" in said


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("op:op-2", "did you mean op-1"),
        ("group:keck/AAAB", "meridian group why keck/AAAA"),
        ("identity:KB.9", "no file has asked for it"),
        ("stream:kek", "there are keck, roman"),
        ("AAAB", "or did you mean group:keck/AAAA"),
        ("file:keck/zzz", "nobody has announced a file of this name"),
    ],
)
def test_of_what_never_arrived_it_says_what_there_is(asked, typed, told):
    said = asked(typed)
    assert said.code == ATTENTION
    assert told in said.out


def test_several_are_rows_for_programs(asked):
    rows = [json.loads(line) for line in asked("keck/a", "op-1", "-o", "ndjson").out.splitlines()]
    assert [(row["kind"], row["subject"]) for row in rows] == [("file", "keck/a"), ("op", "op-1")]
