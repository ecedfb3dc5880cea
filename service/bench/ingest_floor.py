"""The floors of ingest: one process a core that reads, sums, looks at the header and puts, and nothing else.

There are two ways to put. ``FLOOR`` is the plain loop: boto3 as it comes, told only where the store is. ``TUNED`` puts
by our own client of the store, which we have made faster than that: part of our own work is in it already.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from consumers.storage import STAGING_PREFIX, Storage
from service.settings import PROJECT
from service.wiring import Wiring

__all__ = ["FLOOR", "TUNED", "Source", "floor_seconds"]

FLOOR = "one process per core: read + SHA-256 + header + put by plain boto3, nothing else"
TUNED = "one process per core: read + SHA-256 + header + put by our own tuned client, nothing else"


class Put(Protocol):
    """Puts bytes under a key, with their SHA-256 in hex."""

    def __call__(self, content: bytes, *, bucket: str, key: str, sha256: str) -> None: ...


class Source(NamedTuple):
    """Where one file is read from: a path, or ``bucket/key`` of the store."""

    place: str
    is_object: bool = False


def floor_seconds(wiring: Wiring, sources: Sequence[Source], *, is_tuned: bool) -> float:
    """Seconds from the word to begin until all have been put; the processes have loaded what they need before."""
    workers = [_Worker(wiring, sources[number :: _cores()], is_tuned=is_tuned) for number in range(_cores())]
    try:
        for worker in workers:
            worker.hear("ready")
        began = time.perf_counter()
        for worker in workers:
            worker.say("go")
        put = [key for worker in workers for key in worker.hear("done")]
        seconds = time.perf_counter() - began
    finally:
        for worker in workers:
            worker.end()
    storage = wiring.storage()
    for key in put:
        storage.delete_staged(wiring.bucket, key)
    storage.close()
    return seconds


def _cores() -> int:
    return os.cpu_count() or 1


class _Worker:
    """One process of the floor."""

    def __init__(self, wiring: Wiring, sources: Sequence[Source], *, is_tuned: bool) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "service.bench.ingest_floor"],
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        s3 = wiring.endpoints.s3
        access = [s3.endpoint, s3.access_key, s3.secret_key, s3.region]
        order = {"s3": access, "bucket": wiring.bucket, "sources": sources, "is_tuned": is_tuned}
        self.say(json.dumps(order))

    def say(self, line: str) -> None:
        stream = self._process.stdin
        if stream is None:
            raise RuntimeError("a process of the floor has no input")
        stream.write(line + "\n")
        stream.flush()

    def hear(self, wanted: str) -> list[str]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError(
                f"a process of the floor ended before it was {wanted}; what it said stands above"
            )
        told: dict[str, list[str]] = json.loads(line)
        return told[wanted]

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


def _main() -> None:
    from astropy.io import fits

    order = json.loads(sys.stdin.readline())
    endpoint, access_key, secret_key, region = order["s3"]
    storage = Storage(endpoint=endpoint, access_key=access_key, secret_key=secret_key, region=region)
    put = storage.put_staged if order["is_tuned"] else _plain(endpoint, access_key, secret_key, region)
    sources = [Source(*each) for each in order["sources"]]
    fits.Header.fromstring("")
    with tempfile.TemporaryDirectory(prefix="meridian-floor-") as folder:
        bucket = order["bucket"]
        # Its connection stands, and what it loads for its first put is loaded, before the clock runs.
        first = f"{STAGING_PREFIX}floor/first-{os.getpid()}"
        put(b"x", bucket=bucket, key=first, sha256=hashlib.sha256(b"x").hexdigest())
        storage.delete_staged(bucket, first)
        _tell("ready", [])
        sys.stdin.readline()
        keys = [_one(storage, put, bucket, source, Path(folder)) for source in sources]
    _tell("done", keys)


def _tell(what: str, keys: list[str]) -> None:
    print(json.dumps({what: keys}), flush=True)


def _plain(endpoint: str, access_key: str, secret_key: str, region: str) -> Put:
    """boto3 as its manual has it: one client for all puts, every setting its default but where the store is."""
    import boto3
    from botocore.config import Config

    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=region,
        config=Config(s3={"addressing_style": "path"}),
    )

    def put(content: bytes, *, bucket: str, key: str, sha256: str) -> None:
        checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
        client.put_object(Bucket=bucket, Key=key, Body=content, ChecksumSHA256=checksum)

    return put


def _one(storage: Storage, put: Put, bucket: str, source: Source, folder: Path) -> str:
    content = _read(storage, source, folder)
    sha256 = hashlib.sha256(content).hexdigest()
    _look(content)
    key = f"{STAGING_PREFIX}floor/{source.place.strip('/')}"
    put(content, bucket=bucket, key=key, sha256=sha256)
    return key


def _read(storage: Storage, source: Source, folder: Path) -> bytes:
    if not source.is_object:
        return Path(source.place).read_bytes()
    bucket, _, key = source.place.partition("/")
    path = folder / "object"
    storage.get_to_file(bucket, key, path)
    return path.read_bytes()


def _look(content: bytes) -> Any:
    """The header of a FITS file; of anything else the first bytes say what it is."""
    from astropy.io import fits

    return fits.Header.fromfile(BytesIO(content)) if content.startswith(b"SIMPLE") else content[:512]


if __name__ == "__main__":
    _main()
