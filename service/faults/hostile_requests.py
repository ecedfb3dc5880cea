"""Requests that no part of ours would write, put straight onto ``file.requests``: each with the answer it must get."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from events.envelope import REQUEST_BYTES_AT_MOST
from events.ids import partition_of

__all__ = ["HostileRequest", "hostile_requests"]

_IDS = UUID("6a1c6f0e-6f1b-5c55-8a5e-1f0e3f0b7a11")
_SQL = "x'); DROP TABLE work_item; --"


@dataclass(frozen=True)
class HostileRequest:
    """A record for ``file.requests``: a dead letter under ``code``, or a refusal of ``request_id`` with that code."""

    name: str
    key: bytes | None
    value: bytes | None
    code: str
    request_id: str | None = None

    @property
    def is_refused(self) -> bool:
        """It can be read, so the answer is a refusal on the ledger."""
        return self.request_id is not None


def hostile_requests(*, stream: str, mark: str, partitions: int = 4) -> Iterator[HostileRequest]:
    """One of each kind; ``mark`` makes a round unlike any other. ``partitions``: of the topic."""
    yield from _undecodable(stream, mark)
    subject = f"{stream}/hostile-{mark}"
    others = (f"{subject}-{number}" for number in range(1000))
    key = next(
        (each for each in others if partition_of(each, partitions) != partition_of(subject, partitions)), None
    )
    if key is not None:
        value = _request("another_key", subject, mark)
        yield HostileRequest("another_key", key.encode(), value, "WRONG_PARTITION")
    yield from _refusable(stream, mark)


def _undecodable(stream: str, mark: str) -> Iterator[HostileRequest]:
    subject = f"{stream}/hostile-{mark}"

    def dead(name: str, value: bytes | None, *, key: bytes | None = subject.encode()) -> HostileRequest:
        return HostileRequest(name, key, value, "UNDECODABLE")

    told = mark.encode()
    yield dead("not_json", b"start " + told)
    yield dead("not_utf8", b"\xff\xfe" + told)
    yield dead("null_value", None)
    yield dead("null_key", b"no key " + told, key=None)
    yield dead("too_large", _request("too_large", subject, mark, data={"x": "y" * REQUEST_BYTES_AT_MOST}))
    yield dead("deep", b'{"data":' * 10_000 + json.dumps(mark).encode() + b"}" * 10_000)
    yield dead("a_bare_nan", b'{"specversion":"1.0","subject":"' + subject.encode() + b'","version":NaN}')
    yield dead("no_id", _request("no_id", subject, mark, id="none"))
    yield dead("nul_in_subject", _request("nul_in_subject", f"{subject}\x00", mark))
    yield dead("negative_sequence", _request("negative_sequence", subject, mark, expectedsequence=-1))


def _refusable(stream: str, mark: str) -> Iterator[HostileRequest]:
    def refused(name: str, code: str, **changes: Any) -> HostileRequest:
        subject = f"{stream}/hostile-{mark}-{name}"
        value = _request(name, subject, mark, **changes)
        return HostileRequest(name, subject.encode(), value, code, _request_id(name, mark))

    yield refused("unknown_type", "INVALID_REQUEST", type="file.explode")
    yield refused("sql_for_a_type", "INVALID_REQUEST", type=_SQL)
    yield refused("schema", "INVALID_REQUEST", data={"content": "nothing"})
    yield refused(
        "nul_in_text", "UNKNOWN_SUBJECT", type="file.note", data={"text": "a\x00b"}, reason="a reason"
    )
    yield refused("not_allowed_here", "UNKNOWN_SUBJECT", type="file.retry", data={}, reason=f"{_SQL} {mark}")
    yield refused("climbs_out", "UNKNOWN_SUBJECT", type="file.retry", data={}, reason="../../etc/passwd")


def _request_id(name: str, mark: str) -> str:
    return str(uuid5(_IDS, f"{mark}/{name}"))


def _request(name: str, subject: str, mark: str, **changes: Any) -> bytes:
    envelope = {
        "specversion": "1.0",
        "id": _request_id(name, mark),
        "source": "faults",
        "type": "file.arrive",
        "subject": subject,
        "actor": "faults",
        "data": {},
    }
    return json.dumps(envelope | changes).encode()
