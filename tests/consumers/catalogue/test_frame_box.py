from typing import Any

import pytest

from consumers.catalogue.frame_box import Box, box_of, union

# A slit along the latitude, 128 pixels of 0.06 arcsec; wavelength; one raster position of 0.03 arcsec.
SLIT: dict[str, Any] = {
    "WCSAXES": 3, "NAXIS1": 128, "NAXIS2": 50, "NAXIS3": 1,
    "CTYPE1": "HPLT-TAN", "CTYPE2": "AWAV", "CTYPE3": "HPLN-TAN",
    "CUNIT1": "arcsec", "CUNIT2": "nm", "CUNIT3": "arcsec",
    "CRPIX1": 64.5, "CRPIX2": 25.0, "CRPIX3": 1.0,
    "CRVAL1": 100.0, "CRVAL2": 630.2, "CRVAL3": -300.0,
    "CDELT1": 0.06, "CDELT2": 0.01, "CDELT3": 0.03,
}  # fmt: skip


def test_the_box_reaches_to_the_outer_edges_of_the_outer_pixels():
    assert box_of(SLIT) == pytest.approx((-300.015, 100 - 3.84, -299.985, 100 + 3.84))


def test_degrees_are_arcseconds_in_the_end():
    in_degrees = (
        SLIT
        | {f"{name}{axis}": SLIT[f"{name}{axis}"] / 3600 for name in ("CRVAL", "CDELT") for axis in (1, 3)}
        | {"CUNIT1": "deg", "CUNIT3": "deg"}
    )
    assert box_of(in_degrees) == pytest.approx(box_of(SLIT))


def test_a_raster_that_is_turned_by_a_right_angle_has_its_slit_along_the_longitude():
    turned = SLIT | {"PC1_1": 0.0, "PC1_3": 1.0, "PC3_3": 0.0, "PC3_1": 1.0}
    found = box_of(turned)
    assert found.x_high - found.x_low == pytest.approx(128 * 0.03)
    assert found.y_high - found.y_low == pytest.approx(1 * 0.06)


def test_it_agrees_with_astropy_on_the_sky():
    wcs = pytest.importorskip("astropy.wcs").WCS(SLIT)
    low = wcs.wcs_pix2world([[0.5, 25, 0.5]], 1)[0]
    high = wcs.wcs_pix2world([[128.5, 25, 1.5]], 1)[0]
    found = box_of(SLIT)
    assert (found.y_low, found.y_high) == pytest.approx((low[0] * 3600, high[0] * 3600), abs=1e-3)
    west, east = ((each[2] + 180) % 360 - 180 for each in (low, high))
    assert (found.x_low, found.x_high) == pytest.approx((west * 3600, east * 3600), abs=1e-3)


@pytest.mark.parametrize("spoiled", [
    {"CTYPE1": "RA---TAN"}, {"CUNIT1": "m"}, {"CUNIT3": None}, {"CRVAL1": "north"}, {"CDELT3": float("nan")},
    {"NAXIS1": "many"}, {"CRPIX2": True}, {"WCSAXES": 10_000}, {"WCSAXES": -1}, {"WCSAXES": True}, {"CRVAL3": 1e300},
])  # fmt: skip
def test_a_header_that_does_not_say_where_it_points_has_no_box(spoiled):
    assert box_of(SLIT | spoiled) is None


def test_the_box_of_many_is_the_smallest_that_has_all_of_them():
    assert union(None, None) is None
    assert union(Box(0, 0, 1, 1), None) == union(None, Box(0, 0, 1, 1)) == Box(0, 0, 1, 1)
    assert union(Box(0, 0, 1, 1), Box(-1, 0.5, 0.5, 3)) == Box(-1, 0, 1, 3)
