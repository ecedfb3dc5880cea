"""JPEG images that are damaged or made to do harm, marker by marker."""

from tests.consumers.formats.companions import SCAN, frame, jpeg_bytes, segment
from tests.consumers.formats.corpus.row import Content, Row, rows, warned

__all__ = ["ROWS"]

GOOD = jpeg_bytes()

HOSTILE: dict[str, tuple[Content, str]] = {
    "no bytes at all": (b"", "EMPTY_FILE"),
    "a text": (b"not a picture\n", "NOT_THE_FORMAT"),
    "a PNG image": (b"\x89PNG\r\n\x1a\n" + bytes(64), "NOT_THE_FORMAT"),
    "a FITS file": (b"SIMPLE  =                    T".ljust(2880), "NOT_THE_FORMAT"),
    "the start alone": (b"\xff\xd8\xff", "TRUNCATED"),
    "cut in a segment": (GOOD[:12], "TRUNCATED"),
    "cut in a segment's length": (b"\xff\xd8\xff\xe0\x00", "TRUNCATED"),
    "cut in the frame header": (GOOD[:28], "TRUNCATED"),
    "cut in the data": (GOOD[:-10], "TRUNCATED"),
    "cut before its end": (GOOD[:-2], "TRUNCATED"),
    "cut in its end": (GOOD[:-1], "TRUNCATED"),
    "a segment of a megabyte": (b"\xff\xd8\xff\xe0\xff\xff" + bytes(100), "TRUNCATED"),
    "a segment of no length": (b"\xff\xd8\xff\xe0\x00\x00" + bytes(100), "UNREADABLE"),
    "a segment of length 1": (b"\xff\xd8\xff\xe0\x00\x01" + bytes(100), "UNREADABLE"),
    "no marker where one must be": (b"\xff\xd8\xff\xe0\x00\x02" + bytes(100), "UNREADABLE"),
    "a byte that is no marker": (b"\xff\xd8\xff\xe0\x00\x02\x12\x34" + bytes(100), "UNREADABLE"),
    "cut between two segments": (b"\xff\xd8" + segment(0xE0, b"JFIF\x00") + segment(0xC0, frame()), "TRUNCATED"),
    "a second start": (b"\xff\xd8\xff\xd8" + GOOD[2:], "UNREADABLE"),
    "a stuffed zero between segments": (b"\xff\xd8\xff\x00" + GOOD[2:], "UNREADABLE"),
    "no frame header": (b"\xff\xd8" + segment(0xDA, SCAN) + bytes(10) + b"\xff\xd9", "UNREADABLE"),
    "no data": (b"\xff\xd8" + segment(0xC0, frame()) + b"\xff\xd9", "UNREADABLE"),
    "no width": (jpeg_bytes(width=0), "UNREADABLE"),
    "no height": (jpeg_bytes(height=0), "UNREADABLE"),
    "a height that comes later": (jpeg_bytes(after=b"").replace(b"\xff\xd9", segment(0xDC, b"\0\1") + b"\xff\xd9"),
                                  "UNREADABLE"),
    "two frame headers": (jpeg_bytes(segment(0xC0, frame())), "UNREADABLE"),
    "two components": (jpeg_bytes(components=2), "UNREADABLE"),
    "200 components": (jpeg_bytes(components=200), "UNREADABLE"),
    "16 bits": (jpeg_bytes(bits=16), "UNREADABLE"),
    "a sampling factor of 0": (jpeg_bytes(sampling=0x01), "UNREADABLE"),
    "a sampling factor of 15": (jpeg_bytes(sampling=0xF1), "UNREADABLE"),
    "a frame header that is too short": (b"\xff\xd8" + segment(0xC0, b"\x08\x00") + b"\xff\xd9", "UNREADABLE"),
    "a frame header that lies of its components": (
        b"\xff\xd8" + segment(0xC0, frame()[:5] + b"\x09" + frame()[6:]) + b"\xff\xd9", "UNREADABLE"
    ),
    "a lossless image": (jpeg_bytes(frame_marker=0xC3), "UNREADABLE"),
    "an arithmetic image": (jpeg_bytes(frame_marker=0xC9), "UNREADABLE"),
    "65,535 by 65,535 pixels": (jpeg_bytes(width=65535, height=65535), "LIMIT_EXCEEDED"),
    "101 million pixels": (jpeg_bytes(width=10_100, height=10_000), "LIMIT_EXCEEDED"),
    "90 million pixels from 40 bytes": (jpeg_bytes(width=9000, height=10_000), "UNSAFE_CONTENT"),
    "101 scans": (jpeg_bytes(scans=101, frame_marker=0xC2), "LIMIT_EXCEEDED"),
    "10,001 segments": (lambda: jpeg_bytes(*[segment(0xFE, b"x")] * 10_001), "LIMIT_EXCEEDED"),
    "a million restarts before the frame": (lambda: jpeg_bytes(b"\xff\xd0" * 10**6), "LIMIT_EXCEEDED"),
    "65 MB": (lambda: jpeg_bytes(data=b"\x12" * 65 * 1024**2), "LIMIT_EXCEEDED"),
}  # fmt: skip

HARMLESS: dict[str, tuple[Content, str | None]] = {
    "a good image": (GOOD, None),
    "a progressive image": (jpeg_bytes(frame_marker=0xC2, scans=10, components=3), None),
    "an image of 12 bits": (jpeg_bytes(frame_marker=0xC1, bits=12), None),
    "bytes after the end": (jpeg_bytes(after=b"PK\x03\x04 an archive"), "TRAILING_BYTES"),
    "two images": (GOOD + GOOD, "TRAILING_BYTES"),
    "markers within the data that are none": (
        jpeg_bytes(data=b"\xff\x00\xff\xd0\xff\xd7\x12\xff\xff\x00" * 9),
        None,
    ),
    "filling before markers": (GOOD.replace(b"\xff\xda", b"\xff\xff\xff\xda"), None),
    "a megabyte of 0xFF in the data": (lambda: jpeg_bytes(data=b"\xff" * 1024**2 + b"\x00"), None),
    "a comment": (jpeg_bytes(segment(0xFE, b"\x1b[2J made by hand")), None),
}

ROWS: list[Row] = [*rows("jpeg", HOSTILE), *warned("jpeg", HARMLESS)]
