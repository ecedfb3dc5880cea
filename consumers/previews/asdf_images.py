"""The images of an ASDF file, from its blocks, unpacked as they are read; no library touches the file."""

import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from consumers.formats.asdf_blocks import Block
from consumers.formats.asdf_scan import ARRAY_TAG, scan
from consumers.formats.findings import Findings
from consumers.formats.yaml_tree import Branch, Leaf, Sequence_, Tree
from consumers.previews.fits_images import pread
from consumers.previews.shrinking import Image, Values

__all__ = ["asdf_images"]

_TYPES = {
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "int64": "i8",
    "uint64": "u8", "float16": "f2", "float32": "f4", "float64": "f8",
}  # fmt: skip
_ORDER = {"big": ">", "little": "<"}
_PACKED_BYTES = 256 * 1024
_DEPTH = 12


def asdf_images(source: BinaryIO, size_bytes: int) -> list[Image]:
    """Arrays of two axes or more; of a product that has an image called ``data``, that one first."""
    layout = scan(source, size_bytes, Findings())
    found = list(_images(source, layout.root, layout.blocks, "", 0))
    return sorted(found, key=lambda image: image.name.rpartition(".")[2] != "data")


def _images(
    source: BinaryIO, node: Tree, blocks: tuple[Block, ...], name: str, depth: int
) -> Iterator[Image]:
    if not isinstance(node, Branch) or depth > _DEPTH:
        return
    if node.tag and ARRAY_TAG.fullmatch(node.tag):
        image = _image(source, node, blocks, name)
        if image is not None:
            yield image
        return
    for key, value in node.items:
        if isinstance(key, Leaf):
            yield from _images(source, value, blocks, f"{name}.{key.text}".lstrip("."), depth + 1)


def _image(source: BinaryIO, node: Branch, blocks: tuple[Block, ...], name: str) -> Image | None:
    """The array as an image, if it is one that lies in a block in one piece; the scan has found that it fits there."""
    shape, kind, place = _shape(node.get("shape")), _kind(node), node.get("source")
    if kind is None or not isinstance(place, Leaf) or node.get("strides") is not None:
        return None
    if len(shape) < 2 or 0 in shape or min(shape[-2:]) < 2:
        return None
    block, offset = blocks[int(place.text)], node.get("offset")
    if block.compression not in {"", "zlib"}:
        return None
    begin = int(offset.text) if isinstance(offset, Leaf) else 0
    read = _unpacked if block.compression == "zlib" else _plain

    def opened() -> Values:
        return read(source, block, begin, kind)

    return Image(name, shape[-2], shape[-1], opened)


def _shape(node: Tree | None) -> list[int]:
    items = node.items if isinstance(node, Sequence_) else ()
    lengths = [item.text for item in items if isinstance(item, Leaf)]
    return (
        [int(text) for text in lengths]
        if len(lengths) == len(items) and all(map(str.isdigit, lengths))
        else []
    )


def _kind(node: Branch) -> np.dtype[Any] | None:
    datatype, order = node.get("datatype"), node.get("byteorder")
    name = _TYPES.get(datatype.text) if isinstance(datatype, Leaf) else None
    return (
        None
        if name is None
        else np.dtype(_ORDER.get(order.text if isinstance(order, Leaf) else "", "=") + name)
    )


def _plain(source: BinaryIO, block: Block, begin: int, kind: np.dtype[Any]) -> Values:
    at = block.data_at + begin

    def values(count: int) -> NDArray[np.floating]:
        nonlocal at
        raw = np.frombuffer(pread(source, count * kind.itemsize, at), kind)
        at += raw.nbytes
        return _floats(raw)

    return values


def _unpacked(source: BinaryIO, block: Block, begin: int, kind: np.dtype[Any]) -> Values:
    stream = _Inflated(source, block)
    left_out = begin

    def values(count: int) -> NDArray[np.floating]:
        nonlocal left_out
        while left_out:
            left_out -= len(stream.read(min(left_out, _PACKED_BYTES)))
        return _floats(np.frombuffer(stream.read(count * kind.itemsize), kind))

    return values


def _floats(raw: NDArray[Any]) -> NDArray[np.floating]:
    return raw.astype(np.float32 if raw.dtype.itemsize <= 2 or raw.dtype.char == "f" else np.float64)


class _Inflated:
    """A block's bytes, unpacked from the front as they are asked for."""

    def __init__(self, source: BinaryIO, block: Block) -> None:
        self._source = source
        self._at, self._end = block.data_at, block.data_at + block.used_bytes
        self._unpacker = zlib.decompressobj()

    def read(self, count: int) -> bytes:
        """Exactly so many; raises EOFError where the block holds fewer."""
        found = bytearray()
        while len(found) < count:
            packed = self._unpacker.unconsumed_tail or self._more()
            if not packed:
                raise EOFError(f"the block ends {count - len(found)} bytes before the end of its image")
            found += self._unpacker.decompress(packed, count - len(found))
        return bytes(found)

    def _more(self) -> bytes:
        size = min(_PACKED_BYTES, self._end - self._at)
        packed = pread(self._source, size, self._at) if size > 0 else b""
        self._at += len(packed)
        return packed
