"""Setting one record aside: it is read first, or nothing is done; what was not read is not let go of."""

import pytest

from events.log import Place, TopicSpec
from events.memory_log import MemoryLog
from service import remedies
from service.remedies import NotYetError, _message

PLACE = Place("keck.file.requests", 0)


@pytest.fixture
def log(monkeypatch):
    monkeypatch.setattr(remedies, "_READ_S", 0.05)
    log = MemoryLog()
    log.ensure([TopicSpec(PLACE.topic, 1)])
    writer = log.writer()
    for value in (b"0", b"1"):
        writer.send(PLACE.topic, key=b"k", value=value, partition=0)
    return log


def test_the_record_is_the_one_at_its_offset(log):
    found = _message(log, PLACE, 1)
    assert found is not None
    assert found.value == b"1"


def test_what_is_gone_or_never_was_is_none(log):
    assert _message(log, PLACE, 2) is None
    writer = log.transactional("t")
    writer.begin()
    writer.send(PLACE.topic, key=b"k", value=b"2", partition=0)
    writer.abort()
    writer.begin()
    writer.send(PLACE.topic, key=b"k", value=b"3", partition=0)
    writer.commit({}, group="g")
    assert _message(log, PLACE, 2) is None


def test_what_can_not_be_read_now_is_not_taken_for_gone(log):
    writer = log.transactional("t")
    writer.begin()
    writer.send(PLACE.topic, key=b"k", value=b"2", partition=0)
    with pytest.raises(NotYetError, match=r"found nothing to read at 2 within .*meridian doctor"):
        _message(log, PLACE, 2)
