"""Stored histories: records as they were written, never changed since, and what they have to fold to."""

import hashlib
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import orjson

from events.base import FACTS
from events.chain import verify
from events.envelope import Record, decode_record
from events.upcast import upcast
from machines import MACHINES
from machines.desk import Desk, Subject
from machines.file_state import File, Version

__all__ = ["FOLDER", "KNOWN", "covered", "folded", "known", "sums", "uncovered"]

FOLDER = Path(__file__).parent
KNOWN = FOLDER / "known.json"
"""By file: its machine, the SHA-256 of its bytes, and by fold version the digest of the states it folds to."""


def known() -> dict[str, Any]:
    """What is written down."""
    found: dict[str, Any] = orjson.loads(KNOWN.read_bytes())
    return found


def folded(path: Path, machine: str) -> dict[str, Subject]:
    """The states of all subjects by today's code; every chain is verified, and every payload fits today's class."""
    desk = Desk(MACHINES[machine], site="meridian")
    subjects: dict[str, Subject] = {}
    for value in path.read_bytes().splitlines():
        record = decode_record(value)
        subject = subjects.setdefault(record.subject, desk.new())
        chain = verify(subject.chain, value)
        today = upcast(record)
        FACTS[today.type].read(today.data)
        desk.apply(subject, today, chain=chain)
    return subjects


def sums(path: Path, machine: str) -> tuple[str, str]:
    """SHA-256 of the bytes as they lie there, and of the states they fold to."""
    desk = Desk(MACHINES[machine], site="meridian")
    states = {
        name: _whole(orjson.loads(desk.dump(subject)), machine)
        for name, subject in folded(path, machine).items()
    }
    digest = hashlib.sha256(orjson.dumps(states, option=orjson.OPT_SORT_KEYS)).hexdigest()
    return hashlib.sha256(path.read_bytes()).hexdigest(), digest


def _whole(snapshot: dict[str, Any], machine: str) -> dict[str, Any]:
    """With the members that a file's snapshot leaves out: the sum is of the state, not of how it is kept."""
    if machine == "file":
        state = snapshot["state"]
        versions = [{**_begun(Version), **each} for each in state["versions"]]
        snapshot["state"] = {**_begun(File), **state, "versions": versions}
    return snapshot


def _begun(kind: type[Any]) -> dict[str, Any]:
    """Members as they begin, as far as that is the same for all."""
    return {
        each.name: each.default if each.default_factory is MISSING else each.default_factory()
        for each in fields(kind)
        if (each.default, each.default_factory) != (MISSING, MISSING)
    }


def covered() -> set[tuple[str, int]]:
    """Types and versions that stand in some stored history."""
    return {(record.type, _version(record)) for record in _records()}


def uncovered() -> list[tuple[str, int]]:
    """Types and versions of the register that stand in none."""
    wanted = {
        (name, version)
        for name, fact in FACTS.items()
        if name.partition(".")[0] in MACHINES
        for version in range(1, fact.version + 1)
    }
    return sorted(wanted - covered())


def _records() -> Iterator[Record]:
    for path in sorted(FOLDER.glob("*.ndjson")):
        yield from map(decode_record, path.read_bytes().splitlines())


def _version(record: Record) -> int:
    return int(record.dataschema.rpartition("/")[2])
