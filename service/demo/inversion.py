"""A small inversion, so that the demo has something to publish: velocity and field along the line of sight."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from astropy.io import fits

__all__ = ["invert"]

_LIGHT_KM_S = 299_792.458
# del Toro Iniesta, Introduction to Spectropolarimetry (2003), 9.9: V = -4.67e-13 g λ² B dI/dλ, λ in Å, B in gauss.
_WEAK_FIELD = 4.67e-13
_LANDE = 2.5  # of Fe I 630.25 nm
_METRES_TO_ANGSTROM = 1e10

Spectra = Mapping[int, np.ndarray]
"""By raster step: wavelength by slit."""


def invert(frames: Sequence[Path], product: Path, *, made_at: datetime) -> None:
    """Write maps (raster step by slit) of the velocity, km/s, and the field, gauss, along the line of sight.

    The velocity is that of the line's centre of gravity against the mean of the map; the field follows from the
    weak-field approximation, least squares over the line.
    """
    spectra: dict[str, dict[int, np.ndarray]] = {"I": {}, "V": {}}
    wavelengths = None
    for path in frames:
        with fits.open(path) as opened:
            header, image = opened[0].header, opened[0].data
            if header["STOKES"] in spectra:
                spectra[header["STOKES"]][header["DINDEX3"]] = np.asarray(image[0], dtype=np.float64)
            wavelengths = _wavelengths(header)
    if wavelengths is None or not spectra["I"]:
        raise ValueError(f"found {len(frames)} frames without Stokes I, wanted a raster in Stokes I and V")
    maps = (
        ("VLOS", "km/s", _velocity(spectra["I"], wavelengths)),
        ("BLOS", "G", _field(spectra, wavelengths)),
    )
    hdus = [fits.PrimaryHDU(), *(_image(name, unit, data) for name, unit, data in maps)]
    when = f"{made_at:%Y-%m-%dT%H:%M:%S}"
    hdus[0].header["DATE"] = (when, "UTC")
    for hdu in hdus:
        hdu.add_checksum(when=when)
    product.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList(hdus).writeto(product, overwrite=True)


def _wavelengths(header: fits.Header) -> np.ndarray:
    """In ångström, of each row of the image."""
    pixels = np.arange(1, header["NAXIS2"] + 1)
    metres: np.ndarray = header["CRVAL2"] + header["CDELT2"] * (pixels - header["CRPIX2"])
    return metres * _METRES_TO_ANGSTROM


def _velocity(intensity: Spectra, wavelengths: np.ndarray) -> np.ndarray:
    depths = [np.maximum(each.max(axis=0) - each, 0) for _, each in sorted(intensity.items())]
    centres = np.array([(wavelengths[:, None] * each).sum(axis=0) / each.sum(axis=0) for each in depths])
    rest = centres.mean()
    velocity: np.ndarray = _LIGHT_KM_S * (centres - rest) / rest
    return velocity


def _field(spectra: Mapping[str, Spectra], wavelengths: np.ndarray) -> np.ndarray:
    scale = _WEAK_FIELD * _LANDE * wavelengths.mean() ** 2
    rows = []
    for step, intensity in sorted(spectra["I"].items()):
        slope = np.gradient(intensity, wavelengths, axis=0)
        circular = spectra["V"].get(step, np.full_like(intensity, np.nan))
        rows.append(-(circular * slope).sum(axis=0) / (scale * (slope**2).sum(axis=0)))
    return np.array(rows)


def _image(name: str, unit: str, data: np.ndarray) -> fits.ImageHDU:
    hdu = fits.ImageHDU(data=data.astype(np.float32), name=name)
    hdu.header["BUNIT"] = unit
    return hdu
