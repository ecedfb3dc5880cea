"""An image made small enough to be looked at, from one pass over its values, in stripes of bounded size."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["STRIPE_VALUES", "Image", "Values", "shrunk"]

STRIPE_VALUES = 1 << 20
"""Values in memory at once; as 64-bit numbers and their finiteness some 20 MB."""

Values = Callable[[int], NDArray[np.floating]]
"""The next so many values of an image, row by row; NaN where there is none."""


@dataclass(frozen=True, slots=True)
class Image:
    """One image of a file. ``open`` begins to read it from its first value."""

    name: str
    height: int
    width: int
    open: Callable[[], Values]


def shrunk(image: Image, edge: int) -> NDArray[np.float64]:
    """Means over squares, so that the longer edge is at most ``edge``; NaN where no value of a square is finite."""
    step = -(-max(image.height, image.width) // edge)
    sums = np.zeros((-(-image.height // step), -(-image.width // step)))
    counts = np.zeros(sums.shape, np.int64)
    values = image.open()
    if image.width <= STRIPE_VALUES:
        rows = STRIPE_VALUES // image.width
        for top in range(0, image.height, rows):
            here = min(rows, image.height - top)
            _add(values(here * image.width).reshape(here, image.width), top, 0, step, sums, counts)
    else:
        piece = max(step, STRIPE_VALUES // step * step)  # whole squares, so that none is counted in two
        for row in range(image.height):
            for left in range(0, image.width, piece):
                here = min(piece, image.width - left)
                _add(values(here).reshape(1, here), row, left, step, sums, counts)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        means = sums / counts
    return np.where(np.isfinite(means), means, np.nan)


def _add(
    stripe: NDArray[np.floating],
    top: int,
    left: int,
    step: int,
    sums: NDArray[np.float64],
    counts: NDArray[np.int64],
) -> None:
    """Add a stripe to the squares it lies in."""
    known = np.isfinite(stripe)
    if step == 1:
        places = np.s_[top : top + stripe.shape[0], left : left + stripe.shape[1]]
        sums[places], counts[places] = np.where(known, stripe, 0.0), known
        return
    columns = np.arange(0, stripe.shape[1], step)
    squares = (top + np.arange(stripe.shape[0])) // step
    first = left // step
    across = np.s_[first : first + len(columns)]
    with np.errstate(over="ignore", invalid="ignore"):
        in_row = np.add.reduceat(np.where(known, stripe, 0.0), columns, axis=1, dtype=np.float64)
        np.add.at(sums[:, across], squares, in_row)
    np.add.at(counts[:, across], squares, np.add.reduceat(known, columns, axis=1, dtype=np.int64))
