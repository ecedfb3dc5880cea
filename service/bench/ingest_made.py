"""Files to ingest, generated: frames in FITS, full-size Roman images, and an exposure; each turn's are its own."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from service.settings import PROJECT

__all__ = ["make_frames", "make_romans"]

NIGHT = date(2026, 11, 21)
BEGAN = "2026-11-21T05:00:00"


def make_frames(folder: Path, *, turn: int, count: int, size_bytes: int) -> list[Path]:
    """So many frames with sums of their own, about ``size_bytes`` each."""
    return _made("frames", folder, turn=turn, count=count, size=size_bytes)


def make_romans(folder: Path, *, turn: int, count: int, side: int) -> list[Path]:
    """So many images of the Wide Field Instrument, ``side`` pixels wide, not compressed."""
    return _made("romans", folder, turn=turn, count=count, size=side)


def _made(what: str, folder: Path, *, turn: int, count: int, size: int) -> list[Path]:
    """By a process of its own: what it imports and allocates is not the bench's."""
    folder.mkdir(parents=True, exist_ok=True)
    order = json.dumps({"folder": str(folder), "turn": turn, "count": count, "size": size})
    done = subprocess.run(
        [sys.executable, "-m", "service.bench.ingest_made", what, order],
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [Path(line) for line in done.stdout.splitlines()]


def _write_frames(folder: Path, turn: int, count: int, size_bytes: int) -> Sequence[Path]:
    import numpy as np
    from astropy.io import fits

    wide = max(1, int((size_bytes / 2) ** 0.5))
    paths = []
    for number in range(count):
        dice = np.random.default_rng([turn, number])
        hdu = fits.PrimaryHDU(dice.integers(0, 60_000, (wide, wide), dtype=np.uint16))
        hdu.header.update(
            {"INSTRUME": "BENCH", "OBJECT": "NGC 6240", "EXPTIME": 30.0, "DATE-OBS": BEGAN, "EXPNUM": number}
        )
        path = folder / f"t{turn:03d}n{number:06d}.fits"
        hdu.writeto(path, checksum=True)
        paths.append(path)
    return paths


def _write_romans(folder: Path, turn: int, count: int, side: int) -> Sequence[Path]:
    from service.demo import roman

    return list(roman.write(folder, seed=turn, night=NIGHT, count=count, side=side, compression=None))


def _main() -> None:
    what, order = sys.argv[1], json.loads(sys.argv[2])
    write = {"frames": _write_frames, "romans": _write_romans}[what]
    for path in write(Path(order["folder"]), order["turn"], order["count"], order["size"]):
        print(path)


if __name__ == "__main__":
    _main()
