"""Why a file stands where it stands: stories as the views tell them, and what a person reads."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from events.codes import explained
from machines.file_state import FileState
from service.helping import NOBODY
from service.why import Story, why
from service.why_text import lines_of

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
SUBJECT = "roman-wfi/r0000101001001001001_0001_wfi01_f158_cal"
STREAM = {"stream": "roman-wfi", "state": "Enabled", "held": False, "held_reason": None, "held_at": None}
MEANING = explained("TRANSFER_MISMATCH")
WANTED, FOUND = "9f2c" + "0" * 60, "41ab" + "0" * 60


def a_story(state: str, **members: Any) -> Story:
    own = {name: members.pop(name) for name in list(members) if name in Story.__slots__}
    file = {
        "file": SUBJECT,
        "stream": "roman-wfi",
        "state": state,
        "since_at": NOW - timedelta(minutes=12),
        "version": 1,
        "attempt": 1,
        "best_version": None,
        "code": None,
        "message": None,
        "uri": "file:///landing/r1.asdf",
        **members,
    }
    return Story(**{"subject": SUBJECT, "now": NOW, "file": file, "stream": STREAM, **own})


def a_record(
    kind: str, sequence: int, *, attempt: int = 1, actor: str = "worker", **data: Any
) -> dict[str, Any]:
    at = NOW - timedelta(minutes=30 - sequence)
    return {
        "type": kind, "sequence": sequence, "time": at, "version": 1, "attempt": attempt, "actor": actor,
        "reason": data.pop("reason", None), "data": data,
    }  # fmt: skip


def an_item(state: str, effect: str = "ingest", **members: Any) -> dict[str, Any]:
    blank = dict.fromkeys(
        ("due_at", "lease_owner", "lease_until", "reported_at", "last_code", "last_error", "parked_reason")
    )
    return {**blank, "state": state, "effect": effect, **members}


MISMATCH = {
    "code": "TRANSFER_MISMATCH",
    "failure_class": "transient",
    "message": "the bytes at the destination are not the bytes we sent",
    "found": f"318767104 bytes, sha256 {FOUND}",
    "wanted": f"318767104 bytes, sha256 {WANTED}",
    "failed_from": "TRANSFERRING",
}


def test_a_transient_failure_says_what_was_found_against_what_was_wanted_and_when_it_goes_on():
    due = NOW + timedelta(minutes=46)
    answer = why(a_story("ERROR", **MISMATCH, due_at=due, tries_allowed=5, alike=20))
    assert answer.who == NOBODY
    assert answer.again_at == due
    text = "\n".join(lines_of(answer))
    assert text == "\n".join(
        [
            f"{SUBJECT}: ERROR since 2026-11-21 05:48:00 UTC, 12 min ago (version 1, attempt 1)",
            "  because the bytes at the destination are not the bytes we sent",
            f"  found 318767104 bytes, sha256 {FOUND}; wanted 318767104 bytes, sha256 {WANTED}",
            f"  TRANSFER_MISMATCH: {MEANING.says} Likely cause: {MEANING.cause}",
            f"  remedy: {MEANING.remedy}",
            "  20 other files are in ERROR for TRANSFER_MISMATCH on this stream",
            "  the next is attempt 2; 5 tries more than the first are made",
            "  goes on by itself at 2026-11-21 06:46:00 UTC",
            "  nobody has to act",
            "  you could:",
            f"    meridian file retry {SUBJECT} --reason '…'",
            "      to try again now",
            f"    meridian file dismiss {SUBJECT} --reason '…'",
            "      if it is not wanted",
            "    meridian file retry --stream roman-wfi --state ERROR --code TRANSFER_MISMATCH --reason '…'",
            "      to try all 21 again",
        ]
    )


def test_a_failure_whose_tries_are_used_up_waits_for_an_operator_and_names_the_first_cause():
    history = (
        a_record("file.failed", 9, attempt=3, code="TRANSFER_MISMATCH", message="third"),
        a_record("file.failed", 5, attempt=1, code="STORAGE_FULL", message="the first one"),
    )
    answer = why(a_story("ERROR", **MISMATCH, attempt=3, tries_allowed=2, history=history))
    assert answer.who == "an operator"
    assert answer.again_at is None
    assert answer.first_cause == "STORAGE_FULL at 2026-11-21 05:35:00 UTC in attempt 1: the first one"
    assert any("tried 3 times" in each for each in answer.evidence)


def test_a_fault_of_our_code_is_for_those_who_look_after_it():
    answer = why(a_story("ERROR", code="READER_BUG", failure_class="code", message="the child ended with 1"))
    assert answer.who == "whoever looks after Meridian's code"


def test_an_identity_conflict_names_commands_that_exist_for_each_remedy():
    evidence = {"archive_identity": "KB.20261120.18540.23"}
    history = (a_record("file.failed", 3, code="IDENTITY_CONFLICT", message="held", evidence=evidence),)
    answer = why(
        a_story("ERROR", code="IDENTITY_CONFLICT", failure_class="data", message="held", history=history)
    )
    assert [each.command for each in answer.help] == [
        f"meridian file reprocess {SUBJECT} --reason '…' --identity OTHER",
        f"meridian file dismiss {SUBJECT} --reason '…'",
        f"meridian identity transfer KB.20261120.18540.23 --to {SUBJECT} --reason '…'",
    ]


def test_an_invalid_file_is_for_its_sender_with_the_failed_check_and_the_place_of_the_original():
    check = {"check_name": "saturation", "part": "data", "message": None, "value": 0.7, "threshold": 0.5}
    story = a_story(
        "INVALID",
        code="SCHEMA_VIOLATION",
        message="roman.meta.telescope is missing",
        found="nothing",
        wanted="roman.meta.telescope",
        failed_checks=(check,),
        quarantine_bucket="archive",
        quarantine_key="quarantine/x",
        history=(a_record("file.arrived", 1, actor="roman-soc"),),
    )
    answer = why(story)
    assert answer.who == "the sender roman-soc"
    assert answer.first_cause == "the announcement of roman-soc at 2026-11-21 05:31:00 UTC"
    assert "check saturation failed in data: 0.7 against 0.5" in answer.evidence
    assert "the original is kept: s3://archive/quarantine/x" in answer.evidence
    assert answer.help[0].command == "meridian check /landing/r1.asdf --stream roman-wfi"


def test_what_the_message_says_already_is_not_said_twice():
    message = "found an HTML page, wanted FITS; send the right file"
    check = {"check_name": "format", "message": message}
    story = a_story(
        "INVALID",
        code="NOT_THE_FORMAT",
        message=message,
        found="an HTML page",
        wanted="FITS",
        failed_checks=(check,),
    )
    text = "\n".join(lines_of(why(story)))
    assert text.count("HTML page") == 1


def test_a_complete_file_says_where_it_is():
    story = a_story(
        "COMPLETE", bucket="archive", object_key="l2/x", size_bytes=5, sha256=WANTED,
        register_table="operations.l2_file", row_id="4", best_version=1,
    )  # fmt: skip
    answer = why(story)
    assert answer.who == NOBODY
    assert answer.evidence == (
        f"in the archive: s3://archive/l2/x, 5 bytes, sha256 {WANTED}",
        "in the register: operations.l2_file, row 4",
    )


def test_an_older_version_that_still_counts_is_mentioned():
    answer = why(a_story("INVALID", version=2, best_version=1, code="TRUNCATED", message="cut"))
    assert "version 1 stays the one that counts" in answer.evidence


def test_a_dismissed_file_says_by_whom_and_why_and_how_to_take_it_back():
    history = (a_record("file.dismissed", 4, actor="ada", reason="a test frame", code="TEST_FRAME"),)
    answer = why(
        a_story("DISMISSED", dismissed_code="TEST_FRAME", code="TRUNCATED", message="cut", history=history)
    )
    assert answer.because == "ada dismissed it: a test frame"
    assert answer.code == "TEST_FRAME"
    assert answer.first_cause == "the problem it had: TRUNCATED, cut"
    assert "reopen" in answer.help[0].command


def test_what_an_operator_knows_is_said():
    known = {"IDENTITY_CONFLICT": {"by": "ada", "reason": "asked the summit"}}
    story = a_story(
        "ERROR", code="IDENTITY_CONFLICT", failure_class="data", message="held", acknowledged=known
    )
    assert "ada knows of IDENTITY_CONFLICT: asked the summit" in why(story).evidence


def test_many_warnings_are_counted_after_the_first_three():
    warnings = tuple({"code": f"W{number}", "message": "odd"} for number in range(5))
    answer = why(a_story("COMPLETE", warnings=warnings))
    assert answer.evidence[-4:] == (
        "warning W0: odd",
        "warning W1: odd",
        "warning W2: odd",
        "and 2 warnings more",
    )


# --- in flight: the one thing that stands in the way first

HELD_STREAM = {**STREAM, "held": True, "held_reason": "gateway", "held_at": NOW}


@pytest.mark.parametrize(
    ("members", "because", "command"),
    [
        (
            {"is_held": True, "held_reason": "look first", "held_at": NOW},
            "it is on hold since",
            "file unhold",
        ),
        ({"stream": None}, "the stream roman-wfi is not configured", "stream apply"),
        ({"stream": HELD_STREAM}, "its stream roman-wfi is on hold since", "stream unhold roman-wfi"),
        (
            {"stream": {**STREAM, "state": "Disabled"}},
            "its stream roman-wfi is Disabled",
            "stream enable roman-wfi",
        ),
        (
            {"items": (an_item("parked", parked_reason="no such table"),)},
            "without a person: no such table",
            "work redrive",
        ),
    ],
)
def test_what_only_a_person_can_end_names_the_person_and_the_command(members, because, command):
    answer = why(a_story("QUEUED", **members))
    assert because in answer.because
    assert answer.who == "an operator"
    assert command in answer.help[0].command


def test_a_stream_in_fault_takes_three_steps_back():
    answer = why(a_story("QUEUED", stream={**STREAM, "state": "Fault"}))
    assert [each.command for each in answer.help] == [
        "meridian stream standby roman-wfi",
        "meridian stream start roman-wfi",
        "meridian stream enable roman-wfi",
    ]


def test_work_that_rests_until_dispatch_has_caught_up_waits_for_that_and_not_for_its_turn():
    gate = {"since": NOW, "reason": "dispatch is 70000 records behind the ledger"}
    answer = why(a_story("QUEUED", items=(an_item("open"),), gate=gate, workers=2))
    assert "all work rests since" in answer.because
    assert "dispatch is 70000 records behind the ledger" in answer.because
    held = why(a_story("QUEUED", held_reason="wait", is_held=True, items=(an_item("open"),), gate=gate))
    assert "on hold" in held.because  # a person is asked first


def test_files_of_an_offline_stream_are_worked_on():
    answer = why(
        a_story(
            "QUEUED",
            stream={**STREAM, "state": "Offline"},
            items=(an_item("open"),),
            ahead=3,
            busy=6,
            workers=2,
        )
    )
    assert answer.because == "it waits for its turn: 3 files of its stream before it, 6 items under way"


def test_a_file_whose_stream_goes_behind_others_says_why_and_what_ends_that():
    stream = {**STREAM, "trust": [{}, "gbbb"]}
    told = why(a_story("QUEUED", stream=stream, items=(an_item("open"),), workers=1)).evidence
    assert "3 of its last 4 files were INVALID" in told[0]
    trusted = {**STREAM, "trust": [{}, "gggb"]}
    assert not why(a_story("QUEUED", stream=trusted, items=(an_item("open"),), workers=1)).evidence


def test_a_file_at_work_names_its_worker():
    item = an_item(
        "leased", effect="transfer", lease_owner="vm-1-ab", lease_until=NOW + timedelta(seconds=20)
    )
    answer = why(a_story("TRANSFERRING", items=(item,)))
    assert answer.because == "it is being copied to the archive by vm-1-ab"
    assert answer.who == NOBODY


def test_a_worker_that_gives_no_sign_is_said_to_be_replaced():
    item = an_item("leased", lease_owner="vm-1-ab", lease_until=NOW - timedelta(seconds=20))
    assert "another one will take it" in why(a_story("PROCESSING", items=(item,))).because


def test_a_back_off_says_why_and_when():
    later = NOW + timedelta(seconds=8)
    item = an_item("open", due_at=later, last_code="DECISION_PENDING", last_error="no decision yet")
    answer = why(a_story("PROCESSING", items=(item,)))
    assert (answer.because, answer.code, answer.again_at) == ("no decision yet", "DECISION_PENDING", later)


def test_a_server_that_is_away_is_named_with_its_next_probe():
    soon = NOW + timedelta(seconds=8)
    breaker = {"dependency": "archive", "since": NOW, "last_error": "refused", "retry_at": soon, "code": "S3"}
    answer = why(a_story("TRANSFERRING", items=(an_item("open", effect="transfer"),), breakers=(breaker,)))
    assert answer.because == "archive does not answer since 2026-11-21 06:00:00 UTC: refused"
    assert answer.again_at == soon
    assert answer.who == NOBODY


def test_a_server_that_comes_back_is_said_to_be_trusted_with_little_yet():
    breaker = {"dependency": "archive", "since": NOW, "last_error": "refused", "retry_at": NOW, "code": "S3"}
    answer = why(a_story("TRANSFERRING", items=(an_item("open", effect="transfer"),), breakers=(breaker,)))
    assert "archive was away since 2026-11-21 06:00:00 UTC, and is trusted with little yet" in answer.because


def test_parked_work_says_how_much_waits_behind_it():
    parked = an_item("parked", parked_reason="it raised")
    answer = why(a_story("QUEUED", items=(parked, an_item("open"), an_item("open"))))
    assert answer.evidence[0] == "2 items of work on it wait behind that"
    assert why(a_story("QUEUED", items=(parked,))).evidence == ()


def test_a_report_that_nobody_decides_points_at_the_decider():
    answer = why(a_story("PROCESSING", items=(an_item("reported", reported_at=NOW),)))
    assert "is not decided yet" in answer.because
    assert answer.help[0].command == "meridian status"


def test_work_that_nobody_takes_points_at_the_workers():
    answer = why(a_story("QUEUED", items=(an_item("open"),), ahead=1))
    assert answer.because == "no worker runs, so nobody takes it; 1 file of its stream before it"
    assert answer.who == "an operator"
    assert "meridian run consumers" in [each.command for each in answer.help]


def test_lost_work_is_said_to_be_noted_again():
    answer = why(a_story("QUEUED"))
    assert "no work is noted for it" in answer.because


def test_every_state_has_its_reason():
    for state in FileState:
        if state is not FileState.NOTHING:
            answer = why(a_story(state.value, message="m", code="C"))
            assert answer.because
            assert lines_of(replace(answer, at=None))


WORK = {
    "attempt": 2, "host": "node-7", "software_version": "meridian 0.3.1", "wall_s": 12.04, "cpu_s": 1.5,
    "peak_rss_bytes": 300 << 20,
    "exit": "SIGKILL", "lookup_s": 10.0, "lookup_share": 0.83, "log_tail": "begun\nkilled\n", "log_object": None,
}  # fmt: skip


def test_an_attempt_is_told_with_its_host_its_version_its_cost_and_the_end_of_its_log():
    evidence = why(a_story("ERROR", **MISMATCH, work=WORK)).evidence
    assert evidence[-3:] == (
        (
            "attempt 2 was made on node-7, meridian 0.3.1; 12.0 s, 1.5 s of CPU; 300 MiB at most; "
            "its reader ended with SIGKILL"
        ),
        "10.0 s of that it waited for an outside service",
        "its log ends: killed",
    )


def test_an_attempt_that_waited_little_and_ended_well_is_told_in_one_line():
    well = {**WORK, "exit": "0", "lookup_share": 0.1, "log_tail": None}
    evidence = why(a_story("COMPLETE", work=well)).evidence
    assert [each for each in evidence if "node-7" in each] == [evidence[-1]]
    kept = {**well, "log_tail": "x", "log_object": "s3://a/logs/x"}
    assert why(a_story("COMPLETE", work=kept)).evidence[-1] == "all of its log: s3://a/logs/x"
    assert not any("made on" in each for each in why(a_story("COMPLETE", work={"host": None})).evidence)
