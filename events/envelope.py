"""The CloudEvents 1.0 envelope of requests and ledger records, to and from one JSON object (structured mode)."""

import re
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from typing import Any

import orjson
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as validated

from events.types import Name, Reason, format_time

__all__ = [
    "RECORD_BYTES_AT_MOST",
    "REQUEST_BYTES_AT_MOST",
    "Record",
    "RequestEnvelope",
    "UndecodableError",
    "decode_record",
    "decode_request",
    "encode_request",
    "guessed",
]

REQUEST_BYTES_AT_MOST = 256 * 1024
DEPTH_AT_MOST = 64
RECORD_BYTES_AT_MOST = 768 * 1024


class UndecodableError(ValueError):
    """Bytes that are no message of ours; says where and why. They go to ``deadletter``."""


@validated(frozen=True, kw_only=True, config=ConfigDict(extra="allow"))
class RequestEnvelope:
    """A request with who, when, about whom, caused by what. ``data`` is validated by its type's own class.

    No model: of a dataclass pydantic makes an instance in half the time, and there is one for every request.
    """

    # Each one by Field: a plain annotation among them would stand last in the published schema.
    specversion: str = Field("1.0", pattern=r"^1\.0$")
    id: str = Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
    source: Name = Field()
    type: Name = Field()
    subject: str = Field(min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f]+$")
    time: str | None = Field(None, max_length=40, description="as the asker says; the decider stamps its own")
    actor: Name = Field()
    reason: Reason | None = Field(None)
    causationid: str | None = Field(None, max_length=512)
    correlationid: str | None = Field(None, max_length=512)
    expectedsequence: int | None = Field(None, ge=0)
    version: int | None = Field(None, ge=1)
    attempt: int | None = Field(None, ge=1)
    traceparent: str | None = Field(None, max_length=128)
    data: dict[str, Any] = Field(default_factory=dict)


_KNOWN = frozenset(each.name for each in fields(RequestEnvelope))
_READ = TypeAdapter(RequestEnvelope).validator.validate_python


def encode_request(
    *,
    id: str,  # noqa: A002 - the attributes' own names
    type: str,  # noqa: A002
    subject: str,
    actor: str,
    source: str,
    at: datetime,
    data: dict[str, Any],
    **extensions: str | int | None,
) -> bytes:
    """A request as bytes. ``extensions``: reason, causationid, correlationid, expectedsequence, version, attempt."""
    unknown = extensions.keys() - _KNOWN
    if unknown:
        raise TypeError(
            f"request {type}: found the extensions {sorted(unknown)}, wanted some of {sorted(_KNOWN)}"
        )
    envelope = {
        "specversion": "1.0",
        "id": id,
        "source": source,
        "type": type,
        "subject": subject,
        "time": format_time(at),
        "actor": actor,
        **{key: value for key, value in extensions.items() if value is not None},
        "data": data,
    }
    return orjson.dumps(envelope)


_AS_WE_WRITE_IT = re.compile(
    rb'\{"specversion":"1\.0","id":"([0-9a-f-]{36})","source":"[^"\\]*","type":"[^"\\]*",'
    rb'"subject":"([ !#-\[\]-~]{1,512})"'
)


def guessed(value: bytes | None) -> tuple[str, str] | None:
    """Subject and id of a request that begins as ``encode_request`` has it begin, in a fifth of the time of reading it.

    A guess: later members of the same names would count instead. None where it begins otherwise.
    """
    found = _AS_WE_WRITE_IT.match(value or b"")
    return (found[2].decode(), found[1].decode()) if found is not None else None


def decode_request(value: bytes | None) -> RequestEnvelope:
    """The request in these bytes; raises UndecodableError with the member that is wrong."""
    if value is None:
        raise UndecodableError("found no value (a tombstone), wanted a CloudEvents JSON object")
    if len(value) > REQUEST_BYTES_AT_MOST:
        raise UndecodableError(
            f"found {len(value)} bytes, wanted at most {REQUEST_BYTES_AT_MOST}; put bulk data in S3"
        )
    try:
        members = orjson.loads(value)
        _check_depth(value, members)
        request: RequestEnvelope = _READ(members)
        return request
    except orjson.JSONDecodeError as error:
        raise UndecodableError(f"not JSON: {error}") from error
    except ValidationError as error:
        raise UndecodableError(readable(error)) from error


def _check_depth(value: bytes, members: object) -> None:
    """Refuse deep nesting, without recursion; few brackets in all can't nest deeply, so most values are not walked."""
    if value.count(b"{") + value.count(b"[") <= DEPTH_AT_MOST:
        return
    level: list[object] = [members]
    for _ in range(DEPTH_AT_MOST):
        below = (
            each.values() if isinstance(each, dict) else each
            for each in level
            if isinstance(each, dict | list)
        )
        level = [each for group in below for each in group if isinstance(each, dict | list)]
        if not level:
            return
    raise UndecodableError(f"found values nested deeper than {DEPTH_AT_MOST} levels; put bulk data in S3")


def readable(error: ValidationError) -> str:
    """A validation error in one line: each path, what was found, what was wanted."""
    parts = []
    for each in error.errors(include_url=False)[:8]:
        path = ".".join(str(step) for step in each["loc"]) or "the object"
        parts.append(f"{path}: found {str(each['input'])[:80]!r}; {each['msg'][:300]}")
    left = error.error_count() - len(parts)
    return "; ".join(parts) + (f"; and {left} more" if left > 0 else "")


@dataclass
class Record:
    """One ledger record: a fact or a refusal, with its place on the log. ``data`` is as it stands on the wire.

    No slots: ``of`` takes the members of a JSON object as they are, several times as fast as passing each on.
    """

    id: str
    type: str
    subject: str
    time: str
    sequence: int
    fromstate: str | None
    tostate: str | None
    actor: str
    requestid: str
    requesttopic: str
    ownerepoch: int
    chain: str
    data: dict[str, Any]
    version: int | None = None
    attempt: int | None = None
    reason: str | None = None
    causationid: str | None = None
    correlationid: str | None = None
    traceparent: str | None = None
    requestdigest: str | None = None
    dataschema: str = ""
    source: str = ""
    specversion: str = "1.0"
    partition: int = -1
    offset: int = -1

    @classmethod
    def of(cls, members: dict[str, Any]) -> "Record":
        """The record with these members, which are its own from now on and are not checked."""
        record = cls.__new__(cls)
        record.__dict__ = members
        return record

    @property
    def machine(self) -> str:
        """The machine that this record belongs to."""
        return self.type.partition(".")[0]

    @property
    def is_refusal(self) -> bool:
        """A refusal changes no state."""
        return self.type.endswith(".refused")

    @property
    def at(self) -> datetime:
        """The decider's time, aware UTC."""
        return datetime.fromisoformat(self.time)


_PLACE = {"partition", "offset"}
_MEMBERS = frozenset(each.name for each in fields(Record)) - _PLACE
_REQUIRED = frozenset(each.name for each in fields(Record) if each.default is MISSING)


def decode_record(value: bytes | None, *, partition: int = -1, offset: int = -1) -> Record:
    """The ledger record in these bytes, not yet upcast; raises UndecodableError. Not re-validated."""
    if value is None:
        raise UndecodableError(f"ledger {partition}/{offset}: found a tombstone; the ledger has none")
    try:
        members = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise UndecodableError(f"ledger {partition}/{offset}: {error}") from error
    if not isinstance(members, dict):
        raise UndecodableError(
            f"ledger {partition}/{offset}: found {type(members).__name__}, wanted an object"
        )
    if not members.keys() >= _REQUIRED or not members.keys() <= _MEMBERS:
        missing, unknown = sorted(_REQUIRED - members.keys()), sorted(members.keys() - _MEMBERS)
        raise UndecodableError(
            f"ledger {partition}/{offset}: members missing: {missing}, unknown: {unknown[:8]}"
        )
    members["partition"], members["offset"] = partition, offset
    return Record.of(members)
