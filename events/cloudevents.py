"""The door: CloudEvents 1.0 in Kafka's binary or structured mode, read from bytes that anybody may have written."""

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from events.envelope import UndecodableError
from events.log import Headers

__all__ = ["DEPTH_AT_MOST", "EVENT_BYTES_AT_MOST", "InboxEvent", "UnreadableEventError", "read_event"]

EVENT_BYTES_AT_MOST = 1024 * 1024
HEADER_BYTES_AT_MOST = 64 * 1024
DEPTH_AT_MOST = 64
"""Nested deeper, JSON can be read but not written again: the encoder stops at 254."""

_ATTRIBUTES = frozenset(
    {"id", "source", "specversion", "type", "subject", "time", "datacontenttype", "dataschema"}
)
_REQUIRED = ("specversion", "id", "source", "type")
_CHARS_AT_MOST = {"id": 512, "source": 255, "type": 255, "subject": 512, "datacontenttype": 255}
_EXTENSION_CHARS_AT_MOST = 4096
_EXTENSION = re.compile(r"[a-z0-9]{1,64}")
# What the specification forbids in text: control characters, and code points that are no characters.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")
_JSON_TYPE = re.compile(r"(application/([a-z0-9!#$&^_.+-]+\+)?json|text/json)\s*(;.*)?", re.IGNORECASE)
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^";\s]+)', re.IGNORECASE)
_STRUCTURED = "application/cloudevents"
_SEE = "see the sample messages in schemas"


class UnreadableEventError(UndecodableError):
    """No CloudEvent of ours: what was looked at, what was found there, what was wanted, and the way out."""

    def __init__(self, what: str, *, found: str, wanted: str, way_out: str = _SEE) -> None:
        super().__init__(f"{what}: found {found}, wanted {wanted}; {way_out}")
        self.what = what
        self.found = found
        self.wanted = wanted
        self.way_out = way_out


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """An event as its sender wrote it; ``data`` is not yet compared with a schema, ``source`` not yet with a right."""

    id: str
    source: str
    type: str
    subject: str | None
    time: datetime | None
    datacontenttype: str | None
    dataschema: str | None
    data: dict[str, Any]
    extensions: dict[str, str | int | bool]


def read_event(value: bytes | None, headers: Headers = ()) -> InboxEvent:
    """The event in a record's value and headers; raises UnreadableEventError and nothing else, whatever it is given."""
    _check_sizes(value or b"", headers)
    told = _headers(headers)
    content_type = told.get("content-type", "")
    if content_type.lower().startswith(_STRUCTURED):
        return _structured(_document(value), content_type)
    if any(name.startswith("ce_") for name in told):
        return _binary(told, value)
    document = _document(value)
    if isinstance(document, dict) and "specversion" in document:
        return _structured(document, "")
    raise UnreadableEventError(
        "event",
        found="neither headers ce_… nor a member specversion in the value",
        wanted="a CloudEvent in binary or structured mode",
    )


def _structured(document: object, content_type: str) -> InboxEvent:
    if content_type.lower().partition(";")[0].strip() not in {"", f"{_STRUCTURED}+json"}:
        raise UnreadableEventError("content-type", found=_shown(content_type), wanted=f"{_STRUCTURED}+json")
    _check_charset(content_type)
    if not isinstance(document, dict):
        raise UnreadableEventError("value", found=_kind(document), wanted="a JSON object")
    attributes = {
        name: member
        for name, member in document.items()
        if name not in {"data", "data_base64"} and member is not None
    }
    return _event(attributes, _structured_data(document, attributes))


def _binary(told: Mapping[str, str], value: bytes | None) -> InboxEvent:
    attributes: dict[str, Any] = {name[3:]: text for name, text in told.items() if name.startswith("ce_")}
    if "content-type" in told:
        attributes["datacontenttype"] = told["content-type"]
    _check_json_type(attributes)
    return _event(attributes, _document(value) if value else None)


def _event(attributes: Mapping[str, Any], data: object) -> InboxEvent:
    for name in _REQUIRED:
        if not attributes.get(name):
            raise UnreadableEventError(name, found="nothing", wanted="a text that is not empty")
    if attributes["specversion"] != "1.0":
        raise UnreadableEventError("specversion", found=_shown(attributes["specversion"]), wanted="'1.0'")
    known = {name: _text(name, each) for name, each in attributes.items() if name in _ATTRIBUTES}
    return InboxEvent(
        id=known["id"],
        source=known["source"],
        type=known["type"],
        subject=known.get("subject"),
        time=_time(known["time"]) if "time" in known else None,
        datacontenttype=known.get("datacontenttype"),
        dataschema=known.get("dataschema"),
        data=_data(data),
        extensions=dict(_extension(*each) for each in attributes.items() if each[0] not in _ATTRIBUTES),
    )


def _structured_data(document: Mapping[str, Any], attributes: Mapping[str, Any]) -> object:
    _check_json_type(attributes)
    encoded = document.get("data_base64")
    if encoded is None:
        return document.get("data")
    if document.get("data") is not None:
        raise UnreadableEventError("data_base64", found="data as well", wanted="one of the two")
    try:
        decoded = a2b_base64(encoded, strict_mode=True)
    except (Base64Error, TypeError, ValueError) as error:
        raise UnreadableEventError(
            "data_base64", found=_shown(encoded), wanted="base64 of a JSON object"
        ) from error
    return _document(decoded)


def _data(data: object) -> dict[str, Any]:
    """An object that can be written again and stored; an event without data has an empty one."""
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UnreadableEventError("data", found=_kind(data), wanted="a JSON object")
    for path, depth, text in _walked(data):
        if depth > DEPTH_AT_MOST:
            wanted = f"at most {DEPTH_AT_MOST} levels"
            raise UnreadableEventError(path, found="values nested deeper", wanted=wanted)
        if "\0" in text:
            raise UnreadableEventError(
                path[:200], found="the character NUL", wanted="text that PostgreSQL can hold"
            )
    return data


def _walked(data: dict[str, Any]) -> Iterator[tuple[str, int, str]]:
    """Each container and text with its path and depth; without recursion, since the depth is the sender's."""
    waiting: list[tuple[str, int, object]] = [("data", 1, data)]
    while waiting:
        path, depth, each = waiting.pop()
        if isinstance(each, str):
            yield path, depth, each
        elif isinstance(each, dict):
            yield path, depth, "".join(each)
            waiting.extend(
                (_path(path, name), depth + 1, below) for name, below in each.items() if _is_walked(below)
            )
        elif isinstance(each, list):
            yield path, depth, ""
            waiting.extend(
                (_path(path, n), depth + 1, below) for n, below in enumerate(each) if _is_walked(below)
            )


def _is_walked(found: object) -> bool:
    return isinstance(found, str | dict | list)


def _path(above: str, step: str | int) -> str:
    """Cut off where it gets long: names are the sender's, and every path below repeats them."""
    return f"{above}[{step}]" if isinstance(step, int) else f"{above}.{step[:80]}"[:200]


def _check_sizes(value: bytes, headers: Headers) -> None:
    if len(value) > EVENT_BYTES_AT_MOST:
        raise UnreadableEventError(
            "value",
            found=f"{len(value)} bytes",
            wanted=f"at most {EVENT_BYTES_AT_MOST}",
            way_out="put bulk data in S3 and name it",
        )
    size = sum(len(name) + len(content) for name, content in headers)
    if size > HEADER_BYTES_AT_MOST:
        raise UnreadableEventError("headers", found=f"{size} bytes", wanted=f"at most {HEADER_BYTES_AT_MOST}")


def _headers(headers: Headers) -> dict[str, str]:
    """The headers that belong to a CloudEvent, as text; others may say what they like."""
    told: dict[str, str] = {}
    for raw_name, content in headers:
        name = raw_name.lower()
        if name != "content-type" and not name.startswith("ce_"):
            continue
        if name in told:
            raise UnreadableEventError(f"header {name[:80]}", found="it twice", wanted="it once")
        try:
            told[name] = content.decode()
        except UnicodeDecodeError as error:
            raise UnreadableEventError(
                f"header {name[:80]}", found=_shown(content), wanted="UTF-8"
            ) from error
    return told


def _document(value: bytes | None) -> object:
    try:
        return orjson.loads(value or b"")
    except orjson.JSONDecodeError as error:
        raise UnreadableEventError("value", found=f"no JSON ({error})", wanted="JSON in UTF-8") from error


def _text(name: str, found: object) -> str:
    limit = _CHARS_AT_MOST.get(name, _EXTENSION_CHARS_AT_MOST)
    if not isinstance(found, str) or not 0 < len(found) <= limit or _FORBIDDEN.search(found):
        wanted = f"a text of 1 to {limit} characters, none of them a control character"
        raise UnreadableEventError(name[:80], found=_shown(found), wanted=wanted)
    return found


def _extension(name: str, found: object) -> tuple[str, str | int | bool]:
    if not _EXTENSION.fullmatch(name):
        raise UnreadableEventError(
            f"attribute {_shown(name)}", found="its name", wanted="a name of 1 to 64 letters a–z and digits"
        )
    return name, found if isinstance(found, bool | int) else _text(name, found)


def _time(text: str) -> datetime:
    try:
        if not _TIME.fullmatch(text):
            raise ValueError("not the form of RFC 3339")
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        wanted = "a time such as 2026-11-21T04:05:06.789Z"
        raise UnreadableEventError("time", found=f"{_shown(text)} ({error})", wanted=wanted) from error


def _check_json_type(attributes: Mapping[str, Any]) -> None:
    stated = attributes.get("datacontenttype", "application/json")
    if not isinstance(stated, str) or not _JSON_TYPE.fullmatch(stated):
        raise UnreadableEventError("datacontenttype", found=_shown(stated), wanted="application/json")
    _check_charset(stated)


def _check_charset(media_type: str) -> None:
    stated = _CHARSET.search(media_type)
    if stated and stated[1].lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise UnreadableEventError("content-type", found=f"charset {_shown(stated[1])}", wanted="utf-8")


def _shown(found: object) -> str:
    """A few characters of a plain value; of anything nested only its kind, which may be nested too deep to print."""
    return repr(found[:80] if isinstance(found, str | bytes) else found) if _is_plain(found) else _kind(found)


def _is_plain(found: object) -> bool:
    return found is None or isinstance(found, str | bytes | int | float)


def _kind(found: object) -> str:
    if isinstance(found, dict):
        return "an object"
    return "a list" if isinstance(found, list) else _shown(found)
