"""Originals of rejected files are kept, out of the way of good ones."""

import hashlib
from pathlib import Path

from consumers.claims import WorkItem
from consumers.effects.places import key_of, stored_object
from consumers.failures import from_archive
from consumers.formats.inspection import Inspection
from consumers.storage_errors import StorageError, TransferMismatch
from consumers.tools import Tools
from events.file import Object
from events.stream import StreamConfiguration

__all__ = ["PREFIX", "put_aside"]

PREFIX = "quarantine/"


def put_aside(
    item: WorkItem, tools: Tools, path: Path, inspection: Inspection, configuration: StreamConfiguration
) -> Object | None:
    """The original's copy; None where it can't be read or changes while it is read. Raises Wait without the archive."""
    try:
        sha256, size_bytes = _sums(path, inspection)
    except OSError:
        return None  # unreadable: that is what it is rejected for
    key = PREFIX + key_of(item, configuration, path, sha256=sha256, prefix="")
    labels = {"subject": item.subject, "code": inspection.code or ""}
    bucket = configuration.destination.bucket or tools.bucket
    try:
        stored = tools.storage.put_file(
            path, bucket=bucket, key=key, sha256=sha256, size_bytes=size_bytes, metadata=labels
        )
    except TransferMismatch:
        return None
    except StorageError as error:
        if error.failure_class == "infrastructure":
            raise from_archive(error, item.stream) from error
        return None
    return stored_object(stored)


def _sums(path: Path, inspection: Inspection) -> tuple[str, int]:
    if inspection.sha256 is not None and inspection.size_bytes is not None:
        return inspection.sha256, inspection.size_bytes
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest(), path.stat().st_size
