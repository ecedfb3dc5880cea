"""Envelopes of requests and records, to bytes and back; and what is said about bytes that are neither."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.envelope import (
    REQUEST_BYTES_AT_MOST,
    UndecodableError,
    decode_record,
    decode_request,
    encode_request,
)
from events.types import format_time

AT = datetime(2026, 11, 21, 4, 5, 6, 789_999, tzinfo=UTC)
ID = "6f2c6a0e-3f8e-5d0c-9b55-5a3f2b0f5a11"
storable = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
json_data = st.dictionaries(
    storable,
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | storable,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(storable, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=5,
)


def a_request(**changed) -> bytes:
    members = {"id": ID, "type": "file.note", "subject": "s/f", "actor": "ops", "source": "test", "at": AT}
    return encode_request(**{**members, "data": {"text": "x"}, **changed})


def changed_request(**members) -> bytes:
    """The request's JSON with these members; those that are ``...`` are taken out."""
    whole = orjson.loads(a_request()) | members
    return orjson.dumps({name: each for name, each in whole.items() if each is not ...})


subjects = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60)


@given(st.uuids(), subjects, storable, json_data, st.none() | st.integers(0, 2**40))
def test_a_request_comes_back_as_it_was_encoded(identifier: UUID, subject, actor, data, expected):
    value = a_request(
        id=str(identifier), subject=subject, actor=actor, data=data, expectedsequence=expected, version=2
    )
    found = decode_request(value)

    assert (found.id, found.subject, found.actor, found.data) == (str(identifier), subject, actor, data)
    assert (found.expectedsequence, found.version, found.attempt, found.reason) == (expected, 2, None, None)
    assert found.time == "2026-11-21T04:05:06.789Z"


def test_a_request_is_a_cloudevent_in_structured_mode():
    assert orjson.loads(a_request(reason="because")) == {
        "specversion": "1.0",
        "id": ID,
        "source": "test",
        "type": "file.note",
        "subject": "s/f",
        "time": "2026-11-21T04:05:06.789Z",
        "actor": "ops",
        "reason": "because",
        "data": {"text": "x"},
    }


def test_an_unknown_extension_is_a_mistake_of_ours():
    with pytest.raises(TypeError, match="mood"):
        a_request(mood="bad")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "tombstone"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"id":NaN}', "not JSON"),
        (b"[" * 10_000 + b"]" * 10_000, "not JSON"),
        (b"[]", "the object"),
        (b"{}", "id"),
        (b" " * (REQUEST_BYTES_AT_MOST + 1), f"wanted at most {REQUEST_BYTES_AT_MOST}"),
        (changed_request(specversion="0.3"), "specversion: found '0.3'"),
        (changed_request(id="42"), "id: found '42'"),
        (changed_request(subject=...), "subject"),
        (changed_request(subject=""), "subject"),
        (changed_request(time="2" * 41), "time"),
        (changed_request(attempt=0), "attempt"),
        (changed_request(data=[1]), "data"),
        (changed_request(actor=...), "actor"),
    ],
)
def test_what_is_no_request_is_undecodable_and_the_member_is_named(value, said):
    with pytest.raises(UndecodableError) as caught:
        decode_request(value)

    assert said in str(caught.value)
    assert len(str(caught.value)) < 5000


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_undecodable(value):
    with pytest.raises(UndecodableError):
        decode_request(value)


def test_unknown_members_of_a_request_do_not_harm():
    assert decode_request(changed_request(partitionkey="x")).id == ID


def test_a_record_knows_its_place_its_machine_and_whether_it_is_a_refusal():
    words = ("id", "actor", "requestid", "requesttopic", "chain", "fromstate", "tostate")
    members: dict[str, Any] = {
        "subject": "s/f",
        "time": "2026-11-21T04:05:06.789Z",
        "sequence": 1,
        "ownerepoch": 1,
    }
    members |= {"data": {}, **dict.fromkeys(words, "x")}
    record = decode_record(orjson.dumps({**members, "type": "file.refused"}), partition=3, offset=9)

    assert (record.partition, record.offset, record.machine, record.is_refusal) == (3, 9, "file", True)
    assert record.at == datetime(2026, 11, 21, 4, 5, 6, 789_000, tzinfo=UTC)
    assert not decode_record(orjson.dumps({**members, "type": "file.noted"})).is_refusal


@pytest.mark.parametrize("value", [None, b"", b"{}", b"[]", b"1", b'{"mood":1}', b"\xff"])
def test_what_is_no_record_is_undecodable_and_its_place_is_named(value):
    with pytest.raises(UndecodableError, match="ledger 3/9"):
        decode_record(value, partition=3, offset=9)


def test_times_are_cut_to_milliseconds_and_never_rounded_up():
    assert format_time(AT) == "2026-11-21T04:05:06.789Z"
