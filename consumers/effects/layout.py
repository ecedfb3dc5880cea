"""The folders that a stream's layout wants for a file: its fields filled in, in letters that keys may have."""

import re
from datetime import UTC, datetime, timedelta

from events.file import Brief
from events.stream import StreamConfiguration

__all__ = ["folders"]

_NOT_KEPT = re.compile(r"[^a-z0-9._-]+")
_LENGTH = 60  # a step of a key that ends in a checksum is always longer, so no key is a folder of another
_BEHIND_UTC = {"utc": timedelta(0), "utc-12h": timedelta(hours=12), "hawaii": timedelta(hours=10)}


def folders(configuration: StreamConfiguration, brief: Brief) -> str:
    """As a prefix of a key, with / at its end; empty where the stream has no layout."""
    layout = configuration.transfer.layout
    if layout is None:
        return ""
    night = _night(brief.obs_start_utc, _BEHIND_UTC[configuration.observing_day])
    fields = {
        "stream": configuration.stream,
        "instrument": brief.instrument,
        "role": brief.role,
        "purpose": brief.purpose,
        "group": brief.membership.group if brief.membership else None,
        **dict.fromkeys(("year", "month", "day", "night"), "undated"),
    }
    if night is not None:
        fields |= {
            "night": f"{night:%Y%m%d}",
            "year": f"{night:%Y}",
            "month": f"{night:%m}",
            "day": f"{night:%d}",
        }
    steps = (
        step.format_map({name: value or "unknown" for name, value in fields.items()})
        for step in layout.split("/")
    )
    return "".join(f"{_kept(step)}/" for step in steps)


def _night(text: str | None, behind: timedelta) -> datetime | None:
    """The observing day that a moment belongs to; None where the file's text is no time."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC) - behind
    except OverflowError:
        return None


def _kept(step: str) -> str:
    """Never empty, never beginning with a dot."""
    kept = _NOT_KEPT.sub("-", step.lower())[:_LENGTH].strip(".")
    return kept or "unknown"
