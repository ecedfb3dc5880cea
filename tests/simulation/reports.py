"""Reports as workers send them, for programs without workers."""

import hashlib
from typing import Any

__all__ = ["report"]


def report(word: str, version: dict[str, Any], choice: int) -> dict[str, Any]:
    """The data of a report on this version of the model; the number chooses whether it is a good one."""
    sha256 = version["sha256"] if choice % 7 else hashlib.sha256(b"something else").hexdigest()
    told: dict[str, dict[str, Any]] = {
        "start": {"worker": "w", "host": "h", "software_version": "1"},
        "reject": {"code": "EMPTY_FILE", "message": "0 bytes"},
        "registered": {"register_table": "operations.l2_file", "row_id": "7"},
        "fail": {
            "code": "TRANSFER_MISMATCH",
            "failure_class": "transient",
            "message": "sums differ",
            **({"due_at": "2026-11-21T06:00:00Z"} if choice % 3 else {}),
        },
        "validated": {
            "sha256": sha256,
            "size_bytes": 5,
            "media_type": "x",
            "metadata": {},
            "checks_version": "1",
            "qa": [{"check": "structure", "level": "critical", "passed": bool(choice % 5)}],
        },
        "transferred": {"object": {"bucket": "b", "key": "k", "size_bytes": 5, "sha256": sha256}},
    }
    return told[word]
