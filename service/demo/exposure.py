"""One exposure of Rubin's camera: 205 sensors, each a FITS file and its header as JSON, announced by the store."""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from consumers.storage import Storage
from service.demo.streams import RUBIN, SENDERS

__all__ = ["BUCKET", "Exposure", "ExposureFile", "make_exposure", "sensors"]

DAY, BUCKET = "20251120", "rubin-summit"
_CORNERS = ("R00", "R04", "R40", "R44")
_RAFTS = [f"R{row}{column}" for row in range(5) for column in range(5) if f"R{row}{column}" not in _CORNERS]


@dataclass(frozen=True, slots=True)
class ExposureFile:
    """One file of the exposure: where it lies here, and the key it has in the bucket."""

    path: Path
    key: str
    size_bytes: int
    sha256: str
    etag: str

    @property
    def subject(self) -> str:
        """Whom its events are about: with its extension, because a sensor's FITS and JSON are two files."""
        return f"{RUBIN}/{self.path.name}"


@dataclass(frozen=True, slots=True)
class Exposure:
    """An exposure's files and the notifications of them, one message each, for the inbox of ``sender``."""

    name: str
    bucket: str
    files: tuple[ExposureFile, ...]
    notifications: tuple[bytes, ...]
    sender: str = SENDERS[RUBIN]

    def store(self, storage: Storage, *, threads: int = 8) -> None:
        """Put all files into the bucket, as the summit does before the store announces them."""
        storage.ensure_bucket(self.bucket)

        def put(file: ExposureFile) -> None:
            storage.put_file(
                file.path, bucket=self.bucket, key=file.key, sha256=file.sha256, size_bytes=file.size_bytes
            )

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(put, self.files))


def sensors() -> Iterator[str]:
    """The camera's 205 sensors: nine in each of 21 rafts, two guiders and two wavefront halves in each corner."""
    for raft in _RAFTS:
        yield from (f"{raft}_S{row}{column}" for row in range(3) for column in range(3))
    for raft in _CORNERS:
        yield from (f"{raft}_{sensor}" for sensor in ("SG0", "SG1", "SW0", "SW1"))


def make_exposure(folder: Path, *, number: int = 34, bucket: str = BUCKET, sensor_bytes: int = 0) -> Exposure:
    """Write the files of exposure ``number`` of the day below ``folder`` and word their 410 notifications.

    ``sensor_bytes``: about so large is each sensor's image; 0 makes them as small as FITS allows.
    """
    name = f"MC_O_{DAY}_{number:06d}"
    place = folder / "LSSTCam" / DAY / name
    place.mkdir(parents=True, exist_ok=True)
    began = datetime(2025, 11, 20, 5, tzinfo=UTC) + timedelta(seconds=40 * number)
    files = []
    for sensor in sensors():
        header = _header(name, number, sensor, began)
        for extension, content in (
            ("fits", _fits(header, sensor_bytes)),
            ("json", json.dumps(header).encode()),
        ):
            files.append(_write(place / f"{name}_{sensor}.{extension}", content, folder))
    ended = began + timedelta(seconds=17)
    notifications = tuple(
        json.dumps(_notification(file, bucket, ended + timedelta(milliseconds=2 * place_in_line))).encode()
        for place_in_line, file in enumerate(files)
    )
    return Exposure(name, bucket, tuple(files), notifications)


def _write(path: Path, content: bytes, folder: Path) -> ExposureFile:
    path.write_bytes(content)
    # An S3 ETag of a single put is the MD5 of the content.
    etag = hashlib.md5(content, usedforsecurity=False).hexdigest()
    key = path.relative_to(folder).as_posix()
    return ExposureFile(path, key, len(content), hashlib.sha256(content).hexdigest(), etag)


def _header(name: str, number: int, sensor: str, began: datetime) -> dict[str, Any]:
    raft, slot = sensor.split("_")
    return {
        "TELESCOP": "Simonyi Survey Telescope",
        "INSTRUME": "LSSTCam",
        "OBSID": name,
        "CONTRLLR": "O",
        "DAYOBS": DAY,
        "SEQNUM": number,
        "RAFTBAY": raft,
        "CCDSLOT": slot,
        "FILTBAND": "r",
        "IMGTYPE": "OBJECT",
        "EXPTIME": 15.0,
        "DATE-BEG": began.strftime("%Y-%m-%dT%H:%M:%S.000"),
        "TIMESYS": "TAI",
        "PROGRAM": "BLOCK-365",
    }


def _fits(header: dict[str, Any], size_bytes: int = 0) -> bytes:
    """A FITS file of four rows, card by card: 205 of them are written in no time."""
    wide = max(4, size_bytes // 8)
    shape = {"SIMPLE": True, "BITPIX": 16, "NAXIS": 2, "NAXIS1": wide, "NAXIS2": 4}
    cards = "".join(f"{key:<8}= {_value(value):<70}" for key, value in (shape | header).items())
    # The sensor's own pattern, so that no two sensors have the same bytes.
    pixels = hashlib.sha256(str(header["RAFTBAY"] + header["CCDSLOT"]).encode()).digest() * (wide // 4 + 1)
    data = pixels[: wide * 8] if size_bytes else bytes(wide * 8)
    return f"{cards}END".encode().ljust(2880) + data + bytes(-len(data) % 2880)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return f"{'T' if value else 'F':>20}"
    return f"'{value:<8}'" if isinstance(value, str) else f"{value:>20}"


def _notification(file: ExposureFile, bucket: str, at: datetime) -> dict[str, Any]:
    """As Ceph words it."""
    moment = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    record = {
        "eventVersion": "2.2",
        "eventSource": "ceph:s3",
        "awsRegion": "summit",
        "eventTime": moment,
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": bucket},
        "requestParameters": {"sourceIPAddress": ""},
        "responseElements": {"x-amz-request-id": file.etag, "x-amz-id-2": "summit"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": f"{bucket}-notification",
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": bucket},
                "arn": f"arn:aws:s3:summit::{bucket}",
                "id": bucket,
            },
            "object": {
                "key": file.key,
                "size": file.size_bytes,
                "eTag": file.etag,
                "versionId": "",
                "sequencer": f"{int(at.timestamp() * 1e6):016X}",
                "metadata": [],
                "tags": [],
            },
        },
        "eventId": f"{at.timestamp():.6f}.{file.etag}",
        "opaqueData": "",
    }
    return {"Records": [record]}
