"""Asking from Python: a server that goes away beforehand means nothing was sent; one that goes away later, in doubt."""

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from events.file_requests import NoteFile
from events.log import LogUnavailableError, Place, TopicSpec
from events.memory_log import MemoryLog
from service.cli.asking import tell
from service.cli.errors import ToldError
from service.cli.options import Options
from service.cli.session import Session
from service.client import Ask, Client, NotReadyError
from service.settings import load
from service.stack.endpoints import Endpoints, S3Access
from service.wiring import Wiring

TOPIC = "meridian.file.requests"
ASK = Ask("keck/a.fits", NoteFile(text="known"))


class Outcomes:
    """Nobody can look at what was decided."""

    def wait(self, *_, **__):
        raise OperationalError("SELECT", {}, Exception("server closed the\n connection"))


class GoesAway:
    """Takes records, and does not come back with whether they stand."""

    def __init__(self, writer):
        self._writer = writer

    def __getattr__(self, name):
        return getattr(self._writer, name)

    def flush(self, timeout_s):
        raise LogUnavailableError(f"flush within {timeout_s:g} s: no answer from kafka at h:1")


@pytest.fixture
def client():
    at = Endpoints("h:1", "postgresql://u:p@127.0.0.1:1/d", S3Access("http://h:2", "a", "s"))
    client = Client(Wiring(load(), at, "test"), actor="ada")
    log = MemoryLog()
    log.ensure([TopicSpec(TOPIC, 1)])
    client.__dict__ |= {"log": log, "engine": create_engine("sqlite://"), "outcomes": Outcomes()}
    return client


def sent(client) -> int:
    return client.log.reader().end(Place(TOPIC, 0))


def test_a_log_that_goes_away_while_it_takes_them_leaves_them_in_doubt(client):
    client._writer = GoesAway(client.log.writer())
    (asked,) = client.ask([ASK])
    assert (asked.outcome, asked.ask.request_id) == (None, ASK.request_id)
    assert "no answer from kafka" in asked.cause
    assert sent(client) == 1  # and there it stands: a new id would ask for it twice


def test_a_database_that_goes_away_while_answers_are_waited_for_leaves_them_in_doubt(client):
    (asked,) = client.ask([ASK])
    assert (asked.outcome, asked.cause) == (None, "server closed the connection")
    assert sent(client) == 1


def test_a_server_that_is_away_beforehand_is_an_error_and_nothing_is_sent(client):
    client.__dict__["engine"] = create_engine("postgresql+psycopg2://u:p@127.0.0.1:1/d")
    with pytest.raises(OperationalError):
        client.ask([ASK])
    assert sent(client) == 0
    client.__dict__ |= {"engine": create_engine("sqlite://"), "log": MemoryLog()}
    with pytest.raises(NotReadyError, match=r"meridian\.file\.requests"):
        client.ask([ASK])


def test_who_asked_is_told_the_id_to_ask_again_under(client, capsys):
    client._writer = GoesAway(client.log.writer())
    with pytest.raises(
        ToldError, match=r"in doubt: while it was sent or waited for: flush.*no answer"
    ) as told:
        tell(Session(Options()), client.ask([ASK]))
    assert (told.value.exit_code, told.value.code) == (3, "IN_DOUBT")
    assert f"--request-id {ASK.request_id}" in capsys.readouterr().err
