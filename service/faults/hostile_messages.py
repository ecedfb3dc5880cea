"""Messages that nobody should send: each with the code under which the door keeps its bytes as a dead letter."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from events.cloudevents import EVENT_BYTES_AT_MOST
from events.log import Headers

__all__ = ["HostileMessage", "UndecodableName", "hostile_messages"]

_STRUCTURED: Headers = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
_SQL = "x'); DROP TABLE work_item; --"


@dataclass(frozen=True)
class HostileMessage:
    """Bytes for an inbox, and the code of the dead letter they must become."""

    name: str
    value: bytes | None
    code: str
    key: bytes | None = None
    headers: Headers = ()


class UndecodableName(str):
    """A header's name that goes out as bytes that are no UTF-8: clients write what a text encodes to."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:  # noqa: ARG002 - the text's own
        """What stands on the wire."""
        return b"\xff\xfe\x80"


def hostile_messages(*, sender: str, stream: str, root: str, mark: str) -> Iterator[HostileMessage]:
    """One of each kind, as ``sender`` would send it about files of ``stream`` below ``root``; ``mark`` stands in each.

    With the mark in their ids or text, two rounds differ and each can be found again by its SHA-256.
    """
    yield from _no_events(mark)

    def event(name: str, **changes: Any) -> bytes:
        place = {"stream": stream, "uri": f"{root}hostile-{mark}.fits"}
        envelope = {"specversion": "1.0", "id": f"{mark}-{name}", "source": sender, "type": "file.arrived"}
        return json.dumps({**envelope, "data": place} | changes).encode()

    yield from _wrong_envelopes(event, mark)
    yield from _wrong_places(event, stream, root, mark)


def _no_events(mark: str) -> Iterator[HostileMessage]:
    def broken(name: str, value: bytes | None, **more: Any) -> HostileMessage:
        return HostileMessage(name, value, "NOT_AN_EVENT", **more)

    told = mark.encode()
    yield broken("not_json", b"is ready: " + told)
    yield broken("not_utf8", b"\xff\xfe\x00" + told)
    yield broken("only_nul", bytes(64) + told)
    yield broken("empty", b"", key=told)
    yield broken("null_value", None, key=told)
    yield broken("null_key", told)
    yield broken("number", b"1" + bytes(str(int.from_bytes(told, "big")), "ascii"))
    yield broken("deep_lists", b"[" * 10_000 + json.dumps(mark).encode() + b"]" * 10_000)
    yield broken("deep_objects", b'{"a":' * 10_000 + json.dumps(mark).encode() + b"}" * 10_000)
    yield broken("a_bare_nan", b'{"specversion":"1.0","id":"' + told + b'","data":{"size_bytes":NaN}}')
    yield broken("headers_that_lie", told, headers=_STRUCTURED)
    name = UndecodableName("no-utf-8")
    yield HostileMessage(
        "header_name_not_utf8", b"name " + told, "HEADER_NOT_TEXT", headers=((name, b"\xff"),)
    )


def _wrong_envelopes(event: Callable[..., bytes], mark: str) -> Iterator[HostileMessage]:
    def wrong(name: str, code: str, **changes: Any) -> HostileMessage:
        return HostileMessage(name, event(name, **changes), code, headers=_STRUCTURED)

    yield wrong("unknown_type", "UNKNOWN_TYPE", type="file.departed")
    yield wrong("unknown_type_sql", "UNKNOWN_TYPE", type=_SQL)
    future = "https://meridian.invalid/schemas/inbox/file.arrived.99"
    yield wrong("future_version", "UNKNOWN_VERSION", dataschema=future)
    yield wrong("other_specversion", "NOT_AN_EVENT", specversion="2.0")
    yield wrong("another_sender", "WRONG_SENDER", source="somebody-else")
    yield wrong("nul_in_id", "NOT_AN_EVENT", id=f"a\x00b{mark}")
    yield wrong("long_id", "NOT_AN_EVENT", id=mark * 1000)
    yield wrong("no_data", "SCHEMA_VIOLATION", data={})
    yield wrong("data_is_text", "NOT_AN_EVENT", data=mark)
    big = "x" * (EVENT_BYTES_AT_MOST + 1)
    yield wrong("too_large", "TOO_LARGE", data={"note": big})


def _wrong_places(event: Callable[..., bytes], stream: str, root: str, mark: str) -> Iterator[HostileMessage]:
    def place(name: str, code: str, **changes: Any) -> HostileMessage:
        told = {"stream": stream, "uri": f"{root}{mark}.fits"} | changes
        return HostileMessage(name, event(name, data=told), code, headers=_STRUCTURED)

    yield place("climbs_out", "BAD_URI", uri=f"{root}../../etc/{mark}")
    yield place("climbs_out_escaped", "BAD_URI", uri=f"{root}%2e%2e/{mark}.fits")
    yield place("escaped_twice", "BAD_URI", uri=f"{root}%252e%252e/{mark}.fits")
    yield place("outside", "OUTSIDE_ROOTS", uri=f"file:///etc/{mark}")
    yield place("other_scheme", "BAD_URI", uri=f"http://169.254.169.254/{mark}")
    yield place("nul_in_uri", "NOT_AN_EVENT", uri=f"{root}a\x00{mark}.fits")
    yield place("sql_for_a_stream", "SCHEMA_VIOLATION", stream=_SQL)
    yield place("unknown_stream", "UNKNOWN_STREAM", stream=f"x{mark}")
    yield place("wrong_hash", "SCHEMA_VIOLATION", sha256="z" * 64)
    yield place("size_as_text", "SCHEMA_VIOLATION", size_bytes="NaN")
    yield place("negative_size", "SCHEMA_VIOLATION", size_bytes=-1)
