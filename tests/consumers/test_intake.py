"""What becomes of an event at the door: the request, or the reason against."""

import pytest

from consumers.intake import Taken, take
from events.envelope import decode_request
from events.file_requests import ArriveFile
from events.ids import derived_id
from tests.consumers.at_the_door import (
    NOW,
    a_message,
    a_stream,
    an_event,
    asked,
    refused,
    request_in,
    rules_of,
    saying,
)

# --- taken


def test_an_announced_file_becomes_a_request_about_its_logical_name():
    one = asked(an_event())
    assert (one.machine, one.subject) == ("file", "roman-wfi/r0001_cal")
    assert one.request_id == derived_id("roman-soc/7f3e", "arrive", 1)
    assert request_in(one) == {
        "specversion": "1.0",
        "id": one.request_id,
        "source": "intake",
        "type": "file.arrive",
        "subject": "roman-wfi/r0001_cal",
        "time": "2026-11-21T05:41:07.000Z",
        "actor": "roman-soc",
        "causationid": "roman-soc/7f3e",
        "correlationid": "7f3e",
        "data": {
            "content": {"uri": "s3://landing/r0001_cal.asdf", "size_bytes": 318767104, "sha256": "9f" * 32},
            "witness": "t.inbox.roman-soc/3/1188",
            "stream_version": 12,
            "role": "primary",
            "purpose": "science",
            "work_class": "large",
            "priority": "live",
            "changed_content": "new_version",
            "warnings": [],
        },
    }


def test_the_request_is_one_that_the_decider_can_read():
    envelope = decode_request(asked(an_event()).value)
    assert ArriveFile.read(envelope.data).content.uri == "s3://landing/r0001_cal.asdf"


def test_the_same_event_sent_again_asks_under_the_same_id():
    assert asked(an_event()).request_id == asked(an_event(), offset=2000).request_id


def test_the_same_event_id_of_another_sender_is_another_request():
    streams = a_stream(senders=("roman-soc", "other"))
    assert (
        asked(an_event(), streams).request_id
        != asked(an_event(source="other"), streams, sender="other").request_id
    )


def test_binary_mode_says_the_same_as_structured_mode():
    event = an_event()
    headers = tuple(
        (f"ce_{name}", str(event[name]).encode()) for name in ("specversion", "id", "source", "type", "time")
    )
    binary = asked(event["data"], headers=(*headers, ("content-type", b"application/json")))
    assert binary == asked(event)


def test_a_source_below_the_senders_name_is_the_senders():
    assert asked(an_event(source="roman-soc/host-3")).event_id == "7f3e"


@pytest.mark.parametrize(
    ("name", "rules", "subject", "role"),
    [
        ("a.fits", {}, "a", "primary"),
        ("a.fits.fz", {}, "a", "primary"),
        ("a.json", {"roles": ({"pattern": r".*\.json", "value": "sidecar"},)}, "a.json", "sidecar"),
        ("a.png", {"roles": ({"pattern": r".*\.png", "value": "preview"},)}, "a.png", "preview"),
        ("a.fits", {"roles": ({"pattern": r".*\.json", "value": "sidecar"},)}, "a", "primary"),
        # Where no rule of the stream says so, its role is that of its format.
        ("a.json", {"formats": ({"pattern": r".*\.json", "value": "json"},)}, "a.json", "sidecar"),
        ("a.jpg", {"format": "jpeg"}, "a.jpg", "preview"),
        ("a.md5", {"formats": ({"pattern": ".*md5", "value": "checksum-table"},)}, "a.md5", "manifest"),
        (
            "a.fits",
            {"format": "fits", "formats": ({"pattern": r".*\.json", "value": "json"},)},
            "a",
            "primary",
        ),
        (
            "a.json",
            {"format": "json", "roles": ({"pattern": ".*", "value": "manifest"},)},
            "a.json",
            "manifest",
        ),
        ("a.fits", {"strip_suffix": False}, "a.fits", "primary"),
    ],
)
def test_only_a_primary_goes_by_its_base_name(name, rules, subject, role):
    one = asked(saying(uri=f"s3://landing/{name}"), a_stream(**rules))
    assert (one.subject, request_in(one)["data"]["role"]) == (f"roman-wfi/{subject}", role)


def test_a_file_and_its_sidecar_are_two_files():
    stream = a_stream(roles=({"pattern": r".*\.json", "value": "sidecar"},))
    assert (
        asked(saying(uri="s3://landing/a.fits"), stream).subject
        != asked(saying(uri="s3://landing/a.json"), stream).subject
    )


@pytest.mark.parametrize(
    ("told", "rules", "member", "value"),
    [
        ({}, {"purposes": ({"pattern": "r0.*", "value": "calibration"},)}, "purpose", "calibration"),
        ({"size_bytes": 99_999_999}, {}, "work_class", "normal"),
        ({"size_bytes": 100_000_000}, {}, "work_class", "large"),
        ({"size_bytes": None}, {}, "work_class", "normal"),
        ({"size_bytes": 10}, {"large_bytes": 5}, "work_class", "large"),
        ({"catch_up": True}, {}, "priority", "catch-up"),
        ({}, {"changed_content": "conflict"}, "changed_content", "conflict"),
    ],
)
def test_the_stream_says_what_the_request_says(told, rules, member, value):
    assert request_in(asked(saying(**told), a_stream(**rules)))["data"][member] == value


def test_a_file_of_a_stream_that_is_offline_is_taken_with_a_warning():
    (warning,) = request_in(asked(an_event(), a_stream(state="Offline")))["data"]["warnings"]
    assert warning["code"] == "UNEXPECTED_DATA"


@pytest.mark.parametrize("state", ["Standby", "Disabled", "Fault"])
def test_files_of_a_stream_that_does_not_work_are_taken_all_the_same(state):
    assert request_in(asked(an_event(), a_stream(state=state)))["data"]["warnings"] == []


def test_a_watched_folder_may_speak_for_its_stream_without_being_named():
    stream = a_stream(senders=(), roots=(), watch_folders=("/landing/my night",))
    event = {**saying(uri="file:///landing/my%20night/a.fits"), "source": "folder-roman-wfi"}
    assert asked(event, stream, sender="folder-roman-wfi").subject == "roman-wfi/a"


@pytest.mark.parametrize(
    ("said", "asks", "data"),
    [
        ("instrument.offline", "stream.offline", {}),
        ("instrument.online", "stream.standby", {}),
    ],
)
def test_an_instrument_speaks_for_the_state_of_its_stream(said, asks, data):
    one = asked(an_event(type=said, data={"stream": "roman-wfi"}))
    told = request_in(one)
    assert (one.machine, one.subject, told["type"], told["data"]) == ("stream", "roman-wfi", asks, data)
    assert told["reason"]


def test_an_instrument_may_say_until_when_it_is_off():
    told = request_in(
        asked(
            an_event(type="instrument.offline", data={"stream": "roman-wfi", "until": "2026-11-22T00:00:00Z"})
        )
    )
    assert told["data"] == {"until": "2026-11-22T00:00:00Z"}


# --- refused

DEEP = (
    b'{"specversion":"1.0","id":"1","source":"roman-soc","type":"file.arrived","data":'
    + b'{"a":' * 10_000
    + b"1"
    + b"}" * 10_001
)


@pytest.mark.parametrize(
    ("value", "code", "says"),
    [
        # bytes
        (None, "NOT_AN_EVENT", ""),
        (b"", "NOT_AN_EVENT", ""),
        (b"not json", "NOT_AN_EVENT", "JSON"),
        (b"\xff\xfe\x00", "NOT_AN_EVENT", ""),
        (b'{"specversion":"1.0",', "NOT_AN_EVENT", ""),
        (b"[]", "NOT_AN_EVENT", ""),
        (b'"text"', "NOT_AN_EVENT", ""),
        (b"17", "NOT_AN_EVENT", ""),
        (b"null", "NOT_AN_EVENT", ""),
        (b"NaN", "NOT_AN_EVENT", ""),
        (DEEP, "NOT_AN_EVENT", ""),
        (b'{"specversion":"1.0","id":"1","data":{"size_bytes":NaN}}', "NOT_AN_EVENT", ""),
        (b'{"specversion":"1.0","id":"\\ud800"}', "NOT_AN_EVENT", ""),
        (b'{"a":1}' + b" " * 1024 * 1024, "TOO_LARGE", "1048583"),
        # envelope
        ({}, "NOT_AN_EVENT", "specversion"),
        (an_event(specversion="0.3"), "NOT_AN_EVENT", "specversion"),
        (an_event(id=""), "NOT_AN_EVENT", "id"),
        (an_event(id=None), "NOT_AN_EVENT", "id"),
        (an_event(id=5), "NOT_AN_EVENT", "id"),
        (an_event(source=None), "NOT_AN_EVENT", "source"),
        (an_event(data="text"), "NOT_AN_EVENT", "data"),
        (an_event(data=[1]), "NOT_AN_EVENT", "data"),
        (an_event(id="x" * 201), "BAD_ID", "200"),
        (an_event(id="a\u200bb"), "BAD_ID", "printable"),
        (an_event(id="a\u0000b"), "NOT_AN_EVENT", "control"),
        (an_event(id="a\nb"), "NOT_AN_EVENT", "control"),
        (an_event(source="keck"), "WRONG_SENDER", "'keck'"),
        (an_event(source="roman-soc-2"), "WRONG_SENDER", "'roman-soc-2'"),
        (an_event(source="/roman-soc"), "WRONG_SENDER", ""),
        (an_event(type="file.started"), "UNKNOWN_TYPE", "dataset.changed, file.arrived, files.expected"),
        (an_event(type="dataset.was_changed"), "UNKNOWN_TYPE", "dataset.changed"),
        (an_event(type="dataset.changed"), "SCHEMA_VIOLATION", "record"),
        (an_event(dataschema="/schemas/file.arrived/2"), "UNKNOWN_VERSION", "/schemas/inbox/file.arrived/1"),
        # data
        (saying(size_bytes=-1), "SCHEMA_VIOLATION", "size_bytes: found '-1'"),
        (saying(size_bytes="many"), "SCHEMA_VIOLATION", "size_bytes: found 'many'"),
        (saying(size_bytes=1.5), "SCHEMA_VIOLATION", "size_bytes"),
        (saying(size_bytes=None, sha256="9F" * 32), "SCHEMA_VIOLATION", "sha256"),
        (saying(sha256="x"), "SCHEMA_VIOLATION", "sha256"),
        (saying(colour="red"), "SCHEMA_VIOLATION", "colour"),
        (saying(modified_at="yesterday"), "SCHEMA_VIOLATION", "modified_at"),
        (saying(modified_at="2026-11-21T05:41:06"), "SCHEMA_VIOLATION", "modified_at"),
        (saying(modified_at="2026-11-21T05:41:06+02:00"), "SCHEMA_VIOLATION", "UTC"),
        (saying(uri=""), "SCHEMA_VIOLATION", "uri"),
        (saying(uri="s3://landing/" + "a" * 5000), "SCHEMA_VIOLATION", "uri"),
        (saying(stream="ROMAN'; DROP TABLE file; --"), "SCHEMA_VIOLATION", "stream"),
        (an_event(data={}), "SCHEMA_VIOLATION", "stream"),
        # the sender's right
        (saying(stream="keck-kcwi"), "UNKNOWN_STREAM", "roman-wfi"),
        # place and name
        (saying(uri="s3://elsewhere/a.asdf"), "OUTSIDE_ROOTS", "s3://landing"),
        (saying(uri="s3://landing-2/a.asdf"), "OUTSIDE_ROOTS", ""),
        (saying(uri="file:///etc/passwd"), "OUTSIDE_ROOTS", ""),
        (saying(uri="s3://landing/../secret/a.asdf"), "BAD_URI", "'..'"),
        (saying(uri="s3://landing/%2e%2e/secret/a.asdf"), "BAD_URI", "'..'"),
        (saying(uri="s3://landing/%252e%252e/secret/a.asdf"), "BAD_URI", "escape inside an escape"),
        (saying(uri="s3://landing/a\u0000.asdf"), "NOT_AN_EVENT", "NUL"),
        (saying(uri="s3://landing/a\u202etsif.asdf"), "BAD_URI", "control"),
        (saying(uri="http://landing/a.asdf"), "BAD_URI", "'http'"),
        (saying(uri="s3://landing/Robert'); DROP TABLE files;--"), "BAD_NAME", ""),
        (saying(uri="s3://landing/.hidden"), "BAD_NAME", "dot"),
        (saying(uri="s3://landing/-rf"), "BAD_NAME", "hyphen"),
        (saying(uri="s3://landing/m\u00fcnchen.asdf"), "BAD_NAME", "name_pattern"),
        (saying(uri="s3://landing/\U0001f4a9.asdf"), "BAD_NAME", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_refused_with_a_code_and_a_reason(value, code, says):
    outcome = refused(value)
    assert outcome.code == code, outcome
    assert outcome.sender == "roman-soc"
    assert outcome.is_kept
    assert outcome.reasons
    assert says in " ".join(outcome.reasons)


def test_a_sender_may_speak_for_its_own_streams_only():
    outcome = refused(
        an_event(source="keck"), a_stream(), a_stream("keck-kcwi", senders=("keck",)), sender="keck"
    )
    assert outcome.code == "NOT_ALLOWED"
    assert "roman-soc" in outcome.reasons[0]


def test_a_role_that_is_none_is_the_configurations_fault_and_says_so():
    outcome = refused(an_event(), a_stream(roles=({"pattern": ".*", "value": "hero"},)))
    assert outcome.code == "BAD_CONFIGURATION"
    assert "hero" in outcome.reasons[0]


@pytest.mark.parametrize(
    ("value", "event_id"),
    [
        (an_event(type="nonsense"), "7f3e"),
        (an_event(specversion="9"), "7f3e"),
        (saying(size_bytes=-1), "7f3e"),
        (b"not json", None),
        (an_event(id="x" * 201), None),
        (an_event(id="a\u0000b"), None),
        (an_event(id=["7f3e"]), None),
    ],
)
def test_a_refusal_names_the_senders_event_id_where_there_is_one(value, event_id):
    assert refused(value).event_id == event_id


def test_a_refusal_in_binary_mode_names_the_senders_event_id_too():
    assert refused(b"not json", headers=(("ce_specversion", b"1.0"), ("CE_ID", b"77"))).event_id == "77"


def test_a_name_in_two_spellings_is_one_file():
    pattern = r"[\w.]+"
    composed = asked(saying(uri="s3://landing/m\u00fcnchen.asdf"), a_stream(name_pattern=pattern))
    apart = asked(saying(uri="s3://landing/mu\u0308nchen.asdf"), a_stream(name_pattern=pattern))
    assert composed.subject == apart.subject
    assert request_in(apart)["data"]["content"]["uri"] == "s3://landing/mu%CC%88nchen.asdf"


def test_a_null_key_changes_nothing():
    outcome = take(a_message(an_event(), key=None), rules_of(a_stream()), NOW)
    assert isinstance(outcome, Taken)
