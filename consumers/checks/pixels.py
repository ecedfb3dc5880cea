"""A bounded sample of an image's pixels: at most 256 KiB of a FITS file's first plain image are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from consumers.formats.inspection import Scalar

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from consumers.formats.fits_scan import Hdu

__all__ = ["MAX_BYTES", "WINDOWS", "Pixels", "Unreadable", "sample"]

MAX_BYTES = 256 * 1024
WINDOWS = 64
KINDS = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An image ``of`` the file is there and cannot be unpacked: why, in words."""

    of: str
    why: str


@dataclass(frozen=True, slots=True)
class Pixels:
    """Pixels as stored, ``taken`` of ``total`` of the image ``of``; ``scale`` and ``zero`` make them what they mean.

    ``packed``: they had to be unpacked, so that having them at all says something of the file.
    """

    of: str
    total: int
    stored: "NDArray[Any]"
    blank: int | None = None
    saturated_at: float | None = None
    scale: float = 1.0
    zero: float = 0.0
    packed: bool = False

    @property
    def taken(self) -> int:
        """How many pixels were read."""
        return int(self.stored.size)

    @property
    def in_words(self) -> str:
        """How far the sample goes, for whoever reads a result."""
        if self.taken == self.total:
            return f"of all {self.total} pixels of {self.of}"
        return f"of a sample of {self.taken} of {self.total} pixels of {self.of}"

    def finite(self) -> "NDArray[Any]":
        """The pixels that have a value, as stored."""
        import numpy as np

        stored: NDArray[Any] = self.stored
        if stored.dtype.kind == "f":
            stored = stored[np.isfinite(stored)]
        elif self.blank is not None:
            stored = stored[stored != self.blank]
        return stored

    def median(self) -> float:
        """Of those that have a value, in the units of the image."""
        import numpy as np

        finite = self.finite()
        middle = (
            _median_of_few(finite)
            if finite.dtype.kind in "iu" and finite.itemsize <= 2
            else np.median(finite)
        )
        return float(middle) * self.scale + self.zero

    def spread(self) -> float:
        """From the lowest to the highest that have a value, in the units of the image."""
        finite = self.finite()
        return abs((float(finite.max()) - float(finite.min())) * self.scale)

    def saturated(self) -> int | None:
        """How many are as high as they can be; None where neither the header nor the kind of number tells."""
        import numpy as np

        limit = self.saturated_at
        if limit is None:
            if self.stored.dtype.kind == "f":
                return None
            limit = np.iinfo(self.stored.dtype).max
        return int((self.finite() >= limit).sum())


def _median_of_few(stored: "NDArray[Any]") -> float:
    """Of numbers of which there are 65,536 at most: counting them costs a fifth of putting them in order."""
    import numpy as np

    lowest = np.iinfo(stored.dtype).min
    counts = np.bincount(stored.astype(np.intp) - lowest)
    up_to, last = counts.cumsum(), stored.size - 1
    low, high = np.searchsorted(up_to, [last // 2, last - last // 2], side="right") + lowest
    return (int(low) + int(high)) / 2


def sample(source: BinaryIO, hdus: "Sequence[Hdu]") -> Pixels | None:
    """Pixels from evenly spaced windows; None where the file has no image that can be read without unpacking it."""
    hdu = next((each for each in hdus if _is_plain_image(each)), None)
    if hdu is None:
        return None
    values = hdu.values
    scale, zero = _number(values.get("BSCALE"), 1.0), _number(values.get("BZERO"), 0.0)
    limit = _number(values.get("SATURATE"), None)
    item = abs(int(values["BITPIX"] or 8)) // 8
    return Pixels(
        of=f"HDU {hdu.index}",
        total=hdu.data_bytes // item,
        stored=_read(source, hdu, KINDS[int(values["BITPIX"] or 8)], item),
        blank=blank if isinstance(blank := values.get("BLANK"), int) else None,
        saturated_at=None if limit is None or not scale else (limit - (zero or 0.0)) / scale,
        scale=scale or 1.0,
        zero=zero or 0.0,
    )


def _is_plain_image(hdu: "Hdu") -> bool:
    values = hdu.values
    axes = values.get("NAXIS")
    is_image = str(values.get("XTENSION") or "IMAGE").strip() == "IMAGE"
    is_plain = values.get("GROUPS") is not True and values.get("ZIMAGE") is not True
    return is_image and is_plain and isinstance(axes, int) and axes >= 2 and hdu.data_bytes > 0


def _read(source: BinaryIO, hdu: "Hdu", kind: str, item: int) -> "NDArray[Any]":
    import numpy as np

    windows, window = (1, hdu.data_bytes) if hdu.data_bytes <= MAX_BYTES else (WINDOWS, MAX_BYTES // WINDOWS)
    step = (hdu.data_bytes - window) / max(1, windows - 1)
    pieces = []
    for number in range(windows):
        source.seek(hdu.data_at + int(step * number) // item * item)
        piece = source.read(window)
        pieces.append(piece[: len(piece) // item * item])
    stored = np.frombuffer(b"".join(pieces), dtype=kind)
    return stored.astype(stored.dtype.newbyteorder("="))


def _number(value: Scalar, other: float | None) -> float | None:
    return other if isinstance(value, bool) or not isinstance(value, int | float) else float(value)
