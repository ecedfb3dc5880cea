"""A bounded sample of an image that is compressed in tiles: astropy unpacks a few tiles of it, and no others."""

import warnings
from collections.abc import Sequence
from math import ceil, prod
from typing import TYPE_CHECKING, Any, BinaryIO

from consumers.checks.pixels import MAX_BYTES, Pixels, Unreadable
from consumers.formats.inspection import Scalar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consumers.formats.fits_scan import Hdu

__all__ = ["sample_packed"]

TILES = 8
TILE_BYTES_AT_MOST = 32 * 1024**2
"""A tile is unpacked whole. Writers use one row or a square of some hundred pixels; a whole frame of 4k has 64 MiB."""


def sample_packed(source: BinaryIO, hdus: "Sequence[Hdu]") -> Pixels | Unreadable | None:
    """Pixels of evenly spaced tiles of the first such image; None where there is none, or its tiles are too large."""
    hdu = next((each for each in hdus if each.values.get("ZIMAGE") is True), None)
    if hdu is None:
        return None
    axes, tile = _axes(hdu, "ZNAXIS"), _tile(hdu)
    item = abs(int(hdu.values.get("ZBITPIX") or 8)) // 8
    if len(axes) < 2 or 0 in axes or prod(tile) * max(item, 4) > TILE_BYTES_AT_MOST:
        return None
    of = f"HDU {hdu.index}"
    try:
        stored = _unpacked(source, hdu.index, axes, tile)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - astropy raises anything on damaged tiles
        return Unreadable(of, f"astropy cannot unpack its tiles: {type(error).__name__}: {error}")
    return Pixels(of, prod(axes), stored, saturated_at=_number(hdu.values.get("SATURATE")), packed=True)


def _unpacked(source: BinaryIO, index: int, axes: tuple[int, ...], tile: tuple[int, ...]) -> "NDArray[Any]":
    """What the tiles hold, scaled as the header says; NaN where it says blank."""
    import numpy as np
    from astropy.io import fits

    counts = [ceil(length / part) for length, part in zip(axes, tile, strict=True)]
    total = prod(counts)
    taken = min(TILES, total)
    source.seek(0)
    pieces = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the format has kept them, with the file's findings
        section = fits.open(source, mode="readonly", memmap=False, lazy_load_hdus=True)[index].section
        for number in range(taken):
            place = np.unravel_index(round(number * (total - 1) / max(1, taken - 1)), counts)
            part = tuple(
                slice(int(at) * size, min(int(at) * size + size, length))
                for at, size, length in zip(place, tile, axes, strict=True)
            )
            pieces.append(_thinned(np.asarray(section[part]).ravel(), taken))
    return np.concatenate(pieces)


def _thinned(values: "NDArray[Any]", taken: int) -> "NDArray[Any]":
    """Of a large tile only every so many pixels, evenly spaced."""
    step = ceil(values.nbytes * taken / MAX_BYTES)
    return values[:: max(1, step)].copy()


def _axes(hdu: "Hdu", keyword: str) -> tuple[int, ...]:
    """Lengths in the order of numpy, the slowest first."""
    count = hdu.values.get(keyword)
    lengths = [hdu.values.get(f"{keyword}{number}") for number in range(1, int(count or 0) + 1)]
    return tuple(int(length or 0) for length in reversed(lengths))


def _tile(hdu: "Hdu") -> tuple[int, ...]:
    """A tile's lengths; where the header does not say, it is one row."""
    axes = _axes(hdu, "ZNAXIS")
    fastest_first = enumerate(reversed(axes), start=1)
    told = [
        hdu.values.get(f"ZTILE{number}") or (length if number == 1 else 1) for number, length in fastest_first
    ]
    return tuple(max(1, int(length)) if isinstance(length, int) else 1 for length in reversed(told))


def _number(value: Scalar) -> float | None:
    return None if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
