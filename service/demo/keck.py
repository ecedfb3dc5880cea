"""Raw exposures of Keck's KCWI, blue and red, and of NIRES, with the keywords that the archive reads."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

__all__ = ["write", "write_nires"]

SHAPE, FULL_SHAPE = (110, 115), (2200, 2300)  # the second as in a 2 × 2 binned KCWI file
_TARGETS = (("bias", "BIAS", 0.0), ("FLASHES 7", "OBJECT", 60.0), ("BD+28d4211", "OBJECT", 30.0))


def write(folder: Path, *, seed: int, night: date, count: int, full: bool) -> Iterator[Path]:
    """Write ``count`` exposures, blue and red in turn; give each path when the file is there."""
    for index in range(count):
        yield _write_kcwi(folder, index, seed=seed, night=night, full=full)


def _write_kcwi(folder: Path, index: int, *, seed: int, night: date, full: bool) -> Path:
    frame, camera = index // 2 + 1, "BLUE" if index % 2 == 0 else "RED"
    path = folder / f"k{camera[0].lower()}{night:%y%m%d}_{frame:05d}.fits"
    dice = np.random.default_rng([seed, index])
    began = _began(night, frame) + timedelta(milliseconds=10 * int(dice.integers(0, 40)))
    image = _counts(dice, FULL_SHAPE if full else SHAPE, level=1000.0)
    cards = _common(path.name, began) | _kcwi(camera, frame, began) | _statistics(image)
    return _save(path, image, cards, night)


def write_nires(folder: Path, *, seed: int, night: date) -> Path:
    """Write one NIRES spectrum: a good file, of another instrument."""
    path = folder / f"s{night:%y%m%d}_0020.fits"
    dice = np.random.default_rng([seed, 20_000])
    began = _began(night, 20)
    image = _counts(dice, (64, 128), level=300.0).astype(np.float32)
    return _save(path, image, _common(path.name, began) | _nires(began), night)


def _began(night: date, frame: int) -> datetime:
    return datetime(night.year, night.month, night.day, 5, 0, 0, 120_000, tzinfo=UTC) + timedelta(
        seconds=90 * frame
    )


def _counts(dice: np.random.Generator, shape: tuple[int, int], *, level: float) -> np.ndarray:
    return dice.poisson(level, shape).astype(np.uint16)


def _common(name: str, began: datetime) -> dict[str, Any]:
    """What all instruments of Keck II write. The archive's identity is made of DATE-OBS and UT."""
    clock = began.strftime("%H:%M:%S.") + f"{began.microsecond // 10_000:02d}"
    return {
        "TELESCOP": "Keck II",
        "OFNAME": name,
        "DATE-OBS": f"{began:%Y-%m-%d}",
        "UT": clock,
        "UTC": clock,
        "MJD": round((began - datetime(1858, 11, 17, tzinfo=UTC)) / timedelta(days=1), 6),
        "OBSERVER": "O'Sullivan,Martin",
        "OA": "jaycock",
        "SEMESTER": f"{began.year}{'A' if 2 <= began.month < 8 else 'B'}",
        "PROGNAME": "C257",
        "RA": "03:52:00.00",
        "DEC": "+45:00:00.0",
        "EQUINOX": 2000.0,
        "AIRMASS": 1.41,
        "AZ": 58.0,
        "EL": 45.0,
        "HA": "+00:00:00.00",
        "ROTMODE": "position angle",
        "ROTPOSN": 0.0,
        "DOMEPOSN": 147.49,
    }


def _kcwi(camera: str, frame: int, began: datetime) -> dict[str, Any]:
    target, image_type, exposure_s = _TARGETS[(frame - 1) % len(_TARGETS)]
    ended = began + timedelta(seconds=exposure_s)
    side = camera[0]
    return {
        "INSTRUME": "KCWI",
        "CURRINST": "KCWI",
        "CAMERA": camera,
        "OBJECT": target,
        "TARGNAME": target,
        "IMTYPE": image_type,
        "CALTYPE": "none" if image_type == "OBJECT" else "test",
        "FRAMENO": frame,
        "OUTDIR": f"/s/sdata1400/kcwi1/{began:%Y%b%d}".lower(),
        "OUTFILE": f"k{side.lower()}{began:%y%m%d}_",
        "GROUPID": f"{began:%Y-%m-%d}-1",
        "DATE-BEG": _stamp(began),
        "DATE-END": _stamp(ended),
        "XPOSURE": exposure_s,
        "TELAPSE": exposure_s,
        "ELAPTIME": exposure_s,
        "TTIME": exposure_s,
        "BINNING": "2,2",
        "CCDSUM": "2 2",
        "AMPMODE": "TUP",
        "NVIDINP": 2,
        "CCDMODE": 0,
        "GAINMUL": 10,
        "IFUNAM": "Medium",
        "IFUNUM": 2,
        f"{side}GRATNAM": f"{side}M",
        f"{side}FILTNAM": "KBlue" if side == "B" else "None",
        f"{side}NASNAM": "Open",
        f"{side}CWAVE": 4500.0 if side == "B" else 7500.0,
        "STATENAM": f"{side}M_5300",
    }


def _nires(began: datetime) -> dict[str, Any]:
    return {
        "INSTRUME": "NIRES",
        "CURRINST": "NIRES",
        "INSTR": "spec",
        "DATAFILE": f"s{began:%y%m%d}_0020",
        "FRAMENUM": 20,
        "OBJECT": "Himalia",
        "TARGNAME": "Himalia",
        "OBSTYPE": "object",
        "OUTDIR": f"/s/sdata1500/nires9/{began:%Y%b%d}/".lower(),
        "ITIME": 100.0,
        "COADDS": 1,
        "ELAPTIME": 100.0,
        "SAMPMODE": 3,
        "NUMREADS": 2,
    }


def _statistics(image: np.ndarray) -> dict[str, Any]:
    found = {"IMAGEMN": image.mean(), "IMAGESD": image.std(), "IMAGEMD": np.median(image)}
    return {key: round(float(value), 2) for key, value in found.items()} | {
        "NPIXSAT": int((image == 65535).sum())
    }


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}"


def _save(path: Path, image: np.ndarray, cards: dict[str, Any], night: date) -> Path:
    hdu = fits.PrimaryHDU(image)
    hdu.header.update(cards)
    # With a given time the checksum's comment, and so the file, is the same for the same seed.
    hdu.add_checksum(when=f"{night.isoformat()}T23:30:00")
    hdu.writeto(path, output_verify="exception", overwrite=True)
    return path
