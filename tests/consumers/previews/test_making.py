"""Pictures made in a child: within its limits, and whatever the file does."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from consumers.previews import Room, make_preview
from events.preview_policy import Previews

MIB = 1024**2
WANTED = Previews()


def header_only(path: Path, *, naxis: tuple[int, ...], bitpix: int = -32, data_bytes: int = 0) -> Path:
    """A FITS file whose header says so much and that has so many bytes of data: a hole, on a disk that has them."""
    cards = [("SIMPLE", True), ("BITPIX", bitpix), ("NAXIS", len(naxis))]
    cards += [(f"NAXIS{n}", length) for n, length in enumerate(naxis, start=1)]
    head = fits.Header(cards).tostring().encode()
    with path.open("wb") as target:
        target.write(head)
        target.truncate(len(head) + -(-data_bytes // 2880) * 2880)
    return path


def test_a_full_frame_is_made_in_little_memory(tmp_path):
    path = tmp_path / "full.fits"
    frame = np.random.default_rng(1).normal(100, 5, (4088, 4088)).astype(np.float32)
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(frame), fits.ImageHDU(frame)]).writeto(path)
    made = make_preview(path, WANTED)
    assert made.code is None, made.message
    assert made.picture.startswith(b"\x89PNG")
    assert (made.shows["images"], made.shows["left_out"]) == (2, 0)
    assert made.peak_rss_bytes < 250 * MIB
    assert made.exit == "0"


@pytest.mark.parametrize(
    ("naxis", "data_bytes", "code"),
    [
        ((10**9, 10**9), 0, "PREVIEW_UNREADABLE"),  # announces an exabyte, has none of it
        ((0, 4088), 0, "NOTHING_TO_SHOW"),
        ((4088,), 4088 * 4, "NOTHING_TO_SHOW"),
        ((10**9, 2), 2 * 10**9 * 4, "PREVIEW_ENDED"),  # as long as it says: only time can end it
    ],
)
def test_strange_axes_end_in_a_reason(tmp_path, naxis, data_bytes, code):
    path = header_only(tmp_path / "a.fits", naxis=naxis, data_bytes=data_bytes)
    made = make_preview(path, WANTED, Room(cpu_s=2, wall_s=20.0))
    assert (made.code, made.picture) == (code, b"")
    assert made.message
    assert made.peak_rss_bytes < 250 * MIB


def test_one_row_of_many_values_goes_in_pieces(tmp_path):
    path = header_only(tmp_path / "a.fits", naxis=(20_000_000, 2), bitpix=8, data_bytes=40_000_000)
    made = make_preview(path, WANTED)
    assert made.code is None, made.message
    assert (made.shows["width_px"], made.shows["height_px"]) == (1024, 1)
    assert made.peak_rss_bytes < 250 * MIB


def test_a_child_that_takes_too_long_is_ended(tmp_path):
    path = header_only(tmp_path / "a.fits", naxis=(10**9, 2), data_bytes=2 * 10**9 * 4)
    made = make_preview(path, WANTED, Room(wall_s=0.5))
    assert (made.code, made.exit) == ("PREVIEW_ENDED", "SIGKILL")


def test_a_child_that_wants_too_much_memory_is_told_so(tmp_path):
    path = tmp_path / "a.fits"
    fits.PrimaryHDU(np.zeros((3000, 3000))).writeto(path)
    made = make_preview(path, WANTED, Room(memory_bytes=8 * MIB))
    assert made.code == "PREVIEW_TOO_LARGE"


def test_a_file_that_is_gone_is_the_callers_affair(tmp_path):
    with pytest.raises(FileNotFoundError):
        make_preview(tmp_path / "gone.fits", WANTED)
