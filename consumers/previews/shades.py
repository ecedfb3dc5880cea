"""Values to shades of grey: between two percentiles, by the inverse hyperbolic sine or straight."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["NO_VALUE", "shades"]

NO_VALUE = 0
"""The shade of what has no value: darker than anything that has one."""

_ALL_ALIKE = 128
_SOFTENING = 0.1
"""Where asinh turns from straight to logarithmic, in parts of the range (Lupton, Gunn & Szalay 1999)."""


def shades(
    values: NDArray[np.float64],
    *,
    stretch: Literal["asinh", "linear"],
    low_percent: float,
    high_percent: float,
) -> tuple[NDArray[np.uint8], str]:
    """Shades from 1 to 255, and how they came about, in words."""
    known = np.isfinite(values)
    if not known.any():
        return np.full(values.shape, NO_VALUE, np.uint8), "no finite value"
    low, high = _limits(values[known], low_percent, high_percent)
    if low == high:
        return np.where(known, _ALL_ALIKE, NO_VALUE).astype(np.uint8), f"all {low:.6g}"
    # Divided before they are subtracted: the range of the largest numbers is none itself.
    scale = max(abs(low), abs(high))
    with np.errstate(invalid="ignore"):
        share = np.clip((values / scale - low / scale) / (high / scale - low / scale), 0.0, 1.0)
        if stretch == "asinh":
            share = np.arcsinh(share / _SOFTENING) / np.arcsinh(1 / _SOFTENING)
        shade = np.where(known, 1 + np.rint(254 * share), NO_VALUE)
    return shade.astype(np.uint8), f"{stretch} from {low:.6g} to {high:.6g}"


def _limits(known: NDArray[np.float64], low_percent: float, high_percent: float) -> tuple[float, float]:
    low, high = (float(each) for each in np.percentile(known, [low_percent, high_percent], method="nearest"))
    if low == high:  # nearly all is one value: what differs is to be seen
        low, high = float(known.min()), float(known.max())
    return low, high
