"""The images of an ASDF file, from its blocks, unpacked as they are read; no library touches the file."""

from typing import Any, BinaryIO

import lz4.block  # noqa: F401 - loaded before the child is bound: blocks are unpacked after that
import numpy as np
from numpy.typing import NDArray

from consumers.formats.asdf_images import StoredImage, stored_images
from consumers.formats.asdf_scan import scan
from consumers.formats.asdf_unpacking import unpacking
from consumers.formats.findings import Findings
from consumers.previews.shrinking import Image, Values

__all__ = ["asdf_images"]

_STEP_BYTES = 256 * 1024


def asdf_images(source: BinaryIO, size_bytes: int) -> list[Image]:
    """Arrays of two axes or more; of a product that has an image called ``data``, that one first."""
    layout = scan(source, size_bytes, Findings())
    return [_image(source, stored) for stored in stored_images(layout)]


def _image(source: BinaryIO, stored: StoredImage) -> Image:
    kind = np.dtype(stored.kind)

    def opened() -> Values:
        stream, left_out = unpacking(source, stored.block), stored.begin

        def values(count: int) -> NDArray[np.floating]:
            nonlocal left_out
            while left_out:
                left_out -= len(stream.read(min(left_out, _STEP_BYTES)))
            return _floats(np.frombuffer(stream.read(count * kind.itemsize), kind))

        return values

    return Image(stored.name, stored.shape[-2], stored.shape[-1], opened)


def _floats(raw: NDArray[Any]) -> NDArray[np.floating]:
    return raw.astype(np.float32 if raw.dtype.itemsize <= 2 or raw.dtype.char == "f" else np.float64)
