"""What stands beside a file's state, in words: its companion, and warnings about it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from service.wording import human_time, short

__all__ = ["awaited_told", "beside_told", "listed_told"]

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


def listed_told(entry: Row | None, listing: Sequence[Row]) -> Iterator[str]:
    """What a manifest says of the file; and of a manifest, how the files that it names stand."""
    if entry is not None:
        named = f"{entry['manifest']} names its {entry['algorithm']}"
        yield f"{named}: {_STANDING[entry['standing']]}"
    for each in listing:
        names = f": {', '.join(each['some'])}" if each["standing"] in {"missing", "differs"} else ""
        more = ", …" if names and each["files"] > len(each["some"]) else ""
        yield f"of the files that it names, {each['files']} {_COUNTED[each['standing']]}{names}{more}"


def awaited_told(entry: Row) -> str:
    """Of a file that nobody has announced."""
    since = human_time(entry["told_at"])
    return (
        f"{entry['manifest']} (version {entry['manifest_version']}) names it since {since}, with the "
        f"{entry['algorithm']} {entry['sum']}; it has not come"
    )


_STANDING = {
    "agrees": "it is the same",
    "differs": "it is another",
    "not read": "it is compared once the file has been read",
    "not compared": "no such sum was taken when the file was read; reprocess it to compare",
}
_COUNTED = {
    "missing": "have not come",
    "differs": "have another sum",
    "not compared": "were read without taking such a sum",
    "not read": "have not been read yet",
    "agrees": "have the sum it names",
}
