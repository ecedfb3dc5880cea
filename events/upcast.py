"""Records of older versions as today's code reads them. The chain is verified before, over the bytes as they were."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from events.base import FACTS
from events.envelope import Record, UndecodableError

__all__ = ["UnknownVersionError", "upcast"]

Data = dict[str, Any]
Step = Callable[[Data], Data]


class UnknownVersionError(UndecodableError):
    """A record of a type or version that this code has no reading for: written by a newer one, or not by us."""


def upcast(record: Record) -> Record:
    """The record with ``data`` and ``dataschema`` of today's version; raises UnknownVersionError. Idempotent."""
    key = (record.type, record.dataschema)
    steps = _known.get(key)
    if steps is None:
        steps = _known[key] = _steps(*key)
    if not steps:
        return record
    data = record.data
    for step in steps:
        data = step(data)
    return replace(record, data=data, dataschema=FACTS[record.type].schema_id())


def _file_arrived_2(data: Data) -> Data:
    """Version 2 keeps what was announced of the bytes together, as ``content``."""
    moved = {"uri", "size_bytes", "sha256", "modified_at"}
    kept = {name: value for name, value in data.items() if name not in moved}
    return {"content": {name: value for name, value in data.items() if name in moved}, **kept}


_STEPS: dict[tuple[str, int], Step] = {
    ("file.arrived", 1): _file_arrived_2,
}
"""From (type, version) to the next version."""

_known: dict[tuple[str, str], tuple[Step, ...]] = {}


def _steps(type_name: str, schema: str) -> tuple[Step, ...]:
    fact = FACTS.get(type_name)
    if fact is None:
        raise UnknownVersionError(
            f"type: found {type_name}, wanted a fact that this software knows; update it"
        )
    prefix, _, text = schema.rpartition("/")
    found = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    way = [_STEPS.get((type_name, version)) for version in range(found, fact.version)]
    steps = tuple(step for step in way if step is not None)
    if prefix != fact.schema_id().rpartition("/")[0] or found > fact.version or len(steps) < len(way):
        raise UnknownVersionError(
            f"dataschema of {type_name}: found {schema or 'nothing'}, wanted {fact.schema_id()} or an older one "
            "that leads there; update the software"
        )
    return steps
