"""On a site with a real past: all zero, and each violation made by hand raises its counter and names its subject."""

import hashlib

import pytest

from service.audit.expected import Hostile, Inbox, Request, State
from tests.service.audit.past import GOOD, Past, offenders

COLUMNS = "stream, version, bucket, key, size_bytes, sha256, registered_by_event"
NOBODY = "6b0f0f0e-0000-4000-8000-000000000001"


def test_a_site_that_did_its_work_is_clean_also_while_its_roles_run_and_in_processes_of_its_own(past: Past):
    found = past.audit(processes=2)
    assert found.raised == {}, [each.offenders for each in found.counters.values()]
    assert found.is_clean
    n = {name: counter.n for name, counter in found.counters.items()}
    assert n["out_of_order"] == n["duplicated"] == n["unfenced"] == found.numbers["records"] >= 6 * GOOD
    # every record in two tables, every version in a view, every subject in a snapshot
    assert n["divergent"] > 2 * n["out_of_order"] + 2 * GOOD
    assert n["effects_wrong"] > 4 * GOOD
    assert n["lost"] > n["out_of_order"]
    assert found.numbers["objects read"] >= GOOD
    assert found.counters["lost"].bound == pytest.approx(3 / n["lost"])


def test_forged_records_are_found_each_by_its_own_counter(past: Past):
    again, _ = past.last("roman/f4")
    past.forge("roman/f1", sequence=past.last("roman/f1")[0]["sequence"])
    past.forge("roman/f2", sequence=past.last("roman/f2")[0]["sequence"] + 2)
    past.forge("roman/f3", link="0" * 64)
    past.forge("roman/f4", requestid=again["requestid"])
    past.forge("roman/f5", ownerepoch=0)
    past.forge("roman/f6", time="2020-01-01T00:00:00.000Z")
    past.forge(
        "roman/f7",
        type="file.registered",
        tostate="QUEUED",
        data={"best": 1, "register_table": "x", "row_id": 1},
    )
    past.forge("roman/f8", id="00000000-0000-5000-8000-000000000000")
    found = past.audit(effects=False)
    by = offenders(found)
    assert by.pop("stuck") == {""}, "those who follow the ledger are not running"
    assert by == {
        "out_of_order": {"roman/f1", "roman/f2", "roman/f3", "roman/f6", "roman/f7"},
        "duplicated": {"roman/f4", "roman/f8"},
        "unfenced": {"roman/f5"},
    }
    assert found.raised["out_of_order"] == 5
    told = {each.subject: each for each in found.counters["out_of_order"].offenders}
    last = past.last("roman/f2")[0]
    assert told["roman/f2"].found == f"sequence {last['sequence']}"
    assert told["roman/f2"].wanted == f"sequence {last['sequence'] - 1}"
    assert told["roman/f2"].event_id == last["id"]
    assert told["roman/f3"].found.startswith("chain ")
    assert "QUEUED" in told["roman/f7"].found


def test_a_record_that_answers_no_request_and_a_request_without_a_record_are_found(past: Past):
    last, _ = past.last("roman/f1")
    topic_id, partition, _ = last["requesttopic"].split("/")
    lost = past.say(
        past.work.topics.requests("file"), past.request("roman/f2", NOBODY), key=b"roman/f2", partition=0
    )
    past.say(past.work.topics.requests("file"), b"not json", partition=1)
    past.decided(0, lost + 1)
    past.forge("roman/f1", requesttopic=f"{topic_id}/{partition}/{0}")
    by = offenders(past.audit(effects=False))
    assert by.pop("stuck") == {""}
    assert by == {"duplicated": {"roman/f1"}, "lost": {"roman/f2"}}


def test_tables_that_are_not_what_the_ledger_says_are_found(past: Past):
    past.sql("UPDATE projection.file_version SET attempt = 2 WHERE file = 'roman/f1' AND version = 1")
    past.sql("DELETE FROM projection.file_version WHERE file = 'roman/f2'")
    past.sql("UPDATE projection.file_status SET best_version = NULL WHERE file = 'roman/f3'")
    past.sql("UPDATE projection.ledger SET chain = 'x' WHERE subject = 'roman/f4' AND sequence = 2")
    past.sql("DELETE FROM decider.outcome o USING projection.ledger l "
             "WHERE o.record_id = l.event_id AND l.subject = 'roman/f5' AND l.sequence = 3")  # fmt: skip
    past.sql(
        "UPDATE decider.snapshot SET state = replace(state, 'COMPLETE', 'QUEUED') WHERE subject = 'roman/f6'"
    )
    past.sql("DELETE FROM decider.snapshot WHERE subject = 'roman/f7'")
    past.sql("UPDATE projection.stream_status SET is_held = true WHERE stream = 'roman'")
    found = past.audit(effects=False)
    assert offenders(found) == {"divergent": {f"roman/f{number}" for number in range(1, 8)} | {"roman"}}
    assert found.raised == {"divergent": 8}


def test_views_of_a_subject_in_quarantine_are_counted_apart(past: Past):
    past.sql("UPDATE projection.file_version SET attempt = 2 WHERE file = 'roman/f1' AND version = 1")
    past.sql(
        "INSERT INTO projection.tainted SELECT 'file', 'roman/f1', 1, event_id, 'file.arrived', 0, 0, 'test', now() "
        "FROM projection.file_version WHERE file = 'roman/f1' AND version = 1"
    )
    found = past.audit(effects=False)
    assert found.raised == {}
    assert {each.subject for each in found.tainted.offenders} == {"roman/f1"}


def test_work_that_is_owed_and_not_there_is_lost(past: Past):
    past.sql("DELETE FROM work.item WHERE subject = 'roman/f1' AND effect = 'transfer'")
    past.sql("DELETE FROM work.deadline WHERE subject = 'roman/missing' AND state = 'waiting'")
    found = past.audit(effects=False)
    assert offenders(found) == {"lost": {"roman/f1", "roman/missing"}}


def test_work_that_stands_still_and_followers_that_do_not_follow_are_stuck(past: Past):
    past.sql("UPDATE work.item SET state = 'reported' WHERE subject = 'roman/f1' AND effect = 'register'")
    past.sql("UPDATE work.position SET next_offset = 1 WHERE machine = 'file' AND partition = 1")
    found = past.audit(effects=False)
    assert offenders(found) == {"stuck": {"", "roman/f1"}}
    places = {each.position: each.found for each in found.counters["stuck"].offenders}
    assert places[f"{past.work.topics.events('file')}/1"] == "dispatch stands at 1"


def test_objects_and_registers_are_held_against_the_facts_both_ways(past: Past, tmp_path):
    keys = dict(past.rows("SELECT file, object_key FROM projection.file_version WHERE version = 1"))
    bucket, client = past.work.bucket, past.work.storage._client
    client.delete_object(Bucket=bucket, Key=keys["roman/f1"])
    client.put_object(Bucket=bucket, Key=keys["roman/f2"], Body=b"short")
    content = client.get_object(Bucket=bucket, Key=keys["roman/f3"])["Body"].read()
    client.put_object(Bucket=bucket, Key=keys["roman/f3"], Body=content[:-1] + b"!")
    stray = tmp_path / "stray"
    stray.write_bytes(b"stray")
    sha256 = hashlib.sha256(b"stray").hexdigest()
    labels = {"subject": "roman/f4", "version": "1"}
    past.work.storage.put_file(
        stray, bucket=bucket, key="a/b/c", sha256=sha256, size_bytes=5, metadata=labels
    )
    past.sql("DELETE FROM operations.l2_file WHERE subject = 'roman/f5'")
    past.sql("UPDATE operations.l2_file SET sha256 = 'x' WHERE subject = 'roman/f6'")
    past.sql(
        f"INSERT INTO operations.l2_file (subject, {COLUMNS}) SELECT 'roman/ghost', {COLUMNS} FROM operations.l2_file "
        "WHERE subject = 'roman/f7'"
    )
    found = past.audit()
    wanted = {f"roman/f{number}" for number in range(1, 7)} | {"roman/ghost"}
    assert offenders(found) == {"effects_wrong": wanted}
    told = {each.subject: each for each in found.counters["effects_wrong"].offenders}
    assert told["roman/f1"].found == "no object"
    assert told["roman/f2"].found == "5 bytes"
    assert told["roman/f3"].found.startswith("sha256 ")
    assert past.audit(sample=0.0).raised["effects_wrong"] == 6, "the sum is seen by reading only"
    assert past.audit(effects=False).raised == {}


def test_what_a_sender_expected_and_did_not_get_is_told(past: Past, tmp_path):
    answered = past.last("roman/f1")[0]["requestid"]
    refused = past.note(
        tmp_path / "sent.ndjson",
        Request("file", "roman/f1", answered),
        Request("file", "roman/f2", NOBODY),
        State("roman/f3", ("COMPLETE",)),
        State("roman/f4", ("INVALID", "DISMISSED")),
        State("roman/nobody", ("COMPLETE",)),
        Hostile("no bytes at all", "EMPTY_FILE", subject="roman/empty"),
        Hostile("a bomb", "UNSAFE_CONTENT", subject="roman/f5"),
        Inbox("soc", f"{past.work.topics.inbox('soc')}/0/7", "e1"),
    )
    found = past.audit(expected=refused, effects=False)
    assert offenders(found) == {
        "lost": {"roman/f2", "roman/f4", "roman/nobody", ""},
        "silent": {"roman/f5"},
    }
    assert found.counters["silent"].n == 2
