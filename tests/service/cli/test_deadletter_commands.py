"""Dead letters at the command line: those that are named and not there are told, and a list says that it was cut."""

import io
from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from consumers.dead_record import dead_letter
from events.log import Message
from events.memory_log import MemoryLog
from events.topic_specs import topic_specs
from events.topics import Topics
from service.cli.errors import ATTENTION, FINE, WRONG_USE
from service.cli.session import Session
from tests.service.cli.command_line import meridian

TOPICS = Topics("keck")
AT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(autouse=True)
def log(monkeypatch):
    """Three dead letters of one inbox."""
    log = MemoryLog()
    log.ensure(topic_specs(TOPICS, {}, ["summit"]))
    writer = log.writer()
    for offset in range(3):
        message = Message(TOPICS.inbox("summit"), 0, offset, b"k", b"{", ())
        key, value, headers = dead_letter(
            message, sender="summit", code="NOT_AN_EVENT", reason="no JSON", at=AT
        )
        writer.send(TOPICS.deadletter, key=key, value=value, partition=0, headers=headers)

    @contextmanager
    def client(self):
        yield SimpleNamespace(log=log, wiring=SimpleNamespace(topics=TOPICS))

    monkeypatch.setattr(Session, "client", client)
    return log


@pytest.mark.parametrize("verb", ["redrive", "discard"])
def test_an_id_that_is_none_is_told_and_the_others_are_done(capsys, verb):
    said = meridian(capsys, "deadletter", verb, "0/1", "0/17", "--reason", "mended", "-o", "csv")
    assert said.code == ATTENTION
    assert f"0/1,{verb}" in said.out.replace("redriven", "redrive").replace("discarded", "discard")
    assert '0/17,refused,"found no such dead letter' in said.out
    assert meridian(capsys, "deadletter", "list", "-o", "ids").out.split() == ["0/0", "0/2"]


def test_a_list_that_was_cut_says_so(capsys):
    said = meridian(capsys, "deadletter", "list", "--limit", "2", "-o", "ids")
    assert (said.code, said.out.split()) == (FINE, ["0/0", "0/1"])
    assert "the first 2; there are more" in said.err
    assert "there are more" not in meridian(capsys, "deadletter", "list", "--limit", "3").err


def add(log, count: int, code: str = "BAD_NAME") -> None:
    for offset in range(count):
        message = Message(TOPICS.inbox("summit"), 0, 100 + offset, b"k", b"{", ())
        key, value, headers = dead_letter(message, sender="summit", code=code, reason="no", at=AT)
        log.writer().send(TOPICS.deadletter, key=key, value=value, partition=0, headers=headers)


def still_open(capsys) -> int:
    return len(meridian(capsys, "deadletter", "list", "--limit", "1000", "-o", "ids").out.split())


@pytest.mark.parametrize("verb", ["redrive", "discard"])
def test_many_by_a_filter_are_asked_about_first(capsys, log, verb):
    add(log, 21)
    asked = meridian(capsys, "deadletter", verb, "--code", "bad_name", "--reason", "mended")
    assert (asked.code, still_open(capsys)) == (WRONG_USE, 24)
    assert f"{verb} 21 dead letters?" in asked.err
    assert "--yes" in asked.err
    few = meridian(capsys, "deadletter", verb, "--code", "NOT_AN_EVENT", "--reason", "mended")
    assert (few.code, still_open(capsys)) == (FINE, 21)
    rate = ("--rate", "1000") if verb == "redrive" else ()
    many = meridian(capsys, "deadletter", verb, "--code", "BAD_NAME", "--reason", "mended", "--yes", *rate)
    assert (many.code, still_open(capsys)) == (FINE, 0)


@pytest.mark.parametrize("verb", ["redrive", "discard"])
def test_a_dry_run_counts_and_does_nothing(capsys, log, verb):
    add(log, 21)
    said = meridian(capsys, "deadletter", verb, "--code", "BAD_NAME", "--dry-run")
    assert (said.code, still_open(capsys)) == (FINE, 24)
    assert "21 dead letters of summit for BAD_NAME" in said.err


@pytest.mark.parametrize("verb", ["redrive", "discard"])
def test_nothing_named_means_nothing(capsys, monkeypatch, verb):
    said = meridian(capsys, "deadletter", verb, "--reason", "mended", "--yes")
    assert (said.code, still_open(capsys)) == (WRONG_USE, 3)
    assert "found neither ids nor a filter" in said.err
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert meridian(capsys, "deadletter", verb, "-", "--reason", "mended").code == FINE
    assert still_open(capsys) == 3
    monkeypatch.setattr("sys.stdin", io.StringIO("0/0\n0/2\n"))
    assert meridian(capsys, "deadletter", verb, "-", "--reason", "mended").code == FINE
    assert meridian(capsys, "deadletter", "list", "-o", "ids").out.split() == ["0/1"]
