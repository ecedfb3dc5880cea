"""The catalogue of hostile input, held against the code that must refuse it: each piece gets the code it names."""

from datetime import UTC, datetime

import pytest

from consumers.child import Inspector, Limits
from consumers.formats import FORMATS, Expected
from consumers.intake import Refused, take
from events.envelope import UndecodableError, decode_request
from events.ids import partition_of
from events.log import Message
from events.stream import StreamConfiguration
from machines import MACHINES
from machines.desk import Desk, Stamp
from projectors.stream_rules import StreamRule
from service.faults.hostile_files import hostile_files
from service.faults.hostile_messages import hostile_messages
from service.faults.hostile_requests import hostile_requests

RULE = StreamRule(
    "keck",
    "Enabled",
    False,
    1,
    StreamConfiguration(stream="keck", senders=("summit",), roots=("file:///landing/",), format="fits"),
)
MESSAGES = list(hostile_messages(sender="summit", stream="keck", root="file:///landing/", mark="m1"))
REQUESTS = list(hostile_requests(stream="keck", mark="m1"))
FILES = list(hostile_files(mark="m1"))


@pytest.mark.parametrize("hostile", MESSAGES, ids=lambda each: each.name)
def test_the_door_keeps_a_hostile_message_under_its_code(hostile):
    # names as the client of the log gives them back
    headers = tuple(
        (name.encode().decode("utf-8", "surrogateescape"), value) for name, value in hostile.headers
    )
    message = Message("t.inbox.summit", 0, 7, hostile.key, hostile.value, headers)
    taken = take(message, {"keck": RULE}, datetime.now(UTC))
    assert isinstance(taken, Refused)
    assert taken.is_kept
    assert (taken.code, len(taken.reasons) > 0) == (hostile.code, True), taken.reasons


@pytest.mark.parametrize("hostile", REQUESTS, ids=lambda each: each.name)
def test_a_hostile_request_is_refused_or_cannot_be_read(hostile):
    try:
        request = decode_request(hostile.value)
    except UndecodableError:
        found = "UNDECODABLE"
    else:
        if partition_of(request.subject, 4) != partition_of(hostile.key.decode(), 4):
            found = "WRONG_PARTITION"
        else:
            desk = Desk(MACHINES["file"], site="t")
            stamp = Stamp("id", "digest", "2026-11-21T00:00:00Z", "topic/0/0", 1)
            decision = desk.decide(desk.new(), request, stamp)
            assert decision.poison is None
            assert decision.record.is_refusal
            found = decision.record.data["code"]
            assert request.id == hostile.request_id
    assert found == hostile.code
    assert hostile.is_refused == (found not in {"UNDECODABLE", "WRONG_PARTITION"})


@pytest.fixture(scope="module")
def inspector():
    with Inspector(tuple(FORMATS), Limits(memory_bytes=256 << 20, cpu_s=10, wall_s=20.0)) as running:
        yield running


@pytest.mark.parametrize("hostile", FILES, ids=lambda each: each.name)
def test_a_hostile_file_is_invalid_under_its_code(inspector, hostile, tmp_path):
    path = tmp_path / "hostile"
    path.write_bytes(hostile.content)
    result = inspector.inspect(path, hostile.format, Expected("hostile"))
    assert result.failure is None, result.usage.log_tail
    assert (result.inspection.verdict, result.inspection.code) == ("invalid", hostile.code)


def test_two_rounds_share_no_bytes_where_bytes_can_differ():
    again = {each.name: each.value for each in hostile_messages(sender="s", stream="k", root="r", mark="m2")}
    same = [each.name for each in MESSAGES if each.value == again[each.name]]
    assert same == ["empty", "null_value"]
    ids = {each.request_id for each in (*REQUESTS, *hostile_requests(stream="keck", mark="m2"))}
    assert len(ids) == 2 * sum(each.is_refused for each in REQUESTS) + 1
