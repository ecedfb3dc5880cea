"""Names of Rubin's raw files: camera, controller, observing day, number of the image, raft and slot of the sensor."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from consumers.formats.inspection import InvalidFileError
from consumers.formats.text import shortened
from machines.membership import SENSORS

__all__ = ["Sensor", "sensor_of"]

# Camera: main, commissioning, auxiliary telescope. The controller is the observatory (O), the camera (C), a playback …
NAME = re.compile(
    r"(?P<exposure>(?P<camera>MC|CC|AT|TS|GC)_(?P<controller>[A-Z])_(?P<day>\d{8})_(?P<number>\d{6}))"
    r"_(?P<raft>R\d\d)_(?P<slot>S(?:[0-2][0-2]|G[01]|W[01]))(?:_guider)?\.(?:fits(?:\.fz)?|json)"
)
MAIN_CAMERA = "MC"


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor's part of one exposure, as its file's name tells."""

    exposure: str
    camera: str
    day: str
    number: int
    raft: str
    slot: str

    @property
    def name(self) -> str:
        """The identity of the image: exposure and sensor."""
        return f"{self.exposure}_{self.raft}_{self.slot}"

    @property
    def visit(self) -> str:
        """The exposure as one number: observing day, then five digits of the image's number."""
        return f"{self.day}{self.number:05d}"

    @property
    def number_of_detector(self) -> int | None:
        """The detector's number in the main camera's own numbering; other cameras number their own."""
        return SENSORS.get(f"{self.raft}_{self.slot}") if self.camera == MAIN_CAMERA else None


def sensor_of(name: str) -> Sensor:
    """What a name says. Raises InvalidFileError BAD_NAME for one that no camera writes."""
    found = NAME.fullmatch(name)
    if found is None:
        raise _bad(name, "a name such as MC_O_20251101_000123_R22_S11.fits")
    sensor = Sensor(
        found["exposure"], found["camera"], found["day"], int(found["number"]), found["raft"], found["slot"]
    )
    try:
        datetime.strptime(sensor.day, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        raise _bad(name, "a day of the calendar as YYYYMMDD") from None
    if sensor.camera == MAIN_CAMERA and sensor.number_of_detector is None:
        raise _bad(name, "a sensor of the camera, such as R22_S11")
    return sensor


def _bad(name: str, wanted: str) -> InvalidFileError:
    shown = shortened(name, 200)
    return InvalidFileError(
        "BAD_NAME",
        f"{shown}: wanted {wanted}; send it under the camera's own name",
        found=shown,
        wanted=wanted,
    )
