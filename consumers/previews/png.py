"""PNG of one grey channel, 8 bits a pixel (W3C PNG, third edition): all that a preview needs of the format."""

import struct
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["png"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_UP = 2
"""Filter type of a row: its difference from the row above, which packs well where an image is smooth."""


def png(shades: NDArray[np.uint8]) -> bytes:
    """The file's bytes; ``shades`` has the top row first."""
    height, width = shades.shape
    above = np.vstack([np.zeros((1, width), np.uint8), shades[:-1]])
    rows: NDArray[Any] = np.empty((height, width + 1), np.uint8)
    rows[:, 0] = _UP
    np.subtract(shades, above, out=rows[:, 1:])  # modulo 256, as the filter wants it
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(rows.tobytes(), 6)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
