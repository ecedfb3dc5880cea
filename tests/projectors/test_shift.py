"""A hand-over on a real PostgreSQL: what people did is told apart from what followed, nothing open is left out."""

from datetime import timedelta

import pytest

from projectors.shift import shift
from service.cli.shift_drawing import shift_lines
from tests.projectors.histories import BEGIN, SHA, STARTED, Desks, a_life, arrived, on_log

WHERE = {"version": 1, "attempt": 1}
CAUSED = {"causationid": "something-earlier"}


@pytest.fixture
def told(engine, following):
    def told(desks, **wanted):
        follower = following(on_log(desks.sealed))
        follower.take_over()
        while follower.step(0.0):
            pass
        asked = {"since": BEGIN, "until": BEGIN + timedelta(hours=8)} | wanted
        with engine.connect() as connection:
            return shift(connection, **asked)

    return told


def failing(desks, name, code="TRUNCATED"):
    desks.ask("file", name, "arrive", arrived(SHA[1]), actor="dcs", **CAUSED)
    desks.ask("file", name, "start", STARTED, actor="worker-1", **WHERE, **CAUSED)
    desks.ask("file", name, "reject", {"code": code, "message": "cut"}, actor="worker-1", **WHERE, **CAUSED)


def test_what_people_did_is_told_with_their_reasons_and_what_followed_is_not(told):
    desks = Desks()
    failing(desks, "keck/a")
    failing(desks, "keck/b")
    for name in ("keck/a", "keck/b"):
        desks.ask(
            "file", name, "acknowledge", {"codes": ["TRUNCATED"]}, actor="ada", reason="known to us", **WHERE
        )
    desks.ask("file", "keck/b", "note", {"text": "asked the summit"}, actor="ada", reason="asked the summit")
    desks.ask("file", "keck/a", "retry", {}, actor="grace", reason="perhaps", **WHERE)  # INVALID: refused
    report = told(desks)
    assert [(row["actor"], row["requests"], row["refused"]) for row in report["people"]] == [
        ("ada", 3, 0), ("grace", 1, 1),
    ]  # fmt: skip
    by_hand = {(row["actor"], row["what"], row["is_refusal"]): row for row in report["by_hand"]}
    assert set(by_hand) == {
        ("ada", "file.acknowledged", False), ("ada", "file.noted", False), ("grace", "file.retry", True),
    }  # fmt: skip
    acknowledged = by_hand["ada", "file.acknowledged", False]
    assert (acknowledged["subjects"], acknowledged["reason"]) == (2, "known to us")
    assert [(row["subject"], row["note"]) for row in report["notes"]] == [("keck/b", "asked the summit")]
    assert {row["type"]: row["subjects"] for row in report["happened"]}["file.rejected"] == 2
    assert report["problems"] == [], "both are acknowledged"


def test_what_waits_is_told_whenever_it_began_and_what_is_new_is_told_apart(told):
    desks = Desks()
    failing(desks, "keck/old")
    begin = desks.asked
    failing(desks, "keck/new")
    desks.ask("file", "keck/held", "arrive", arrived(SHA[2]), actor="dcs", **CAUSED)
    desks.ask("file", "keck/held", "hold", {}, actor="ada", reason="wait for the summit")
    a_life(desks, "roman-wfi/r1")
    report = told(desks, since=BEGIN + timedelta(seconds=begin + 0.5))
    (problem,) = report["problems"]
    assert (problem["code"], problem["files"], problem["since_then"]) == ("TRUNCATED", 2, 1)
    assert [(row["stream"], row["state"], row["files"], row["oldest"]) for row in report["waiting"]] == [
        ("keck", "QUEUED", 1, "keck/held")
    ]
    assert [(row["what"], row["subject"], row["reason"]) for row in report["held"]] == [
        ("file", "keck/held", "wait for the summit")
    ]
    lines = "\n".join(shift_lines(report))
    assert "keck/held" in lines
    assert "1 of them since then" in lines


def test_the_report_of_one_stream_says_nothing_of_others_and_its_times_are_bounds(told):
    desks = Desks()
    failing(desks, "keck/a")
    failing(desks, "other/a")
    desks.ask("file", "other/a", "note", {"text": "n"}, actor="ada", reason="n")
    report = told(desks, stream="keck")
    assert {row["stream"] for row in report["problems"]} == {"keck"}
    assert report["people"] == report["notes"] == []
    assert {row["example"] for row in report["happened"]} == {"keck/a"}


def test_what_happened_before_or_after_is_not_told(told):
    desks = Desks()
    failing(desks, "keck/a")
    desks.ask("file", "keck/a", "note", {"text": "n"}, actor="ada", reason="n")
    later = told(desks, since=BEGIN + timedelta(hours=9), until=BEGIN + timedelta(hours=10))
    assert later["happened"] == later["by_hand"] == later["notes"] == []
    assert [row["code"] for row in later["problems"]] == ["TRUNCATED"], "it waits all the same"


def test_a_stream_that_is_silent_is_told(told):
    desks = Desks()
    desks.ask("stream", "keck", "configure", {"configuration": {"stream": "keck"}})
    for word in ("start", "enable"):
        desks.ask("stream", "keck", word, {})
    desks.ask(
        "stream", "keck", "silent", {"purpose": "science", "since_at": "2026-11-21T05:00:00Z", "every_s": 600}
    )
    desks.ask(
        "stream", "keck", "silent", {"purpose": "test", "since_at": "2026-11-21T05:00:01Z", "every_s": 60}
    )
    desks.ask("stream", "keck", "heard", {"purpose": "test", "heard_at": "2026-11-21T05:00:09Z"})
    (silent,) = told(desks)["silent"]
    assert (silent["stream"], silent["purpose"], silent["since_at"], silent["every_s"]) == (
        "keck",
        "science",
        BEGIN,
        600,
    )
