"""Ways to spoil a good file that leave everything else about it right, its checksums among it."""

import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["cut", "edit_fits", "edit_tree", "fits_values", "laughs", "picture"]

_TREE_END = b"\n...\n"
_BLOCK_INDEX = b"#ASDF BLOCK INDEX"
_OFFSET = re.compile(rb"(?<![\d.])\d+(?![\d.])")


def cut(path: Path, keep: float) -> None:
    """Keep only the first part of a file, as a share of its size."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])


def edit_tree(path: Path, change: Callable[[str], str]) -> None:
    """Change the text of an ASDF file's tree, and move the offsets in its index of blocks along."""
    tree, end, rest = path.read_bytes().partition(_TREE_END)
    changed = change(tree.decode()).encode()
    if changed == tree:
        raise ValueError(f"{path}: nothing in the tree is as the change expects it")
    blocks, mark, index = rest.rpartition(_BLOCK_INDEX)
    moved = len(changed) - len(tree)
    index = _OFFSET.sub(lambda offset: str(int(offset[0]) + moved).encode(), index)
    path.write_bytes(changed + end + blocks + mark + index)


def edit_fits(path: Path, change: Callable[[Any], object]) -> None:
    """Change the header of a FITS file's first HDU and bring its checksums up to date."""
    from astropy.io import fits

    with fits.open(path, do_not_scale_image_data=True, memmap=False) as file:
        hdu = file[0]
        hdu.data  # noqa: B018 - read it before the file is written over
        when = hdu.header.comments["CHECKSUM"]
        change(hdu.header)
        hdu.add_checksum(when=when)
        file.writeto(path, output_verify="exception", overwrite=True)


def fits_values(path: Path, *keywords: str) -> dict[str, Any]:
    """Values from a FITS file's first header."""
    from astropy.io import fits

    header = fits.getheader(path)
    return {keyword: header[keyword] for keyword in keywords}


def laughs(levels: int = 9) -> str:
    """YAML whose last alias stands for ten to the power of ``levels`` words."""
    lines = (
        f"laugh{level}: &laugh{level} [{', '.join([f'*laugh{level - 1}'] * 10)}]\n"
        for level in range(1, levels + 1)
    )
    return "laugh0: &laugh0 ha\n" + "".join(lines)


def picture() -> bytes:
    """A PNG of one grey pixel."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    size = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixel = zlib.compress(b"\x00\x80")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")
