"""Writes file.arrived.1.ndjson: records as they were when file.arrived had version 1. Run once, kept since."""

from pathlib import Path
from typing import Any

import orjson

from events.chain import seal
from events.ids import derived_id, record_id

SITE, SUBJECT = "meridian", "roman-wfi/r0000101001001001001_0001_wfi01_f158_cal"
SHA_A, SHA_B = "3f" * 32, "a0" * 32


def arrived(key: str, sha256: str | None, **more: Any) -> tuple[str, dict[str, Any]]:
    """The data of file.arrived/1: what was announced of the bytes stands beside all else."""
    data = {"uri": f"s3://landing/{key}", "size_bytes": 402_653_184, "stream_version": 3, **more}
    if sha256 is not None:
        data["sha256"] = sha256
    return "file.arrived/1", data


REJECTED = {"code": "CHECKSUM_MISMATCH", "message": "found another checksum than announced", "found": SHA_B}
REFUSED = {
    "request": "file.retry",
    "code": "REFUSED",
    "reasons": ["INVALID: nothing to retry"],
    "allowed": ["file.arrive"],
}

# (schema, data), version of the file, from, to
LIFE = [
    (arrived("night-1/a.asdf", SHA_A, witness="t/0/17", priority="catch-up"), 1, "∅", "QUEUED"),
    (
        ("file.started/1", {"worker": "w1", "host": "h1", "software_version": "0.1.0"}),
        1,
        "QUEUED",
        "PROCESSING",
    ),
    (("file.rejected/1", REJECTED), 1, "PROCESSING", "INVALID"),
    (("file.refused/1", REFUSED), None, "INVALID", "INVALID"),
    (arrived("night-2/a.asdf", None, witness="t/0/23", modified_at="2026-11-21T04:05:06Z"), 2, "∅", "QUEUED"),
]


def history() -> bytes:
    """The records, each sealed after the one before it."""
    lines, chain = [], ""
    for sequence, ((schema, data), version, begin, end) in enumerate(LIFE, start=1):
        request = derived_id(SUBJECT, schema, sequence)
        record = {
            "specversion": "1.0",
            "id": record_id(SITE, SUBJECT, request),
            "source": SITE,
            "type": schema.partition("/")[0],
            "dataschema": f"/schemas/{schema}",
            "time": f"2026-11-21T04:0{sequence}:00.000Z",
            "subject": SUBJECT,
            "sequence": sequence,
            "fromstate": begin,
            "tostate": end,
            "actor": "roman-soc",
            "requestid": request,
            "requesttopic": f"q7Hn3v/0/{sequence + 40}",
            "ownerepoch": 1,
            **({"version": version, "attempt": 1} if version else {}),
            "data": data,
        }
        value, chain = seal(chain, orjson.dumps(record))
        lines.append(value)
    return b"\n".join(lines) + b"\n"


if __name__ == "__main__":
    Path(__file__).with_name("file.arrived.1.ndjson").write_bytes(history())
