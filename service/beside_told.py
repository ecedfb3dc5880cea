"""What stands beside a file's state, in words: its companion, and warnings about it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from service.wording import human_time, short

__all__ = ["beside_told"]

Row = Mapping[str, Any]

_SHOWN = 3


def beside_told(file: Row, warnings: Sequence[Row], now: datetime) -> Iterator[str]:
    """Its sidecar, or by when one is wanted; and its warnings, also those that no longer hold."""
    due_at = file.get("sidecar_due_at")
    if file.get("sidecar"):
        yield f"its sidecar: {file['sidecar']}"
    elif due_at is not None and due_at > now:  # once that has passed, the warning says so
        yield f"no sidecar of it yet; that is a warning from {human_time(due_at)} on, and nothing waits for it"
    for each in warnings[:_SHOWN]:
        over = f"; withdrawn: {each['withdrawn_because']}" if each.get("withdrawn_at") else ""
        yield f"warning {each['code']}: {short(str(each['message']))}{over}"
    if len(warnings) > _SHOWN:
        yield f"and {len(warnings) - _SHOWN} warnings more"
