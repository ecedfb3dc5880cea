"""The headers of a FITS file as astropy reads them, once our own look found them sound."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from consumers.formats import fits_scan
from consumers.formats.bytes_scan import SeenBytes, require_kind
from consumers.formats.findings import Findings
from consumers.formats.fits_scan import Hdu
from consumers.formats.inspection import Scalar
from consumers.formats.library import reading_with
from consumers.formats.text import as_scalar, decoded

if TYPE_CHECKING:
    from astropy.io.fits import HDUList, Header

__all__ = ["opened", "read_values", "scanned", "shape_of", "unreadable_in", "values_of"]

COMMENTARY = frozenset({"", "COMMENT", "HISTORY", "CONTINUE"})
MAX_FIXES = 50


def scanned(source: BinaryIO, seen: SeenBytes, findings: Findings) -> tuple[Hdu, ...]:
    """Two critical checks: the file is FITS by its first bytes, and its structure holds."""
    with findings.critical("format", value="FITS"):
        require_kind(seen, "FITS")
    with findings.critical("structure"):
        hdus = findings.hdus = fits_scan.scan(source, seen.size_bytes, findings)
    return hdus


@contextmanager
def opened(source: BinaryIO, findings: Findings) -> "Iterator[HDUList]":
    """The file in astropy, data untouched. What astropy cannot read is UNREADABLE, its warnings are kept."""
    from astropy.io import fits

    source.seek(0)
    with reading_with("astropy", findings):
        hdus = fits.open(source, mode="readonly", memmap=False, lazy_load_hdus=True)
        yield hdus


def values_of(header: "Header") -> Mapping[str, Scalar]:
    """The values of a header; the first where a keyword repeats, None where undefined or not readable."""
    from astropy.io.fits import VerifyError
    from astropy.io.fits.card import Undefined

    values: dict[str, Scalar] = {}
    for card in header.cards:
        if card.keyword in COMMENTARY or card.keyword in values:
            continue
        try:
            value = card.value
        except VerifyError:
            value = None  # our own look has reported the value already
        values[card.keyword] = None if isinstance(value, Undefined) else _scalar(value)
    return values


def read_values(header: "Header", hdu: Hdu, findings: Findings) -> dict[str, Scalar]:
    """The same, with texts that are not ASCII as they were meant: astropy has a question mark for each such byte.

    The bytes themselves are kept with the fix, a number of them; each such keyword has a warning of our own look.
    """
    values = dict(values_of(header))
    beyond = {
        name.removeprefix("HIERARCH "): value.encode("latin-1")
        for name, value in hdu.values.items()
        if isinstance(value, str) and not value.isascii()
    }
    for number, (name, raw) in enumerate(beyond.items()):
        if not isinstance(values.get(name), str):
            continue
        meant = decoded(raw)
        values[name] = _scalar(meant)
        if number < MAX_FIXES:
            kind = "Latin-1" if meant.encode("latin-1", "ignore") == raw else "UTF-8"
            reason = f"bytes that are not ASCII, which FITS does not allow, read as {kind}"
            original = raw.decode("ascii", "backslashreplace")
            findings.fix(name, original=original, fixed=values[name], reason=reason)
    return values


def unreadable_in(header: "Header") -> list[str]:
    """The keywords whose values astropy cannot read; it says so only when it is asked for the value."""
    from astropy.io.fits import VerifyError

    found = []
    for card in header.cards:
        try:
            _ = card.value
        except VerifyError:
            found.append(card.keyword)
    return found


def shape_of(hdus: Sequence[Hdu]) -> str | None:
    """The shape of the first HDU that holds data, slowest axis last as FITS counts, such as ``2048x4112``."""
    for hdu in hdus:
        axes = hdu.values.get("NAXIS")
        if isinstance(axes, int) and axes and hdu.data_bytes:
            return "x".join(str(hdu.values.get(f"NAXIS{n}")) for n in range(1, min(axes, 16) + 1))
    return None


def _scalar(value: object) -> Scalar:
    scalar = as_scalar(value)
    return scalar.rstrip() if isinstance(scalar, str) else scalar
