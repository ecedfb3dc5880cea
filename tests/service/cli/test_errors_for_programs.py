"""With ``-o json`` everything that goes wrong is one JSON object on standard error, whatever the command."""

import io
import json

import pytest
import typer

from events.codes import explained as in_words
from service.cli import errors
from service.cli.errors import FINE, UNREACHABLE, WRONG_USE, ToldError, tell_error
from service.cli.options import is_for_programs
from service.cli.trouble import Trouble
from service.decider.halts import Halt
from service.settings import SettingsError
from tests.service.cli.command_line import Said, meridian
from tests.service.cli.every_command import COMMANDS, WITHOUT_A_SITE, arguments

MEMBERS = {"event", "code", "exit_code", "message", "found", "wanted", "help"}


@pytest.fixture(autouse=True)
def nothing_is_up(monkeypatch, tmp_path):
    for name in ("MERIDIAN_KAFKA", "MERIDIAN_DATABASE", "MERIDIAN_S3_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MERIDIAN_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("sys.stdin", io.StringIO(""))


def the_error(said: Said) -> dict:
    """The only line there is, read; all that it has to say is said."""
    assert said.err.count("\n") == 1, said.err
    told = json.loads(said.err)
    assert set(told) == MEMBERS
    assert told["event"] == "error"
    assert told["exit_code"] == said.code
    for name in ("message", "found", "wanted", "help"):
        assert told[name], (name, told)
    assert in_words(told["code"], "command") is not None
    return told


@pytest.mark.parametrize("name", COMMANDS)
def test_an_option_that_there_is_not(capsys, name):
    said = meridian(capsys, *name.split(), "--no-such-option", "-o", "json")
    assert said.out == ""
    told = the_error(said)
    assert (told["code"], told["exit_code"]) == ("WRONG_USE", WRONG_USE)
    assert "--no-such-option" in told["found"]
    assert told["wanted"].startswith(f"meridian {name}")
    assert told["help"] == f"see meridian {name} --help"


@pytest.mark.parametrize(
    "name", [name for name, each in COMMANDS.items() if any(one.required for one in each.params)]
)
def test_something_that_is_missing(capsys, name):
    told = the_error(meridian(capsys, "-o", "ndjson", *name.split()))
    assert told["code"] == "WRONG_USE"
    assert told["found"].startswith("Missing ")


# A role would take the signals and the log of this process for itself.
@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - WITHOUT_A_SITE - {"run"}))
def test_a_site_that_is_not_up(capsys, tmp_path, name):
    given = [*name.split(), *arguments(name, tmp_path), "--reason", "why", "--yes"]
    said = meridian(capsys, *given, "--output=json")
    assert said.out == ""
    told = the_error(said)
    assert (told["code"], told["exit_code"]) == ("STACK", UNREACHABLE)
    assert "./meridian up" in told["help"]
    for_people = meridian(capsys, *given)
    assert (for_people.code, for_people.out) == (UNREACHABLE, "")
    assert for_people.err == f"meridian: {told['message']}\n"


@pytest.mark.parametrize(
    ("given", "found", "wanted"),
    [
        (["fiel", "list"], "No such command 'fiel'", "meridian [OPTIONS] COMMAND"),
        (["file", "list", "--limit", "many"], "--limit", "meridian file list"),
        (["machine", "show", "streem"], "the machine streem", "one of file, group"),
        (["schema", "show", "file.arived"], "no schema file.arived", "what the command takes"),
        (["codes", "--kind", "bad"], "--kind bad", "one of invalid"),
        (["codes", "NO_SUCH"], "no such code", "what the command takes"),
        (["run", "cook"], "the role cook", "one of decider"),
        (["file", "retry"], "neither files nor a filter", "stream/name"),
        (["check", "nowhere.fits"], "no such file", "what the command takes"),
        (["--config", "nowhere.toml", "status"], "nowhere.toml", "TOML"),
        (["--site", "Keck!", "status"], "Keck!", "lower-case letters"),
    ],
)
def test_wrong_use_says_what_was_found_and_what_was_wanted(capsys, given, found, wanted):
    told = the_error(meridian(capsys, *given, "-o", "json"))
    assert told["exit_code"] == WRONG_USE
    assert found in told["found"] or found in told["message"]
    assert wanted in told["wanted"]


def test_a_group_without_a_command(capsys):
    said = meridian(capsys, "file", "-o", "json")
    told = the_error(said)
    assert told["found"] == "no command behind meridian file"


def test_what_the_answer_has_told_already_is_an_error_only_for_programs(capsys, tmp_path):
    (tmp_path / "x.json").write_text("{")
    given = ["check", str(tmp_path / "x.json"), "--format", "json"]
    for_people = meridian(capsys, *given)
    for_programs = meridian(capsys, *given, "-o", "json")
    assert for_people.code == for_programs.code == errors.ATTENTION
    assert for_people.err == ""
    code = json.loads(for_programs.out)[0]["code"]
    assert code in the_error(for_programs)["found"]


def test_remarks_are_lines_of_json_too(capsys):
    said = meridian(capsys, "schema", "check", "-o", "json")
    assert said.code == FINE
    assert json.loads(said.err)["event"] == "remark"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Halt("TOPIC_GONE", "x is gone", topic="x"), "TOPIC_GONE"),
        (SettingsError("MERIDIAN_SITE: found 'X', wanted a\nMERIDIAN_KAFKA: found 'Y', wanted b"), "WRONG_SETTING"),
        (ToldError("1 request refused", code="REFUSED"), "REFUSED"),
        (typer.Abort(), "ABORTED"),
        (ZeroDivisionError("division by zero"), "FAULT"),
    ],
)  # fmt: skip
def test_other_errors_have_all_parts_too(capsys, error, code):
    assert tell_error(error, debug=False, as_json=True) == tell_error(error, debug=False, as_json=False)
    told = json.loads(capsys.readouterr().err.splitlines()[0])
    assert set(told) == MEMBERS
    assert told["code"] == code
    assert all(told[name] for name in ("found", "wanted", "help"))


def test_the_traceback_is_a_member_for_those_who_ask(capsys):
    tell_error(ValueError("deep inside"), debug=True, as_json=True)
    told = json.loads(capsys.readouterr().err)
    assert "ValueError: deep inside" in told["traceback"]


@pytest.mark.parametrize(
    ("message", "found", "wanted", "helps"),
    [
        ("--at 1: found the radius 5, wanted one to 4; see it", "the radius 5", "one to 4", "see it"),
        ("no Java: found 11; wanted 17 or newer; install a JRE", "11", "17 or newer", "install a JRE"),
        ("--kind x: wanted one of a, b", "--kind x", "one of a, b", None),
        ("k: wanted 3 bytes, found 4 bytes; send it again", "4 bytes", "3 bytes", "send it again"),
        ("it is gone; look; then go on", "it is gone", None, "look; then go on"),
    ],
)  # fmt: skip
def test_a_message_is_taken_apart_as_messages_are_built_here(message, found, wanted, helps):
    told = Trouble("WRONG_USE", WRONG_USE, message).members()
    assert told["found"] == found
    assert wanted is None or told["wanted"] == wanted
    assert helps is None or told["help"] == helps


@pytest.mark.parametrize("given", [["-o", "json"], ["-ojson"], ["--output=ndjson"], ["--output", "json"]])
def test_json_may_be_asked_for_in_every_way(given):
    assert is_for_programs(["file", *given, "list"])
    assert not is_for_programs(["test", "--", *given])
    assert not is_for_programs(["file", "list", "-o", "csv", "json"])
