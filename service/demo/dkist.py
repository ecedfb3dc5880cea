"""Calibrated frames of DKIST's spectropolarimeter ViSP, as the data centre's own simulator writes them."""

import string
from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
from astropy.io import fits
from dkist_data_simulator.spec214.visp import SimpleVISPDataset

from consumers.formats.earth_tables import use_shipped_tables

__all__ = ["Scan", "write", "write_frame"]

SHAPE, FULL_SHAPE = (50, 128), (1000, 2560)  # wavelength, slit
FE_I_NM = 630.2
STOKES = ("I", "Q", "U", "V")
_STEP_S = 10.0


# What an ordinary morning looks like; the simulator would take numbers up to a million for all of these.
_CIRCUMSTANCES: dict[str, Any] = {
    "CAM_ID": "visp-arm-1",
    "CAMERA": "Andor Zyla 1",
    "BITDEPTH": 16,
    "XPOSURE": 24.0,  # ms
    "TEXPOSUR": 4.0,
    "NSUMEXP": 6,
    "CAM_FPS": 41.0,
    "CHIPDIM1": 2560,
    "CHIPDIM2": 2160,
    "BITPIX": -32,
    "BSCALE": 1.0,
    "BZERO": 0.0,
    "ELEV_ANG": 54.2,
    "TAZIMUTH": 151.7,
    "TTBLANGL": 12.4,
    "SOLARRAD": 972.1,  # arcsec
    "TELTRACK": "Standard Differential Rotation Tracking",
    "TELSCAN": "None",
    "LVL0STAT": "FieldStop (2.8arcmin)",
    "APERTURE": "2.8arcmin",
    "LIGHTLVL": 428.6,
    "SKYBRIGT": 12.1,
    "ATMOS_R0": 0.092,  # m
    "AO_LOCKX": 0.0,
    "AO_LOCKY": 0.0,
    "WS_TEMP": 11.3,
    "WS_HUMID": 18.0,
    "WS_DEWPT": -12.4,
    "WS_PRESS": 712.0,
    "WIND_SPD": 4.6,
    "POL_NOIS": 0.0011,
    "POL_SENS": 0.0009,
    "CADENCE": 10.0,
    "CADMIN": 10.0,
    "CADMAX": 10.0,
    "CADVAR": 0.0,
    "MANPROCD": False,
}


class Scan(SimpleVISPDataset):
    """One raster scan in all Stokes states; what the simulator would roll comes from dice of our own."""

    def __init__(self, *, seed: int, night: date, steps: int, shape: tuple[int, int]) -> None:
        use_shipped_tables()
        super().__init__(  # type: ignore[no-untyped-call]
            n_maps=1,
            n_steps=steps,
            n_stokes=len(STOKES),
            time_delta=_STEP_S,
            linewave=FE_I_NM * u.nm,
            detector_shape=shape,
        )
        self.seed, self.dataset_id = seed, _dataset_id(seed)
        dice = np.random.default_rng([seed, 0])
        for section in self.file_schema.sections:
            for key in section.keys:
                key.random = dice
        # Of no time zone, as the simulator wants it; its header says TIMESYS = UTC.
        self.start_time = datetime.combine(night, time(19, 47, 33, 318000))
        for keyword, value in self._constants(night).items():
            self.add_constant_key(keyword, value)

    def _constants(self, night: date) -> dict[str, Any]:
        """What is the same in all frames of the dataset."""
        made = datetime.combine(night, time(23, 30))
        proposal, experiment = f"pid_2_{100 + self.seed % 900}", f"eid_2_{100 + self.seed % 900}"
        return {
            "DSETID": self.dataset_id,
            "POINT_ID": self.dataset_id,
            "PRODUCT": f"L1-{self.dataset_id}",
            "PROP_ID": proposal,
            "PROPID01": proposal,
            "EXPER_ID": experiment,
            "EXPRID01": experiment,
            "OBSPR_ID": f"{experiment}_opDEMO_R001.{80000 + self.seed % 10000}.13974640",
            "IP_ID": f"id.{80000 + self.seed % 10000}.255722",
            "DATE": made.isoformat(timespec="milliseconds"),
            "CRDATE<n>": made.isoformat(timespec="milliseconds"),
            "RRUNID": 1 + self.seed,
            "RECIPEID": 1,
            "RINSTID": 1,
            "DWNAME4": "stokes",
            "DPNAME4": "stokes",
            "VSPPOLMD": "observe_polarimetric",
            "GOS_STAT": "open",
            "LAMPSTAT": "none",
            "OBJECT": "quietsun",
            "WAVEBAND": "Fe I (630.2 nm)",
            "WAVEMIN": 630.1,
            "WAVEMAX": 630.7,
            "FILE_ID": f"{self.dataset_id.lower()}-scan-1",
            "DSP_ID": "dsp.1",
            "VSPNSTP": self.n_steps,
            "VSPNMAPS": 1,
            "VSPMAP": 1,
            **_CIRCUMSTANCES,
        }

    @property
    def name_of_frame(self) -> str:
        """The data centre's name for the frame: instrument, start, wavelength in pm, Stokes, dataset."""
        start = datetime.fromisoformat(self.date_obs("DATE-BEG"))
        when = start.strftime("%Y_%m_%dT%H_%M_%S") + f"_{start.microsecond // 1000:03d}"
        return f"VISP_{when}_{round(FE_I_NM * 1000):08d}_{self.stokes('STOKES')}_{self.dataset_id}_L1.fits"

    @property
    def data(self) -> np.ndarray:
        """A continuum with one absorption line and its noise; in Q, U and V little but noise."""
        dice = np.random.default_rng([self.seed, 1 + self.index])
        noise = dice.standard_normal(self.array_shape, dtype=np.float32)
        if self.stokes("STOKES") != "I":
            return noise * np.float32(0.5)
        at = np.arange(self.array_shape[1]) / self.array_shape[1] - 0.5
        line = (1000 * (1 - 0.7 * np.exp(-((at / 0.05) ** 2)))).astype(np.float32)
        return line[None, :, None] + noise * np.float32(3)


def write(folder: Path, *, seed: int, night: date, count: int, full: bool) -> Iterator[Path]:
    """Write ``count`` frames of one dataset; give each path when the file is there."""
    steps = -(-count // len(STOKES))
    scan = Scan(seed=seed, night=night, steps=steps, shape=FULL_SHAPE if full else SHAPE)
    for frame in islice(scan, count):
        yield write_frame(folder, frame, night=night)


def write_frame(folder: Path, frame: Scan, *, night: date) -> Path:
    """The frame that the scan stands at, as a file with its sums."""
    path = folder / frame.name_of_frame
    frame.add_constant_key("FILENAME", path.name)
    image = frame.data
    for key, value in _statistics(image).items():
        frame.add_constant_key(key, value)
    hdu = fits.PrimaryHDU(data=image, header=fits.Header(frame.header()))
    hdu.add_checksum(when=f"{night.isoformat()}T23:30:00")
    hdu.writeto(path, output_verify="exception", overwrite=True)
    return path


def _statistics(image: np.ndarray) -> dict[str, float]:
    percentiles = (1, 2, 5, 10, 25, 75, 90, 95, 98, 99)
    found = {"DATAMIN": image.min(), "DATAMAX": image.max(), "DATAMEAN": image.mean(), "DATARMS": image.std()}
    found["DATAMEDN"] = np.median(image)
    found |= {
        f"DATAP{p:02d}": value
        for p, value in zip(percentiles, np.percentile(image, percentiles), strict=True)
    }
    return {key: float(value) for key, value in found.items()}


def _dataset_id(seed: int) -> str:
    """Five letters, as the data centre's ids are; different for each seed up to 26 to the fifth."""
    number = (seed * 7_654_321 + 1_234_567) % 26**5
    letters = []
    for _ in range(5):
        number, digit = divmod(number, 26)
        letters.append(string.ascii_uppercase[digit])
    return "".join(letters)
