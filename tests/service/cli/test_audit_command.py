"""What ``meridian audit`` prints, and what it exits with."""

import json
from datetime import UTC, datetime

import pytest

from service.audit import COUNTERS, Counter, Findings, Offender, kafka_reader
from service.cli.audit_command import findings_lines
from tests.service.cli.command_line import meridian


def findings(**raised: Counter) -> Findings:
    counters = {name: raised.get(name, Counter(n=1000)) for name in COUNTERS}
    at = datetime(2026, 11, 21, 3, tzinfo=UTC)
    return Findings(
        "keck",
        at,
        1.5,
        counters,
        Counter(),
        {"records": 1000, "rss_all_mb": 230},
        ("the bytes of 3 of 9 objects",),
    )


def test_a_clean_site_in_one_screen_with_n_and_bound():
    text = "\n".join(findings_lines(findings()))
    assert "site keck at 2026-11-21 03:00:00 UTC: 1,000 records in 1.5 s" in text
    for name in COUNTERS:
        assert f"{name:15}        0         1,000   below 0.003" in text
    assert "not looked at: the bytes of 3 of 9 objects" in text
    assert "667 records a second, 230 MB in all its processes at most" in text
    assert text.endswith("all eight are zero")


def test_offenders_with_what_was_found_and_wanted_and_where_and_how_many_more():
    offender = Offender("roman/a", "sequence 7", "sequence 6", "k.file.events/3/1188", "7f3e")
    text = "\n".join(findings_lines(findings(out_of_order=Counter(25, 1000, [offender]))))
    assert "out_of_order          25         1,000   2.50% of them" in text
    wanted = [
        "  roman/a",
        "    found   sequence 7",
        "    wanted  sequence 6",
        "    at      k.file.events/3/1188  event 7f3e",
        "  and 24 more",
    ]
    assert "\n".join(wanted) in text
    assert text.endswith("NOT CLEAN: out_of_order")


@pytest.fixture
def nowhere(monkeypatch, tmp_path):
    """Settings that lead to no server."""
    told = {
        "KAFKA": "127.0.0.1:9", "DATABASE": "postgresql://a@127.0.0.1:9/a", "DATA": str(tmp_path),
        "S3_ENDPOINT": "http://127.0.0.1:9", "S3_ACCESS_KEY": "a", "S3_SECRET_KEY": "b",
    }  # fmt: skip
    for name, value in told.items():
        monkeypatch.setenv(f"MERIDIAN_{name}", value)
    monkeypatch.setattr(kafka_reader, "REACH_S", 0.5)


def test_a_server_that_is_away_is_exit_3_and_says_which(nowhere, capsys):
    said = meridian(capsys, "audit")
    assert said.code == 3
    assert "kafka at 127.0.0.1:9" in said.err
    assert "meridian up" in said.err


def test_a_file_that_says_nothing_is_exit_2_and_names_the_line(nowhere, capsys, tmp_path):
    path = tmp_path / "sent.ndjson"
    path.write_text(json.dumps({"kind": "wish"}))
    said = meridian(capsys, "audit", "--expected", str(path))
    assert said.code == 2
    assert f"{path}:1" in said.err
