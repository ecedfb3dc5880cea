"""What tests at the door are made of: messages as they lie in an inbox, and streams with their rules."""

from datetime import UTC, datetime
from typing import Any

import orjson

from consumers.intake import Asked, Refused, Taken, take
from events.log import Message
from events.stream import StreamConfiguration
from projectors.stream_rules import StreamRule

NOW = datetime(2026, 11, 21, 5, 41, 7, tzinfo=UTC)


def a_stream(
    name: str = "roman-wfi", *, state: str = "Enabled", version: int = 12, **configuration: Any
) -> StreamRule:
    told = {"senders": ("roman-soc",), "roots": ("s3://landing",), **configuration}
    return StreamRule(name, state, False, version, StreamConfiguration(stream=name, **told))


class Streams:
    """The rules as last read, and as they stand ``now``; counts how often they were looked up."""

    def __init__(self, *known: StreamRule, now: tuple[StreamRule, ...] | None = None) -> None:
        self.known = rules_of(*known)
        self.now = self.known if now is None else rules_of(*now)
        self.looks = 0

    def current(self) -> dict[str, StreamRule]:
        return self.known

    def refresh(self) -> dict[str, StreamRule]:
        self.looks += 1
        self.known = self.now
        return self.known


def rules_of(*streams: StreamRule) -> dict[str, StreamRule]:
    return {rule.stream: rule for rule in streams}


def an_event(**other: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "7f3e",
        "source": "roman-soc",
        "type": "file.arrived",
        "time": "2026-11-21T05:41:06.950Z",
        "data": {
            "stream": "roman-wfi",
            "uri": "s3://landing/r0001_cal.asdf",
            "size_bytes": 318767104,
            "sha256": "9f" * 32,
        },
        **other,
    }


def saying(**data: Any) -> dict[str, Any]:
    event = an_event()
    return {**event, "data": {**event["data"], **data}}


def a_message(value: Any, *, sender: str = "roman-soc", offset: int = 1188, **other: Any) -> Message:
    encoded = value if isinstance(value, bytes) or value is None else orjson.dumps(value)
    told = {"partition": 3, "key": b"k", "timestamp_ms": 1_795_239_666_950, **other}
    return Message(topic=f"t.inbox.{sender}", offset=offset, value=encoded, **told)


def an_s3_record(
    key: str = "night/r0001_cal.asdf", *, event: str = "ObjectCreated:Put", **thing: Any
) -> dict[str, Any]:
    """As Ceph tells of an object that was put."""
    return {
        "eventVersion": "2.2",
        "eventSource": "ceph:s3",
        "awsRegion": "site",
        "eventTime": "2026-11-21T05:41:06.172258Z",
        "eventName": event,
        "userIdentity": {"principalId": "summit"},
        "requestParameters": {"sourceIPAddress": ""},
        "responseElements": {"x-amz-request-id": "a.1.2", "x-amz-id-2": "b"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "notify",
            "bucket": {
                "name": "landing",
                "ownerIdentity": {"principalId": "summit"},
                "arn": "arn:aws:s3:site::landing",
            },
            "object": {
                "key": key,
                "size": 2867,
                "eTag": "c2484080b0150e9e7f943760c0171add",
                "versionId": "",
                "sequencer": "5A3D096863AA680C",
                **thing,
            },
        },
        "eventId": "1745435994.208185.c248",
        "opaqueData": "",
    }


def asked(value: Any, *streams: StreamRule, **other: Any) -> Asked:
    outcome = take(a_message(value, **other), rules_of(*(streams or (a_stream(),))), NOW)
    assert isinstance(outcome, Taken), outcome
    assert outcome.refused == ()
    (one,) = outcome.asked
    return one


def refused(value: Any, *streams: StreamRule, **other: Any) -> Refused:
    outcome = take(a_message(value, **other), rules_of(*(streams or (a_stream(),))), NOW)
    assert isinstance(outcome, Refused), outcome
    return outcome


def request_in(one: Asked) -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads(one.value)
    return told
