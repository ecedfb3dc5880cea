"""What each version of a file says of itself, in typed columns with unit and time scale in their names."""

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Column, DateTime, Double, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from events import file as facts
from events.envelope import Record
from projectors.database import metadata
from projectors.projection import Folded, Row

__all__ = ["file_metadata"]

_UTC = DateTime(timezone=True)
_TAI = DateTime(timezone=False)

file_metadata = Folded(
    Table(
        "file_metadata",
        metadata,
        Column("file", Text(collation="C"), primary_key=True, comment="<stream>/<logical name>"),
        Column("version", Integer, primary_key=True, autoincrement=False, comment="version of the file"),
        Column("attempt", Integer, nullable=False, comment="the attempt that read it"),
        Column("instrument", Text, comment="instrument as its file names it"),
        Column("exposure_id", Text, comment="the exposure it belongs to"),
        Column(
            "visit_id", Text, comment="the visit, or the observing program's execution, that it belongs to"
        ),
        Column("detector", Text, comment="detector as its file names it"),
        Column("filter", Text, comment="filter or optical element"),
        Column("obs_start_utc", _UTC, comment="begin of the observation, UTC"),
        Column("obs_end_utc", _UTC, comment="end of the observation, UTC"),
        Column("obs_start_tai", _TAI, comment="begin of the observation, TAI (without time zone)"),
        Column("obs_end_tai", _TAI, comment="end of the observation, TAI (without time zone)"),
        Column("exposure_s", Double, comment="exposure time, seconds"),
        Column("program", Text, comment="observing program"),
        Column("purpose", Text, comment="what the file itself says it is for"),
        Column("target", Text, comment="target as its file names it"),
        Column(
            "ra_deg", Double, comment="right ascension, degrees, ICRS unless the instrument says otherwise"
        ),
        Column("dec_deg", Double, comment="declination, degrees, ICRS unless the instrument says otherwise"),
        Column("footprint", Text, comment="region on the sky, STC-S (degrees)"),
        Column("identity", Text, comment="archive identity, such as a KOAID"),
        Column("media_type", Text, comment="what the content is, such as application/fits"),
        Column(
            "header_fixes", JSONB, comment="values that were read differently from what stands in the file"
        ),
        Column(
            "extra", JSONB, comment="all else that it says, and values that do not fit their column's type"
        ),
        Index("file_metadata_by_visit_id", "visit_id"),
        Index("file_metadata_by_exposure_id", "exposure_id"),
        Index("file_metadata_by_observation", "instrument", "obs_start_utc"),
        schema="projection",
    )
)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _utc(value: Any) -> str | None:
    return value if isinstance(value, str) and _is_time(value) and value.endswith(("Z", "+00:00")) else None


def _tai(value: Any) -> str | None:
    return (
        value
        if isinstance(value, str) and _is_time(value) and value[-1].isdigit() and "+" not in value
        else None
    )


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return len(value) >= len("2026-11-21T05:41:06") and value[10] in "T "


READ: dict[str, Callable[[Any], str | float | None]] = {
    "instrument": _text,
    "exposure_id": _text,
    "visit_id": _text,
    "detector": _text,
    "filter": _text,
    "obs_start_utc": _utc,
    "obs_end_utc": _utc,
    "obs_start_tai": _tai,
    "obs_end_tai": _tai,
    "exposure_s": _number,
    "program": _text,
    "purpose": _text,
    "target": _text,
    "ra_deg": _number,
    "dec_deg": _number,
    "footprint": _text,
}
"""How each column is read; None: the value does not fit, and goes to ``extra`` as it came."""


@file_metadata.on(facts.FileValidated)
def validated(record: Record) -> Row:
    """The newest reading of a version stands; the ledger keeps the former ones."""
    data = record.data
    told = dict(data["metadata"])
    extra = told.pop("extra", None)
    extra = dict(extra) if isinstance(extra, dict) else {} if extra is None else {"extra": extra}
    row: Row = {"file": record.subject, "version": record.version, "attempt": record.attempt}
    for name, read in READ.items():
        value = told.pop(name, None)
        row[name] = None if value is None else read(value)
        if value is not None and row[name] is None:
            extra[name] = value
    identity = data.get("identity")
    row["identity"] = identity["archive_identity"] if identity else None
    row["media_type"] = data["media_type"]
    row["header_fixes"] = data.get("header_fixes") or None
    row["extra"] = {**told, **extra} or None
    return row
