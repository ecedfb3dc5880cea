"""The desk: one request one record, sealed, gapless, and never poisoned by what it can't hold."""

from dataclasses import replace

import orjson
import pytest

from events.chain import verify
from events.envelope import RECORD_BYTES_AT_MOST, decode_record
from events.ids import record_id
from machines.desk import GapError, Stamp, digest_of
from machines.file import FILE
from tests.machines.given import COMPLETE, SITE, Story, a_file, arrival


def test_every_record_is_linked_to_the_one_before_it():
    story = a_file(*COMPLETE)
    chain = ""
    for number, decision in enumerate(story.decisions, start=1):
        chain = verify(chain, decision.value)
        record = decode_record(decision.value)
        assert record.sequence == number
        assert record.chain == chain
        assert record.id == record_id(SITE, record.subject, record.requestid)


def test_time_never_goes_back_for_a_subject():
    story = Story("file", "roman/a")
    requests = [story.request("arrive", arrival()), story.request("note", {"text": "a"})]
    times = ["2026-11-21T05:00:00.000Z", "2026-11-21T04:00:00.000Z"]
    stamped = [
        story.desk.decide(story.state, request, Stamp(request.id, "d", now, "t/0/0", 1)).record.time
        for request, now in zip(requests, times, strict=True)
    ]
    assert stamped == [times[0], times[0]]


def test_a_strangers_refusal_does_not_disturb_an_expected_sequence():
    story = a_file("arrive")
    story.ask("retry")
    assert story.ask("note", {"text": "a"}, expectedsequence=1).type == "file.noted"
    record = story.ask("note", {"text": "b"}, expectedsequence=1)
    assert (record.data["code"], record.data["reasons"]) == (
        "CONFLICT",
        ["expected the last fact at sequence 1, found 3"],
    )


def test_a_request_that_makes_deciding_raise_is_answered_and_the_subject_lives_on(monkeypatch):
    story = a_file("arrive")

    def broken(*_):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(FILE, "decide", broken)
    record = story.ask("note", {"text": "a"})
    assert (record.data["code"], "ZeroDivisionError" in record.data["reasons"][0]) == ("INTERNAL", True)
    assert "a bug" in (story.decisions[-1].poison or "")
    monkeypatch.undo()
    assert story.ask("note", {"text": "a"}).sequence == 3


def test_nul_in_text_is_refused_and_does_not_reach_the_ledger():
    story = a_file("arrive")
    record = story.ask("note", {"text": "a\x00b"}, reason="c\x00d")
    assert record.data["code"] == "UNSTORABLE_TEXT"
    assert b"\\u0000" not in story.decisions[-1].value


def test_a_backslash_before_u0000_is_text_like_any_other():
    assert a_file("arrive").ask("note", {"text": "\\u0000"}).type == "file.noted"


def test_a_record_that_would_be_too_large_is_refused():
    story = a_file("arrive", "start")
    huge = {"uri": "file:///a", "sha256": "d" * 64}
    story.state.state.pending = {"witness": "w", "content": huge, "bulk": "x" * RECORD_BYTES_AT_MOST}
    record = story.ask("fail", {"code": "X_Y", "failure_class": "code", "message": "m"}, version=1, attempt=1)
    assert record.data["code"] == "TOO_LARGE"
    assert len(story.decisions[-1].value) < 2000


@pytest.mark.parametrize(
    ("name", "data", "path"),
    [
        ("arrive", {}, "content"),
        ("note", {"text": ""}, "text"),
        ("fail", {"code": "lower", "failure_class": "data", "message": "m"}, "code"),
        ("hold", {"surprise": 1}, "surprise"),
    ],
)
def test_wrong_data_is_refused_with_the_member_that_is_wrong(name, data, path):
    record = a_file("arrive").ask(name, data, reason="r")
    assert record.data["code"] == "INVALID_REQUEST"
    assert path in record.data["reasons"][0]


def test_an_unknown_request_is_refused_with_those_that_exist():
    record = a_file("arrive").ask("explode")
    assert record.data["code"] == "INVALID_REQUEST"
    assert "file.arrive" in record.data["reasons"][0]


def test_a_hole_in_the_sequence_is_no_history():
    story = a_file("arrive", "start")
    other = story.desk.new()
    with pytest.raises(GapError, match="found sequence 2, wanted 1"):
        story.desk.apply(other, story.decisions[1].record, chain="")


def test_when_it_was_sent_makes_no_other_request_but_who_and_what_do():
    story = Story("file", "roman/a")
    one = story.request("note", {"text": "a"})
    assert digest_of(one) == digest_of(replace(one, time=None, source="elsewhere"))
    assert digest_of(one) != digest_of(replace(one, actor="another"))
    assert digest_of(one) != digest_of(replace(one, data={"text": "b"}))


def test_a_record_says_where_it_leads_without_any_table():
    record = orjson.loads(a_file("arrive", "start").decisions[1].value)
    assert (record["fromstate"], record["tostate"], record["dataschema"]) == (
        "QUEUED",
        "PROCESSING",
        "/schemas/file.started/1",
    )
    assert list(record)[-1] == "chain"


def test_evidence_that_intake_attaches_makes_no_other_request_but_other_content_does():
    story = Story("file", "roman/a")
    one = story.request("arrive", arrival(witness="inbox/0/1"))
    assert digest_of(one) == digest_of(
        story.request("arrive", {**arrival(witness="inbox/0/2"), "stream_version": 7})
    )
    assert digest_of(one) != digest_of(story.request("arrive", arrival("b" * 64)))
