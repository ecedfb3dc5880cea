"""Samples of pixels that have to be found or unpacked first: ASDF blocks and FITS tiles, sound, damaged and huge."""

import io
import struct
import tracemalloc

import asdf
import lz4.block
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from consumers.checks.pixels import MAX_BYTES, Pixels, Unreadable
from consumers.formats import FORMATS, Expected, asdf_scan
from consumers.formats.findings import Findings
from tests.consumers.checks.a_look import a_look, judged
from tests.consumers.formats.build import asdf_bytes, block

DICE = np.random.default_rng(6)
RAMP = DICE.normal(100, 3, (1000, 1500)).astype("float32")
PACKINGS = (None, "zlib", "lz4")


def an_asdf(tree, packing=None) -> bytes:
    written = io.BytesIO()
    asdf.AsdfFile(tree).write_to(written, all_array_compression=packing)
    return written.getvalue()


def a_packed_fits(data, *, kind="RICE_1", tile=None, **cards) -> bytes:
    written = io.BytesIO()
    hdu = fits.CompImageHDU(data, compression_type=kind, tile_shape=tile)
    hdu.header.update(cards)
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(written)
    return written.getvalue()


def sampled(content: bytes):
    if content.startswith(b"#ASDF"):
        look = a_look(content=content, form="asdf")
        look.layout = asdf_scan.scan(io.BytesIO(content), len(content), Findings())
        return look.sampled
    return a_look(content=content).sampled


@pytest.mark.parametrize("packing", PACKINGS)
def test_a_small_asdf_image_is_read_whole(packing):
    small = RAMP[:100, :100]
    found = sampled(an_asdf({"a": np.zeros((9, 9)), "roman": {"data": small}}, packing))
    assert isinstance(found, Pixels)
    assert found.in_words == "of all 10000 pixels of roman.data in block 1"
    assert found.median() == float(np.median(small))
    assert found.packed is (packing is not None)


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("kind", [">f4", "<f8", "<u2", ">i4"])
def test_of_a_large_asdf_image_a_bounded_sample_is_taken_whole_pixels_only(packing, kind):
    data = np.arange(1_200_000).reshape(600, 2000).astype(kind) % 50_000
    data[:, 0] = 0
    found = sampled(an_asdf({"pad": np.zeros(11, "u1"), "data": data.astype(kind)}, packing))
    assert found.total == data.size
    assert 0 < found.stored.nbytes <= MAX_BYTES
    assert set(found.stored.tolist()) <= set(data.ravel().tolist())
    assert found.stored.max() > found.stored.min()


@pytest.mark.parametrize("packing", ["zlib", "lz4"])
def test_unpacking_takes_little_memory_whatever_the_size(packing):
    content = an_asdf({"data": np.zeros((4000, 4000), "float32")}, packing)
    tracemalloc.start()
    found = sampled(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.total == 16_000_000
    assert peak < 40e6, "the image has 64 MB"


@pytest.mark.parametrize("packing", ["zlib", "lz4"])
def test_a_damaged_block_is_said_to_be_unreadable_and_nothing_else_is_claimed(packing):
    content = bytearray(an_asdf({"data": RAMP}, packing))
    # Behind the block's header and the lengths of its first piece: damage among values is seen by sums alone.
    at = content.index(b"\xd3BLK") + 54 + (8 if packing == "lz4" else 0)
    content[at : at + 320] = bytes(320)
    found = sampled(bytes(content))
    assert isinstance(found, Unreadable)
    look = a_look(content=bytes(content), form="asdf")
    look.layout = asdf_scan.scan(io.BytesIO(content), len(content), Findings())
    findings, invalid = judged(look)
    assert invalid is None
    assert {each.check: each.passed for each in findings.qa if each.check.startswith("pixel")} == {
        "pixels_readable": False
    }
    assert "QA_PIXELS_READABLE" in [each.code for each in findings.warnings]


@pytest.mark.parametrize(
    "piece",
    [
        struct.pack(">II", 1 << 31, 100),
        struct.pack(">I", 100) + struct.pack("<I", 1 << 31) + b"\0" * 96,
        struct.pack(">I", 4) + struct.pack("<I", 0),
        struct.pack(">I", 20) + struct.pack("<I", 100) + b"\xf0" + b"\xff" * 15,
        b"\0\0",
    ],
)
def test_pieces_that_lie_about_themselves_are_not_unpacked(piece):
    tree = "data: !core/ndarray-1.1.0 {source: 0, datatype: uint8, byteorder: little, shape: [10, 10]}\n"
    found = sampled(asdf_bytes(tree, block(piece, compression=b"lz4\0", sizes={"data": 100})))
    assert isinstance(found, Unreadable)


def test_a_block_that_ends_before_its_image_is_unreadable():
    packed = lz4.block.compress(b"\1" * 99)
    tree = "data: !core/ndarray-1.1.0 {source: 0, datatype: uint8, byteorder: little, shape: [10, 10]}\n"
    content = asdf_bytes(
        tree, block(struct.pack(">I", len(packed)) + packed, compression=b"lz4\0", sizes={"data": 100})
    )
    assert "1 bytes before the end" in sampled(content).why


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"])
def test_tiles_are_unpacked_and_judged(kind):
    data = (np.arange(40_000).reshape(200, 200) % 3000).astype("int16")
    found = sampled(a_packed_fits(data, kind=kind, tile=(50, 50)))
    assert (found.total, found.packed) == (40_000, True)
    assert found.taken <= found.total
    assert set(found.stored.tolist()) <= set(data.ravel().tolist())


def test_scaled_and_blank_pixels_of_tiles_are_those_of_the_image():
    data = np.full((64, 64), 7.5, "float32")
    data[:, :32] = np.nan
    found = sampled(a_packed_fits(data, kind="GZIP_1", tile=(8, 64)))
    assert found.median() == 7.5
    findings, _ = judged(a_look(content=a_packed_fits(data, kind="GZIP_1", tile=(8, 64))))
    passed = {each.check: each.passed for each in findings.qa if each.check.startswith("pixel")}
    assert passed == {
        "pixel_median": None, "pixel_spread": False, "pixels_readable": True, "pixels_without_value": True,
    }  # fmt: skip


def test_a_spectrograph_cube_is_sampled_over_all_of_it():
    cube = np.zeros((1, 90, 300), "float32")
    cube[:, :, :] = np.arange(90)[None, :, None]
    found = sampled(a_packed_fits(cube, kind="RICE_1", tile=(1, 1, 300)))
    assert found.stored.min() == pytest.approx(0, abs=1)
    assert found.stored.max() == pytest.approx(89, abs=1)


def test_an_image_in_one_huge_tile_is_left_alone():
    assert sampled(a_packed_fits(np.zeros((4100, 4100), "int16"), kind="GZIP_1", tile=(4100, 4100))) is None


def test_damaged_tiles_are_unreadable():
    content = bytearray(a_packed_fits((RAMP * 10).astype("int32"), kind="GZIP_1", tile=(100, 1500)))
    content[len(content) // 2 :] = b"\xaa" * (len(content) - len(content) // 2)
    assert isinstance(sampled(bytes(content)), Unreadable)


def test_a_real_roman_image_is_judged_by_its_pixels_in_a_child(tmp_path, inspector_of_pixels):
    from tests.consumers.formats.build import a_roman_file

    path = a_roman_file(tmp_path)
    result = inspector_of_pixels.inspect(path, "roman-wfi-l2-asdf", Expected(path.name))
    assert result.failure is None, result.failure
    found = {each.check: each for each in result.inspection.qa}
    assert found["pixels_readable"].passed is True
    assert found["pixel_median"].message.startswith("of all") or "sample" in found["pixel_median"].message
    assert not [each for each in result.inspection.warnings if each.code == "CHECK_RAISED"]


def test_tiles_are_unpacked_in_a_bound_child(tmp_path, inspector_of_pixels):
    path = tmp_path / "a.fits"
    path.write_bytes(a_packed_fits((RAMP * 10).astype("int32"), tile=(1, 1500)))
    result = inspector_of_pixels.inspect(path, "fits", Expected(path.name))
    assert result.failure is None, result.failure
    assert result.inspection.verdict == "ok", result.inspection.message
    found = {each.check: each for each in result.inspection.qa}
    assert found["pixels_readable"].passed is True, result.inspection.warnings


@pytest.fixture(scope="module")
def inspector_of_pixels():
    from consumers.child import Inspector

    assert {"fits", "roman-wfi-l2-asdf"} <= set(FORMATS)
    with Inspector(["fits", "roman-wfi-l2-asdf"]) as running:
        yield running


@given(
    st.sampled_from(["i1", "u1", "i2", "u2"]),
    st.lists(st.integers(-32_768, 65_535), min_size=1, max_size=40),
)
def test_the_median_of_few_different_numbers_is_the_median(kind, numbers):
    stored = np.array(numbers).astype(kind)
    assert Pixels("HDU 0", stored.size, stored).median() == float(np.median(stored))
