"""The metadata tables of the Keck Observatory Archive, with bars or tabs: a row an exposure, named by its KOAID."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import BinaryIO

from consumers.formats import tab_table
from consumers.formats.bytes_scan import SeenBytes
from consumers.formats.findings import Findings
from consumers.formats.format import Content, Expected
from consumers.formats.inspection import InvalidFileError, Scalar
from consumers.formats.ipac_lines import Table
from consumers.formats.ipac_table import scanned, values_of
from consumers.formats.keck_columns import table_of
from consumers.formats.keck_held import is_null, missing, report, unlike
from consumers.formats.keck_tables import INSTRUMENTS, instrument_of
from consumers.formats.metadata import Metadata
from consumers.formats.names import require_name
from consumers.formats.tab_table import has_tabs
from consumers.formats.text import shortened
from consumers.formats.times import NO_TIME, Moment, moment

__all__ = ["read", "warm_up"]

KOAID = re.compile(r"[A-Z][A-Z0-9]\.\d{8}\.\d{5}(?:\.\d\d)?")
NEEDED = ("KOAID", "INSTRUME", "DATE-OBS", "UT")
SUFFIX = ".metadata.table"
SCIENCE = "object"


def warm_up() -> None:
    """Load the columns of all instruments, and astropy's clock."""
    moment("2026-11-21T00:00:00", Findings(), keyword="UT")
    for instrument in INSTRUMENTS:
        table_of(instrument)


def read(source: BinaryIO, seen: SeenBytes, expected: Expected, findings: Findings) -> Content:
    """Look through a table of one exposure or of many; the one's name must be that of its identity."""
    table = _scanned(source, seen, findings)
    with findings.critical("keyword_rules"):
        _require_columns(table)
        _require_rows(table)
        place = [column.name for column in table.columns].index("KOAID")
        identities = [_identity(row[place]) for row in table.rows]
    with findings.critical("identities_once", value=len(identities)):
        _require_once(identities)
    if len(identities) != 1:
        return Content(Metadata(extra={"koaids": ", ".join(identities[:100])}))
    values = values_of(table, 0)
    with findings.critical("keywords_told"):
        _require_told(values)
    require_name("KOAID", identities[0], expected.name.removesuffix(SUFFIX), findings)
    if not has_tabs(seen.head):
        _hold(values, findings)
    findings.record("airmass", values.get("AIRMASS"))
    return Content(_metadata(values, identities[0], findings), {**values, "KOAID": identities[0]})


def _hold(values: Mapping[str, Scalar], findings: Findings) -> None:
    """The row held to the keyword table of its instrument, as far as it has the columns: tables are older and newer.

    With tabs it is the database that tells, under names and in forms of its own, which no keyword table holds for.
    """
    table = table_of(instrument_of(values.get("INSTRUME")))
    demanded = (name for name in (*table.not_null, *table.filled_in) if name in values)
    odd = [missing(name) for name in demanded if is_null(values[name])]
    report([*odd, *unlike(values, table.columns)], findings)
    unknown = [name for name in values if name not in table.columns] if table.columns else []
    named = f"not in the instrument's keyword table: {', '.join(unknown)}" if unknown else None
    findings.record("columns_unknown", len(unknown), message=named and shortened(named, 1000))


def _scanned(source: BinaryIO, seen: SeenBytes, findings: Findings) -> Table:
    """With tabs the archive writes the same names in small letters, and date_obs for DATE-OBS."""
    if not has_tabs(seen.head):
        return scanned(source, seen, findings)
    table = tab_table.scanned(source, seen, findings)
    columns = (replace(each, name=each.name.upper().replace("_", "-")) for each in table.columns)
    return replace(table, columns=tuple(columns))


def _require_told(values: Mapping[str, Scalar]) -> None:
    """A table with bars may say so itself of its columns, one with tabs can't."""
    missing = [name for name in NEEDED if values.get(name) is None]
    if missing:
        named = ", ".join(missing)
        raise InvalidFileError(
            "MISSING_KEYWORD",
            f"{named} has no value, which every exposure has; have the table made again",
            found="null",
            wanted=named,
        )


def _require_columns(table: Table) -> None:
    missing = sorted(set(NEEDED) - {column.name for column in table.columns})
    if missing:
        named = ", ".join(missing)
        raise InvalidFileError(
            "MISSING_KEYWORD",
            f"the table has no column {named}; have it made again with the instrument's keyword table",
            found="nothing",
            wanted=named,
        )


def _require_rows(table: Table) -> None:
    if not table.rows:
        raise InvalidFileError(
            "SCHEMA_VIOLATION",
            "the table has no rows, wanted one an exposure; have it made again",
            found="0 rows",
            wanted=">= 1 row",
        )


def _identity(text: str) -> str:
    found = text.removesuffix(".fits")
    if not KOAID.fullmatch(found):
        raise InvalidFileError(
            "SCHEMA_VIOLATION",
            f"KOAID is {shortened(found, 60) or 'null'}, wanted II.YYYYMMDD.SSSSS.HH; have the table made again",
            found=shortened(found, 60),
            wanted="II.YYYYMMDD.SSSSS.HH",
        )
    return found


def _require_once(identities: list[str]) -> None:
    twice = sorted(each for each, count in Counter(identities).items() if count > 1)
    if twice:
        named = ", ".join(twice[:5])
        raise InvalidFileError(
            "DUPLICATE_KEYWORD",
            f"{named} stand in more than one row; one exposure has one row, and one row one exposure",
            found=named,
            wanted="one row an identity",
        )


def _metadata(values: Mapping[str, Scalar], identity: str, findings: Findings) -> Metadata:
    start = _start(values, findings)
    exposure = values.get("ELAPTIME")
    seconds = float(exposure) if isinstance(exposure, int | float) else None
    end = NO_TIME if seconds is None else moment(start.utc, findings, keyword="ELAPTIME", plus_s=seconds)
    kind = _text(values.get("KOAIMTYP"))
    return Metadata(
        instrument=_text(values.get("INSTRUME")),
        exposure_id=identity,
        detector=_text(values.get("CAMERA")) or _text(values.get("INSTR")),
        filter=_text(values.get("FILTER")) or _text(values.get("BFILTNAM")),
        obs_start_utc=start.utc,
        obs_end_utc=end.utc,
        obs_start_tai=start.tai,
        obs_end_tai=end.tai,
        exposure_s=seconds,
        program=_text(values.get("PROGID")),
        purpose=None if kind is None else "science" if kind.lower() == SCIENCE else "calibration",
        target=_text(values.get("TARGNAME")) or _text(values.get("OBJECT")),
        ra_deg=_number(values.get("RA2000")),
        dec_deg=_number(values.get("DEC2000")),
        extra={"koaid": identity, **values},
    )


def _start(values: Mapping[str, Scalar], findings: Findings) -> Moment:
    date, clock = _text(values.get("DATE-OBS")), _text(values.get("UT"))
    return moment(f"{date}T{clock}", findings, keyword="UT") if date and clock else NO_TIME


def _number(value: Scalar) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _text(value: Scalar) -> str | None:
    return None if value is None else str(value).strip() or None
