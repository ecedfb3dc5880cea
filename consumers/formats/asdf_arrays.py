"""One array of an ASDF tree: it must lie inside a block of its own file, from its first byte to its last."""

import re
from math import prod

from consumers.formats.asdf_blocks import Block
from consumers.formats.inspection import InvalidFileError
from consumers.formats.text import shortened
from consumers.formats.yaml_tree import Branch, Leaf, Sequence_, Tree

__all__ = ["check_array"]

INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,18})")
ITEM_BYTES = {
    "bool8": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "int32": 4, "uint32": 4, "float32": 4,
    "int64": 8, "uint64": 8, "float64": 8, "complex64": 8, "complex128": 16,
}  # fmt: skip
TEXT_BYTES = {"ascii": 1, "ucs4": 4}


def check_array(node: Branch, blocks: tuple[Block, ...]) -> None:
    """Raise InvalidFileError when the array points out of the file, out of its block, or at a block that is missing."""
    place = node.get("source")
    if place is None:
        return  # the values stand in the tree itself
    index = _integer(place)
    if index is None:
        # asdf would fetch it: file:// reads other files of this machine, http:// calls other servers.
        shown = shortened(place.text, 100) if isinstance(place, Leaf) else "a collection"
        raise _unsafe(f"an array whose source is {shown!r}", "the number of a block in the file")
    if index == -1 and blocks and blocks[-1].is_streamed:
        index = len(blocks) - 1
    if index < 0:
        raise _unsafe(f"an array in block {index}", ">= 0")
    if index >= len(blocks):
        raise InvalidFileError(
            "TRUNCATED",
            f"an array lies in block {index}, the file has {len(blocks)} blocks; send the whole file",
            found=f"{len(blocks)} blocks",
            wanted=f"> {index} blocks",
        )
    _check_extent(node, blocks[index])


def _check_extent(node: Branch, block: Block) -> None:
    """First and last byte of the array; a negative offset would read memory that is not the file's."""
    offset = _integer(node.get("offset") or Leaf("0", None, plain=True))
    shape = _integers(node.get("shape"))
    if offset is None or offset < 0:
        raise _unsafe(
            f"an array in block {block.index} at offset {_shown(node.get('offset'))}", "an integer >= 0"
        )
    if shape is None or any(length < 0 for length in shape):
        if not block.is_streamed:
            raise _unsafe(
                f"an array in block {block.index} of shape {_shown(node.get('shape'))}", "integers >= 0"
            )
        return
    item = _item_bytes(node.get("datatype"))
    if item is None or not prod(shape):
        return
    first, last = _ends(node, shape, item)
    if offset + first < 0 or offset + last > block.data_bytes:
        raise _unsafe(
            f"an array over the bytes {offset + first} to {offset + last} of block {block.index}",
            f"0 to {block.data_bytes}",
        )


def _ends(node: Branch, shape: list[int], item: int) -> tuple[int, int]:
    """Where the array begins and ends, seen from its offset."""
    if node.get("strides") is None:
        return 0, item * prod(shape)
    strides = _integers(node.get("strides"))
    if strides is None or len(strides) != len(shape) or 0 in strides:
        raise _unsafe(f"an array with the strides {_shown(node.get('strides'))}", "one a dimension, none 0")
    steps = [(length - 1) * stride for length, stride in zip(shape, strides, strict=True)]
    return sum(step for step in steps if step < 0), item + sum(step for step in steps if step > 0)


def _item_bytes(datatype: Tree | None) -> int | None:
    """The size of one item, None for what only the schema can tell."""
    if isinstance(datatype, Leaf):
        return ITEM_BYTES.get(datatype.text)
    if isinstance(datatype, Sequence_) and len(datatype.items) == 2 and isinstance(datatype.items[0], Leaf):
        width, length = TEXT_BYTES.get(datatype.items[0].text), _integer(datatype.items[1])
        return width * length if width and length is not None and length >= 0 else None
    return None


def _integers(node: Tree | None) -> list[int] | None:
    if not isinstance(node, Sequence_) or len(node.items) > 64:
        return None
    numbers = [_integer(item) for item in node.items]
    return None if None in numbers else [number for number in numbers if number is not None]


def _integer(node: Tree) -> int | None:
    """An integer written plainly: a quoted one is a text, and a text is the address of another file."""
    if isinstance(node, Leaf) and node.plain and INTEGER.fullmatch(node.text):
        return int(node.text)
    return None


def _shown(node: Tree | None) -> str:
    if isinstance(node, Sequence_):
        return shortened(f"[{', '.join(_shown(item) for item in node.items[:10])}]", 100)
    return shortened(node.text, 40) if isinstance(node, Leaf) else "nothing"


def _unsafe(found: str, wanted: str) -> InvalidFileError:
    return InvalidFileError.unlike("UNSAFE_CONTENT", found, wanted, then="write the file again")
