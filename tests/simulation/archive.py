"""The archive and the reader of files in memory: what S3 promises of a conditional put, what a child would find."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from consumers.child import ChildResult, Usage
from consumers.formats import Expected
from consumers.formats.inspection import Inspection
from consumers.storage_errors import StorageUnavailable, Stored, TransferMismatch
from tests.simulation.scheduler import Scheduler

__all__ = ["Archive", "Reader"]


@dataclass
class Archive:
    """The port ``Storage`` as far as effects use it. ``puts`` counts what was written, by key; nothing is overwritten.

    ``faults``: ``refused`` (nothing happened) or ``stands`` (it did, and only the answer was lost).
    """

    scheduler: Scheduler
    objects: dict[str, bytes] = field(default_factory=dict)
    puts: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def put_file(
        self,
        path: Path,
        *,
        bucket: str,
        key: str,
        sha256: str,
        size_bytes: int,
        metadata: Mapping[str, str] | None = None,
    ) -> Stored:
        body = path.read_bytes()
        found = hashlib.sha256(body).hexdigest()
        if (found, len(body)) != (sha256, size_bytes):
            raise TransferMismatch(str(path), sha256, found, size_bytes, len(body))
        self.scheduler.pause("put")
        fault = self.faults.pop(0) if self.faults else None
        if fault == "refused":
            raise StorageUnavailable(f"s3://{bucket}/{key}: told to fail")
        existed = key in self.objects
        if not existed:
            self.objects[key] = body
            self.puts[key] = self.puts.get(key, 0) + 1
        if fault == "stands":
            raise StorageUnavailable(f"s3://{bucket}/{key}: the answer was lost")
        self.scheduler.pause("head")
        stored = hashlib.sha256(self.objects[key]).hexdigest()
        if stored != sha256:
            raise TransferMismatch(f"s3://{bucket}/{key}", sha256, stored, size_bytes, len(body), existed)
        return Stored(bucket, key, size_bytes, sha256, None, None, "", existed)


@dataclass
class Reader:
    """The port ``Inspects``: the sum is looked at, and nothing else."""

    scheduler: Scheduler
    formats: tuple[str, ...] = ("any",)

    def inspect(
        self,
        path: Path | str,
        format: str,  # noqa: A002
        expected: Expected,
        *,
        together: str | None = None,
        is_behind: bool = False,
    ) -> ChildResult:
        self.scheduler.pause("inspect")
        body = Path(path).read_bytes()
        found = {"size_bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
        if found["sha256"] != expected.sha256:
            why = {"code": "CHECKSUM_MISMATCH", "message": "other bytes than announced"}
            return ChildResult(Inspection("invalid", **why, **found), None, Usage())  # type: ignore[arg-type]
        return ChildResult(Inspection("ok", **found), None, Usage())  # type: ignore[arg-type]
