"""What a check sees of one file: its metadata, every value it tells, the time of the look, a sample of its pixels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO

from consumers.checks.pixels import Pixels, Unreadable, sample
from consumers.checks.pixels_of_asdf import sample_asdf
from consumers.checks.pixels_of_tiles import sample_packed
from consumers.formats.metadata import Metadata

if TYPE_CHECKING:
    from consumers.formats.asdf_scan import Layout
    from consumers.formats.fits_scan import Hdu

__all__ = ["Look"]


@dataclass
class Look:
    """One file. ``values`` are the header's, or the tree's by dotted names; ``layout`` is an ASDF file's."""

    name: str
    format: str
    size_bytes: int
    metadata: Metadata
    values: Mapping[str, object]
    source: BinaryIO
    hdus: "Sequence[Hdu]" = ()
    layout: "Layout | None" = None
    purpose: str | None = None
    at: datetime | None = None

    @cached_property
    def start(self) -> datetime | None:
        """Begin of the observation, UTC."""
        return _moment(self.metadata.obs_start_utc)

    @cached_property
    def end(self) -> datetime | None:
        """End of the observation, UTC."""
        return _moment(self.metadata.obs_end_utc)

    @cached_property
    def pixels(self) -> Pixels | None:
        """A bounded sample of the first image; None where there is none that may be read so, or it can't be read."""
        sampled = self.sampled
        return sampled if isinstance(sampled, Pixels) else None

    @cached_property
    def sampled(self) -> "Pixels | Unreadable | None":
        """The sample, or why the image that is there cannot be read."""
        if self.layout is not None:
            return sample_asdf(self.source, self.layout)
        return sample(self.source, self.hdus) or sample_packed(self.source, self.hdus)

    def number(self, name: str) -> float | None:
        """A value of the header as a number; None where it is not there, blank or no number."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value)


def _moment(text: str | None) -> datetime | None:
    """A time of the metadata; the 60th second of a minute with a leap second is the first of the next."""
    if text is None:
        return None
    leaps = text[17:19] == "60"
    try:
        moment = datetime.fromisoformat(f"{text[:17]}59{text[19:]}" if leaps else text)
    except ValueError:
        return None  # astropy can tell years of more than four digits
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return moment + timedelta(seconds=1) if leaps else moment
