"""Writes ``schemas/``: the JSON Schema of every message from its class, and the AsyncAPI document from the register."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from events.base import FACTS, REQUESTS, Payload
from events.envelope import Record, RequestEnvelope
from events.inbox import INBOX
from schemas import KINDS
from service.asyncapi import asyncapi

__all__ = ["DIALECT", "FOLDER", "differences", "documents", "kept", "write"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
FOLDER = Path(__file__).resolve().parent.parent / "schemas"
_PLACE_ON_LOG = ("partition", "offset")


class _Untitled(GenerateJsonSchema):
    """Members have no titles: their names say it."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def documents() -> dict[str, str]:
    """Every generated file by its path below ``schemas/``; the same vocabulary always gives the same bytes."""
    found = {f"{kind}/{cls.name}.{cls.version}.json": _text(_payload(kind, cls)) for kind, cls in _payloads()}
    found["envelopes/request.1.json"] = _text(_request_envelope())
    found["envelopes/record.1.json"] = _text(_record_envelope())
    found["asyncapi.yaml"] = asyncapi()
    return dict(sorted(found.items()))


def kept(folder: Path = FOLDER) -> dict[str, str]:
    """Schemas of earlier versions, by path: the ledger keeps what was written by them."""
    wanted = documents()
    strangers = {path for path, _ in _strangers(folder, wanted)}
    found = {
        place.relative_to(folder).as_posix(): place
        for kind in KINDS
        for place in (folder / kind).glob("*.json")
    }
    return {path: found[path].read_text("utf-8") for path in sorted(found.keys() - wanted.keys() - strangers)}


def differences(folder: Path = FOLDER) -> list[str]:
    """What is not as it should be: files that are missing, differ, or belong to no message any more."""
    wanted = documents()
    strangers = [f"{path} {why}" for path, why in _strangers(folder, wanted)]
    return [*_missing_or_stale(folder, wanted), *strangers]


def write(folder: Path = FOLDER) -> list[str]:
    """Write what is missing or differs, remove what belongs to no message; their paths. Earlier versions stay."""
    wanted = documents()
    changed = [path for path, _ in _strangers(folder, wanted)]
    for path in changed:
        (folder / path).unlink()
    for path, content in wanted.items():
        place = folder / path
        if not place.exists() or place.read_text("utf-8") != content:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content, "utf-8")
            changed.append(path)
    return changed


def _payloads() -> Iterator[tuple[str, type[Payload]]]:
    for kind, register in (("events", FACTS), ("requests", REQUESTS), ("inbox", INBOX)):
        for name in sorted(register):
            yield kind, register[name]


def _payload(kind: str, cls: type[Payload]) -> dict[str, Any]:
    identifier = f"/schemas/{kind}/{cls.name}/{cls.version}" if kind == "requests" else cls.schema_id()
    made = cls.model_json_schema(schema_generator=_Untitled)
    return _headed(made, identifier, title=cls.name, text=_first_line(cls.__doc__))


def _request_envelope() -> dict[str, Any]:
    made = TypeAdapter(RequestEnvelope).json_schema(schema_generator=_Untitled)
    text = _first_line(RequestEnvelope.__doc__)
    return _headed(made, "/schemas/envelopes/request/1", title="request", text=text)


def _record_envelope() -> dict[str, Any]:
    made = TypeAdapter(Record).json_schema(schema_generator=_Untitled)
    for name in _PLACE_ON_LOG:
        del made["properties"][name]
    return _headed(made, "/schemas/envelopes/record/1", title="record", text=_first_line(Record.__doc__))


def _headed(made: dict[str, Any], identifier: str, *, title: str, text: str) -> dict[str, Any]:
    head = {"$schema": DIALECT, "$id": identifier, "title": title, "description": text}
    return head | {name: value for name, value in made.items() if name not in head}


def _first_line(docstring: str | None) -> str:
    return " ".join((docstring or "").split("\n\n")[0].split())


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _missing_or_stale(folder: Path, wanted: dict[str, str]) -> Iterator[str]:
    for path, content in wanted.items():
        place = folder / path
        if not place.exists():
            yield f"{path} is missing"
        elif place.read_text("utf-8") != content:
            yield f"{path} is not what the code says"


def _strangers(folder: Path, wanted: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Files of no message; earlier versions of one that there is are no strangers."""
    current = {
        path.rsplit(".", 2)[0]: int(path.rsplit(".", 2)[1]) for path in wanted if path.endswith(".json")
    }
    for place in sorted(place for kind in KINDS for place in (folder / kind).glob("*.json")):
        path = place.relative_to(folder).as_posix()
        stem, version, _ = path.rsplit(".", 2)
        if stem not in current or not version.isdigit() or int(version) > current[stem]:
            yield path, "belongs to no message"
