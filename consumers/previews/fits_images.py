"""The images of a FITS file, read without a library unless they are compressed in tiles."""

import math
import os
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from consumers.formats.findings import Findings
from consumers.formats.fits_scan import Hdu, scan
from consumers.previews.shrinking import Image, Values

__all__ = ["fits_images", "needs_library"]

_TYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


def needs_library(hdus: tuple[Hdu, ...]) -> bool:
    """Whether some image is compressed in tiles: those astropy unpacks."""
    return any(hdu.values.get("ZIMAGE") is True for hdu in hdus)


def fits_images(source: BinaryIO, size_bytes: int) -> list[Image]:
    """Images of two axes or more, of which the last two are shown at the first place of the others."""
    hdus = scan(source, size_bytes, Findings())
    library = _Library(source) if needs_library(hdus) else None
    return list(_images(source, hdus, library))


def _images(source: BinaryIO, hdus: tuple[Hdu, ...], library: "_Library | None") -> Iterator[Image]:
    for hdu in hdus:
        is_packed = hdu.values.get("ZIMAGE") is True
        axes = _axes(hdu, "ZNAXIS" if is_packed else "NAXIS")
        is_image = is_packed or hdu.index == 0 or hdu.values.get("XTENSION") == "IMAGE"
        if not is_image or len(axes) < 2 or 0 in axes or min(axes[:2]) < 2:
            continue
        if hdu.index == 0 and hdu.values.get("GROUPS") is True:
            continue
        width, height = axes[:2]
        name = str(hdu.values.get("EXTNAME") or f"HDU {hdu.index}")
        if is_packed and library is not None:
            yield Image(name, height, width, library.opener(hdu.index, len(axes), width))
        else:
            yield Image(name, height, width, _opener(source, hdu))


def _axes(hdu: Hdu, keyword: str) -> list[int]:
    """Lengths, the fastest first, as the header counts them; our own scan has found them to be numbers."""
    count = hdu.values.get(keyword)
    return [int(hdu.values[f"{keyword}{n}"]) for n in range(1, int(count or 0) + 1)]  # type: ignore[arg-type]


def _opener(source: BinaryIO, hdu: Hdu) -> Any:
    kind = np.dtype(_TYPES[int(hdu.values["BITPIX"])])  # type: ignore[arg-type]
    scale, zero = _number(hdu, "BSCALE", 1.0), _number(hdu, "BZERO", 0.0)
    blank = hdu.values.get("BLANK") if kind.kind in "iu" else None

    def opened() -> Values:
        at = hdu.data_at

        def values(count: int) -> NDArray[np.floating]:
            nonlocal at
            raw = np.frombuffer(pread(source, count * kind.itemsize, at), kind)
            at += raw.nbytes
            return _physical(raw, scale, zero, blank)

        return values

    return opened


def _physical(raw: NDArray[Any], scale: float, zero: float, blank: object) -> NDArray[np.floating]:
    """As FITS 4.0, 5.3 has it: scaled, and NaN where an integer is BLANK."""
    is_short = raw.dtype.itemsize <= 2 or raw.dtype.str == ">f4"
    values: NDArray[Any] = raw.astype(np.float32 if is_short else np.float64)
    if isinstance(blank, int) and not isinstance(blank, bool):
        values[raw == blank] = np.nan
    if (scale, zero) != (1.0, 0.0):
        with np.errstate(over="ignore", invalid="ignore"):
            values = values * scale + zero
    return values


def pread(source: BinaryIO, count: int, at: int) -> bytes:
    """Exactly so many bytes; raises EOFError where the file has become shorter."""
    pieces: list[bytes] = []
    while count and (piece := os.pread(source.fileno(), count, at)):
        pieces.append(piece)
        count -= len(piece)
        at += len(piece)
    if count:
        raise EOFError(f"the file ends at byte {at}, {count} bytes before the end of its image")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _number(hdu: Hdu, keyword: str, otherwise: float) -> float:
    value = hdu.values.get(keyword)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else otherwise  # type: ignore[arg-type]


class _Library:
    """astropy, for images that are compressed in tiles: it unpacks the tiles of a stripe, and no others."""

    def __init__(self, source: BinaryIO) -> None:
        from astropy.io import fits

        source.seek(0)
        self._hdus = fits.open(source, mode="readonly", memmap=False, lazy_load_hdus=True)

    def opener(self, index: int, axes: int, width: int) -> Any:
        """Values of the first plane, row by row."""

        def opened() -> Values:
            section = self._hdus[index].section
            plane = (0,) * (axes - 2)
            at = 0

            def values(count: int) -> NDArray[np.floating]:
                nonlocal at
                row, left = divmod(at, width)
                at += count
                if left == 0 and count % width == 0:
                    found = section[(*plane, slice(row, row + count // width))]
                else:
                    found = section[(*plane, row, slice(left, left + count))]
                return np.asarray(found, np.float64).ravel()

            return values

        return opened
