"""Dead letters at the command line: those that are named and not there are told, and a list says that it was cut."""

from contextlib import contextmanager
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from consumers.dead_record import dead_letter
from events.log import Message
from events.memory_log import MemoryLog
from events.topic_specs import topic_specs
from events.topics import Topics
from service.cli.errors import ATTENTION, FINE
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
