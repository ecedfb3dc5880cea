"""The public workload: lives of files, some refused, some asked twice, about 400 bytes a request."""

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

from events.envelope import encode_request

__all__ = ["REFUSED", "REPEATED", "Ask", "lives"]

REFUSED = 0.05
REPEATED = 0.01
BLOCK = 10_000

Ask = tuple[str, bytes]
"""Subject and request."""

BEGIN = datetime(2026, 11, 21, tzinfo=UTC)
STARTED = {"worker": "bench-1", "host": "bench", "software_version": "1"}
REGISTERED = {"register_table": "operations.l2_file", "row_id": "7"}


def lives(files: int, *, seed: int) -> Iterator[Ask]:
    """Requests of so many files: in blocks, first every arrival, then every start, and so on; order per file kept."""
    dice = Random(seed)  # noqa: S311 - a workload, not a secret
    for first in range(0, files, BLOCK):
        block = range(first, min(first + BLOCK, files))
        for step in ("arrive", "start", "validated", "transferred", "registered"):
            for number in block:
                yield from _asked(number, step, dice)


def _asked(number: int, step: str, dice: Random) -> Iterator[Ask]:
    if dice.random() < REFUSED:
        yield _request(number, "retry", {}, dice, reason="bench")
    ask = _request(number, step, _data(number, step), dice)
    yield ask
    if dice.random() < REPEATED:
        yield ask


def _request(number: int, name: str, data: dict[str, Any], dice: Random, **more: Any) -> Ask:
    subject = f"bench/r{number:019d}_0001_wfi01_f158_cal"
    identifier = str(UUID(int=dice.getrandbits(128), version=4))
    where = {} if name in {"arrive", "retry"} else {"version": 1, "attempt": 1}
    value = encode_request(
        id=identifier,
        type=f"file.{name}",
        subject=subject,
        actor="bench",
        source="bench",
        at=BEGIN,
        data=data,
        causationid=identifier,
        correlationid=f"bench-{number}",
        **where,
        **more,
    )
    return subject, value


def _data(number: int, step: str) -> dict[str, Any]:
    sha256 = f"{number:064x}"
    match step:
        case "arrive":
            content = {"uri": f"s3://landing/{number}", "size_bytes": 100, "sha256": sha256}
            return {"content": content, "witness": f"inbox.bench/0/{number}", "stream_version": 1}
        case "start":
            return STARTED
        case "validated":
            qa = [{"check": "structure", "level": "critical", "passed": True}]
            told = {
                "sha256": sha256,
                "size_bytes": 100,
                "media_type": "application/x-asdf",
                "checks_version": "1",
            }
            return {**told, "metadata": {"instrument": "WFI", "exposure_s": 139.8}, "qa": qa}
        case "transferred":
            return {"object": {"bucket": "b", "key": f"bench/{number}", "size_bytes": 100, "sha256": sha256}}
    return REGISTERED
