"""The rules of streams: who may speak, from where, and what happens while they can't be read."""

import threading

import pytest
from sqlalchemy import text

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


def test_views_that_lack_what_was_decided_of_streams_refuse_nobody_and_keep_what_was_known(postgres):
    engine = make_engine(postgres, "test")
    rules = LiveRules(engine, stale_after_s=0.0)
    with engine.begin() as connection:
        connection.execute(_DECIDED)
        connection.execute(_PROJECTED, {"to": 7})
        connection.execute(_STREAM)
    known = rules.refresh()
    assert set(known) == {"keck"}
    with engine.begin() as connection:  # the views are emptied, to be filled again
        connection.execute(text("DELETE FROM projection.stream_status"))
        connection.execute(_PROJECTED, {"to": 0})
    with pytest.raises(RulesUnavailableError, match="up to 0, wanted 7"):
        rules.refresh()
    assert rules.current() == known
    with pytest.raises(RulesUnavailableError):
        LiveRules(engine).current()
    with engine.begin() as connection:
        connection.execute(_PROJECTED, {"to": 8})
    assert rules.refresh() == {}


_DECIDED = text("""
    INSERT INTO decider.watermark (machine, partition, next_offset, next_request, requests_topic_id, fold_version,
                                   owner_epoch)
    VALUES ('stream', 0, 7, 7, 'id', 1, 1)
""")
_PROJECTED = text("""
    INSERT INTO projection.position (follower, machine, partition, next_offset, owner_epoch, topic_id)
    VALUES ('projector', 'stream', 0, :to, 1, 'id')
    ON CONFLICT (follower, machine, partition) DO UPDATE SET next_offset = excluded.next_offset
""")
_STREAM = text("""
    INSERT INTO projection.stream_status (stream, state, since_at, is_held, configuration_version,
                                          configuration, sequence, event_id, partition, ledger_offset)
    VALUES ('keck', 'Enabled', now(), false, 1, '{"stream": "keck"}', 1, gen_random_uuid(), 0, 0)
""")
