"""The checks themselves: what each finds wrong, and what it lets pass, on metadata and on real FITS images."""

import io
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from consumers.checks import known_checks
from consumers.checks.pixels import MAX_BYTES
from tests.consumers.checks.a_look import a_look, judged

GOOD = {
    "exposure_s": 60.0,
    "obs_start_utc": "2026-11-21T19:00:00.000000Z",
    "obs_end_utc": "2026-11-21T19:01:00.000000Z",
    "ra_deg": 30.0,
    "dec_deg": -45.0,
    "detector": "WFI01",
    "filter": "F158",
}
ROMAN = {"form": "roman-wfi-l2-asdf"}


def failed(**told):
    findings, invalid = judged(a_look(**told))
    assert invalid is None
    assert [each for each in findings.warnings if each.code == "CHECK_RAISED"] == []
    return {each.check for each in findings.qa if each.passed is False}


def test_a_good_file_fails_nothing():
    assert failed(**GOOD) == set()
    assert failed(**GOOD, **ROMAN) == set()
    assert failed() == set()


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ({"exposure_s": 0.0}, {"exposure_positive"}),
        ({"exposure_s": 0.0, "purpose": "calibration"}, set()),
        ({"exposure_s": -1.0}, {"exposure_positive", "exposure_plausible"}),
        ({"exposure_s": -1.0, "purpose": "calibration"}, {"exposure_plausible"}),
        ({"exposure_s": float("nan")}, {"exposure_positive", "exposure_plausible", "exposure_within_times"}),
        ({"exposure_s": float("inf")}, {"exposure_positive", "exposure_plausible", "exposure_within_times"}),
        ({"exposure_s": 21_601.0, "obs_end_utc": None}, {"exposure_plausible"}),
        ({"exposure_s": 70.0}, {"exposure_within_times"}),
        ({"exposure_s": 70.0, "form": "keck-raw-fits"}, set()),
        ({"obs_end_utc": "2026-11-21T18:59:59Z", "exposure_s": None}, {"time_order"}),
        ({"obs_start_utc": "2026-11-21T20:02:00Z", "obs_end_utc": None}, {"observation_age"}),
        ({"obs_start_utc": "2026-11-21T20:00:59Z", "obs_end_utc": None}, set()),
        ({"obs_start_utc": "1970-01-01T00:00:00Z", "obs_end_utc": None}, {"year_plausible"}),
        ({"obs_start_utc": "12026-01-01T00:00:00Z", "obs_end_utc": None}, set()),
        ({"obs_start_utc": "nonsense", "obs_end_utc": "2026"}, set()),
        ({"ra_deg": 360.1}, {"ra_in_range"}),
        ({"ra_deg": float("nan")}, {"ra_in_range"}),
        ({"ra_deg": 0.0, "dec_deg": 90.0}, set()),
        ({"dec_deg": -90.01}, {"dec_in_range"}),
        ({"detector": "WFI19", **ROMAN}, {"roman_detector_known"}),
        ({"filter": "F150", **ROMAN}, {"roman_filter_known"}),
        ({"filter": "F150"}, set()),
    ],
)
def test_what_is_wrong_is_found_and_nothing_else(wrong, found):
    assert failed(**{**GOOD, **wrong}) == found


def test_the_sixtieth_second_of_a_minute_is_a_time():
    assert failed(obs_start_utc="2016-12-31T23:59:60.5Z", obs_end_utc="2017-01-01T00:00:00Z") == {
        "time_order"
    }
    assert failed(obs_start_utc="2016-12-31T23:59:60.5Z", obs_end_utc="2017-01-01T00:00:01Z") == set()


def an_image(data, *, compressed=False, **cards) -> bytes:
    made = io.BytesIO()
    header = fits.Header(list(cards.items()))
    if compressed:
        fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(data, header)]).writeto(made)
    else:
        fits.HDUList([fits.PrimaryHDU(data, header)]).writeto(made)
    return made.getvalue()


def pixel_results(content: bytes, **more):
    findings, invalid = judged(a_look(content=content, **more))
    assert invalid is None
    assert [each for each in findings.warnings if each.code == "CHECK_RAISED"] == []
    return {each.check: each for each in findings.qa if each.check.startswith("pixel")}


RANDOM = np.random.default_rng(6).normal(100, 10, (64, 64)).astype("float32")


def test_pixels_of_a_sound_image_pass():
    found = pixel_results(an_image(RANDOM))
    assert {name: each.passed for name, each in found.items()} == {
        "pixel_median": None, "pixel_spread": True, "pixels_without_value": True,
    }  # fmt: skip
    assert found["pixel_median"].value == pytest.approx(np.median(RANDOM), rel=1e-6)
    assert found["pixel_median"].message == "of all 4096 pixels of HDU 0"


def test_pixels_without_a_value_are_counted():
    data = RANDOM.copy()
    data[:48] = np.nan
    data[0, 0] = np.inf
    found = pixel_results(an_image(data))
    assert found["pixels_without_value"].value == 0.75
    assert found["pixels_without_value"].passed is False
    found = pixel_results(an_image(np.full((8, 8), -9, "int16"), BLANK=-9))
    assert found["pixels_without_value"].value == 1.0
    assert "pixel_spread" not in found


@pytest.mark.parametrize(
    ("data", "cards", "value"),
    [
        (np.full((8, 8), 32767, "int16"), {}, 1.0),
        (np.full((8, 8), 65535, "uint16"), {}, 1.0),
        (np.full((8, 8), 255, "uint8"), {}, 1.0),
        (np.arange(64, dtype="int16").reshape(8, 8), {"SATURATE": 32}, 0.5),
        (np.arange(64, dtype="uint16").reshape(8, 8), {"SATURATE": 32}, 0.5),
        (np.arange(64, dtype="float32").reshape(8, 8), {"SATURATE": 32.0}, 0.5),
    ],
)
def test_saturated_pixels_are_counted_in_the_units_of_the_image(data, cards, value):
    found = pixel_results(an_image(data, **cards))["pixels_saturated"]
    assert (found.value, found.passed) == (value, False)


def test_an_image_of_one_value_is_a_detector_that_was_off():
    found = pixel_results(an_image(np.full((64, 64), 7, "int32")))
    assert (found["pixel_spread"].value, found["pixel_spread"].passed) == (0.0, False)


def test_values_are_told_in_the_units_of_the_image():
    found = pixel_results(an_image(np.array([[40_000, 50_000, 60_000]] * 2, "uint16")))
    assert found["pixel_median"].value == 50_000
    assert found["pixel_spread"].value == 20_000


class Counted(io.BytesIO):
    """Counts what is read of it."""

    taken = 0

    def read(self, size=-1):
        piece = super().read(size)
        self.taken += len(piece)
        return piece


@pytest.mark.parametrize("kind", ["int16", "float32", "float64", "uint8"])
def test_of_a_large_image_a_bounded_part_is_read_from_all_over_it(kind):
    data = np.zeros((2048, 2048), kind)
    data[1024:] = 1
    content = an_image(data)
    source = Counted(content)
    look = a_look(content=content)
    look.source = source
    pixels = look.pixels
    assert pixels.taken * np.dtype(kind).itemsize <= MAX_BYTES
    assert source.taken <= MAX_BYTES
    assert pixels.total == data.size
    assert pixels.finite().mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"#ASDF 1.0.0\n", an_image(None), an_image(np.arange(9.0)),
    ],
)  # fmt: skip
def test_what_has_no_image_has_no_pixels(content):
    assert pixel_results(content) == {}
    assert pixel_results(an_image(RANDOM), form="any") == {}


def test_pixels_are_read_once_for_all_checks(monkeypatch):
    from consumers.checks import look

    calls = []
    monkeypatch.setattr(look, "sample", lambda *_: calls.append(1))
    judged(a_look(content=an_image(RANDOM)))
    assert calls == [1]


def test_every_check_stands_in_one_of_these_files():
    """So that a new one has a test that can fail."""
    text = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in known_checks() if name not in text] == []
