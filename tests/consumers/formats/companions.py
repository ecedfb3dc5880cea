"""Files that come beside others, small and true: tables, checksums, previews, JSON; and Rubin's images."""

from pathlib import Path
from typing import Any

import numpy as np

RUBIN_NAME = "MC_O_20251101_000123_R22_S11.fits"
RUBIN_KEYWORDS = {
    "INSTRUME": "LSSTCam", "TELESCOP": "Simonyi Survey Telescope", "TIMESYS": "TAI", "OBSID": "MC_O_20251101_000123",
    "CAMCODE": "MC", "CONTRLLR": "O", "DAYOBS": "20251101", "SEQNUM": 123, "RAFTBAY": "R22", "CCDSLOT": "S11",
    "IMGTYPE": "OBJECT", "DATE-BEG": "2025-11-02T01:02:03.456", "DATE-END": "2025-11-02T01:02:33.456",
    "EXPTIME": 30.0, "DARKTIME": 30.4, "FILTER": "r_57", "PROGRAM": "BLOCK-365", "REASON": "lowdust",
    "OBJECT": "DESI_40_7", "RA": 216.6, "DEC": -12.4, "LSST_NUM": "E2V-CCD250-382", "CCDTEMP": -100.2,
    "GROUPID": "2025-11-02T01:01:58.101",
}  # fmt: skip


def a_rubin_file(
    folder: Path,
    *,
    name: str = RUBIN_NAME,
    segments: int = 16,
    without: tuple[str, ...] = (),
    compressed: bool = False,
    **changed: Any,
) -> Path:
    """One sensor of an exposure: an empty primary, then an extension an amplifier. Hyphens are given as underscores."""
    from astropy.io import fits

    changed = {key.replace("DATE_", "DATE-"): value for key, value in changed.items()}
    keywords = {key: value for key, value in {**RUBIN_KEYWORDS, **changed}.items() if key not in without}
    hdus = fits.HDUList([fits.PrimaryHDU(header=fits.Header(list(keywords.items())))])
    for number in range(segments):
        data = np.arange(32 * 32, dtype="int32").reshape(32, 32) + number
        made = fits.CompImageHDU(data, compression_type="RICE_1") if compressed else fits.ImageHDU(data)
        made.header["EXTNAME"] = f"Segment{number // 8}{number % 8}"
        hdus.append(made)
    path = folder / name
    hdus.writeto(path, checksum=True, overwrite=True)
    return path


JPEG_FRAME = bytes.fromhex("ff c0 00 11 08 0010 0010 03 01 22 00 02 11 01 03 11 01")


def segment(marker: int, body: bytes) -> bytes:
    """A segment of a JPEG file."""
    return bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2, "big") + body


def frame(
    *, width: int = 16, height: int = 16, components: int = 1, bits: int = 8, sampling: int = 0x11
) -> bytes:
    """The body of a frame header."""
    size = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    each = b"".join(bytes([number + 1, sampling, 0]) for number in range(components))
    return bytes([bits]) + size + bytes([components]) + each


SCAN = bytes([1, 1, 0, 0, 63, 0])


def jpeg_bytes(
    *before: bytes,
    frame_marker: int = 0xC0,
    data: bytes = b"\x12\x34" * 20,
    scans: int = 1,
    after: bytes = b"",
    **shape: int,
) -> bytes:
    """An image marker by marker, with data that a decoder would read as gray."""
    app = segment(0xE0, b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
    body = (segment(0xDA, SCAN) + data) * scans
    head = b"\xff\xd8" + app + b"".join(before)
    return head + segment(frame_marker, frame(**shape)) + body + b"\xff\xd9" + after


TABLE = (
    ("KOAID", "char", "", "", "KB.20190509.07554.57.fits"),
    ("INSTRUME", "char", "", "", "KCWI"),
    ("DATE-OBS", "date", "", "", "2019-05-09"),
    ("UT", "char", "", "", "02:05:54.57"),
    ("AIRMASS", "double", "", "null", "1.41291034446565"),
    ("ELAPTIME", "double", "s", "null", "60.0"),
    ("FRAMENO", "integer", "", "", "1"),
    ("KOAIMTYP", "char", "", "", "object"),
    ("CAMERA", "char", "", "null", "BLUE"),
    ("PROGID", "char", "", "", "C257"),
    ("OBJECT", "char", "", "null", "FLASHES-7"),
)
KOA_NAME = "KB.20190509.07554.57.metadata.table"


def table_bytes(
    *,
    header: int = 4,
    rows: int = 1,
    columns: tuple[tuple[str, ...], ...] = TABLE,
    width: int = 28,
    **cells: str,
) -> bytes:
    """A table in IPAC's format; cells by column, underscores in place of hyphens."""
    changed = {name.replace("_", "-"): value for name, value in cells.items()}
    lines = ["|" + "|".join(column[line].ljust(width) for column in columns) + "|" for line in range(header)]
    row = " ".join(changed.get(column[0], column[4]).ljust(width) for column in columns)
    return "".join(f"{line}\n" for line in [*lines, *[f" {row} "] * rows]).encode()


def tabs_bytes(*, rows: int = 1, columns: tuple[tuple[str, ...], ...] = TABLE, **cells: str) -> bytes:
    """The same table with tabs, its names as the archive writes them there."""
    changed = {name.replace("_", "-"): value for name, value in cells.items()}
    names = "\t".join(column[0].lower().replace("-", "_") for column in columns)
    row = "\t".join(changed.get(column[0], column[4]) for column in columns)
    return "".join(f"{line}\n" for line in [names, *[row] * rows]).encode()


MD5 = "821a10c2c511855c5eee41ae31f954d0"
SHA256 = "9f2c" * 16


def sums_bytes(*lines: str) -> bytes:
    """A list of checksums."""
    return "".join(f"{line}\n" for line in lines).encode()
