"""A dataset's members by path, which of them count, and what a change of them is."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from events.op_parts import Dataset

__all__ = [
    "ALWAYS_SIGNIFICANT",
    "UNASSIGNED",
    "UNKNOWN",
    "Change",
    "changes",
    "flat",
    "is_significant",
    "significant_digest",
    "whole_digest",
]

UNASSIGNED = "unassigned"
"""The program of datasets whose record names none: the OP is known, and nobody judges them until it does."""

UNKNOWN = "unknown"
"""The instrument where a record names none."""

ALWAYS_SIGNIFICANT = frozenset({"program", "instrument", "created_at", "frames"})
"""Members that file lists and readiness read, whatever the criteria say."""

_PLAIN: frozenset[type] = frozenset({str, int, bool, type(None)})
"""Of these there is one spelling anyway."""

_written = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode

_NO_MEMBERS = {"dataset", "digest", "was", "values", "problems"}


class Change(NamedTuple):
    """One member that is not as it was; None: it was, or is, not said."""

    path: str
    before: Any
    after: Any


def flat(dataset: Dataset) -> dict[str, Any]:
    """What is said of a dataset, as JSON by path (``frames``, ``health.good``); what is not said is left out."""
    members = dataset.__pydantic_serializer__.to_python(
        dataset, mode="json", exclude_none=True, exclude=_NO_MEMBERS
    )
    for path, value in dataset.values.items():
        if value is not None:
            members[path] = list(value) if isinstance(value, tuple) else value
    found: dict[str, Any] = members
    return found


def significant_digest(members: Mapping[str, Any], significant: Collection[str]) -> str:
    """128 bits of SHA-256 over the members that count, in one spelling: whole numbers and their floats are one."""
    return _digest({path: value for path, value in members.items() if is_significant(path, significant)})


def whole_digest(dataset: Dataset, members: Mapping[str, Any] | None = None) -> str:
    """Over everything that is said of a dataset, and what is wrong with its record; not over its own digest.

    ``members``: its own, where they are known already.
    """
    problems = [[each.path, each.found, each.wanted] for each in dataset.problems]
    return _digest({**(flat(dataset) if members is None else members), "problems": problems})


def is_significant(path: str, significant: Collection[str]) -> bool:
    """Whether a change of this member re-opens its program; ``significant`` are paths that the criteria read."""
    return path in ALWAYS_SIGNIFICANT or path in significant


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """What differs between two datasets' members, in order of their paths."""
    return [Change(path, before.get(path), after.get(path)) for path in _differing(before, after)]


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[str]:
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def _one_spelling(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_one_spelling(each) for each in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value


def _digest(members: Mapping[str, Any]) -> str:
    spelled = {
        path: value if type(value) in _PLAIN else _one_spelling(value) for path, value in members.items()
    }
    return hashlib.sha256(_written(spelled).encode()).hexdigest()[:32]
