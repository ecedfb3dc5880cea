"""What other languages read: JSON Schemas of every message and the AsyncAPI document, as files beside this one."""

import json
from importlib.resources import files
from typing import Any

__all__ = ["KINDS", "load"]

KINDS = ("events", "requests", "inbox", "envelopes")


def load(name: str, version: int = 1, *, kind: str = "events") -> dict[str, Any]:
    """The JSON Schema of a message's ``data`` (of an envelope: of the whole message); KeyError where there is none."""
    if kind not in KINDS:
        raise KeyError(f"found the kind {kind}, wanted one of {', '.join(KINDS)}")
    place = files(__name__) / kind / f"{name}.{version}.json"
    if not place.is_file():
        raise KeyError(f"there is no schema {kind}/{name}.{version}.json; see meridian schema list")
    schema: dict[str, Any] = json.loads(place.read_text("utf-8"))
    return schema
