"""A bounded look through a JPEG file, marker by marker, with no pixel decoded."""

import re
from dataclasses import dataclass

from consumers.formats.findings import Findings
from consumers.formats.inspection import InvalidFileError

__all__ = ["MAX_BYTES", "Image", "scan"]

MAX_BYTES = 64 * 1024**2
MAX_PIXELS = 100_000_000  # a decoder takes three bytes for each; full frames of our cameras have 17 million
MAX_SEGMENTS = 10_000
MAX_SCANS = 100  # a progressive image has some ten; each makes a decoder go over all pixels again
SOI, EOI, SOS, DNL = 0xD8, 0xD9, 0xDA, 0xDC
ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
FRAMES = {0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive"}
OTHER_FRAMES = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
FILLED = re.compile(rb"\xff++")
# Compressed data end at a marker: any byte after 0xFF but the stuffed zero, a restart, or one more 0xFF.
END_OF_SCAN = re.compile(rb"\xff(?=[^\x00\xd0-\xd7\xff])")
BLOCK_PIXELS = 64  # no block of 8 x 8 takes less than one bit


@dataclass(slots=True)
class Image:
    """What the headers say, and how much compressed data there is."""

    width: int = 0
    height: int = 0
    components: int = 0
    precision_bits: int = 0
    process: str = ""
    scans: int = 0
    segments: int = 0
    data_bytes: int = 0


def scan(raw: bytes, findings: Findings) -> Image:
    """Look through the file. Raises InvalidFileError, and nothing else, for what breaks the format or a limit."""
    if len(raw) > MAX_BYTES:
        raise _over(f"more than {MAX_BYTES} bytes", f"<= {MAX_BYTES} bytes")
    image, at = Image(), 2  # the start of image is what the format was told by
    while True:
        marker, at = _marker(raw, at)
        if marker == EOI:
            break
        image.segments += 1
        if image.segments > MAX_SEGMENTS:
            raise _over(f"more than {MAX_SEGMENTS} segments", f"<= {MAX_SEGMENTS}")
        if marker in ALONE:
            continue
        at = _segment(raw, marker, at, image)
    _require_image(image)
    if at < len(raw):
        message = f"{len(raw) - at} bytes after the end of the image, at byte {at}, belong to nothing"
        findings.warn("TRAILING_BYTES", message)
    return image


def _marker(raw: bytes, at: int) -> tuple[int, int]:
    """The marker at ``at``, and where it ends; any number of 0xFF may stand before it."""
    if raw[at : at + 1] != b"\xff":
        if at >= len(raw):
            raise _cut("the end of image", len(raw))
        raise _wrong(f"byte 0x{raw[at]:02x} at {at}", "a marker")
    found = FILLED.match(raw, at)
    at = found.end() if found else at + 1
    if at >= len(raw):
        raise _cut("a marker", len(raw))
    if raw[at] in {0x00, SOI}:
        raise _wrong(f"marker 0x{raw[at]:02x} at {at}", "one that may stand there")
    return raw[at], at + 1


def _segment(raw: bytes, marker: int, at: int, image: Image) -> int:
    """Take in one segment, and the compressed data after it where it begins a scan; where the next marker is."""
    length = int.from_bytes(raw[at : at + 2], "big")
    end = at + length
    if len(raw) - at < 2 or end > len(raw):
        raise _cut(f"segment 0x{marker:02x} at byte {at} up to byte {end}", len(raw))
    if length < 2:
        raise _wrong(f"segment 0x{marker:02x} of {length} bytes at byte {at}", ">= 2 bytes")
    if marker in OTHER_FRAMES or marker == DNL:
        raise _wrong(f"the process of marker 0x{marker:02x}", "baseline, extended or progressive")
    if marker in FRAMES:
        _frame(raw[at + 2 : end], FRAMES[marker], image)
    if marker != SOS:
        return end
    return _scan(raw, end, image)


def _frame(body: bytes, process: str, image: Image) -> None:
    if image.process:
        raise _wrong("two frame headers", "one image a file")
    if len(body) < 6 or len(body) != 6 + 3 * body[5]:
        raise _wrong(f"a frame header of {len(body)} bytes", "6, and 3 for each component")
    image.process, image.precision_bits, image.components = process, body[0], body[5]
    image.height, image.width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    if not image.height or not image.width:
        raise _wrong(f"an image of {image.width} x {image.height} pixels", "both > 0")
    if image.components not in {1, 3, 4} or image.precision_bits not in {8, 12}:
        found = f"{image.components} components of {image.precision_bits} bits"
        raise _wrong(found, "1, 3 or 4 components of 8 or 12 bits")
    if image.width * image.height > MAX_PIXELS:
        raise _over(f"{image.width} x {image.height} pixels", f"<= {MAX_PIXELS} pixels")
    sampling = body[7::3]
    if any(not 1 <= each >> 4 <= 4 or not 1 <= each & 15 <= 4 for each in sampling):
        raise _wrong(f"sampling factors {sampling.hex(' ')}", "1 to 4 each way")


def _scan(raw: bytes, at: int, image: Image) -> int:
    if not image.process:
        raise _wrong("compressed data before any frame header", "the frame header first")
    image.scans += 1
    if image.scans > MAX_SCANS:
        raise _over(f"more than {MAX_SCANS} scans", f"<= {MAX_SCANS} scans")
    found = END_OF_SCAN.search(raw, at)
    if found is None:
        raise _cut("the end of image after the compressed data", len(raw))
    image.data_bytes += found.start() - at
    return found.start()


def _require_image(image: Image) -> None:
    if not image.scans:
        raise _wrong("no compressed data before the end of image", "at least one scan")
    blocks = image.width * image.height // BLOCK_PIXELS
    if blocks > 8 * image.data_bytes:
        raise InvalidFileError(
            "UNSAFE_CONTENT",
            f"{image.width} x {image.height} pixels from {image.data_bytes} bytes of data, wanted a bit for each block "
            "of 64 pixels or more; make the image again",
            found=f"{image.data_bytes} bytes",
            wanted=f">= {blocks // 8} bytes",
        )


def _cut(wanted: str, size_bytes: int) -> InvalidFileError:
    return InvalidFileError(
        "TRUNCATED",
        f"the file ends at byte {size_bytes}, wanted {wanted}; send the whole file",
        found=f"{size_bytes} bytes",
        wanted=wanted,
    )


def _wrong(found: str, wanted: str) -> InvalidFileError:
    return InvalidFileError.unlike("UNREADABLE", found, wanted, lead="found ", then="make the image again")


def _over(found: str, wanted: str) -> InvalidFileError:
    return InvalidFileError.unlike("LIMIT_EXCEEDED", found, wanted, then="no preview needs that")
