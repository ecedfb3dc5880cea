"""Raw files of the Keck instruments: the archive's keyword rules, its identity, and what had to be read anew."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import BinaryIO

from consumers.formats import plain_fits
from consumers.formats.bytes_scan import SeenBytes
from consumers.formats.findings import Findings
from consumers.formats.fits_checksums import check_sums
from consumers.formats.fits_header import opened, read_values, scanned, shape_of
from consumers.formats.format import Content, Expected
from consumers.formats.inspection import InvalidFileError, Scalar
from consumers.formats.keck_columns import table_of
from consumers.formats.keck_rules import apply_rules
from consumers.formats.keck_tables import INSTRUMENTS, rules_for
from consumers.formats.koaid import koaid, second_of_day
from consumers.formats.metadata import Metadata
from consumers.formats.names import require_name
from consumers.formats.sexagesimal import degrees
from consumers.formats.times import NO_TIME, moment

__all__ = ["read", "warm_up"]

ISO_DATE = re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)(?:T.*)?")
OLD_DATE = re.compile(r"(?P<day>\d\d)/(?P<month>\d\d)/(?P<year>\d\d)")  # FITS before 1999
SCIENCE_TYPES = frozenset({"object", "science", "sci"})
# Names of programs that mean that nobody assigned one.
NO_PROGRAM = frozenset({"my program", "unknown", "none"})


def warm_up() -> None:
    """Load astropy's FITS reader, and all rules and columns."""
    plain_fits.warm_up()
    for instrument in (*INSTRUMENTS, "another"):
        rules_for(instrument)
        table_of(instrument)


def read(source: BinaryIO, seen: SeenBytes, expected: Expected, findings: Findings) -> Content:
    """Look through a raw file. Its identity is computed anew; one that stands in the header is only compared."""
    hdus = scanned(source, seen, findings)
    with findings.critical("astropy_reads"), opened(source, findings) as opened_hdus:
        values = read_values(opened_hdus[0].header, hdus[0], findings)
    with findings.critical("keyword_rules"):
        held = apply_rules(values, findings)
        ruled = held.values
        ut_date = _ut_date(ruled, findings)
        identity = _identity(values | ruled, ut_date)
    came_as = expected.name.removesuffix(".fits")
    # The archive hands files out under their identity; and some instruments write the name without its extension.
    own_name = identity if came_as == identity else str(ruled["OFNAME"]).removesuffix(".fits")
    require_name("OFNAME", own_name, came_as, findings)
    _check_program(ruled, findings)
    _compare_identity(values, identity, findings)
    check_sums(source, hdus, findings)
    findings.record("airmass", ruled["AIRMASS"])
    findings.record("elevation", ruled["EL"], "deg")
    findings.record("array_shape", shape_of(hdus))
    # What a column would have cut, or does not like, comes first: the record has room for it before all the others.
    ordered = {keyword: values[keyword] for keyword in held.warned_of if keyword in values} | values
    metadata = _metadata(ruled, ordered, findings, ut_date=ut_date, identity=identity)
    return Content(metadata, {**values, "KOAID": identity})


def _ut_date(ruled: Mapping[str, Scalar], findings: Findings) -> datetime:
    """The UT date of the exposure; other ways to write it are read and noted."""
    written = str(ruled["DATE-OBS"]).strip()
    match = ISO_DATE.fullmatch(written) or OLD_DATE.fullmatch(written)
    try:
        if match is None:
            raise ValueError("no date")
        year = int(match["year"])
        if year < 100:
            year += 2000 if year < 50 else 1900
        date = datetime(year, int(match["month"]), int(match["day"]), tzinfo=UTC)
    except ValueError as error:
        raise _wrong("DATE-OBS", written, "YYYY-MM-DD") from error
    if written != f"{date:%Y-%m-%d}":
        reason = "the date of the exposure, as YYYY-MM-DD"
        findings.fix("DATE-OBS", original=written, fixed=f"{date:%Y-%m-%d}", reason=reason)
    return date


def _identity(values: Mapping[str, Scalar], ut_date: datetime) -> str:
    try:
        return koaid(values, ut_date=ut_date, ut=str(values["UT"]))
    except ValueError as error:
        raise _wrong("UT", str(values["UT"]), "HH:MM:SS.ss") from error


def _wrong(keyword: str, found: str, wanted: str) -> InvalidFileError:
    return InvalidFileError(
        "SCHEMA_VIOLATION",
        f"{keyword} is {found[:60]!r}, wanted {wanted}: without it the file has no identity; correct the header",
        found=found[:60],
        wanted=wanted,
    )


def _check_program(ruled: Mapping[str, Scalar], findings: Findings) -> None:
    """Files without a program are taken; somebody has to assign one before they are anybody's data."""
    program = str(ruled["PROGNAME"] or "").strip()
    is_assigned = bool(program) and program.lower() not in NO_PROGRAM
    if not is_assigned:
        findings.warn(
            "PROGRAM_MISSING",
            f"PROGNAME is {program or 'blank'}: no program is assigned; assign one from the schedule",
            keyword="PROGNAME",
            found=program,
            wanted="a program such as C257",
        )
    findings.advise("program_assigned", is_assigned, value=program[:100] or None)


def _compare_identity(values: Mapping[str, Scalar], identity: str, findings: Findings) -> None:
    written = str(values.get("KOAID") or "").removesuffix(".fits").strip()
    if written and written != identity:
        findings.fix(
            "KOAID", original=written, fixed=identity, reason="computed from instrument, UT date and time"
        )


def _metadata(
    ruled: Mapping[str, Scalar],
    values: Mapping[str, Scalar],
    findings: Findings,
    *,
    ut_date: datetime,
    identity: str,
) -> Metadata:
    second, _ = second_of_day(str(ruled["UT"]))
    fraction = str(ruled["UT"]).strip().partition(".")[2]
    written = f"{ut_date:%Y-%m-%d}T{_clock(second)}.{fraction or '0'}"
    begin = moment(written, findings, keyword="UT")
    exposure = ruled["ELAPTIME"]
    exposure_s = float(exposure) if isinstance(exposure, int | float) else None
    end = (
        NO_TIME if exposure_s is None else moment(begin.utc, findings, keyword="ELAPTIME", plus_s=exposure_s)
    )
    kind = str(ruled["IMTYPE"] or "").lower()
    return Metadata(
        instrument=str(ruled["INSTRUME"]),
        exposure_id=identity,
        detector=_text(ruled["DETECTOR"]),
        filter=_text(ruled["FILTER"]),
        obs_start_utc=begin.utc,
        obs_end_utc=end.utc,
        obs_start_tai=begin.tai,
        obs_end_tai=end.tai,
        exposure_s=exposure_s,
        program=_text(ruled["PROGNAME"]),
        purpose=None if not kind else "science" if kind in SCIENCE_TYPES else "calibration",
        target=_text(ruled["TARGNAME"]) or _text(ruled["OBJECT"]),
        ra_deg=degrees(values.get("RA"), per_unit=15.0),
        dec_deg=degrees(values.get("DEC"), per_unit=1.0),
        extra={"koaid": identity, "original_name": _text(ruled["OFNAME"]), **values},
    )


def _clock(second: int) -> str:
    """The time of day; a leap second stands after the last one."""
    leap = max(0, second - 86_399)
    second -= leap
    return f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60 + leap:02d}"


def _text(value: Scalar) -> str | None:
    return None if value is None else str(value).strip() or None
