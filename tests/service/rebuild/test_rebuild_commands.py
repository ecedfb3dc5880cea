"""The commands ``replay`` and ``projection``: what they print, for people and for programs, and their exit codes."""

import json

from service.cli.output import Output
from service.cli.rebuilding import Telling
from service.rebuild import Progress
from tests.projectors.histories import BEGIN
from tests.service.cli.command_line import meridian
from tests.service.rebuild.a_ledger import until

ONE, TWO = "roman-wfi/r0001", "roman-wfi/r0002"


def test_from_replay_to_rollback_at_the_command_line(ledger, capsys):
    ledger.lives(ONE, TWO)
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == 10)
    filled = meridian(capsys, "replay", "all", "-o", "json")
    assert filled.code == 0, filled.err
    told = json.loads(filled.out)
    assert (told["schema"], told["records"], told["kind"]) == ("projection_standby", 10, "standby")
    again = meridian(capsys, "replay", "all")
    assert again.code == 1
    assert "meridian projection drop projection_standby" in again.err
    listed = json.loads(meridian(capsys, "projection", "list", "-o", "json").out)
    assert [(row["schema"], row["kind"], row["read_models"]) for row in listed] == [
        ("projection", "live", "all"),
        ("projection_standby", "standby", "all"),
    ]
    assert listed[0]["fold_versions"] == listed[1]["fold_versions"]
    verified = meridian(capsys, "projection", "verify", "-o", "json")
    assert verified.code == 0, verified.err
    tables = {row["table"]: row for row in json.loads(verified.out)}
    assert tables["ledger"]["rows_live"] == tables["ledger"]["rows_rebuilt"] == 10
    assert all(row["equal"] and row["digest_live"] == row["digest_rebuilt"] for row in tables.values())
    assert meridian(capsys, "projection", "swap").code == 0
    status = meridian(capsys, "projection", "status")
    assert "projection_standby: former, filled, 0 offsets behind live" in status.out
    assert "next: meridian projection rollback" in status.out
    refused = meridian(capsys, "projection", "rollback")
    assert refused.code == 2  # nobody is there to be asked
    assert meridian(capsys, "projection", "rollback", "--yes").code == 0
    assert meridian(capsys, "projection", "drop", "--yes").code == 0
    assert meridian(capsys, "projection", "swap").code == 1


def test_a_difference_is_exit_code_1_and_names_the_subject(ledger, capsys):
    ledger.lives(ONE, TWO)
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == 10)
    ledger.say(f"UPDATE projection.file_version SET bucket = 'elsewhere' WHERE file = '{TWO}'")
    found = meridian(capsys, "projection", "verify", "-o", "json")
    assert found.code == 1
    assert f"differ in file_version, at equal positions; subjects: {TWO}" in found.err
    (wrong,) = [row for row in json.loads(found.out) if not row["equal"]]
    assert wrong["differences"] == [
        {"subject": TWO, "key": {"file": TWO, "version": 1}, "kind": "differs", "columns": ["bucket"],
         "live": {"bucket": "elsewhere"}, "rebuilt": {"bucket": "archive"}}
    ]  # fmt: skip
    assert ledger.one("SELECT to_regnamespace('projection_check')") is None
    alone = meridian(capsys, "projection", "verify", "attempt")
    assert alone.code == 0, alone.err


def test_a_moment_of_the_past_comes_with_the_way_to_look_at_it(ledger, capsys):
    ledger.lives(ONE, TWO)
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == 10)
    moment = BEGIN.replace(second=7)
    past = meridian(capsys, "replay", "all", "--until", moment.isoformat())
    assert past.code == 0, past.err
    schema = f"v1_past_{moment:%Y%m%dt%H%M%S}"
    assert f'PGOPTIONS="-c search_path={schema}" psql "postgresql://' in past.out
    assert ledger.count(f"{schema}.ledger") == 7
    assert meridian(capsys, "replay", "all", "--until", "2999-01-01").code == 2


def test_a_read_model_that_there_is_none_of_is_wrong_use(capsys):
    said = meridian(capsys, "replay", "file_verison")
    assert said.code == 2
    assert "wanted one of ledger, file_status, file_version" in said.err
    assert meridian(capsys, "projection", "drop", "projection", "--yes").code == 2


def test_progress_tells_rate_and_what_is_left(capsys):
    progress = Progress("projection_standby", done=250_000, total=1_000_000, records=240_000, seconds=10.0)
    assert (progress.rate, progress.eta_s) == (24_000.0, 30.0)
    for form, where in (("table", "err"), ("json", "err"), ("ndjson", "out")):
        telling = Telling(Output(form))
        telling._next = 0.0
        telling(progress)
        telling(progress)  # a moment later: not again
        said = getattr(capsys.readouterr(), where)
        if form == "table":
            wanted = "projection_standby: 25 %, 240,000 records, 24,000 a second, 30 s to go\n"
            assert said == wanted
        else:
            (line,) = said.splitlines()
            assert json.loads(line)["eta_s"] == 30.0
    quiet = Telling(Output("table", quiet=True))
    quiet._next = 0.0
    quiet(progress)
    assert capsys.readouterr() == ("", "")
