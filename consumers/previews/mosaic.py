"""Pictures side by side, as near to a square as their number allows."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from consumers.previews.shades import NO_VALUE

__all__ = ["columns_for", "mosaic", "tile_edge"]

_GAP = 2


def columns_for(count: int) -> int:
    """How many stand side by side."""
    return math.ceil(math.sqrt(count))


def tile_edge(edge: int, count: int) -> int:
    """The longest edge that each of so many may have, pixels; 8 at least, so that there is something to see."""
    columns = columns_for(count)
    return max(8, (edge - _GAP * (columns - 1)) // columns)


def mosaic(tiles: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """All of them, in rows from the top left, as they came."""
    if len(tiles) == 1:
        return tiles[0]
    columns = columns_for(len(tiles))
    rows = math.ceil(len(tiles) / columns)
    height, width = max(each.shape[0] for each in tiles), max(each.shape[1] for each in tiles)
    whole = np.full((rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP), NO_VALUE, np.uint8)
    for place, tile in enumerate(tiles):
        top, left = place // columns * (height + _GAP), place % columns * (width + _GAP)
        whole[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return whole
