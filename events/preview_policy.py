"""Pictures of a stream's files, as part of its configuration."""

from typing import Literal

from pydantic import Field

from events.types import Part

__all__ = ["Previews"]


class Previews(Part):
    """What a preview looks like. Previews wait for all other work, and nothing ever waits for them."""

    edge_px: int = Field(1024, ge=64, le=4096, description="the longer edge of the picture, pixels")
    images: int = Field(24, ge=1, le=256, description="at most so many images of a file, side by side")
    stretch: Literal["asinh", "linear"] = "asinh"
    low_percent: float = Field(1.0, ge=0, lt=50, description="of the values below are black")
    high_percent: float = Field(99.5, gt=50, le=100, description="of the values: those above are white")
    purposes: tuple[Literal["science", "calibration", "engineering", "test"], ...] = Field(
        ("science", "calibration"), description="files for these are shown"
    )
