"""Checks of pixels, from a bounded sample: cheap, and so about what is wrong with a whole image, not with a pixel."""

from consumers.checks.check import Judged, check
from consumers.checks.look import Look
from consumers.checks.pixels import Unreadable

__all__ = ["pixel_median", "pixel_spread", "pixels_readable", "pixels_saturated", "pixels_without_value"]


@check()
def pixels_readable(file: Look) -> Judged | None:
    """An image that is compressed can be unpacked, as far as the sample goes; only said of such images."""
    sampled = file.sampled
    if isinstance(sampled, Unreadable):
        return Judged(passed=False, message=f"{sampled.of}: {sampled.why}")
    if sampled is None or not sampled.packed:
        return None
    return Judged(passed=True, message=sampled.in_words)


@check(wanted=("<=", 0.5))
def pixels_without_value(file: Look) -> Judged | None:
    """At most half of the pixels are NaN, infinite or blank; the value is the fraction."""
    pixels = file.pixels
    if pixels is None or not pixels.taken:
        return None
    return Judged(round(1 - pixels.finite().size / pixels.taken, 6), message=pixels.in_words)


@check(wanted=("<=", 0.25))
def pixels_saturated(file: Look) -> Judged | None:
    """At most a quarter of the pixels are as high as they can be (SATURATE, else the kind of number)."""
    pixels = file.pixels
    if pixels is None or not pixels.taken or (count := pixels.saturated()) is None:
        return None
    return Judged(round(count / pixels.taken, 6), message=pixels.in_words)


@check(wanted=(">", 0))
def pixel_spread(file: Look) -> Judged | None:
    """Not all pixels have one value: that is a detector that was off, or a readout of nothing."""
    pixels = file.pixels
    if pixels is None or pixels.finite().size < 2:
        return None
    return Judged(pixels.spread(), message=pixels.in_words)


@check(level="record-only")
def pixel_median(file: Look) -> Judged | None:
    """The median pixel, in the units of the image: background and lamps over the nights."""
    pixels = file.pixels
    if pixels is None or not pixels.finite().size:
        return None
    return Judged(pixels.median(), message=pixels.in_words)
