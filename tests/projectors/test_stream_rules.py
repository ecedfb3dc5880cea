"""The rules of streams: who may speak, from where, and what happens while they can't be read."""

import threading

import pytest

from projectors.database import make_engine
from projectors.stream_rules import LiveRules, RulesUnavailableError
from tests.consumers.at_the_door import a_stream

NOBODY = "postgresql://nobody@127.0.0.1:1/nothing"


def test_a_database_that_is_not_there_is_something_to_wait_for():
    rules = LiveRules(make_engine(NOBODY, "test"))
    with pytest.raises(RulesUnavailableError, match="does not answer"):
        rules.refresh()
    with pytest.raises(RulesUnavailableError):
        rules.current()


def test_following_outlives_a_database_that_is_not_there():
    stop = threading.Event()
    thread = threading.Thread(target=LiveRules(make_engine(NOBODY, "test")).follow, args=(stop,))
    thread.start()
    thread.join(0.5)
    assert thread.is_alive()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def test_watched_folders_are_roots_and_give_their_stream_a_sender():
    rule = a_stream(
        "keck", senders=("koa",), roots=("s3://keck",), watch_folders=("/landing/keck night", "relative")
    )
    assert rule.senders == {"koa", "folder-keck"}
    assert rule.roots == ("s3://keck", "file:///landing/keck%20night")
    assert a_stream("keck", senders=("koa",)).senders == {"koa"}


@pytest.mark.parametrize(
    ("state", "is_offline"), [("Offline", True), ("OFFLINE", True), ("Standby", False), ("Enabled", False)]
)
def test_a_stream_is_offline_however_that_is_spelled(state, is_offline):
    assert a_stream(state=state).is_offline is is_offline
