"""The Keck Observatory Archive's identity of an exposure, from instrument, UT date and time of its start."""

import re
from collections.abc import Mapping
from datetime import datetime

from consumers.formats.inspection import InvalidFileError, Scalar
from consumers.formats.keck_tables import instrument_of

__all__ = ["koaid", "prefix_of", "second_of_day"]

UT = re.compile(
    r"(?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]?\d):(?P<second>[0-5]?\d|60)(?:\.(?P<fraction>\d*))?"
)

# First letters of the identity, by instrument; where an instrument has several, the keyword that tells and its values
# (a value is looked for inside the keyword's, in lower case). After the archive's public pipeline and file names.
PREFIXES: dict[str, str | tuple[str, tuple[tuple[str, str], ...]]] = {
    "DEIMOS":    ("OUTDIR", (("/fcs", "DF"), ("", "DE"))),
    "ESI":       "EI",
    "HIRES":     "HI",
    "KCWI":      ("CAMERA", (("blue", "KB"), ("red", "KR"), ("fpc", "KF"))),
    "KPF":       "KP",
    "LRIS":      "LR",
    "LRISBLUE":  "LB",
    "LRISP":     "LR",
    "LRISPBLUE": "LB",
    "LRISPRED":  "LR",
    "MOSFIRE":   "MF",
    "NIRC2":     "N2",
    "NIRES":     ("INSTR", (("spec", "NR"), ("imag", "NI"))),
    "NIRSPEC":   ("OUTDIR", (("/scam", "NC"), ("/spec", "NS"))),
    "OSIRIS":    ("INSTR", (("imag", "OI"), ("spec", "OS"))),
}  # fmt: skip


def koaid(values: Mapping[str, Scalar], *, ut_date: datetime, ut: str) -> str:
    """``II.YYYYMMDD.SSSSS.HH``: prefix, UT date, second of the day, hundredths of it.

    The hundredths are the first two digits of the fraction as it stands there. The archive's own pipeline takes them
    from the microseconds without leading zeros (dep-rti, ``make_koaid``), so that .057 s and .57 s both become 57 and
    two exposures get one identity; ours are 05 and 57.
    """
    second, hundredths = second_of_day(ut)
    return f"{prefix_of(values)}.{ut_date:%Y%m%d}.{second:05d}.{hundredths:02d}"


def second_of_day(ut: str) -> tuple[int, int]:
    """The whole second of the day and the hundredths after it, cut and never rounded. Raises ValueError."""
    match = UT.fullmatch(ut.strip())
    if match is None:
        raise ValueError(f"found {ut[:40]!r}, wanted HH:MM:SS.ss")
    hour, minute, second = (int(match[part]) for part in ("hour", "minute", "second"))
    fraction = (match["fraction"] or "").ljust(2, "0")
    return hour * 3600 + minute * 60 + second, int(fraction[:2])


def prefix_of(values: Mapping[str, Scalar]) -> str:
    """The two letters of the instrument. Raises InvalidFileError where the header does not tell."""
    instrument = instrument_of(values.get("INSTRUME"))
    rule = PREFIXES.get(instrument)
    if isinstance(rule, str):
        return rule
    if rule is None:
        known = ", ".join(PREFIXES)
        raise _unknown("INSTRUME", instrument, f"one of {known}", "SCHEMA_VIOLATION")
    keyword, choices = rule
    value = str(values.get(keyword) or "").lower()
    for part, prefix in choices:
        if part in value:
            return prefix
    wanted = ", ".join(part for part, _ in choices)
    code = "SCHEMA_VIOLATION" if value else "MISSING_KEYWORD"
    raise _unknown(keyword, value, f"one that holds {wanted} ({instrument})", code)


def _unknown(keyword: str, found: str, wanted: str, code: str) -> InvalidFileError:
    found = found or "nothing"
    return InvalidFileError(
        code,
        f"{keyword} is {found[:60]}, wanted {wanted}: without it the file has no identity; correct the header",
        found=found[:60],
        wanted=wanted,
    )
