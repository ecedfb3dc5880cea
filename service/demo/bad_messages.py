"""What lies in a sender's inbox and is no announcement: each is for the dead letters, with its reason."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from events.types import format_time
from service.demo.announcement import BadMessage, event_id
from service.demo.streams import DKIST, KECK, ROMAN, SENDERS

__all__ = ["OVERSIZED_BYTES", "bad_messages"]

OVERSIZED_BYTES = 1_100_000
"""More than intake takes (1 MiB), less than the broker refuses to carry."""


def bad_messages(landing: Path, *, seed: int, sent_at: datetime) -> Iterator[BadMessage]:
    """One of each kind, from senders of the demo."""
    roman, dkist, keck = SENDERS[ROMAN], SENDERS[DKIST], SENDERS[KECK]
    uri = (landing / ROMAN / "r0000101001001001001_0001_wfi01_f158_cal.asdf").resolve().as_uri()
    place = {"stream": ROMAN, "uri": uri}

    def bad(name: str, sender: str, value: bytes, code: str, why: str) -> BadMessage:
        return BadMessage(sender, name, value, code, why)

    def event(name: str, source: str, **changes: Any) -> bytes:
        envelope = {
            "specversion": "1.0",
            "id": event_id(seed, "bad message", name),
            "source": source,
            "type": "file.arrived",
            "time": format_time(sent_at),
            "data": place,
        }
        return json.dumps(envelope | changes).encode()

    yield bad("not_json", keck, b"kb261120_00012.fits is ready\n", "NOT_AN_EVENT", "is no JSON")
    yield bad("not_text", dkist, b"\xff\xfe\x00{\x00}\xd8", "NOT_AN_EVENT", "is no UTF-8")
    cut = event("cut_short", roman)[:-20]
    yield bad("cut_short", roman, cut, "NOT_AN_EVENT", "is JSON that ends too early")
    departed = event("unknown_type", dkist, type="file.departed")
    yield bad("unknown_type", dkist, departed, "UNKNOWN_TYPE", "has a type nobody knows")
    nowhere = event("no_place", roman, data={"stream": ROMAN})
    yield bad("no_place", roman, nowhere, "SCHEMA_VIOLATION", "does not say where the file is")
    foreign = event("other_stream", keck)
    yield bad("other_stream", keck, foreign, "NOT_ALLOWED", "speaks for a stream that is not its sender's")
    pretended = event("other_sender", roman)
    yield bad("other_sender", dkist, pretended, "WRONG_SENDER", "claims to come from another sender")
    outside = event("outside", roman, data=place | {"uri": "file:///etc/passwd"})
    yield bad("outside", roman, outside, "OUTSIDE_ROOTS", "names a place outside of the stream's roots")
    padded = event("oversized", roman, data=place | {"note": "x" * OVERSIZED_BYTES})
    yield bad("oversized", roman, padded, "TOO_LARGE", "is larger than intake takes")
