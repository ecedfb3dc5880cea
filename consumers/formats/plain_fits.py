"""A FITS file of no particular instrument: structure, checksums, and the keywords that most observatories share."""

from collections.abc import Mapping
from typing import BinaryIO

from consumers.formats.bytes_scan import SeenBytes
from consumers.formats.findings import Findings
from consumers.formats.fits_checksums import check_sums
from consumers.formats.fits_header import opened, read_values, scanned, shape_of, values_of
from consumers.formats.format import Content, Expected
from consumers.formats.inspection import Scalar
from consumers.formats.metadata import Metadata
from consumers.formats.times import NO_TIME, Moment, moment

__all__ = ["read", "warm_up"]


def warm_up() -> None:
    """Load astropy's FITS reader and its clock."""
    from astropy.io import fits

    values_of(fits.Header([("SIMPLE", True)]))
    for scale in ("utc", "tai"):  # the one of most headers by our own table, any other by astropy
        moment("2026-11-21T00:00:00", Findings(), keyword="DATE-OBS", scale=scale)


def read(source: BinaryIO, seen: SeenBytes, expected: Expected, findings: Findings) -> Content:  # noqa: ARG001
    """Look through any FITS file; which keywords it carries is its own affair."""
    hdus = scanned(source, seen, findings)
    with findings.critical("astropy_reads"), opened(source, findings) as opened_hdus:
        values = read_values(opened_hdus[0].header, hdus[0], findings)
    check_sums(source, hdus, findings)
    findings.record("hdus", len(hdus))
    findings.record("array_shape", shape_of(hdus))
    return Content(_metadata(values, findings), values)


def _metadata(values: Mapping[str, Scalar], findings: Findings) -> Metadata:
    start = _time(values, "DATE-BEG", "DATE-OBS", findings=findings)
    end = _time(values, "DATE-END", findings=findings)
    exposure = values.get("EXPTIME")
    return Metadata(
        instrument=_text(values.get("INSTRUME")),
        filter=_text(values.get("FILTER")),
        obs_start_utc=start.utc,
        obs_end_utc=end.utc,
        obs_start_tai=start.tai,
        obs_end_tai=end.tai,
        exposure_s=float(exposure) if isinstance(exposure, int | float) else None,
        target=_text(values.get("OBJECT")),
        extra=values,
    )


def _time(values: Mapping[str, Scalar], *keywords: str, findings: Findings) -> Moment:
    """The time under the first of the keywords that has a value."""
    scale = str(values.get("TIMESYS") or "UTC").strip().lower()
    for keyword in keywords:
        if values.get(keyword):
            return moment(values[keyword], findings, keyword=keyword, scale=scale)
    return NO_TIME


def _text(value: Scalar) -> str | None:
    return str(value).strip() or None if value is not None else None
