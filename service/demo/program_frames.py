"""Frames of two observing programs of ViSP, one fit to be inverted and one not, and a catalogue that has both."""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from astropy.io import fits

from consumers.catalogue.file_view import FileView
from consumers.catalogue.look import Look
from service.demo.dkist import SHAPE, STOKES, Scan, write_frame
from service.demo.maker import CATALOGUE, PROGRAM_FRAMES

__all__ = ["write"]

STEPS = PROGRAM_FRAMES // (2 * len(STOKES))
_OWN_SEEDS = 1_000_000
"""Far from those of the nights, so that no dataset has the name of a night's."""


class _Kind(NamedTuple):
    """How the frames of a program were taken; ``clouded``: frames that the observation was disturbed in."""

    name: str
    clouded: int


KINDS = (_Kind("fit", 0), _Kind("unfit", 5))


def write(folder: Path, *, seed: int, night: date, count: int, full: bool) -> Iterator[Path]:
    """Write all frames below ``folder``, by dataset, then the catalogue; give each frame's path.

    ``count`` has to be ``PROGRAM_FRAMES``: a program is whole or it is none; and they are never full size.
    """
    if count != PROGRAM_FRAMES or full:
        raise ValueError(f"found {count} frames, full size {full}, wanted {PROGRAM_FRAMES} small ones")
    headers: list[Mapping[str, Any]] = []
    for number, kind in enumerate(KINDS):
        scan = _scan(2 * seed + number, night)
        place = folder / scan.dataset_id
        place.mkdir(parents=True, exist_ok=True)
        for at, frame in enumerate(scan):
            _disturb(frame, is_clouded=at < kind.clouded)
            path = write_frame(place, frame, night=night)
            headers.append(dict(fits.getheader(path)))
            yield path
    (folder / CATALOGUE).write_text(json.dumps(_catalogue(headers), indent=1) + "\n", "utf-8")


def _scan(number: int, night: date) -> Scan:
    scan = Scan(seed=_OWN_SEEDS + number, night=night, steps=STEPS, shape=SHAPE)
    experiment = f"eid_2_{1000 + number}"
    own = {
        "EXPER_ID": experiment,
        "EXPRID01": experiment,
        "PROP_ID": f"pid_2_{1000 + number}",
        "PROPID01": f"pid_2_{1000 + number}",
        "OBSPR_ID": f"{experiment}_opDEMO_R001.{10_000 + number}.13974640",
        "IP_ID": f"id.{10_000 + number}.255722",
        "DSHEALTH": "Good",
        "GOS_STAT": "open",
    }
    for keyword, value in own.items():
        scan.add_constant_key(keyword, value)
    return scan


def _disturb(frame: Scan, *, is_clouded: bool) -> None:
    """The adaptive optics lose the Sun behind a cloud, and hold on to it again."""
    frame.add_constant_key("AO_LOCK", not is_clouded)
    frame.add_constant_key("LIGHTLVL", 96.4 if is_clouded else 428.6)


def _catalogue(headers: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Records in the shape in which the data centre's metadata store answers, from what the frames say."""
    rows = [
        {"extra": header, "obs_start_utc": header["DATE-BEG"], "obs_end_utc": header["DATE-END"]}
        for header in headers
    ]
    records = [dict(each.raw) for each in FileView(lambda: rows).records(Look())]
    exposure_ms = headers[0]["XPOSURE"]
    free = {"isEmbargoed": False, "embargoEndDate": None, "exposureTime": exposure_ms, "datasetSize": 0}
    return {"data": {"datasetInventories": [{**record, **free} for record in records]}}
