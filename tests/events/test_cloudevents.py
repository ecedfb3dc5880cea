"""At the door: both modes are read alike, and whatever else comes is refused in words, never with a crash."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.cloudevents import DEPTH_AT_MOST, EVENT_BYTES_AT_MOST, UnreadableEventError, read_event
from events.envelope import UndecodableError

DATA = {"stream": "roman-wfi", "uri": "s3://landing/r0001.asdf", "size_bytes": 5}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "roman-soc/night",
    "type": "file.arrived",
    "subject": "r0001",
    "time": "2026-11-21T04:05:06.789Z",
    "datacontenttype": "application/json",
    "dataschema": "/schemas/file.arrived/1",
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "data": DATA,
}
STRUCTURED = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)


def structured(**changed) -> bytes:
    """The event as one JSON object, with these members; those that are ``...`` are taken out."""
    return orjson.dumps({name: each for name, each in (EVENT | changed).items() if each is not ...})


def binary(**changed) -> tuple[tuple[str, bytes], ...]:
    """The headers of the event, with these attributes; those that are ``...`` are taken out."""
    attributes = {
        name: each for name, each in EVENT.items() if name not in {"data", "datacontenttype"}
    } | changed
    told = {
        f"ce_{name}": each if isinstance(each, bytes) else each.encode()
        for name, each in attributes.items()
        if each is not ...
    }
    return (*told.items(), ("content-type", b"application/json"))


def nested(depth: int, inner: bytes = b"1") -> bytes:
    return (
        b'{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"a":'
        + b"[" * depth
        + inner
        + b"]" * depth
        + b"}}"
    )


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (structured(), STRUCTURED),
        (structured(), ()),
        (structured(), (("Content-Type", b"Application/CloudEvents+JSON"),)),
        (structured(), (("x-trace", b"\xff\xfe"), ("content-type", b"application/json"))),
        (structured(data=..., data_base64=b64encode(orjson.dumps(DATA)).decode()), STRUCTURED),
        (orjson.dumps(DATA), binary()),
        (orjson.dumps(DATA), tuple((name.upper(), each) for name, each in binary())),
        # Structured, with the attributes repeated in headers: the value counts.
        (structured(), (*binary(id="other")[:-1], *STRUCTURED)),
    ],
    ids=[
        "structured",
        "by specversion",
        "upper case",
        "other headers",
        "base64",
        "binary",
        "binary upper",
        "both",
    ],
)
def test_both_modes_say_the_same(value, headers):
    event = read_event(value, headers)

    assert (event.id, event.source, event.type, event.subject) == (
        "e-1",
        "roman-soc/night",
        "file.arrived",
        "r0001",
    )
    assert event.time == datetime(2026, 11, 21, 4, 5, 6, 789_000, tzinfo=UTC)
    assert event.dataschema == "/schemas/file.arrived/1"
    assert event.data == DATA
    assert event.extensions == {"traceparent": EVENT["traceparent"]}


def test_what_need_not_be_said_may_be_left_out_or_null():
    left_out = dict.fromkeys(("subject", "time", "datacontenttype", "dataschema", "traceparent"), ...)

    for event in (
        read_event(structured(**left_out)),
        read_event(structured(**dict.fromkeys(left_out))),
        read_event(
            orjson.dumps(DATA), binary(**{name: ... for name in left_out if name != "datacontenttype"})[:-1]
        ),
    ):
        assert (event.subject, event.time, event.datacontenttype, event.dataschema) == (
            None,
            None,
            None,
            None,
        )
        assert event.extensions == {}
        assert event.data == DATA


@pytest.mark.parametrize(
    ("value", "headers"),
    [(structured(data=...), ()), (structured(data=None), ()), (None, binary()), (b"", binary())],
)
def test_an_event_without_data_has_empty_data(value, headers):
    assert read_event(value, headers).data == {}


def test_extensions_keep_their_kind_in_structured_mode():
    assert read_event(structured(traceparent=..., sequence=7, urgent=True)).extensions == {
        "sequence": 7,
        "urgent": True,
    }


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-11-21T04:05:06Z", datetime(2026, 11, 21, 4, 5, 6, tzinfo=UTC)),
        ("2026-11-21t04:05:06z", datetime(2026, 11, 21, 4, 5, 6, tzinfo=UTC)),
        ("2026-11-21T06:05:06.5+02:00", datetime(2026, 11, 21, 4, 5, 6, 500_000, tzinfo=UTC)),
        ("2026-11-21T04:05:06.123456789Z", datetime(2026, 11, 21, 4, 5, 6, 123_456, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_every_form_of_rfc_3339(text, found):
    assert read_event(structured(time=text)).time == found


@pytest.mark.parametrize(
    ("value", "headers", "said"),
    [
        (None, (), "no JSON"),
        (b"", (), "no JSON"),
        (b"\xff\xfe{\x00}\x00", (), "no JSON"),
        (b"\xef\xbb\xbf" + structured(), (), "BOM"),
        (b"hello", (), "no JSON"),
        (b"{}", (), "neither headers ce_… nor a member specversion"),
        (b"[]", (), "neither"),
        (b"3", STRUCTURED, "value: found 3, wanted a JSON object"),
        (b"[]", STRUCTURED, "value: found a list, wanted a JSON object"),
        (b"[" + structured() + b"]", (("content-type", b"application/cloudevents-batch+json"),), "batch"),
        (structured(), (("content-type", b"application/cloudevents+avro"),), "avro"),
        (structured(), (("content-type", b"application/cloudevents+json; charset=utf-16"),), "utf-16"),
        (structured(), (*STRUCTURED, *STRUCTURED), "header content-type: found it twice"),
        (structured(specversion="0.3"), (), "specversion: found '0.3', wanted '1.0'"),
        (structured(specversion=1.0), (), "specversion: found 1.0"),
        (structured(specversion=...), STRUCTURED, "specversion: found nothing"),
        (structured(id=...), (), "id: found nothing"),
        (structured(id=""), (), "id: found nothing"),
        (structured(id=7), (), "id: found 7, wanted a text"),
        (structured(id={"a": 1}), (), "id: found an object"),
        (structured(id="x" * 513), (), "1 to 512 characters"),
        (structured(id="a\0b"), (), r"id: found 'a\x00b'"),
        (structured(source="a\nb"), (), "source"),
        (structured(type="a\x7f"), (), "type"),
        (structured(subject=""), (), "subject"),
        (structured(time="yesterday"), (), "time: found 'yesterday'"),
        (structured(time="2026-11-21T04:05:06"), (), "time"),
        (structured(time="20261121T040506Z"), (), "time"),
        (structured(time="2026-02-30T04:05:06Z"), (), "time"),
        (structured(time="0001-01-01T00:00:00+14:00"), (), "time"),
        (structured(time=1795239667), (), "time"),
        (structured(datacontenttype="text/xml", data="<a/>"), (), "datacontenttype: found 'text/xml'"),
        (structured(datacontenttype=5), (), "datacontenttype: found 5"),
        (structured(data=[1]), (), "data: found a list, wanted a JSON object"),
        (structured(data="text"), (), "data: found 'text'"),
        (structured(data_base64="e30="), (), "data_base64: found data as well"),
        (structured(data=..., data_base64="e30"), (), "data_base64"),
        (structured(data=..., data_base64="é"), (), "data_base64"),
        (structured(data=..., data_base64=5), (), "data_base64"),
        (structured(data=..., data_base64=["e30="]), (), "data_base64"),
        (structured(data=..., data_base64="bm9wZQ=="), (), "no JSON"),
        (structured(Loud=1), (), "attribute 'Loud'"),
        (structured(**{"a b": 1}), (), "attribute 'a b'"),
        (structured(odd={"a": 1}), (), "odd: found an object"),
        (structured(odd=1.5), (), "odd: found 1.5"),
        (structured(data={"a": {"b": ["ok", "x\0y"]}}), (), "data.a.b[1]: found the character NUL"),
        (structured(data={"a": {"n\0": 1}}), (), "data.a: found the character NUL"),
        (b'{"specversion":"1.0","data":{"a":NaN}}', (), "no JSON"),
        (b'{"specversion":"1.0","data":{"a":1e999}}', (), "no JSON"),
        (b'{"specversion":"1.0","id":"\\ud800"}', (), "no JSON"),
        (nested(DEPTH_AT_MOST), (), "nested deeper, wanted at most 64 levels"),
        (nested(900), (), "nested deeper"),
        (nested(10_000), (), "no JSON"),
        (b'{"specversion":"1.0","id":' + b"[" * 1000 + b"]" * 1000 + b"}", (), "source: found nothing"),
        (structured(data={"a": "x" * EVENT_BYTES_AT_MOST}), (), f"wanted at most {EVENT_BYTES_AT_MOST}"),
        (b"{}", (("ce_id", b"x" * 70_000),), "headers: found 70005 bytes"),
        (b"{}", binary(id=...), "id: found nothing"),
        (b"{}", binary(id=b"\xff"), r"header ce_id: found b'\xff', wanted UTF-8"),
        (b"{}", (*binary(), ("CE_ID", b"e-2")), "header ce_id: found it twice"),
        (b"{}", binary(specversion="1.1"), "specversion: found '1.1'"),
        (b"<a/>", (*binary()[:-1], ("content-type", b"text/xml")), "datacontenttype: found 'text/xml'"),
        (b"<a/>", binary(), "no JSON"),
        (b"[]", binary(), "data: found a list"),
        (b"{}", binary(**{"da-ta": "x"}), "attribute 'da-ta'"),
        (b"{}", (("ce_", b"x"), *binary()), "attribute ''"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_the_place_the_find_and_the_wish(value, headers, said):
    with pytest.raises(UnreadableEventError) as caught:
        read_event(value, headers)

    error = caught.value
    assert said in str(error)
    assert str(error) == f"{error.what}: found {error.found}, wanted {error.wanted}; {error.way_out}"
    assert len(str(error)) < 600
    assert isinstance(error, UndecodableError)


def test_a_value_too_deep_to_print_is_still_refused_in_words():
    deep = b"[" * 1000 + b"]" * 1000
    value = b'{"specversion":"1.0","source":"s","type":"t","id":' + deep + b"}"

    with pytest.raises(UnreadableEventError, match="id: found a list"):
        read_event(value)


def test_what_is_read_can_be_written_again():
    assert (
        orjson.loads(orjson.dumps(read_event(nested(DEPTH_AT_MOST - 2)).data))
        == orjson.loads(nested(62))["data"]
    )


def test_long_names_do_not_make_long_work():
    """Each path below a name repeats it: half a million of them would be gigabytes."""
    names: dict[str, list[list[str]]] = {"k" * 400_000: [[] for _ in range(200_000)]}

    assert read_event(structured(data=names)).data == names


@given(
    st.binary(max_size=300), st.lists(st.tuples(st.sampled_from(["ce_id", "content-type", "x"]), st.binary()))
)
def test_any_bytes_are_refused_in_words(value, headers):
    with pytest.raises(UnreadableEventError):
        read_event(value, tuple(headers))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*EVENT, "data_base64", "other"]), json_values))
def test_any_object_is_an_event_that_can_be_written_again_or_refused_in_words(members):
    try:
        value = orjson.dumps(EVENT | members)
    except TypeError:  # surrogates and integers that are no JSON of ours
        return
    try:
        event = read_event(value)
    except UnreadableEventError:
        return
    assert orjson.loads(orjson.dumps(event.data)) == event.data
