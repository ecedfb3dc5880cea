"""Every expected failure is one readable message and an exit code; a bug says that it is one."""

import errno

import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError

from consumers.storage_errors import StorageUnavailable
from events.log import LogUnavailableError
from service.cli import errors
from service.cli.errors import AttentionError, UnreachableError, WrongUseError, explained, tell_error
from service.decider.halts import Halt, StoreUnavailableError
from service.settings import SettingsError
from service.stack import StackError
from tests.service.cli.command_line import meridian


def answered(pgcode: str, said: str) -> Exception:
    """What the driver raises where PostgreSQL itself has answered."""
    error = Exception(said)
    error.pgcode = pgcode  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (AttentionError("3 files wait; see to them"), 1, "3 files wait"),
        (WrongUseError("found 1, wanted 2"), 2, "found 1, wanted 2"),
        (SettingsError("MERIDIAN_SITE: found 'X'"), 2, "MERIDIAN_SITE"),
        (UnreachableError("no decider"), 3, "no decider"),
        (StackError("no local stack runs; start it with ./meridian up"), 3, "./meridian up"),
        (LogUnavailableError("127.0.0.1:9092 does not answer"), 3, "meridian up"),
        (StoreUnavailableError("postgresql does not answer: refused"), 3, "meridian up"),
        (StorageUnavailable("connection refused"), 3, "s3: "),
        (OperationalError("SELECT 1", {}, Exception("connection\n  refused")), 3, "connection refused"),
        (ProgrammingError("SELECT", {}, Exception('relation "v1.file" does not exist')), 3, "meridian up"),
        (ProgrammingError("SELECT", {}, Exception("syntax error")), 1, "postgresql refused"),
        (Halt("TOPIC_GONE", "x is gone", topic="x"), 1, "meridian recover --explain"),
        (FileNotFoundError(2, "No such file or directory", "nights.toml"), 2, "nights.toml"),
        (OSError(errno.ENOSPC, "No space left on device"), 1, "wanted room to write it"),
        (OSError(errno.EDQUOT, "Disk quota exceeded", "out.csv"), 1, "out.csv: Disk quota exceeded"),
        (OperationalError("SELECT", {}, answered("57014", "statement timeout")), 1, "narrow it by a filter"),
        (OperationalError("INSERT", {}, answered("53100", "could not extend")), 1, "postgresql has no room"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), 2, "UTF-8"),
    ],
)
def test_each_expected_error_has_its_message_and_code(error, code, words):
    trouble = explained(error)
    assert trouble.exit_code == code
    assert words in trouble.message
    assert "Traceback" not in trouble.message
    assert "\n" not in trouble.message


def test_anything_else_is_called_a_fault_of_ours_and_says_where(capsys):
    with pytest.raises(ValueError) as raised:
        int("whoops")
    assert tell_error(raised.value, debug=False, as_json=False) == 1
    said = capsys.readouterr().err
    assert "ValueError: invalid literal" in said
    assert "test_errors.py" in said
    assert "--debug" in said
    assert "Traceback" not in said


def test_the_traceback_is_there_for_those_who_ask(capsys):
    tell_error(ValueError("deep inside"), debug=True, as_json=False)
    assert "ValueError: deep inside" in capsys.readouterr().err.splitlines()[0]


def test_a_stack_that_is_not_there_is_exit_3_with_the_way_to_start_it(capsys, monkeypatch, tmp_path):
    for name in ("MERIDIAN_KAFKA", "MERIDIAN_DATABASE", "MERIDIAN_S3_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MERIDIAN_DATA", str(tmp_path))
    said = meridian(capsys, "file", "list")
    assert said.code == 3
    assert said.out == ""
    assert "./meridian up" in said.err
    assert "Traceback" not in said.err


def test_a_server_that_does_not_answer_is_exit_3(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("MERIDIAN_DATA", str(tmp_path))
    monkeypatch.setenv("MERIDIAN_KAFKA", "127.0.0.1:1")
    monkeypatch.setenv("MERIDIAN_DATABASE", "postgresql://nobody@127.0.0.1:1/none")
    for name, value in (("ENDPOINT", "http://127.0.0.1:1"), ("ACCESS_KEY", "a"), ("SECRET_KEY", "b")):
        monkeypatch.setenv(f"MERIDIAN_S3_{name}", value)
    said = meridian(capsys, "file", "list")
    assert said.code == 3
    assert said.err.startswith("meridian: postgresql does not answer")


def test_the_codes_are_those_that_scripts_know():
    assert (errors.FINE, errors.ATTENTION, errors.WRONG_USE, errors.UNREACHABLE) == (0, 1, 2, 3)
