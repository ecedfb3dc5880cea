"""Level 2 exposures of Roman's Wide Field Instrument, as the mission's own package writes them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import asdf
import astropy.units as u
import gwcs
import numpy as np
import roman_datamodels.datamodels as rdm
from astropy.coordinates import ICRS
from astropy.modeling import models
from astropy.time import Time
from gwcs import coordinate_frames as frames

__all__ = ["write"]

SIDE, FULL_SIDE = 128, 4088
DETECTORS = 18
_BORDER = 4  # reference pixels on each side
_RESULTANTS = 8
_FILTERS = ("F158", "F129", "F106", "F184")
_EXPOSURE = timedelta(seconds=139.8)


def write(
    folder: Path,
    *,
    seed: int,
    night: date,
    count: int,
    full: bool = False,
    side: int | None = None,
    compression: str | None = "lz4",
) -> Iterator[Path]:
    """Write ``count`` images of one visit, exposure after exposure through all detectors; give each path."""
    side = side or (FULL_SIDE if full else SIDE)
    model = rdm.ImageModel.create_fake_data(shape=(side, side))
    visit = f"{1 + seed % 18445:05d}01001001001001"
    _describe_visit(model.meta, visit, night)
    _plain_borders(model, side)
    history = _history(model)
    for index in range(count):
        path = folder / _expose_next(model, index, seed=seed, night=night)
        _save(model, path, history, compression=compression)
        yield path


def _expose_next(model: Any, index: int, *, seed: int, night: date) -> str:
    """The model as the next image of the visit; its file's name."""
    exposure, detector = index // DETECTORS + 1, f"WFI{index % DETECTORS + 1:02d}"
    element = _FILTERS[(exposure - 1) % len(_FILTERS)]
    visit = model.meta.observation.visit_id
    name = f"r{visit}_{exposure:04d}_{detector.lower()}_{element.lower()}_cal.asdf"
    side = model.data.shape[0]
    _describe_exposure(
        model.meta, exposure=exposure, detector=detector, element=element, night=night, side=side
    )
    model.meta.filename = name
    _expose(model, np.random.default_rng([seed, index]))
    return name


def _save(model: Any, target: Path | BytesIO, history: Any, *, compression: str | None = "lz4") -> None:
    """As ``model.save`` does it, but with the date of our night."""
    tree = asdf.AsdfFile({"roman": model._instance, "history": {"extensions": history}})
    with asdf.config_context() as config:
        config.array_inline_threshold = 0
        tree.write_to(target, all_array_compression=compression)


def _history(model: Any) -> list[Any]:
    """The extensions asdf will note, sorted. It keeps the order it finds, so a seed gives the same bytes."""
    first = BytesIO()
    _save(model, first, [])
    first.seek(0)
    with asdf.open(first) as file:
        return sorted(file.tree["history"]["extensions"], key=lambda extension: extension["extension_uri"])


def _describe_visit(meta: Any, visit: str, night: date) -> None:
    meta.product_type, meta.origin = "l2", "STSCI/SOC"
    meta.prd_version, meta.sdf_software_version = "SOC-ROMAN-PRD-010", "2026.2"
    meta.calibration_software_version = "0.20.0"
    meta.file_date = _time(night, 9.0)
    observation = meta.observation
    observation.visit_id, observation.program = visit, int(visit[:5])
    for name, digits in zip(
        ("execution_plan", "pass", "segment", "observation", "visit"),
        (visit[5:7], visit[7:10], visit[10:13], visit[13:16], visit[16:19]),
        strict=True,
    ):
        observation[name] = int(digits)
    observation.visit_file_group, observation.visit_file_sequence = 1, 1
    observation.visit_file_activity = "01"
    meta.visit.start_time, meta.visit.nexposures, meta.visit.type = (
        _time(night, 5.0),
        2,
        "PRIME_TARGETED_FIXED",
    )
    meta.program.title, meta.program.investigator_name = "A night to try Meridian on", "Example"
    meta.program.category = meta.program.subcategory = meta.program.science_category = "None"


def _describe_exposure(
    meta: Any, *, exposure: int, detector: str, element: str, night: date, side: int
) -> None:
    began = datetime(night.year, night.month, night.day, 5, tzinfo=UTC) + 2 * _EXPOSURE * (exposure - 1)
    meta.instrument.detector, meta.instrument.optical_element = detector, element
    meta.observation.exposure = exposure
    meta.observation.observation_id = f"{meta.observation.visit_id}01101{exposure:04d}"
    about = meta.exposure
    about.start_time, about.end_time = _moment(began), _moment(began + _EXPOSURE)
    about.exposure_time = about.effective_exposure_time = _EXPOSURE.total_seconds()
    about.frame_time, about.nresultants = 3.04, _RESULTANTS
    about.ma_table_id, about.ma_table_name, about.ma_table_number = "1001", "IM_135_8", 1001
    about.engineering_quality, about.data_problem = "OK", "None"
    ra, dec = _center(int(detector[3:]))
    meta.pointing.target_ra, meta.pointing.target_dec, meta.pointing.target_aperture = (
        270.94,
        66.01,
        "WFI_CEN",
    )
    meta.pointing.ra_v1, meta.pointing.dec_v1, meta.pointing.pa_v3 = 270.94, 65.5, 0.0
    meta.wcsinfo.aperture_name = f"{detector}_FULL"
    meta.wcsinfo.ra_ref, meta.wcsinfo.dec_ref, meta.wcsinfo.roll_ref = ra, dec, 0.0
    meta.wcsinfo.s_region = _region(ra, dec)
    meta.wcs = _wcs(ra, dec, side=side)


def _center(detector: int) -> tuple[float, float]:
    """Where a detector looks, in degrees: six columns of three, roughly as they lie in the focal plane."""
    column, row = divmod(detector - 1, 3)
    return round(270.94 + (column - 2.5) * 0.33, 6), round(66.01 + (row - 1) * 0.14, 6)


def _region(ra: float, dec: float) -> str:
    wide, high = 0.153, 0.0625  # half of 0.125 degrees, the first stretched by the declination
    corners = [
        (ra - wide, dec - high),
        (ra + wide, dec - high),
        (ra + wide, dec + high),
        (ra - wide, dec + high),
    ]
    return "POLYGON ICRS " + " ".join(f"{value:.6f}" for corner in corners for value in corner)


def _wcs(ra: float, dec: float, *, side: int) -> Any:
    """A plain tangent projection, north up; ``side`` pixels make 0.125 degrees, as 4,088 do in the camera."""
    center, scale = -(side - 1) / 2, 0.125 / side
    pixels = models.Shift(center) & models.Shift(center) | models.Scale(-scale) & models.Scale(scale)
    to_sky = pixels | models.Pix2Sky_TAN() | models.RotateNative2Celestial(ra, dec, 180.0)
    detector = frames.Frame2D(name="detector", unit=(u.pix, u.pix))
    sky = frames.CelestialFrame(name="icrs", reference_frame=ICRS(), unit=(u.deg, u.deg))
    return gwcs.WCS([(detector, to_sky), (sky, None)])


def _plain_borders(model: Any, side: int) -> None:
    """Reference pixels in their real shapes; the package's fake data makes them as large as the image."""
    edge = side + 2 * _BORDER
    for name in ("left", "right"):
        model[f"border_ref_pix_{name}"] = np.zeros((_RESULTANTS, edge, _BORDER), np.float32)
        model[f"dq_border_ref_pix_{name}"] = np.zeros((edge, _BORDER), np.uint32)
    for name in ("top", "bottom"):
        model[f"border_ref_pix_{name}"] = np.zeros((_RESULTANTS, _BORDER, edge), np.float32)
        model[f"dq_border_ref_pix_{name}"] = np.zeros((_BORDER, edge), np.uint32)
    model.amp33 = np.zeros((_RESULTANTS, edge, 128), np.uint16)


def _expose(model: Any, dice: np.random.Generator) -> None:
    """Sky of 0.3 DN/s with its noise, and a handful of stars."""
    side = model.data.shape[0]
    image = dice.standard_normal((side, side), dtype=np.float32) * np.float32(0.02) + np.float32(0.3)
    for y, x in dice.integers(0, side, (12, 2)):
        image[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] += np.float32(40.0)
    model.data = image
    model.err = (np.sqrt(np.abs(image)) * np.float32(0.03)).astype(model.err.dtype)
    model.var_poisson = (np.abs(image) * np.float32(0.0009)).astype(model.var_poisson.dtype)


def _time(night: date, hour: float) -> Time:
    return _moment(datetime(night.year, night.month, night.day, tzinfo=UTC) + timedelta(hours=hour))


def _moment(moment: datetime) -> Time:
    return Time(moment.replace(tzinfo=None), format="datetime", scale="utc")
