"""Options that every command takes, wherever they stand."""

import json

import pytest

from service.cli.errors import UNREACHABLE, WRONG_USE
from service.cli.options import hoisted
from tests.service.cli.command_line import meridian


@pytest.mark.parametrize(
    "arguments",
    [
        ["-o", "json", "machine", "show", "stream"],
        ["machine", "-o", "json", "show", "stream"],
        ["machine", "show", "-o", "json", "stream"],
        ["machine", "show", "stream", "-o", "json"],
        ["machine", "show", "stream", "--output=json"],
        ["machine", "show", "stream", "-ojson"],
    ],
)
def test_a_common_option_may_stand_anywhere(capsys, arguments):
    said = meridian(capsys, *arguments)
    assert said.code == 0
    assert json.loads(said.out)[0]["request"] == "stream.configure"


def test_what_follows_two_dashes_is_left_alone():
    assert hoisted(["test", "--", "-o", "json"]) == ["test", "--", "-o", "json"]


def test_common_options_keep_their_order_and_the_rest_its_own():
    given = ["file", "list", "--reason", "a b", "--state", "ERROR", "-y", "--site", "keck", "x"]
    assert hoisted(given) == [
        "--reason",
        "a b",
        "-y",
        "--site",
        "keck",
        "file",
        "list",
        "--state",
        "ERROR",
        "x",
    ]


def test_an_option_without_its_value_is_wrong_use(capsys):
    said = meridian(capsys, "machine", "show", "stream", "-o")
    assert said.code == 2


def test_an_unknown_format_is_wrong_use_and_the_known_ones_are_named(capsys):
    said = meridian(capsys, "schema", "list", "-o", "yaml")
    assert said.code == 2
    assert said.err == "meridian: -o yaml: wanted one of table, json, ndjson, csv, ids\n"


def test_only_diagrams_are_drawn(capsys):
    assert meridian(capsys, "machine", "diagram", "file", "-o", "dot").code == 0
    assert meridian(capsys, "schema", "list", "-o", "dot").code == 2


def test_an_unknown_command_is_wrong_use(capsys):
    said = meridian(capsys, "fiel", "list")
    assert said.code == 2
    assert "fiel" in said.err


def test_the_site_of_an_option_goes_before_that_of_the_environment(capsys, monkeypatch):
    monkeypatch.setenv("MERIDIAN_SITE", "Not A Site")
    said = meridian(capsys, "status")
    assert said.code == 2
    assert "MERIDIAN_SITE" in said.err
    monkeypatch.setenv("MERIDIAN_SITE", "dkist")
    said = meridian(capsys, "status", "--site", "Keck!")
    assert said.code == 2
    assert "Keck!" in said.err


@pytest.mark.parametrize(
    "moment", ["2026-11-21", "2026-11-21T06:00", "2026-11-21T06:00Z", "2026-11-21T06:00:09.120Z"]
)
@pytest.mark.parametrize(
    "typed",
    [
        "stream offline keck --until",
        "file ack keck/a --reason r --ends",
        "group expect keck/g --files 3 --reason r --due",
        "op assign op-1 --owner pi --reason r --due",
    ],
)
def test_moments_are_taken_as_we_print_them(capsys, monkeypatch, tmp_path, typed, moment):
    for name in ("MERIDIAN_KAFKA", "MERIDIAN_DATABASE", "MERIDIAN_S3_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MERIDIAN_DATA", str(tmp_path))
    said = meridian(capsys, *typed.split(), moment)
    assert (said.code, "meridian up" in said.err) == (UNREACHABLE, True), said  # and so it could be read
    assert meridian(capsys, *typed.split(), "tomorrow").code == WRONG_USE
