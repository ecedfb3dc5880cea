"""DKIST level 1 frames: our own look first, then the data centre's header specification (SPEC-0214)."""

import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO

from consumers.formats.bytes_scan import SeenBytes
from consumers.formats.findings import Findings
from consumers.formats.fits_checksums import check_sums
from consumers.formats.fits_header import opened, read_values, scanned, shape_of, unreadable_in, values_of
from consumers.formats.fits_scan import Hdu
from consumers.formats.format import Content, Expected
from consumers.formats.inspection import InvalidFileError, Scalar
from consumers.formats.metadata import Metadata
from consumers.formats.names import require_name
from consumers.formats.text import shortened
from consumers.formats.times import moment

if TYPE_CHECKING:
    from astropy.io.fits import HDUList, Header

__all__ = ["read", "warm_up"]

# The specification's validator takes these when they are blank; the archive's tables are keyed by them.
NOT_EMPTY = ("PROP_ID", "OBSPR_ID", "IP_ID", "DSETID", "INSTRUME", "FILENAME")
# The validator writes its schema out this many times; a number that no frame has is a way to fill the memory.
MAX_COUNT = 100
COUNTS = ("NAXIS", "DNAXIS", "DAAXES", "DEAXES", "WCSAXES", "NSPECLNS", "NPROPOS", "NEXPERS")
MAX_LISTED = 100
RECORDED = (
    # result                    keyword      unit
    ("light_level",             "LIGHTLVL",  "adu"),
    ("ao_lock",                 "AO_LOCK",   None),
    ("fried_parameter",         "ATMOS_R0",  "m"),
    ("dataset_health",          "DSHEALTH",  None),
    ("gos_status",              "GOS_STAT",  None),
    ("polarimetric_noise",      "POL_NOIS",  None),
)  # fmt: skip


def read(source: BinaryIO, seen: SeenBytes, expected: Expected, findings: Findings) -> Content:
    """Look through a level 1 frame: one image, plain or compressed, whose header meets the specification."""
    hdus = scanned(source, seen, findings)
    with findings.critical("astropy_reads"), opened(source, findings) as opened_hdus:
        header = _frame_header(opened_hdus)
        values = read_values(header, hdus[-1], findings)
    with findings.critical("schema", value="SPEC-0214"):
        _validate(header, values, findings)
    require_name("FILENAME", values.get("FILENAME"), expected.name, findings)
    check_sums(source, hdus, findings)
    _record(values, hdus, findings)
    return Content(_metadata(values, findings), values)


def warm_up() -> None:
    """Validate a header with nothing in it: the specification is loaded with the first one."""
    from astropy.io import fits

    header = fits.Header([(count, 1) for count in COUNTS])
    findings = Findings()
    header["VSPPOLMD"] = "observe_polarimetric"  # the validator asks for it before it says what is missing
    for instrument in ("VISP", "VBI"):
        header["INSTRUME"] = instrument
        with suppress(InvalidFileError):  # as meant: every keyword is missing
            _validate(header, values_of(header), findings)
    for scale in ("utc", "tai"):  # the one of most headers by our own table, any other by astropy
        moment("2026-11-21T00:00:00", findings, keyword="DATE-BEG", scale=scale)


def _frame_header(hdus: "HDUList") -> "Header":
    """The header of the frame: the primary HDU's, or that of the one compressed image after an empty primary."""
    from astropy.io.fits import CompImageHDU

    if len(hdus) == 1:
        return hdus[0].header
    if len(hdus) == 2 and isinstance(hdus[1], CompImageHDU):
        return hdus[1].header
    raise _violation(
        {"HDUs": f"found {len(hdus)}, wanted one image, or an empty primary and one compressed image"}
    )


def _validate(header: "Header", values: Mapping[str, Scalar], findings: Findings) -> None:
    """All errors at once: the specification's and our own for what its validator lets pass."""
    errors = {key: "is blank" for key in NOT_EMPTY if key in values and not str(values[key] or "").strip()}
    errors |= {
        key: f"is {values[key]}, not 0 to {MAX_COUNT}" for key in COUNTS if not _countable(values.get(key, 0))
    }
    if "NAXIS" not in values:
        errors["NAXIS"] = "required key not provided"
    if not any(key in errors for key in COUNTS):  # else it cannot be asked: it counts by these
        errors = _specification_errors(header) | errors
    for key, text in list(errors.items())[:MAX_LISTED]:
        findings.advise("schema_error", False, f"{key}: {shortened(text, 300)}", value=shortened(key, 80))
    if errors:
        raise _violation(errors)


def _specification_errors(header: "Header") -> dict[str, str]:
    """What the data centre's validator finds, plus what it stumbles over: values that are none, types it trusts."""
    from dkist_header_validator import spec214_validator
    from dkist_header_validator.exceptions import ValidationException

    unreadable = unreadable_in(header)
    if unreadable:
        header = header.copy()
        for keyword in unreadable:
            del header[keyword]
    errors = dict.fromkeys(unreadable, "its value cannot be read")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            spec214_validator.validate(header)
        except ValidationException as error:
            found = {str(key): str(text) for key, text in (error.errors or {"header": str(error)}).items()}
            errors = found | errors
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - it computes with values before it has looked at their types
            errors["header"] = f"the validator stops with {type(error).__name__}: {error}"
    return errors


def _countable(value: Scalar) -> bool:
    return isinstance(value, int) and 0 <= value <= MAX_COUNT


def _violation(errors: Mapping[str, str]) -> InvalidFileError:
    listed = "; ".join(f"{key}: {shortened(text, 200)}" for key, text in sorted(errors.items())[:MAX_LISTED])
    return InvalidFileError(
        "SCHEMA_VIOLATION",
        f"{len(errors)} errors against SPEC-0214: {listed}; have the frame calibrated again",
        found=", ".join(sorted(errors)[:30]),
        wanted="SPEC-0214",
    )


def _record(values: Mapping[str, Scalar], hdus: tuple[Hdu, ...], findings: Findings) -> None:
    for check, keyword, unit in RECORDED:
        if keyword in values:
            value = values[keyword]
            findings.record(check, int(value) if isinstance(value, bool) else value, unit, message=keyword)
    findings.record("array_shape", shape_of(hdus))


def _metadata(values: Mapping[str, Scalar], findings: Findings) -> Metadata:
    """Times are UTC by the specification; a frame of the Sun has no fixed right ascension."""
    start, end = (moment(values.get(key), findings, keyword=key) for key in ("DATE-BEG", "DATE-END"))
    exposure_ms = values.get("XPOSURE")
    return Metadata(
        instrument=_text(values, "INSTRUME"),
        exposure_id=_text(values, "FILE_ID"),
        visit_id=_text(values, "OBSPR_ID"),
        detector=_text(values, "CAM_ID"),
        filter=_text(values, "WAVEBAND"),
        obs_start_utc=start.utc,
        obs_end_utc=end.utc,
        obs_start_tai=start.tai,
        obs_end_tai=end.tai,
        exposure_s=exposure_ms / 1000 if isinstance(exposure_ms, int | float) else None,
        program=_text(values, "PROP_ID"),
        purpose="science",
        target=_text(values, "OBJECT"),
        extra={**_named(values), **values},
    )


def _named(values: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """What people ask for by another name than its keyword."""
    return {
        "dataset_id": values.get("DSETID"),
        "instrument_program_id": values.get("IP_ID"),
        "observing_program_id": values.get("OBSPR_ID"),
        "wavelength_nm": values.get("LINEWAV"),
        "stokes": values.get("STOKES"),
        "stokes_index": values.get("DINDEX4") if values.get("DTYPE4") == "STOKES" else None,
    }


def _text(values: Mapping[str, Scalar], keyword: str) -> str | None:
    value = values.get(keyword)
    return str(value).strip() or None if value is not None else None
