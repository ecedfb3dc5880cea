"""Times of observations as they stand in headers, turned into ISO 8601 in UTC and in TAI."""

from dataclasses import dataclass

from consumers.formats.earth_tables import use_shipped_tables
from consumers.formats.findings import Findings
from consumers.formats.plain_times import plain_time
from consumers.formats.text import shortened

__all__ = ["NO_TIME", "Moment", "moment"]


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant in both scales: ``utc`` with ``Z``, ``tai`` without; None where the header does not say."""

    utc: str | None
    tai: str | None


NO_TIME = Moment(None, None)


def moment(
    value: object, findings: Findings, *, keyword: str, scale: str = "utc", plus_s: float | None = None
) -> Moment:
    """The instant that an ISO 8601 text or an astropy ``Time`` names; what cannot be read is a warning."""
    if value is None or not str(value).strip():
        return NO_TIME
    plain = plain_time(value.strip().removesuffix("Z")) if isinstance(value, str) and scale == "utc" else None
    if plain is not None and not plus_s:
        return Moment(*plain)
    from astropy.time.core import ScaleValueError

    try:
        return _moment(value, scale=scale, plus_s=plus_s or 0.0)
    except (ValueError, ArithmeticError, TypeError, ScaleValueError) as error:
        reason = shortened(" ".join(str(error).split()), 200)
        message = f"{keyword}: {reason}"
        findings.warn("TIME_UNREADABLE", message, keyword=keyword, found=str(value), wanted="ISO 8601")
        return NO_TIME


def _moment(value: object, *, scale: str, plus_s: float) -> Moment:
    import warnings

    from astropy.time import Time, TimeDelta

    use_shipped_tables()
    with warnings.catch_warnings():
        # "Dubious year": leap seconds after the tables end, and before they begin.
        warnings.simplefilter("ignore")
        if isinstance(value, Time):
            time = Time(value, precision=6)
        else:
            text = shortened(str(value), 40).strip().removesuffix("Z")
            time = Time(text, format="isot", scale=scale, precision=6)
        if plus_s:
            time += TimeDelta(plus_s, format="sec")
        return Moment(f"{time.utc.isot}Z", str(time.tai.isot))
