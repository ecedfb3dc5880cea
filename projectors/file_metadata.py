"""What each version of a file says of itself, in typed columns with unit and time scale in their names.

A text longer than its column is wide is not cut: it stands whole in ``extra``, and the column has nothing. An index
takes no value of any length, so a width is what keeps one strange file from stopping everybody's views.
"""

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Column, DateTime, Double, Index, Integer, String, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from events import file as facts
from events.envelope import Record
from projectors.database import metadata
from projectors.projection import Folded, Row
from projectors.sky import wrapped_ra

__all__ = ["WIDTHS", "file_metadata"]

_UTC = DateTime(timezone=True)
_TAI = DateTime(timezone=False)

file_metadata = Folded(
    Table(
        "file_metadata",
        metadata,
        Column("file", Text(collation="C"), primary_key=True, comment="<stream>/<logical name>"),
        Column("version", Integer, primary_key=True, autoincrement=False, comment="version of the file"),
        Column("attempt", Integer, nullable=False, comment="the attempt that read it"),
        Column("instrument", String(64), comment="instrument as its file names it"),
        Column("exposure_id", String(128), comment="the exposure it belongs to"),
        Column("visit_id", String(128), comment="the visit, or the observing program's execution, that it belongs to"),
        Column("detector", String(64), comment="detector as its file names it"),
        Column("filter", String(64), comment="filter or optical element"),
        Column("obs_start_utc", _UTC, comment="begin of the observation, UTC"),
        Column("obs_end_utc", _UTC, comment="end of the observation, UTC"),
        Column("obs_start_tai", _TAI, comment="begin of the observation, TAI (without time zone)"),
        Column("obs_end_tai", _TAI, comment="end of the observation, TAI (without time zone)"),
        Column("exposure_s", Double, comment="exposure time, seconds"),
        Column("program", String(128), comment="observing program"),
        Column("program_by", String(64), comment="who says so: file, rule:<name>, service:<name>, operator"),
        Column("purpose", String(64), comment="what the file itself says it is for"),
        Column("target", String(256), comment="target as its file names it"),
        Column("ra_deg", Double, comment="right ascension, 0 to 360 degrees, ICRS unless said otherwise"),
        Column("dec_deg", Double, comment="declination, degrees, ICRS unless said otherwise"),
        Column("footprint", String(4000), comment="region on the sky, STC-S (degrees)"),
        Column("identity", Text, comment="archive identity, such as a KOAID"),
        Column("media_type", Text, comment="what the content is, such as application/fits"),
        Column("header_fixes", JSONB, comment="values that were read differently from what stands in the file"),
        Column("extra", JSONB, comment="all else that it says, and values that don't fit their column's type or width"),
        Index("file_metadata_by_visit_id", "visit_id"),
        Index("file_metadata_by_exposure_id", "exposure_id"),
        Index("file_metadata_by_observation", "instrument", "obs_start_utc"),
        Index("file_metadata_by_time", "obs_start_utc"),
        Index("file_metadata_by_detector", "detector", "filter"),
        Index("file_metadata_by_filter", "filter"),
        Index("file_metadata_by_program", "program"),
        Index("file_metadata_by_target", "target"),
        Index("file_metadata_by_position", text("point(ra_deg, dec_deg)"), postgresql_using="gist"),
        schema="projection",
    )
)  # fmt: skip

WIDTHS: dict[str, int] = {
    column.name: column.type.length
    for column in file_metadata.table.columns
    if isinstance(column.type, String) and column.type.length is not None
}
"""How many characters a column takes."""


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _ra(value: Any) -> float | None:
    """A full circle either way is the same place; further off it is none."""
    number = _number(value)
    return None if number is None or not -360 <= number <= 720 else wrapped_ra(number)


def _dec(value: Any) -> float | None:
    number = _number(value)
    return None if number is None or not -90 <= number <= 90 else number


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
    "program_by": _text,
    "purpose": _text,
    "target": _text,
    "ra_deg": _ra,
    "dec_deg": _dec,
    "footprint": _text,
}
"""How each column is read; None: the value does not fit, and goes to ``extra`` as it came."""


def _fitting(name: str, value: str | float | None) -> str | float | None:
    width = WIDTHS.get(name)
    return None if width is not None and isinstance(value, str) and len(value) > width else value


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
        row[name] = None if value is None else _fitting(name, read(value))
        if value is not None and row[name] is None:
            extra[name] = value
    identity = data.get("identity")
    row["identity"] = identity["archive_identity"] if identity else None
    row["media_type"] = data["media_type"]
    row["header_fixes"] = data.get("header_fixes") or None
    row["extra"] = {**told, **extra} or None
    return row
