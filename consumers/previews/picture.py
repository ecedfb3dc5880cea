"""One file to one picture, in this process: for ``child``, and for files that one trusts."""

from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from consumers.previews.asdf_images import asdf_images
from consumers.previews.fits_images import fits_images
from consumers.previews.mosaic import mosaic, tile_edge
from consumers.previews.png import png
from consumers.previews.shades import shades
from consumers.previews.shrinking import Image, shrunk
from events.preview_policy import Previews

__all__ = ["NothingToShowError", "Picture", "images_of", "picture_of"]

_STRETCH_CHARACTERS = 500


class NothingToShowError(Exception):
    """The file has no image that can be shown; the message says what it has."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG and what it shows. ``left_out``: images that it does not show."""

    png: bytes
    width_px: int
    height_px: int
    images: int
    left_out: int
    stretch: str


def images_of(source: BinaryIO, size_bytes: int) -> list[Image]:
    """The images of a FITS or ASDF file, by its first bytes. Raises NothingToShowError, InvalidFileError."""
    source.seek(0)
    head = source.read(16)
    if head.startswith(b"SIMPLE  ="):
        return fits_images(source, size_bytes)
    if head.startswith(b"#ASDF "):
        found = asdf_images(source, size_bytes)
        # A product with an array called data says which of its arrays is the picture; the others are about it.
        return found[:1] if found and found[0].name.rpartition(".")[2] == "data" else found
    raise NothingToShowError("found neither FITS nor ASDF; pictures are made of images in these")


def picture_of(images: list[Image], wanted: Previews) -> Picture:
    """The first images, each stretched by its own values. Raises NothingToShowError, EOFError."""
    if not images:
        raise NothingToShowError("found no array of two axes that can be read here, wanted an image")
    shown = images[: wanted.images]
    edge = tile_edge(wanted.edge_px, len(shown))
    tiles, words = [], []
    for image in shown:
        tile, word = _tile(image, edge, wanted)
        tiles.append(tile)
        words.append(f"{image.name}: {word}"[:120])
    whole = mosaic(tiles)
    told = "; ".join(words)
    if len(told) > _STRETCH_CHARACTERS:
        told = f"{told[: _STRETCH_CHARACTERS - 1]}…"
    return Picture(png(whole), whole.shape[1], whole.shape[0], len(shown), len(images) - len(shown), told)


def _tile(image: Image, edge: int, wanted: Previews) -> tuple[NDArray[np.uint8], str]:
    values = shrunk(image, edge)[::-1]  # the first row of an image is its lowest, that of a PNG its highest
    return shades(
        values,
        stretch=wanted.stretch,
        low_percent=wanted.low_percent,
        high_percent=wanted.high_percent,
    )
