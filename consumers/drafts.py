"""Events as a producer has them before they are sent: read from text, checked offline, each fault at its exact path."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from consumers.announced import Place
from consumers.catalogue.record import read_record
from consumers.foreign import Foreign, Inventory, NotTaken, S3Change, recognise
from consumers.intake import payload_of
from consumers.objections import Objection
from events.cloudevents import EVENT_BYTES_AT_MOST, UnreadableEventError, read_event
from events.inbox import INBOX
from events.log import Headers

__all__ = ["STRUCTURED", "Draft", "Fault", "read_drafts"]

STRUCTURED: Headers = (("content-type", b"application/cloudevents+json; charset=UTF-8"),)
"""The header of a CloudEvent in structured mode."""

_PATHS = {"BAD_ID": "$.id", "UNKNOWN_VERSION": "$.dataschema"}
_PLAIN_STEP = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place of an event: ``path`` as in JSONPath, such as ``$.data.size_bytes``."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass(frozen=True, slots=True)
class Draft:
    """One message to be sent. ``label`` says where it stood in the text; ``event_ids`` is what answers are keyed by."""

    label: str
    value: bytes
    key: bytes | None = None
    headers: Headers = ()
    source: str | None = None
    event_ids: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


class _Event(BaseModel):
    """The attributes of a CloudEvent as the door wants them; extensions are welcome."""

    model_config = ConfigDict(extra="allow")

    specversion: str = Field(pattern=r"^1\.0$")
    id: str = Field(min_length=1, max_length=200)
    source: str = Field(min_length=1, max_length=255)
    type: str = Field(min_length=1, max_length=255)
    time: AwareDatetime | None = None
    datacontenttype: str | None = Field(None, pattern=r"^application/(.+\+)?json(;.*)?$")
    data: dict[str, Any]


def read_drafts(text: bytes, *, sender: str | None = None) -> Iterator[Draft]:
    """The messages in a text: one JSON object, an array of them, or one a line. ``sender``: who is going to say it."""
    if not text.strip():
        yield Draft("the text", text, faults=(Fault("$", "found nothing, wanted a JSON object"),))
    elif (whole := _parsed(text)) is None:
        yield from _by_line(text, sender)
    elif isinstance(whole, list):
        for number, document in enumerate(whole):
            yield _draft(f"event {number + 1}", document, sender)
    else:
        yield _draft("event 1", whole, sender)


def _parsed(text: bytes) -> object | None:
    try:
        document: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return document


def _by_line(text: bytes, sender: str | None) -> Iterator[Draft]:
    """One message a line; where not one line is an object, the text is one document that is broken or cut."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if len(lines) > 1 and not any(isinstance(_parsed(line), dict) for _, line in lines):
        yield Draft("the text", text, faults=(_unreadable(text),))
        return
    for number, line in lines:
        label, document = f"line {number}", _parsed(line)
        if document is None:
            yield Draft(label, line, faults=(_unreadable(line),))
        else:
            yield _draft(label, document, sender)


def _unreadable(text: bytes) -> Fault:
    """What keeps a text from being JSON, and where."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return Fault("$", f"not JSON: {error}")
    return Fault("$", "found null, wanted a JSON object")


def _draft(label: str, document: object, sender: str | None) -> Draft:
    value = orjson.dumps(document)
    if not isinstance(document, dict):
        found = type(document).__name__
        return Draft(label, value, faults=(Fault("$", f"found {found}, wanted a JSON object"),))
    foreign = None if "specversion" in document else recognise(document)
    if foreign is not None:
        return _foreign_draft(label, value, foreign)
    faults = tuple(_faults(document, value, sender))
    data = document.get("data")
    members = data if isinstance(data, dict) else {}
    key = members.get("uri") or members.get("stream")
    return Draft(
        label,
        value,
        key=key.encode() if isinstance(key, str) else None,
        headers=STRUCTURED,
        source=str(document.get("source", "")) or None,
        event_ids=(str(document.get("id")),),
        faults=faults,
    )


def _faults(document: dict[str, Any], value: bytes, sender: str | None) -> Iterator[Fault]:
    if len(value) > EVENT_BYTES_AT_MOST:
        yield Fault("$", f"found {len(value)} bytes, wanted at most {EVENT_BYTES_AT_MOST}")
        return
    found = list(_faults_of(_Event, document, ()))
    found += list(_faults_of_data(document)) or list(_faults_of_source(document, sender))
    yield from found
    if not found:
        try:
            payload_of(read_event(value, STRUCTURED))  # the door's own reader has the last word
        except UnreadableEventError as error:
            yield Fault("$" if error.what in {"event", "value"} else f"$.{error.what}", str(error))
        except Objection as objection:
            yield from (Fault(_PATHS.get(objection.code, "$"), reason) for reason in objection.reasons)


def _faults_of_data(document: dict[str, Any]) -> Iterator[Fault]:
    data, name = document.get("data"), document.get("type")
    cls = INBOX.get(name) if isinstance(name, str) else None
    if cls is None:
        if isinstance(name, str) and name:
            yield Fault("$.type", f"found {name!r}, wanted one of {', '.join(sorted(INBOX))}")
        return
    if not isinstance(data, dict):
        return
    yield from _faults_of(cls, data, ("data",))
    uri = data.get("uri")
    if isinstance(uri, str):
        try:
            Place.of_uri(uri)
        except Objection as objection:
            yield from (Fault("$.data.uri", reason) for reason in objection.reasons)


def _faults_of_source(document: dict[str, Any], sender: str | None) -> Iterator[Fault]:
    source = document.get("source")
    if sender is not None and isinstance(source, str) and source.partition("/")[0] != sender:
        yield Fault(
            "$.source", f"found {source!r}, wanted {sender!r} or a path below it: a sender speaks for itself"
        )


def _faults_of(cls: type[BaseModel], members: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[Fault]:
    try:
        cls.model_validate(members)
    except ValidationError as error:
        for each in error.errors(include_url=False):
            found = "" if each["type"] == "missing" else f"found {str(each['input'])[:80]!r}; "
            yield Fault(_path((*above, *each["loc"])), f"{found}{each['msg']}")


def _path(steps: tuple[str | int, ...]) -> str:
    told = [
        f"[{step}]" if isinstance(step, int) else f".{step}" if _PLAIN_STEP.fullmatch(step) else f"[{step!r}]"
        for step in steps
    ]
    return "$" + "".join(told)


def _foreign_draft(label: str, value: bytes, foreign: Foreign) -> Draft:
    faults: list[Fault] = []
    for number, each in enumerate(foreign):
        if isinstance(each, str):
            faults.append(Fault(f"$.Records[{number}]", each))
        elif isinstance(each, NotTaken):
            faults.append(Fault("$", f"{each.kind}: known, not yet taken by any stream"))
        elif isinstance(each, Inventory):
            faults.extend(_faults_of_record(each, number if len(foreign) > 1 else None))
        else:
            faults.extend(_faults_of_object(each, number))
    ids = tuple(each.event_id for each in foreign if isinstance(each, S3Change | Inventory))
    first = foreign[0]
    key = f"{first.bucket}/{first.key}".encode() if isinstance(first, S3Change) else None
    return Draft(label, value, key=key, event_ids=ids, faults=tuple(faults))


def _faults_of_record(inventory: Inventory, number: int | None) -> Iterator[Fault]:
    """What keeps a dataset's record from being told of any program; which sender may tell it, only the door knows."""
    reading = read_record(inventory.record, frozenset())
    if reading.entry is None or reading.dataset is None or reading.op_id is None:
        above = "$." if number is None else f"$.data.datasetInventories[{number}]."
        yield from (
            Fault(f"{above}{each.path}", f"found {each.found}, wanted {each.wanted}")
            for each in reading.problems
        )


def _faults_of_object(change: S3Change, number: int) -> Iterator[Fault]:
    if not change.is_creation:
        yield Fault(f"$.Records[{number}].eventName", f"found {change.event_name!r}, wanted ObjectCreated")
        return
    try:
        Place.of_object(change.bucket, change.key)
    except Objection as objection:
        yield from (Fault(f"$.Records[{number}].s3.object.key", reason) for reason in objection.reasons)
