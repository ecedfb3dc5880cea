"""On a site with a real past: all zero, and each violation made by hand raises its counter and names its subject."""

import hashlib
from typing import Any

import pytest

from consumers.dead_record import dead_letter
from events.envelope import encode_request
from events.log import Message
from service.audit.expected import Hostile, Inbox, Request, State
from tests.machines.given import BEGIN
from tests.service.audit.past import GOOD, Past, offenders

COLUMNS = "stream, version, bucket, key, size_bytes, sha256, registered_by_event"
NOBODY = "6b0f0f0e-0000-4000-8000-000000000001"


def files(*numbers: int) -> set[str]:
    return {f"roman/f{number}" for number in numbers}


def test_a_site_that_did_its_work_is_clean_and_a_sender_is_told_what_it_did_not_get(past: Past, tmp_path):
    found = past.audit(processes=2)
    assert found.raised == {}, [each.offenders for each in found.counters.values()]
    assert found.is_clean
    n = {name: counter.n for name, counter in found.counters.items()}
    assert n["out_of_order"] == n["duplicated"] == n["unfenced"] == found.numbers["records"] >= 5 * GOOD
    # every record in two tables, every version in a view, every subject in a snapshot
    assert n["divergent"] > 2 * n["out_of_order"] + 2 * GOOD
    assert n["effects_wrong"] > 4 * GOOD
    assert n["lost"] > n["out_of_order"]
    assert n["stuck"] > 0
    assert found.numbers["objects read"] >= GOOD
    assert found.counters["lost"].bound == pytest.approx(3 / n["lost"])
    expected = past.note(
        tmp_path / "sent.ndjson",
        Request("file", "roman/f1", past.last("roman/f1")[0]["requestid"]),
        Request("file", "roman/f2", NOBODY),
        State("roman/f3", ("COMPLETE",)),
        State("roman/f4", ("INVALID", "DISMISSED")),
        State("roman/nobody", ("COMPLETE",)),
        Hostile("no bytes at all", "EMPTY_FILE", subject="roman/empty"),
        Hostile("a bomb", "UNSAFE_CONTENT", subject="roman/f5"),
        Hostile("a request that is refused", subject="roman/f6", request_id=NOBODY),
    )
    found = past.audit(expected=expected, effects=False)
    assert offenders(found) == {"lost": {*files(2, 4), "roman/nobody"}, "silent": files(5, 6)}
    assert found.counters["silent"].n == 3


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
    topic_id, place = past.last("roman/f9")[0]["requesttopic"].split("/", 1)
    past.forge("roman/f9", requesttopic=f"{topic_id}/{place.partition('/')[0]}/0")
    past.forge("roman/f10")
    found = past.audit(effects=False)
    by = offenders(found)
    assert by.pop("stuck") == {""}, "those who follow the ledger are not running"
    assert by == {"out_of_order": files(1, 2, 3, 6, 7), "duplicated": files(4, 8, 9), "unfenced": files(5)}
    assert found.raised["out_of_order"] == 5
    told = {each.subject: each for each in found.counters["out_of_order"].offenders}
    last = past.last("roman/f2")[0]
    assert told["roman/f2"].found == f"sequence {last['sequence']}"
    assert told["roman/f2"].wanted == f"sequence {last['sequence'] - 1}"
    assert told["roman/f2"].event_id == last["id"]
    assert told["roman/f3"].found.startswith("chain ")
    assert "QUEUED" in told["roman/f7"].found


def test_what_was_said_and_led_to_nothing_is_lost_and_what_should_not_pass_is_not_silent(
    past: Past, tmp_path
):
    topics = past.work.topics
    inbox, site = topics.inbox("soc"), topics.site
    asked = _request("roman/f1", witness=f"{inbox}/0/0")
    past.say(
        topics.requests("file"), encode_request(**asked), key=b"roman/f1", partition=past.home("roman/f1")
    )
    for number in range(5):
        past.say(inbox, b'{"id":"e%d","data":{}}' % number)
    for number, code in ((1, "BAD_URI"), (2, "NOT_ALLOWED")):
        message = Message(inbox, 0, number, b"k", b"bytes")
        key, value, headers = dead_letter(message, sender="soc", code=code, reason="no", at=BEGIN)
        past.say(topics.deadletter, value or b"", key=key, headers=headers)
    past.say(
        topics.answers("soc"), b'{"accepted":false,"origin":"%s/0/3","code":"NOT_TAKEN"}' % inbox.encode()
    )
    past.passed(f"{site}.intake", inbox, 0, 5)
    home = past.home("roman/f2")
    lost = past.say(
        topics.requests("file"), encode_request(**_request("roman/f2")), key=b"roman/f2", partition=home
    )
    past.passed(f"{site}.file.decider", topics.requests("file"), home, lost + 1)
    expected = past.note(
        tmp_path / "sent.ndjson",
        Inbox("soc", f"{inbox}/0/1", "e1"),
        Inbox("soc", f"{inbox}/0/4", "e4"),
        Hostile("another's place", "BAD_URI", origin=f"{inbox}/0/1"),
        Hostile("another's place", "BAD_URI", origin=f"{inbox}/0/2"),
        Hostile("anything", origin=f"{inbox}/0/3"),
        Hostile("taken for good", origin=f"{inbox}/0/0"),
    )
    found = past.audit(expected=expected, effects=False)
    assert found.raised.keys() - {"stuck"} == {"lost", "silent"}
    lost_at = [(each.subject, each.position) for each in found.counters["lost"].offenders]
    if past.home("roman/f1") == home:
        lost_at = [
            each for each in lost_at if each[0] != "roman/f1"
        ]  # the decider is said to have passed it too
    assert sorted(lost_at) == sorted(
        [("roman/f2", f"{topics.requests('file')}/{home}/{lost}"), ("", f"{inbox}/0/4"), ("", f"{inbox}/0/4")]
    )
    silent = {each.position: each.found for each in found.counters["silent"].offenders}
    assert silent == {f"{inbox}/0/2": "turned away with NOT_ALLOWED", f"{inbox}/0/0": "it was taken"}
    assert found.counters["silent"].n == 4


def _request(subject: str, *, witness: str | None = None) -> dict[str, Any]:
    told = {"witness": witness} if witness else {"text": "hm"}
    source, name = ("intake", "file.arrive") if witness else ("test", "file.note")
    identifier = NOBODY if witness else NOBODY[:-1] + "2"
    return {
        "id": identifier, "type": name, "subject": subject, "actor": "soc", "source": source, "at": BEGIN, "data": told,
    }  # fmt: skip


def test_tables_work_and_archive_that_are_not_what_the_ledger_says_are_found(past: Past, tmp_path):
    spoil_views(past)
    spoil_work(past)
    spoil_archive(past, tmp_path)
    found = past.audit()
    assert offenders(found) == {
        "divergent": files(1, 2, 3, 4, 5, 6, 7) | {"roman", "roman/ghost"},
        "lost": {*files(9), "roman/missing"},
        "stuck": files(10),
        "effects_wrong": files(11, 12, 13, 14, 15, 16) | {"roman/nobody"},
    }
    assert found.raised == {"divergent": 9, "lost": 2, "stuck": 1, "effects_wrong": 7}
    assert {each.subject for each in found.tainted.offenders} == files(8)
    assert found.counters["divergent"].bound is None
    told = {each.subject: each for each in found.counters["effects_wrong"].offenders}
    assert told["roman/f11"].found == "no object"
    assert told["roman/f12"].found == "5 bytes"
    assert told["roman/f13"].found.startswith("sha256 ")
    assert past.audit(sample=0.0).raised["effects_wrong"] == 6, "a wrong sum is seen by reading only"
    assert "effects_wrong" not in past.audit(effects=False).raised


def spoil_views(past: Past) -> None:
    past.sql("UPDATE projection.file_version SET attempt = 2 WHERE file = 'roman/f1'")
    past.sql("DELETE FROM projection.file_version WHERE file = 'roman/f2'")
    past.sql("UPDATE projection.file_status SET best_version = NULL WHERE file = 'roman/f3'")
    past.sql("UPDATE projection.ledger SET chain = 'x' WHERE subject = 'roman/f4' AND sequence = 2")
    past.sql(
        "DELETE FROM decider.outcome o USING projection.ledger l "
        "WHERE o.record_id = l.event_id AND l.subject = 'roman/f5' AND l.sequence = 3"
    )
    past.sql(
        "UPDATE decider.snapshot SET state = replace(state, 'COMPLETE', 'QUEUED') WHERE subject = 'roman/f6'"
    )
    past.sql("DELETE FROM decider.snapshot WHERE subject = 'roman/f7'")
    past.sql("UPDATE projection.stream_status SET is_held = true WHERE stream = 'roman'")
    past.sql(
        "INSERT INTO decider.snapshot SELECT machine, 'roman/ghost', partition, sequence, state "
        "FROM decider.snapshot WHERE subject = 'roman/f1'"
    )
    past.sql("UPDATE projection.file_version SET attempt = 2 WHERE file = 'roman/f8'")
    past.sql(
        "INSERT INTO projection.tainted SELECT 'file', 'roman/f8', 1, event_id, 'file.arrived', 0, 0, 'test', now() "
        "FROM projection.file_version WHERE file = 'roman/f8'"
    )


def spoil_work(past: Past) -> None:
    past.sql("DELETE FROM work.item WHERE subject = 'roman/f9' AND effect = 'transfer'")
    past.sql("DELETE FROM work.deadline WHERE subject = 'roman/missing' AND state = 'waiting'")
    past.sql("UPDATE work.item SET state = 'reported' WHERE subject = 'roman/f10' AND effect = 'register'")


def spoil_archive(past: Past, tmp_path) -> None:
    keys = dict(past.rows("SELECT file, object_key FROM projection.file_version WHERE version = 1"))
    bucket, client = past.work.bucket, past.work.storage._client
    client.delete_object(Bucket=bucket, Key=keys["roman/f11"])
    client.put_object(Bucket=bucket, Key=keys["roman/f12"], Body=b"short")
    content = client.get_object(Bucket=bucket, Key=keys["roman/f13"])["Body"].read()
    client.put_object(Bucket=bucket, Key=keys["roman/f13"], Body=content[:-1] + b"!")
    stray = tmp_path / "stray"
    stray.write_bytes(b"stray")
    sha256 = hashlib.sha256(b"stray").hexdigest()
    labels = {"subject": "roman/f14", "version": "1"}
    past.work.storage.put_file(
        stray, bucket=bucket, key="a/b/c", sha256=sha256, size_bytes=5, metadata=labels
    )
    past.sql("DELETE FROM operations.l2_file WHERE subject = 'roman/f15'")
    past.sql("UPDATE operations.l2_file SET sha256 = 'x' WHERE subject = 'roman/f16'")
    past.sql(
        f"INSERT INTO operations.l2_file (subject, {COLUMNS}) SELECT 'roman/nobody', {COLUMNS} "
        "FROM operations.l2_file WHERE subject = 'roman/f17'"
    )
