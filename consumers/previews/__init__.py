"""Pictures of files: images read in stripes, shrunk, stretched to shades, put side by side, written as PNG."""

from consumers.previews.making import Made, Room, make_preview

__all__ = ["Made", "Room", "make_preview"]
