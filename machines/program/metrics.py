"""Metrics of a dataset: small named functions that criteria refer to."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from events.op_parts import Dataset, Value
from machines.program.sun import apparent_radius_arcsec

__all__ = ["METRICS", "Metric"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A function with a name: ``measure`` gives None where the record does not say; ``reads`` are members by path."""

    name: str
    measure: Callable[[Dataset], Value]
    reads: tuple[str, ...]
    unit: str | None = None


def _number(dataset: Dataset, path: str) -> float | None:
    value = dataset.values.get(path)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _share(path: str) -> Callable[[Dataset], Value]:
    """A counter's share of the frames."""

    def share(dataset: Dataset) -> float | None:
        count = _number(dataset, path)
        return None if count is None or not dataset.frames else count / dataset.frames

    return share


def _as_said(path: str) -> Callable[[Dataset], Value]:
    return lambda dataset: dataset.values.get(path)


def _farthest_corner(dataset: Dataset) -> float | None:
    """Of the four corners of the bounding box, the distance from the Sun's centre of the one farthest out."""
    box = dataset.values.get("bounding_box")
    if not isinstance(box, tuple) or len(box) != 4:
        return None
    x1, y1, x2, y2 = (each if isinstance(each, int | float) else math.nan for each in box)
    farthest = math.hypot(max(abs(x1), abs(x2)), max(abs(y1), abs(y2)))
    return None if math.isnan(farthest) else farthest


def _sun_radius(dataset: Dataset) -> float | None:
    return None if dataset.started_at is None else apparent_radius_arcsec(dataset.started_at)


def _wavelengths(dataset: Dataset) -> tuple[float, float] | None:
    shortest, longest = _number(dataset, "wavelength_min_nm"), _number(dataset, "wavelength_max_nm")
    return None if shortest is None or longest is None else (shortest, longest)


METRICS = {
    each.name: each
    for each in (
        Metric("frames", lambda dataset: dataset.frames, ("frames",), "frames"),
        Metric("health_good_share", _share("health.good"), ("health.good", "frames")),
        Metric("gos_open_frames", _as_said("gos.open"), ("gos.open",), "frames"),
        Metric("ao_locked_share", _share("ao_locked"), ("ao_locked", "frames")),
        Metric("stokes", _as_said("stokes"), ("stokes",)),
        Metric("farthest_corner_arcsec", _farthest_corner, ("bounding_box",), "arcsec"),
        Metric("sun_radius_arcsec", _sun_radius, ("started_at",), "arcsec"),
        Metric("wavelengths_nm", _wavelengths, ("wavelength_min_nm", "wavelength_max_nm"), "nm"),
        Metric("light_level_median", _as_said("light_level.med"), ("light_level.med",)),
        Metric("polarimetric_accuracy", _as_said("polarimetric_accuracy.med"), ("polarimetric_accuracy.med",)),
        Metric("fried_parameter_median_m", _as_said("fried_m.med"), ("fried_m.med",), "m"),
    )
}  # fmt: skip
"""All metrics by name. A meaning that changes gets a new name: verdicts of years ago refer to the old one."""
