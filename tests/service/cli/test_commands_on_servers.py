"""The command line on real servers: what is asked is decided, what is decided can be read, and reasons come back."""

import json
import time
from collections.abc import Callable

from consumers.held import shut_gate
from service.cli.errors import ATTENTION, FINE, UNREACHABLE, WRONG_USE
from service.roles import run_decider
from tests.service.cli.a_site import STREAM, arrival, failure, started
from tests.service.cli.command_line import Said


def until(typed: Callable[..., Said], wanted: Callable[[Said], bool], *arguments: str) -> Said:
    """The answer once the views have caught up."""
    deadline = time.monotonic() + 30
    while True:
        said = typed(*arguments)
        if wanted(said) or time.monotonic() > deadline:
            assert wanted(said), said
            return said
        time.sleep(0.2)


def rows(said: Said) -> list[dict]:
    found = json.loads(said.out)
    return found if isinstance(found, list) else [found]


def apply_stream(typed, tmp_path, *more: str) -> Said:
    path = tmp_path / "keck.toml"
    path.write_text(STREAM)
    return typed("stream", "apply", str(path), "-o", "json", *more)


def test_a_stream_is_applied_enabled_shown_and_applied_again_without_a_change(site_running, typed, tmp_path):
    said = apply_stream(typed, tmp_path, "--enable")
    assert said.code == FINE, said
    assert rows(said)[0]["state"] == "Enabled"
    again = apply_stream(typed, tmp_path, "--enable")
    assert (again.code, rows(again)[0]["result"]) == (FINE, "unchanged")
    shown = until(typed, lambda said: "Enabled" in said.out, "stream", "list")
    assert "Keck KCWI" in shown.out
    configuration = json.loads(typed("stream", "show", "keck-kcwi", "-o", "json").out)
    assert configuration["senders"] == ["keck-summit"]
    copied = tmp_path / "copied.json"
    copied.write_text(json.dumps(configuration))
    assert rows(typed("stream", "apply", str(copied), "-o", "json"))[0]["result"] == "unchanged"
    assert "inbox" in str(site_running.client.log.names())


def test_a_refused_command_gives_every_reason_and_what_is_allowed(site_running, typed, tmp_path):
    apply_stream(typed, tmp_path)
    said = typed("stream", "enable", "keck-kcwi", "-o", "json")
    assert said.code == ATTENTION
    [row] = rows(said)
    assert row["reasons"] == ["enable needs Disabled, found Standby"]
    assert "start" in row["allowed"]
    plain = typed("stream", "enable", "keck-kcwi")
    assert "enable needs Disabled, found Standby" in plain.out


def test_files_are_listed_filtered_explained_and_tried_again(site_running, typed, tmp_path):
    apply_stream(typed, tmp_path, "--enable")
    for number in range(3):
        site_running.asks(f"keck-kcwi/kb261120_0000{number}", arrival(f"kb261120_0000{number}"))
    broken = "keck-kcwi/kb261120_00001"
    site_running.asks(broken, started(), failure(), version=1, attempt=1)
    until(typed, lambda said: len(said.out.split()) == 3, "file", "list", "-o", "ids")
    until(typed, lambda said: said.out == f"{broken}\n", "file", "list", "--state", "error", "-o", "ids")
    assert typed("file", "list", "--code", "TRANSFER_MISMATCH", "-o", "ids").out == f"{broken}\n"
    assert typed("file", "list", "--name", "kb*_00002", "-o", "ids").out == "keck-kcwi/kb261120_00002\n"
    assert typed("file", "list", "--until", "2h", "--stream", "keck-kcwi", "-o", "ids").out == ""
    for asks in (("file", "list"), ("file", "hold", "--reason", "look first")):
        unknown = typed(*asks, "--stream", "roman-wfi")
        assert (unknown.code, "--stream roman-wfi: wanted one of keck-kcwi" in unknown.err) == (
            WRONG_USE,
            True,
        )

    [why] = rows(typed("file", "why", "kb261120_00001", "-o", "json"))
    assert (why["state"], why["code"], why["found"], why["wanted"]) == (
        "ERROR",
        "TRANSFER_MISMATCH",
        "x",
        "y",
    )
    assert why["who"] == "an operator"
    waiting = typed("file", "why", "keck-kcwi/kb261120_00002")
    assert "no worker runs" in waiting.out

    dry = typed("file", "retry", "--state", "ERROR", "--dry-run")
    assert (dry.code, "1 file meant" in dry.err) == (FINE, True)
    assert typed("file", "retry", broken).code == WRONG_USE
    retried = typed("file", "retry", broken, "--reason", "the gateway is back", "-o", "json")
    assert (retried.code, rows(retried)[0]["state"]) == (FINE, "PROCESSING")
    history = until(typed, lambda said: "file.retried" in said.out, "file", "history", broken, "-o", "json")
    assert [row["type"] for row in rows(history)] == [
        "file.arrived",
        "file.started",
        "file.failed",
        "file.retried",
    ]
    assert rows(history)[-1]["reason"] == "the gateway is back"
    refused = typed("file", "retry", broken, "--reason", "again", "-o", "json")
    assert refused.code == ATTENTION
    assert rows(refused)[0]["reasons"] == ["retry needs ERROR, found PROCESSING"]


def test_a_file_is_held_noted_dismissed_reopened_and_shown(site_running, typed, tmp_path):
    apply_stream(typed, tmp_path, "--enable")
    file = "keck-kcwi/kb261120_00001"
    site_running.asks(file, arrival("kb261120_00001"))
    until(typed, lambda said: said.out == f"{file}\n", "file", "list", "-o", "ids")
    assert typed("file", "hold", file, "--reason", "look first").code == FINE
    until(typed, lambda said: "it is on hold" in said.out, "file", "why", file)
    assert typed("file", "unhold", "--stream", "keck-kcwi", "--reason", "looked").code == FINE
    assert typed("file", "note", file, "a remark").code == FINE
    assert typed("file", "dismiss", file, "--because", "TEST_FRAME", "--reason", "a test").code == FINE
    gone = until(typed, lambda said: "DISMISSED" in said.out, "file", "why", file)
    assert "dismissed it: a test" in gone.out
    assert typed("file", "reopen", file, "--reason", "no test after all").code == FINE
    shown = until(
        typed, lambda said: json.loads(said.out)["state"] == "QUEUED", "file", "show", file, "-o", "json"
    )
    assert json.loads(shown.out)["note"] == "a remark"
    assert "a remark" in typed("file", "show", file).out


def test_an_open_problem_is_acknowledged_and_no_longer_listed_as_such(site_running, typed, tmp_path):
    apply_stream(typed, tmp_path)
    file = "keck-kcwi/kb261120_00001"
    site_running.asks(file, arrival("kb261120_00001"))
    site_running.asks(file, started(), failure(), version=1, attempt=1)
    until(typed, lambda said: said.out == f"{file}\n", "file", "list", "--unacked", "-o", "ids")
    assert typed("file", "ack", file, "--reason", "asked the summit").code == FINE
    until(typed, lambda said: said.out == "", "file", "list", "--unacked", "-o", "ids")
    assert "ada knows of" not in typed("file", "why", file).out  # the command line's own user did
    assert "knows of TRANSFER_MISMATCH: asked the summit" in typed("file", "why", file).out


def test_an_unknown_file_is_refused_by_the_machine_and_explained_by_why(site_running, typed, tmp_path):
    apply_stream(typed, tmp_path, "--enable")
    site_running.asks("keck-kcwi/kb261120_00001", arrival("kb261120_00001"))
    until(typed, lambda said: "kb261120_00001" in said.out, "file", "list", "-o", "ids")
    refused = typed("file", "hold", "keck-kcwi/kb261120_00009", "--reason", "x", "-o", "json")
    assert refused.code == ATTENTION
    assert rows(refused)[0]["code"] == "UNKNOWN_SUBJECT"
    said = until(typed, lambda said: "would take" in said.out, "file", "why", "kb261120_00009")
    assert said.code == ATTENTION
    assert "keck-kcwi would take, announced by keck-summit" in said.out
    assert "names that are close: keck-kcwi/kb261120_00001" in said.out
    shown = typed("file", "show", "kb261120_00009")
    assert (shown.code, "did you mean keck-kcwi/kb261120_00001" in shown.err) == (ATTENTION, True)


def test_without_a_decider_a_request_is_in_doubt_and_asked_again_it_has_its_one_outcome(
    site_running, typed, tmp_path, monkeypatch
):
    apply_stream(typed, tmp_path)
    site_running.stop(run_decider)
    monkeypatch.setattr("service.client.ANSWER_WITHIN_S", 1.0)
    said = typed("stream", "start", "keck-kcwi", "-o", "json")
    assert said.code == UNREACHABLE
    [row] = rows(said)
    assert row["result"] == "in doubt"
    assert f"--request-id {row['request_id']}" in said.err
    monkeypatch.setattr("service.client.ANSWER_WITHIN_S", 30.0)
    site_running.start(run_decider)
    again = typed("stream", "start", "keck-kcwi", "--request-id", row["request_id"], "-o", "json")
    assert (again.code, rows(again)[0]["state"]) == (FINE, "Disabled")
    history = site_running.client.outcomes.find([("keck-kcwi", row["request_id"])])
    assert history[row["request_id"]].sequence == 2


def test_status_tells_how_everything_stands(site_running, typed, tmp_path):
    apply_stream(typed, tmp_path, "--enable")
    site_running.asks("keck-kcwi/kb261120_00001", arrival("kb261120_00001"))
    said = until(
        typed, lambda said: json.loads(said.out)["streams"] and not _behind(said), "status", "-o", "json"
    )
    told = json.loads(said.out)
    assert told["site"] == site_running.wiring.settings.site
    assert told["streams"][0]["files"] == {"QUEUED": 1}
    assert told["senders"][0]["sender"] == "ada"
    assert {row["part"] for row in told["lag"]} == {"projector", "dispatch", "decider", "intake"}
    assert told["halts"] == []
    lines = typed("status").out
    assert "waits longest on keck-kcwi: keck-kcwi/kb261120_00001, QUEUED" in lines
    assert "projector: has read all" in lines
    with site_running.client.engine.begin() as connection:
        shut_gate(connection, "dispatch", "dispatch is 70000 records behind the ledger")
    resting = "dispatch is 70000 records behind the ledger"
    assert resting in typed("status").out
    assert resting in typed("file", "why", "keck-kcwi/kb261120_00001").out


def _behind(said: Said) -> bool:
    return any(row["behind"] for row in json.loads(said.out)["lag"]) or not json.loads(said.out)["waiting"]


def test_an_identity_is_shown_transferred_and_released(site_running, typed, tmp_path):
    from events.identity import Holder, ReserveIdentity

    apply_stream(typed, tmp_path)
    site_running.asks("keck-kcwi/kb261120_00002", arrival("kb261120_00002"))
    holder = Holder(subject="keck-kcwi/kb261120_00001", version=1, sha256="b" * 64)
    site_running.asks("KB.20261120.1", ReserveIdentity(holder=holder))
    shown = until(typed, lambda said: "Reserved" in said.out, "identity", "show", "KB.20261120.1")
    assert "held by keck-kcwi/kb261120_00001 version 1" in shown.out
    until(typed, lambda said: "00002" in said.out, "file", "list", "-o", "ids")
    given = typed(
        "identity", "transfer", "KB.20261120.1", "--to", "kb261120_00002", "--reason", "the clock stood"
    )
    assert given.code == FINE
    until(
        typed,
        lambda said: "held by keck-kcwi/kb261120_00002" in said.out,
        "identity",
        "show",
        "KB.20261120.1",
    )
    assert typed("identity", "release", "KB.20261120.1", "--reason", "nobody's").code == FINE
    until(typed, lambda said: "KB.20261120.1: Free" in said.out, "identity", "show", "KB.20261120.1")
    assert typed("identity", "show", "KB.0").code == ATTENTION


def test_events_are_published_to_their_senders_inbox_and_are_in_doubt_while_nobody_takes_them(
    site_running, typed, tmp_path
):
    apply_stream(typed, tmp_path, "--enable")
    event = {
        "specversion": "1.0", "id": "e1", "source": "keck-summit", "type": "file.arrived",
        "data": {"stream": "keck-kcwi", "uri": "file:///landing/kb261120_00001.fits"},
    }  # fmt: skip
    path = tmp_path / "event.json"
    path.write_text(json.dumps(event))
    sent = typed("publish", str(path), "--wait", "0", "-o", "json")
    assert (sent.code, rows(sent)[0]["event_id"]) == (FINE, "e1")
    waiting = typed("publish", str(path), "--wait", "0.5", "-o", "json")
    assert (waiting.code, rows(waiting)[0]["result"]) == (UNREACHABLE, "in doubt")
    path.write_text(json.dumps({**event, "source": "nobody"}))
    unknown = typed("publish", str(path))
    assert (unknown.code, "keck-summit" in unknown.err) == (WRONG_USE, True)
    path.write_text(json.dumps({**event, "data": {"stream": "keck-kcwi"}}))
    faulty = typed("publish", str(path))
    assert (faulty.code, "$.data.uri" in faulty.out, "nothing was sent" in faulty.err) == (
        ATTENTION,
        True,
        True,
    )


def test_parked_work_is_listed_tried_out_and_redriven_by_a_request_with_its_reason(
    site_running, typed, tmp_path
):
    apply_stream(typed, tmp_path, "--enable")
    names = [f"kb261120_0000{number}" for number in range(3)]
    for name in names:
        site_running.asks(f"keck-kcwi/{name}", arrival(name))
    until(typed, lambda said: said.out.count("ingest") == 3, "work", "list", "--effect", "ingest")
    park = "UPDATE work.item SET state = 'parked', last_code = 'EFFECT_BUG', parked_reason = 'it raised'"
    with site_running.client.engine.begin() as connection:
        connection.exec_driver_sql(f"{park} WHERE effect = 'ingest'")
    assert "nothing is owed" not in typed("work", "list", "--parked").out
    assert typed("work", "redrive").code == WRONG_USE
    assert typed("work", "redrive", "--code", "OTHER", "--reason", "x").code == ATTENTION
    dry = typed("work", "redrive", "--stream", "keck-kcwi", "--since", "2h", "--dry-run")
    assert dry.code == FINE
    assert "3 items would be tried again: ingest, parked for EFFECT_BUG" in dry.err
    assert "nothing was asked" in dry.err
    assert typed("work", "redrive", f"keck-kcwi/{names[0]}").code == WRONG_USE
    status = json.loads(typed("status", "-o", "json").out)
    assert [(row["effect"], row["code"], row["items"]) for row in status["parked"]] == [
        ("ingest", "EFFECT_BUG", 3)
    ]
    assert any(
        "3 work items of keck-kcwi parked at ingest for EFFECT_BUG" in each for each in status["attention"]
    )

    one = typed("work", "redrive", f"keck-kcwi/{names[0]}", "--reason", "the code is mended", "-o", "json")
    assert (one.code, rows(one)[0]["result"]) == (FINE, "accepted")
    history = until(
        typed,
        lambda said: "file.redriven" in said.out,
        "file",
        "history",
        f"keck-kcwi/{names[0]}",
        "-o",
        "json",
    )
    assert rows(history)[-1]["reason"] == "the code is mended"
    until(typed, lambda said: said.out.count("\n") == 2, "work", "list", "--parked", "-o", "ids")
    many = typed(
        "work", "redrive", "--code", "EFFECT_BUG", "--reason", "the rest", "--rate", "100", "-o", "json"
    )
    assert [row["result"] for row in rows(many)] == ["accepted", "accepted"]
    until(typed, lambda said: said.out == "", "work", "list", "--parked", "-o", "ids")


def test_many_files_are_retried_at_a_pace_and_a_dry_run_says_what_would_be_asked(
    site_running, typed, tmp_path
):
    apply_stream(typed, tmp_path, "--enable")
    names = [f"kb261120_0000{number}" for number in range(4)]
    for name in names:
        site_running.asks(f"keck-kcwi/{name}", arrival(name))
        site_running.asks(f"keck-kcwi/{name}", started(), failure(), version=1, attempt=1)
    until(typed, lambda said: len(said.out.split()) == 4, "file", "list", "--state", "ERROR", "-o", "ids")
    dry = typed("file", "retry", "--code", "TRANSFER_MISMATCH", "--rate", "2", "--dry-run")
    assert "4 files of keck-kcwi in ERROR for TRANSFER_MISMATCH: retry would be asked of each" in dry.err
    assert "4 files meant, in 2 s at 2 a second; nothing was asked" in dry.err
    began = time.monotonic()
    said = typed(
        "file",
        "retry",
        "--stream",
        "keck-kcwi",
        "--until",
        "0s",
        "--rate",
        "2",
        "--reason",
        "back",
        "-o",
        "json",
    )
    assert [row["state"] for row in rows(said)] == ["PROCESSING"] * 4
    assert time.monotonic() - began >= 1.5  # never faster than asked for


def test_a_server_that_is_away_is_seen_by_the_files_that_wait_for_it_and_on_the_screen(
    site_running, typed, tmp_path
):
    from consumers.breakers import store_of, trip

    apply_stream(typed, tmp_path, "--enable")
    file = "keck-kcwi/kb261120_00001"
    site_running.asks(file, arrival("kb261120_00001"))
    until(typed, lambda said: "no worker runs" in said.out, "file", "why", file)
    with site_running.client.engine.begin() as connection:
        trip(connection, store_of("keck-kcwi"), code="STORAGE_UNAVAILABLE", error="nothing listens there")
        connection.exec_driver_sql("UPDATE work.breaker SET retry_at = now() + interval '1 minute'")
    why = typed("file", "why", file)
    assert "store/keck-kcwi does not answer since" in why.out
    assert "nothing listens there" in why.out
    [away] = json.loads(typed("status", "-o", "json").out)["breakers"]
    assert away["dependency"] == "store/keck-kcwi"
    assert "1 look in vain, the next at" in typed("status").out
    with site_running.client.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE work.breaker SET retry_at = now(), ramp = 4")
    assert "is trusted with little yet" in typed("file", "why", file).out
    assert "store/keck-kcwi answers again, 4 items at once" in typed("status").out
