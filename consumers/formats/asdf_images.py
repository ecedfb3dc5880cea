"""Which arrays of an ASDF file are images, and where each lies; nothing of them is read."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from consumers.formats.asdf_blocks import Block
from consumers.formats.asdf_scan import ARRAY_TAG, Layout
from consumers.formats.yaml_tree import Branch, Leaf, Sequence_, Tree

__all__ = ["StoredImage", "stored_images"]

_TYPES = {
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "int64": "i8",
    "uint64": "u8", "float16": "f2", "float32": "f4", "float64": "f8",
}  # fmt: skip
_ORDER = {"big": ">", "little": "<"}
_DEPTH = 12


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An array of two axes or more that lies in a block in one piece; ``kind`` is numpy's word for its numbers."""

    name: str
    shape: tuple[int, ...]
    kind: str
    block: Block
    begin: int

    @property
    def pixels(self) -> int:
        """How many there are."""
        return prod(self.shape)


def stored_images(layout: Layout) -> list[StoredImage]:
    """In the order of the tree; of a product that has an image called ``data``, that one first."""
    found = list(_images(layout.root, layout.blocks, "", 0))
    return sorted(found, key=lambda image: image.name.rpartition(".")[2] != "data")


def _images(node: Tree, blocks: tuple[Block, ...], name: str, depth: int) -> Iterator[StoredImage]:
    if not isinstance(node, Branch) or depth > _DEPTH:
        return
    if node.tag and ARRAY_TAG.fullmatch(node.tag):
        image = _image(node, blocks, name)
        if image is not None:
            yield image
        return
    for key, value in node.items:
        if isinstance(key, Leaf):
            yield from _images(value, blocks, f"{name}.{key.text}".lstrip("."), depth + 1)


def _image(node: Branch, blocks: tuple[Block, ...], name: str) -> StoredImage | None:
    """The scan has found that it lies inside its block."""
    shape, kind, place = _shape(node.get("shape")), _kind(node), node.get("source")
    if kind is None or not isinstance(place, Leaf) or node.get("strides") is not None:
        return None
    if len(shape) < 2 or 0 in shape or min(shape[-2:]) < 2:
        return None
    offset = node.get("offset")
    begin = int(offset.text) if isinstance(offset, Leaf) else 0
    return StoredImage(name, tuple(shape), kind, blocks[int(place.text)], begin)


def _shape(node: Tree | None) -> list[int]:
    items = node.items if isinstance(node, Sequence_) else ()
    lengths = [item.text for item in items if isinstance(item, Leaf)]
    are_numbers = len(lengths) == len(items) and all(map(str.isdecimal, lengths))
    return [int(text) for text in lengths] if are_numbers else []


def _kind(node: Branch) -> str | None:
    datatype, order = node.get("datatype"), node.get("byteorder")
    name = _TYPES.get(datatype.text) if isinstance(datatype, Leaf) else None
    if name is None:
        return None
    return _ORDER.get(order.text if isinstance(order, Leaf) else "", "=") + name
