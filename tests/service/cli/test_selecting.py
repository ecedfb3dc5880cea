"""Which files a command means."""

import io
from datetime import UTC, datetime

import pytest

from service.cli.errors import WrongUseError
from service.cli.selecting import Selection, read_ids, read_time
from tests.service.cli.command_line import meridian

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2h", datetime(2026, 11, 21, 4, 0, tzinfo=UTC)),
        ("90s", datetime(2026, 11, 21, 5, 58, 30, tzinfo=UTC)),
        ("1.5d", datetime(2026, 11, 19, 18, 0, tzinfo=UTC)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T05:00Z", datetime(2026, 11, 20, 5, tzinfo=UTC)),
        ("2026-11-20T05:00-10:00", datetime(2026, 11, 20, 15, tzinfo=UTC)),
        (None, None),
    ],
)
def test_times_are_read_as_people_type_them(text, wanted):
    assert read_time(text, now=NOW, option="--since") == wanted


def test_what_is_no_time_is_wrong_use():
    with pytest.raises(WrongUseError, match="--since yesterday"):
        read_time("yesterday", now=NOW, option="--since")


def test_a_dash_reads_ids_from_standard_input_once_each(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("roman/a\n\n# a remark\nroman/b\nroman/a\n"))
    assert read_ids(["keck/c", "-"]) == ["keck/c", "roman/a", "roman/b"]


def test_states_and_codes_may_be_typed_in_small_letters():
    wanted = Selection(state=["error"], code=["transfer_mismatch"]).filter()
    assert wanted.states == ("ERROR",)
    assert wanted.codes == ("TRANSFER_MISMATCH",)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Selection(state=["ERROR", "EROR"]), "--state EROR: wanted one of QUEUED, .*, DISMISSED"),
        (Selection(purpose="sience"), "--purpose sience: wanted one of science, "),
        (Selection(files=["-"], state=["INVALID"]), "found both files and a filter"),
        (Selection(files=["keck/a"], unacked=True), "found both files and a filter"),
    ],
)
def test_what_would_find_nothing_or_more_than_is_meant_is_wrong_use(wrong, words):
    with pytest.raises(WrongUseError, match=words):
        wrong.filter()
    assert Selection(files=["keck/a"]).filter(states=("ERROR",)).states == ("ERROR",)
    assert Selection(purpose="Science").filter().purpose == "science"


def test_warnings_may_be_typed_in_small_letters():
    assert Selection(warning=["program_missing", "NOT_ASCII"]).filter().warnings == (
        "PROGRAM_MISSING",
        "NOT_ASCII",
    )


def test_default_states_stand_only_where_none_are_given():
    assert Selection(stream=["a"]).filter(states=("ERROR",)).states == ("ERROR",)
    assert Selection(state=["INVALID"]).filter(states=("ERROR",)).states == ("INVALID",)


@pytest.mark.parametrize("verb", ["retry", "reprocess", "ack", "hold", "unhold", "dismiss", "reopen"])
def test_commands_on_files_offer_the_same_filters(capsys, verb):
    said = meridian(capsys, "file", verb, "--help")
    assert said.code == 0
    for option in ("--state", "--stream", "--code", "--name", "--since", "--until", "--unacked", "--dry-run"):
        assert option in said.out


@pytest.mark.parametrize("verb", ["retry", "hold", "dismiss"])
def test_neither_files_nor_a_filter_is_wrong_use(capsys, monkeypatch, tmp_path, verb):
    monkeypatch.setenv("MERIDIAN_DATA", str(tmp_path))
    said = meridian(capsys, "file", verb, "--reason", "because")
    assert said.code == 2
    assert "neither files nor a filter" in said.err


@pytest.mark.parametrize("files", [["a/b", "a/c"], ["-"], ["--stream", "a"]])
def test_one_identity_is_for_one_file(capsys, monkeypatch, tmp_path, files):
    monkeypatch.setenv("MERIDIAN_DATA", str(tmp_path))
    said = meridian(capsys, "file", "reprocess", *files, "--identity", "KB.1", "--reason", "because")
    assert said.code == 2
    assert "--identity" in said.err


def test_a_policy_that_there_is_not_is_wrong_use(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("MERIDIAN_DATA", str(tmp_path))
    said = meridian(capsys, "file", "reprocess", "a/b", "--same-content", "perhaps", "--reason", "because")
    assert said.code == 2
    assert "wanted allow, warn or conflict" in said.err
