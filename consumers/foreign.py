"""Shapes of other people's messages: S3 notifications and dataset records, and a few that are not yet taken."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

from events.ids import derived_id

__all__ = ["Foreign", "Inventory", "NotTaken", "S3Change", "recognise"]

_ETAG_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class S3Change:
    """One record of an S3 notification. ``event_id`` is made of what is the same when it is sent again."""

    event_id: str
    event_name: str
    bucket: str
    key: str
    size_bytes: int | None
    at: datetime | None
    etag: str | None = None

    @property
    def is_creation(self) -> bool:
        """An object is there that was not there before, or has other content."""
        return self.event_name.removeprefix("s3:").startswith("ObjectCreated")


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A message of a known kind that no stream takes yet."""

    kind: str
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """A dataset's record as DKIST's metadata store has it. ``event_id`` is the same for the same words."""

    event_id: str
    record: Mapping[str, Any]


Foreign = tuple[S3Change | Inventory | NotTaken | str, ...]
"""What a message holds, one by one; a text says what is wrong with that one."""


def recognise(document: Any) -> Foreign | None:
    """What a message of a known foreign shape holds; None if its shape is not known."""
    if not isinstance(document, Mapping):
        return None
    records = document.get("Records")
    if isinstance(records, list) and records and all(_looks_like_s3(record) for record in records):
        return tuple(_s3_change(record) for record in records)
    inventory = _inventory(document)
    if inventory:
        return inventory
    kind = _kind(document)
    return None if kind is None else (kind,)


def _looks_like_s3(record: object) -> bool:
    return isinstance(record, Mapping) and "eventName" in record and "s3" in record


def _kind(document: Mapping[str, Any]) -> NotTaken | None:
    if str(document.get("Event", "")).endswith("TestEvent") and "Bucket" in document:
        return NotTaken("S3 test notification", _text(document.get("RequestId")))
    if "timestampEndOfReadout" in document and "imageName" in document:
        return NotTaken("Rubin end of readout", _text(document["imageName"]))
    if document.get("fileType") == "expectedSensors" and "expectedSensors" in document:
        return NotTaken("Rubin manifest of expected sensors", _text(document.get("obsId")))
    return None


def _inventory(document: Mapping[str, Any]) -> Foreign:
    """One record by itself, or those of an answer of the metadata store; none where it is something else."""
    if {"datasetId", "observingProgramExecutionId", "instrumentName"} <= document.keys():
        return (_record(document),)
    data = document.get("data")
    records = data.get("datasetInventories") if isinstance(data, Mapping) else None
    return tuple(map(_record, records)) if isinstance(records, list) else ()


def _record(record: object) -> Inventory | str:
    if not isinstance(record, Mapping):
        return f"record of a dataset: found {type(record).__name__}, wanted an object"
    words = json.dumps(record, sort_keys=True, default=str)
    return Inventory(derived_id("inventory", f"{record.get('datasetId')}\n{words}"), record)


def _s3_change(record: Mapping[str, Any]) -> S3Change | str:
    try:
        bucket = record["s3"]["bucket"]["name"]
        thing = record["s3"]["object"]
        # Keys come escaped as in a form: + is a blank.
        key = unquote_plus(thing["key"], errors="strict")
    except (KeyError, TypeError, AttributeError, UnicodeDecodeError) as error:
        return f"S3 record without a readable bucket name and object key ({type(error).__name__}: {error})"
    if not isinstance(bucket, str):
        return f"S3 record: found the bucket name {bucket!r}, wanted text"
    size = thing.get("size")
    return S3Change(
        event_id=_event_id(record, thing, bucket, key),
        event_name=str(record["eventName"]),
        bucket=bucket,
        key=key,
        size_bytes=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        at=_time(record.get("eventTime")),
        etag=_etag(thing.get("eTag")),
    )


def _event_id(record: Mapping[str, Any], thing: Mapping[str, Any], bucket: str, key: str) -> str:
    """The same for a notification that is sent again, another one for other content under the same key."""
    told = [str(thing.get(name) or "") for name in ("sequencer", "eTag", "versionId")]
    if not any(told):
        told.append(str(record.get("eventTime")))
    kind = str(record["eventName"]).removeprefix("s3:").partition(":")[0]
    return derived_id(f"s3://{bucket}/{key}", "\n".join([kind, *told]))


def _etag(value: object) -> str | None:
    """Without quotes, as some stores write them and others don't."""
    found = value.strip().strip('"') if isinstance(value, str) else ""
    return found if found.isprintable() and 0 < len(found) <= _ETAG_CHARACTERS else None


def _time(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment is not None and moment.utcoffset() is not None else None


def _text(value: object) -> str | None:
    return value[:200] if isinstance(value, str) and value else None
