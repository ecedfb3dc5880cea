"""A bounded sample of an ASDF file's image, from windows or pieces of its block; no library opens the file."""

from typing import TYPE_CHECKING, BinaryIO

from consumers.checks.pixels import MAX_BYTES, WINDOWS, Pixels, Unreadable
from consumers.formats.asdf_images import StoredImage, stored_images
from consumers.formats.asdf_unpacking import UnpackError, chunks, unpacked, unpacking

if TYPE_CHECKING:
    from consumers.formats.asdf_scan import Layout

__all__ = ["sample_asdf"]

PIECES = 4
"""Of an lz4 block, four megabytes unpacked each: what no byte outside is needed for."""

INFLATED_AT_MOST = 16 * 1024**2
"""Of a zlib block, which can only be unpacked from its begin."""


def sample_asdf(source: BinaryIO, layout: "Layout") -> Pixels | Unreadable | None:
    """Pixels of the image called ``data``, else of the first one; None where the file has none."""
    image = next(iter(stored_images(layout)), None)
    if image is None:
        return None
    of = f"{image.name} in block {image.block.index}"
    try:
        raw = _SAMPLERS[image.block.compression](source, image)
    except UnpackError as error:
        return Unreadable(of, str(error))
    import numpy as np

    kind = np.dtype(image.kind)
    stored = np.frombuffer(raw[: len(raw) // kind.itemsize * kind.itemsize], kind)
    native = stored.astype(stored.dtype.newbyteorder("="))
    return Pixels(of, image.pixels, native, packed=bool(image.block.compression))


def _from_plain(source: BinaryIO, image: StoredImage) -> bytes:
    begin, size, item = image.block.data_at + image.begin, _bytes(image), _item(image)
    pieces = []
    for at, length in _windows(size, item):
        source.seek(begin + at)
        pieces.append(source.read(length))
    return b"".join(pieces)


def _from_zlib(source: BinaryIO, image: StoredImage) -> bytes:
    stream, left_out = unpacking(source, image.block), image.begin
    while left_out:
        left_out -= len(stream.read(min(left_out, MAX_BYTES)))
    size = min(_bytes(image), INFLATED_AT_MOST)
    pieces, at = [], 0
    for begin, length in _windows(size, _item(image)):
        while at < begin:
            at += len(stream.read(min(begin - at, MAX_BYTES)))
        pieces.append(stream.read(length))
        at += length
    return b"".join(pieces)


def _from_lz4(source: BinaryIO, image: StoredImage) -> bytes:
    """Evenly spaced pieces, of each what belongs to the image, whole pixels only."""
    begin, end, item = image.begin, image.begin + _bytes(image), _item(image)
    placed, at = [], 0
    for chunk in chunks(source, image.block):
        if at < end and at + chunk.data_bytes > begin:
            placed.append((at, chunk))
        at += chunk.data_bytes
    if at < end:
        raise UnpackError(f"the block ends {end - at} bytes before the end of its image")
    step = max(1.0, (len(placed) - 1) / (PIECES - 1))
    taken = [placed[round(number * step)] for number in range(min(PIECES, len(placed)))]
    wanted = MAX_BYTES // len(taken)
    return b"".join(_part(unpacked(source, chunk), at, begin, end, item, wanted) for at, chunk in taken)


def _part(data: bytes, at: int, begin: int, end: int, item: int, wanted: int) -> bytes:
    first = max(0, begin - at)
    first += -(at + first - begin) % item
    last = min(len(data), end - at)
    windows = _windows((last - first) // item * item, item, at_most=wanted)
    return b"".join(data[first + start : first + start + length] for start, length in windows)


def _windows(size: int, item: int, *, at_most: int = MAX_BYTES) -> list[tuple[int, int]]:
    """Where to read and how much, in order and on whole pixels: all of it, or so many bytes evenly spaced."""
    if size <= at_most:
        return [(0, size)]
    window = max(item, at_most // WINDOWS // item * item)
    step = (size - window) / (WINDOWS - 1)
    return [(int(step * number) // item * item, window) for number in range(WINDOWS)]


def _bytes(image: StoredImage) -> int:
    return image.pixels * _item(image)


def _item(image: StoredImage) -> int:
    return int(image.kind[-1])


_SAMPLERS = {"": _from_plain, "zlib": _from_zlib, "lz4": _from_lz4}
