"""The floor of ingest: one process a core that reads, sums, looks at the header and puts, and nothing else."""

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
from typing import Any, NamedTuple

from consumers.storage import STAGING_PREFIX, Storage
from service.settings import PROJECT
from service.wiring import Wiring

__all__ = ["FLOOR", "Source", "floor_seconds"]

FLOOR = "one process per core: read + SHA-256 + header + put, nothing else"


class Source(NamedTuple):
    """Where one file is read from: a path, or ``bucket/key`` of the store."""

    place: str
    is_object: bool = False


def floor_seconds(wiring: Wiring, sources: Sequence[Source]) -> float:
    """Seconds from the word to begin until all have been put; the processes have loaded what they need before."""
    workers = [_Worker(wiring, sources[number :: _cores()]) for number in range(_cores())]
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

    def __init__(self, wiring: Wiring, sources: Sequence[Source]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "service.bench.ingest_floor"],
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        s3 = wiring.endpoints.s3
        access = [s3.endpoint, s3.access_key, s3.secret_key, s3.region]
        self.say(json.dumps({"s3": access, "bucket": wiring.bucket, "sources": sources}))

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
    sources = [Source(*each) for each in order["sources"]]
    fits.Header.fromstring("")
    with tempfile.TemporaryDirectory(prefix="meridian-floor-") as folder:
        storage.head(order["bucket"], "floor")  # its connection stands before the clock runs
        _tell("ready", [])
        sys.stdin.readline()
        keys = [_one(storage, order["bucket"], source, Path(folder)) for source in sources]
    _tell("done", keys)


def _tell(what: str, keys: list[str]) -> None:
    print(json.dumps({what: keys}), flush=True)


def _one(storage: Storage, bucket: str, source: Source, folder: Path) -> str:
    content = _read(storage, source, folder)
    sha256 = hashlib.sha256(content).hexdigest()
    _look(content)
    key = f"{STAGING_PREFIX}floor/{source.place.strip('/')}"
    storage.put_staged(content, bucket=bucket, key=key, sha256=sha256)
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
