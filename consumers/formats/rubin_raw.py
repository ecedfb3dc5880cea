"""Raw images of Rubin's cameras: one sensor of one exposure a file, named by both; times in TAI."""

import re
from collections.abc import Mapping, Sequence
from typing import BinaryIO

from consumers.formats.bytes_scan import SeenBytes
from consumers.formats.findings import Findings
from consumers.formats.fits_checksums import check_sums
from consumers.formats.fits_header import opened, read_values, scanned, shape_of
from consumers.formats.fits_scan import Hdu
from consumers.formats.format import Content, Expected
from consumers.formats.inspection import InvalidFileError, Scalar
from consumers.formats.metadata import Metadata
from consumers.formats.plain_fits import warm_up
from consumers.formats.rubin_names import Sensor, sensor_of
from consumers.formats.text import shortened
from consumers.formats.times import NO_TIME, Moment, moment

__all__ = ["read", "warm_up"]

# What the image's name is made of must stand in its header, in these keywords (the cameras' header specification).
OF_THE_NAME = (("OBSID", "exposure"), ("RAFTBAY", "raft"), ("CCDSLOT", "slot"))
NOT_NULL = ("OBSID", "DAYOBS", "SEQNUM", "RAFTBAY", "CCDSLOT", "IMGTYPE")
WIDTHS = {"OBJECT": 68, "PROGRAM": 68, "REASON": 68, "GROUPID": 68, "LSST_NUM": 68}
SEGMENTS = {"S": 16, "SG": 16, "SW": 8}  # amplifiers a file: a wavefront sensor is half a sensor
SCIENCE_TYPES = frozenset({"OBJECT", "SKYEXP", "ACQ", "CWFS", "ENGTEST"})
NULLS = frozenset({"", "null", "none", "nan", "unknown", "undefined"})
SCALE = "tai"  # of every date in these headers, unless TIMESYS says otherwise


def read(source: BinaryIO, seen: SeenBytes, expected: Expected, findings: Findings) -> Content:
    """Look through one sensor's image: a primary header without data, then one extension an amplifier."""
    hdus = scanned(source, seen, findings)
    with findings.critical("name_pattern", value=shortened(expected.name, 200)):
        sensor = sensor_of(expected.name)
    with findings.critical("astropy_reads"), opened(source, findings) as opened_hdus:
        values = read_values(opened_hdus[0].header, hdus[0], findings)
    with findings.critical("keyword_rules"):
        _require_present(values)
        _require_day(values, sensor)
    with findings.critical("name_matches", value=sensor.name):
        _require_name(values, sensor)
    check_sums(source, hdus, findings)
    _record(values, hdus, sensor, findings)
    return Content(_metadata(values, sensor, findings), {**values, "RUBINID": sensor.name})


def _require_present(values: Mapping[str, Scalar]) -> None:
    missing = [keyword for keyword in NOT_NULL if _text(values.get(keyword)) is None]
    if missing:
        named = ", ".join(missing)
        raise InvalidFileError(
            "MISSING_KEYWORD",
            f"{len(missing)} keywords that may not be null have no value: {named}; have the image written again",
            found="null",
            wanted=named,
        )


def _require_day(values: Mapping[str, Scalar], sensor: Sensor) -> None:
    """Day and number of the image are written twice: in its identity, and in keywords of their own."""
    found = f"{values['DAYOBS']} and {values['SEQNUM']}"
    if _text(values["DAYOBS"]) != sensor.day or values["SEQNUM"] != sensor.number:
        wanted = f"{sensor.day} and {sensor.number}"
        raise InvalidFileError(
            "SCHEMA_VIOLATION",
            f"DAYOBS and SEQNUM are {shortened(found, 80)}, wanted {wanted} as in the name; correct the header",
            found=found,
            wanted=wanted,
        )


def _require_name(values: Mapping[str, Scalar], sensor: Sensor) -> None:
    wanted = {keyword: getattr(sensor, part) for keyword, part in OF_THE_NAME}
    wrong = {
        keyword: values.get(keyword) for keyword in wanted if _text(values.get(keyword)) != wanted[keyword]
    }
    if wrong:
        found = ", ".join(f"{keyword} {shortened(str(value), 60)}" for keyword, value in wrong.items())
        shown = ", ".join(f"{keyword} {wanted[keyword]}" for keyword in wrong)
        raise InvalidFileError(
            "BAD_NAME",
            f"the header says {found}, the name {shown}; send the image under the name it carries",
            found=found,
            wanted=shown,
        )


def _record(values: Mapping[str, Scalar], hdus: Sequence[Hdu], sensor: Sensor, findings: Findings) -> None:
    kind = re.sub(r"\d", "", sensor.slot)
    images = sum(hdu.data_bytes > 0 for hdu in hdus)
    wanted = SEGMENTS[kind]
    # Guiders also write stamps, of which there are as many as the exposure is long.
    whole = images == wanted or (kind == "SG" and images > 0)
    text = f"{images} extensions hold data, wanted {wanted}, one an amplifier"
    findings.advise("segments", whole, None if whole else text, value=images)
    long = {
        each: value for each, width in WIDTHS.items() if len(str(value := values.get(each) or "")) > width
    }
    for keyword, value in long.items():
        width = WIDTHS[keyword]
        text = f"{keyword} has {len(str(value))} characters, its column {width}; kept whole here"
        wide = f"<= {width} characters"
        findings.warn("METADATA_TOO_LONG", text, keyword=keyword, found=value, wanted=wide)
    findings.record("exposure_time", _number(values.get("EXPTIME")), "s")
    findings.record("dark_time", _number(values.get("DARKTIME")), "s")
    findings.record("ccd_temperature", _number(values.get("CCDTEMP")), "deg_C")
    findings.record("array_shape", shape_of(hdus))


def _metadata(values: Mapping[str, Scalar], sensor: Sensor, findings: Findings) -> Metadata:
    start = _time(values, "DATE-BEG", "DATE-OBS", findings=findings)
    end = _time(values, "DATE-END", findings=findings)
    kind = str(values["IMGTYPE"]).strip().upper()
    return Metadata(
        instrument=_text(values.get("INSTRUME")) or "LSSTCam",
        exposure_id=sensor.exposure,
        visit_id=sensor.visit,
        detector=f"{sensor.raft}_{sensor.slot}",
        filter=_text(values.get("FILTER")) or _text(values.get("FILTBAND")),
        obs_start_utc=start.utc,
        obs_end_utc=end.utc,
        obs_start_tai=start.tai,
        obs_end_tai=end.tai,
        exposure_s=_number(values.get("EXPTIME")),
        program=_text(values.get("PROGRAM")),
        purpose="science" if kind in SCIENCE_TYPES else "calibration",
        target=_text(values.get("OBJECT")),
        ra_deg=_number(values.get("RA")),
        dec_deg=_number(values.get("DEC")),
        extra={
            "raft": sensor.raft,
            "slot": sensor.slot,
            "detector_number": sensor.number_of_detector,
            "day_obs": sensor.day,
            "sequence_number": sensor.number,
            **values,
        },
    )


def _time(values: Mapping[str, Scalar], *keywords: str, findings: Findings) -> Moment:
    scale = str(values.get("TIMESYS") or SCALE).strip().lower()
    for keyword in keywords:
        if _text(values.get(keyword)) is not None:
            return moment(values[keyword], findings, keyword=keyword, scale=scale)
    return NO_TIME


def _number(value: Scalar) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: Scalar) -> str | None:
    text = "" if value is None else str(value).strip()
    return None if text.lower() in NULLS else text
