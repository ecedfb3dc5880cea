"""Pictures of images that are as they should be, and of images that are not."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import asdf
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from consumers.previews.mosaic import columns_for, mosaic, tile_edge
from consumers.previews.picture import NothingToShowError, Picture, images_of, picture_of
from consumers.previews.png import png
from consumers.previews.shades import shades
from consumers.previews.shrinking import Image, shrunk
from events.preview_policy import Previews


def unpacked(content: bytes) -> np.ndarray:
    """The shades of a PNG, read by the rules of the format (filters 0 and 2), every check sum looked at."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(content):
        (length,), kind = struct.unpack(">I", content[at : at + 4]), content[at + 4 : at + 8]
        body = content[at + 8 : at + 8 + length]
        (crc,) = struct.unpack(">I", content[at + 8 + length : at + 12 + length])
        assert zlib.crc32(kind + body) == crc
        chunks[kind] = body
        at += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (8, 0)
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    above, found = np.zeros(width, np.uint8), []
    for row in rows:
        assert row[0] == 2
        above = above + row[1:]
        found.append(above)
    return np.array(found)


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=20)))
def test_a_png_holds_the_shades_it_was_made_of(given_shades):
    assert np.array_equal(unpacked(png(given_shades)), given_shades)


def image_of(values: np.ndarray) -> Image:
    def opened():
        flat, at = values.ravel(), 0

        def some(count: int) -> np.ndarray:
            nonlocal at
            at += count
            return flat[at - count : at]

        return some

    return Image("it", values.shape[0], values.shape[1], opened)


@given(
    arrays.arrays(np.float32, arrays.array_shapes(min_dims=2, max_dims=2, max_side=30)),
    st.integers(1, 40),
    st.integers(3, 50),
)
def test_shrinking_in_stripes_is_the_mean_of_each_square(values, edge, stripe):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("consumers.previews.shrinking.STRIPE_VALUES", stripe)
        found = shrunk(image_of(values), edge)
    step = -(-max(values.shape) // edge)
    for y in range(found.shape[0]):
        for x in range(found.shape[1]):
            square = values[y * step : (y + 1) * step, x * step : (x + 1) * step].astype(float)
            known = square[np.isfinite(square)]
            wanted = known.mean() if known.size else np.nan
            assert found[y, x] == pytest.approx(wanted, rel=1e-6, abs=1e-30, nan_ok=True)
    assert max(found.shape) <= edge


ASINH: dict[str, Any] = {"stretch": "asinh", "low_percent": 1.0, "high_percent": 99.5}


@given(arrays.arrays(np.float64, (4, 5), elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_brighter_values_never_get_darker_shades(values):
    found, _ = shades(values, **ASINH)
    known = np.isfinite(values)
    assert (found[~known] == 0).all()
    assert (found[known] >= 1).all()
    order = np.argsort(values[known])
    assert (np.diff(found[known][order].astype(int)) >= 0).all()


@pytest.mark.parametrize(
    ("values", "wanted", "words"),
    [
        (np.full((3, 3), np.nan), {0}, "no finite value"),
        (np.full((3, 3), np.inf), {0}, "no finite value"),
        (np.full((3, 3), 7.0), {128}, "all 7"),
        (np.array([[0.0, np.nan], [0.0, 0.0]]), {0, 128}, "all 0"),
        (np.array([[-1.7e308, 1.7e308], [0.0, 0.0]]), {1, 255}, "asinh"),
    ],
)
def test_images_without_a_range_have_shades_all_the_same(values, wanted, words):
    found, said = shades(values, **ASINH)
    assert wanted <= set(found.ravel())
    assert words in said


def test_a_lone_star_is_seen_on_a_flat_sky():
    sky = np.zeros((100, 100))
    sky[50, 50] = 1000.0
    found, _ = shades(sky, **ASINH)
    assert (found[50, 50], found[0, 0]) == (255, 1)


@pytest.mark.parametrize("count", [1, 2, 3, 8, 16, 24, 256])
def test_a_mosaic_holds_all_its_tiles_and_keeps_its_edge(count):
    edge = tile_edge(1024, count)
    tiles = [np.full((edge, edge), n % 250 + 1, np.uint8) for n in range(count)]
    whole = mosaic(tiles)
    assert max(whole.shape) <= max(1024, 10 * columns_for(count))
    for n in range(count):
        assert (whole == n % 250 + 1).sum() >= edge * edge


def written(path: Path, *hdus: fits.ImageHDU) -> Path:
    fits.HDUList([fits.PrimaryHDU(), *hdus]).writeto(path)
    return path


def picture(path: Path, **wanted) -> tuple[np.ndarray, Picture]:
    with path.open("rb") as source:
        made = picture_of(images_of(source, path.stat().st_size), Previews(**wanted))
    found = unpacked(made.png)
    assert found.shape == (made.height_px, made.width_px)
    return found, made


def test_a_fits_image_stands_the_right_way_up(tmp_path):
    values = np.zeros((100, 80), np.float32)
    values[90:, :10] = 5.0  # north west, as astronomers look at it
    found, _ = picture(written(tmp_path / "a.fits", fits.ImageHDU(values)))
    assert found[:10, :10].min() == 255
    assert found[50:].max() == 1


@pytest.mark.parametrize(
    "kind", ["uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"]
)
def test_every_kind_of_number_gives_the_same_ramp(tmp_path, kind):
    ramp = np.tile(np.arange(200, dtype=kind), (150, 1))
    _check_ramp(*picture(written(tmp_path / "a.fits", fits.ImageHDU(ramp)), edge_px=100, stretch="linear"))


@pytest.mark.parametrize("kind", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_an_image_compressed_in_tiles_gives_the_same_ramp(tmp_path, kind):
    ramp = np.tile(np.arange(200, dtype=kind), (150, 1))
    hdu = fits.CompImageHDU(ramp, quantize_level=0, compression_type="GZIP_2")
    _check_ramp(*picture(written(tmp_path / "a.fits", hdu), edge_px=100, stretch="linear"))


def _check_ramp(found, made):
    assert found.shape == (75, 100)
    assert (np.diff(found[0].astype(int)) >= 0).all()
    assert (found[0] == found[-1]).all()
    assert "linear from" in made.stretch


def test_blank_integers_have_no_value(tmp_path):
    values = np.arange(100, dtype=np.int16).reshape(10, 10)
    values[0, 0] = -32768
    hdu = fits.ImageHDU(values)
    hdu.header["BLANK"] = -32768
    found, _ = picture(written(tmp_path / "a.fits", hdu))
    assert found[9, 0] == 0
    assert (found == 0).sum() == 1


def test_many_images_are_a_mosaic_and_those_beyond_are_counted(tmp_path):
    hdus = [fits.ImageHDU(np.full((50, 40), n, np.float32)) for n in range(10)]
    _, made = picture(written(tmp_path / "a.fits", *hdus), images=8)
    assert (made.images, made.left_out) == (8, 2)
    assert made.stretch.startswith("HDU 1: all 0; HDU 2: all 1")


def test_tables_vectors_and_empty_axes_are_no_images(tmp_path):
    table = fits.BinTableHDU.from_columns([fits.Column("a", "D", array=[1.0, 2.0])])
    path = written(tmp_path / "a.fits", fits.ImageHDU(np.zeros(10)), fits.ImageHDU(np.zeros((1, 10))), table)
    with pytest.raises(NothingToShowError, match="no array of two axes"):
        picture(path)


def test_a_cube_shows_its_first_plane(tmp_path):
    cube = np.stack([np.arange(100.0).reshape(10, 10), np.full((10, 10), 1e9)])
    found, _ = picture(written(tmp_path / "a.fits", fits.ImageHDU(cube)), stretch="linear")
    assert found[9, 0] == 1
    assert found[0, 9] == 255


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("kind", [">f4", "<f4", "<i2", ">u4", "<f8", "<f2"])
def test_an_asdf_array_is_read_from_its_block(tmp_path, compression, kind):
    ramp = np.tile(np.arange(200), (150, 1)).astype(kind)
    tree = {"roman": {"dq": np.ones((150, 200), np.uint32), "data": ramp, "meta": {"a": 1}}}
    asdf.AsdfFile(tree).write_to(tmp_path / "a.asdf", all_array_compression=compression)
    found, made = picture(tmp_path / "a.asdf", edge_px=100, stretch="linear")
    assert (made.images, found.shape) == (1, (75, 100))
    assert (found[0] == found[-1]).all()
    assert (found[0, 0], found[0, -1]) == (1, 255)
    assert made.stretch.startswith("roman.data: linear from")


def test_arrays_of_no_data_are_shown_side_by_side(tmp_path):
    tree = {"a": np.eye(20), "b": np.ones((20, 20)), "c": np.arange(5)}
    asdf.AsdfFile(tree).write_to(tmp_path / "a.asdf")
    _, made = picture(tmp_path / "a.asdf")
    assert made.images == 2


def test_what_is_neither_fits_nor_asdf_is_said_to_be_so():
    with pytest.raises(NothingToShowError, match="neither FITS nor ASDF"):
        images_of(io.BytesIO(b"\x89PNG\r\n"), 6)


def test_shades_go_straight_or_by_asinh_from_the_low_limit_to_the_high():
    ramp = np.arange(255.0).reshape(15, 17)
    straight, _ = shades(ramp, stretch="linear", low_percent=0.0, high_percent=100.0)
    assert (straight == ramp + 1).all()
    bent, said = shades(ramp, stretch="asinh", low_percent=0.0, high_percent=100.0)
    assert (bent.min(), bent.max(), said) == (1, 255, "asinh from 0 to 254")
    # What is faint is lifted: a tenth of the range has 29 % of the shades (asinh(1) / asinh(10)).
    assert bent.ravel()[25] == pytest.approx(1 + 254 * 0.29, abs=2)
