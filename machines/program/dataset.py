"""A dataset's members by path, which of them count, and what a change of them is."""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from events.op_parts import Dataset

__all__ = [
    "ALWAYS_SIGNIFICANT",
    "UNASSIGNED",
    "UNKNOWN",
    "Change",
    "changes",
    "digests",
    "flat",
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

_OTHERWISE = re.compile(rb"\de[-0-9]|0\.0000|null")
"""Numbers that each library writes in its own way, or text that looks like one: very small, or very large."""

ProblemTold = tuple[str, str | None, str]

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
    """128 bits of SHA-256 over the members that count, in one spelling: whole numbers and their floats are one.

    ``significant`` are the paths that the criteria read: a change of one of these re-opens a program.
    """
    return _digest(_text(_counting(_spelled(members), significant)))


def whole_digest(dataset: Dataset) -> str:
    """Over everything that is said of a dataset, and what is wrong with its record; not over its own digest."""
    problems = [(each.path, each.found, each.wanted) for each in dataset.problems]
    return digests(flat(dataset), problems, ())[1]


def digests(
    members: Mapping[str, Any], problems: Sequence[ProblemTold], significant: Collection[str]
) -> tuple[str, str]:
    """Both of a dataset's digests, from its members by path and its problems."""
    spelled = _spelled(members)
    counting = _digest(_text(_counting(spelled, significant)))
    spelled["problems"] = problems
    return counting, _digest(_text(spelled))


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


def _spelled(members: Mapping[str, Any]) -> dict[str, Any]:
    return {path: value if type(value) in _PLAIN else _one_spelling(value) for path, value in members.items()}


def _counting(spelled: Mapping[str, Any], significant: Collection[str]) -> dict[str, Any]:
    return {path: spelled[path] for path in ALWAYS_SIGNIFICANT.union(significant) if path in spelled}


def _text(spelled: Mapping[str, Any]) -> bytes:
    """As the standard library writes it; by the quicker writer where that writes the same."""
    try:
        text = orjson.dumps(spelled, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # a number of more than 64 bits, or half of a pair
        return _written(spelled).encode()
    return text if text.isascii() and not _OTHERWISE.search(text) else _written(spelled).encode()


def _digest(text: bytes) -> str:
    return sha256(text).hexdigest()[:32]
