"""One header-data unit of a FITS file, as our own reader finds it."""

from collections.abc import Mapping
from dataclasses import dataclass

from consumers.formats.inspection import Scalar

__all__ = ["BLOCK_BYTES", "Hdu"]

BLOCK_BYTES = 2880


@dataclass(frozen=True, slots=True)
class Hdu:
    """Where one header and its data lie, and the values of its cards (the first where a keyword repeats)."""

    index: int
    header_at: int
    data_at: int
    data_bytes: int
    cards: int
    values: Mapping[str, Scalar]

    @property
    def end_at(self) -> int:
        """Where the next HDU begins: data are filled up to whole blocks."""
        return self.data_at + -(-self.data_bytes // BLOCK_BYTES) * BLOCK_BYTES
