"""Remove: bytes that a fact says are to go, once it has been seen again that nothing is lost with them."""

import hashlib
import os
from pathlib import Path

from consumers.claims import WorkItem
from consumers.effects import preview, quarantine
from consumers.effects.asking import Asks, report
from consumers.effects.ingest import brief_of, configuration_for
from consumers.failures import from_archive
from consumers.sources import object_inside
from consumers.storage_errors import SourceMissing, StorageError
from consumers.tools import Tools, source_roots
from events.file import Brief, Object
from events.file_removal import ReportFileRemoved
from events.stream import StreamConfiguration

__all__ = ["remove"]

_BELOW = {"quarantine": quarantine.PREFIX, "preview": preview.PREFIX}

Ended = tuple[bool, str]
"""Whether the bytes are gone, and what is to be said of it."""


def remove(item: WorkItem, tools: Tools) -> Asks:
    """Look, remove, report. What does not agree is left where it is, and the report says so. Raises Wait."""
    what, place = item.payload["what"], str(item.payload["place"])
    try:
        if what == "source":
            is_gone, message = _source(item, tools, place)
        else:
            is_gone, message = _ours(tools, place, below=_BELOW[what])
    except StorageError as error:
        if error.failure_class == "infrastructure":
            raise from_archive(error, item.stream) from error
        is_gone, message = False, str(error)
    except OSError as error:
        is_gone, message = (
            False,
            f"{place}: {error.strerror or error}; see to its owner and mode, then ask again",
        )
    yield report(item, ReportFileRemoved(what=what, place=place, is_gone=is_gone, message=message[:2000]))


def _source(item: WorkItem, tools: Tools, place: str) -> Ended:
    brief, configuration = brief_of(item), configuration_for(item, tools)
    against = _not_proven(tools, brief.object)
    if against is not None:
        return False, against
    try:
        if place.startswith("s3://"):
            return _remove_object(tools, place, brief, configuration)
        with tools.source(place, configuration) as path:
            return _remove_file(path, brief)
    except SourceMissing:
        return True, "nothing lay there any more"


def _not_proven(tools: Tools, stored: Object | None) -> str | None:
    """Why the copy in the archive can't be relied on right now; None: it has the bytes."""
    if stored is None:
        return "the version has no object in the archive"
    head = tools.storage.head(stored.bucket, stored.key)
    where = f"s3://{stored.bucket}/{stored.key}"
    if head is None:
        return f"{where}: found no object there, wanted the proven copy; restore it first"
    same_sum = head.sha256 == stored.sha256 or (
        head.sha256 is None and head.s3_checksum is not None and head.s3_checksum == stored.s3_checksum
    )
    if head.size_bytes != stored.size_bytes or not same_sum:
        return (
            f"{where}: found {head.size_bytes} bytes with checksum {head.sha256 or head.s3_checksum}, "
            f"wanted {stored.size_bytes} with sha256 {stored.sha256}; the source stays"
        )
    return None


def _remove_file(path: Path, brief: Brief) -> Ended:
    with path.open("rb") as source:
        found = hashlib.file_digest(source, "sha256").hexdigest()
    if found != brief.sha256:
        return False, _other(str(path), found, brief)
    path.unlink()
    return True, f"removed, {brief.size_bytes} bytes"


def _remove_object(tools: Tools, place: str, brief: Brief, configuration: StreamConfiguration) -> Ended:
    bucket, key = object_inside(place, source_roots(configuration))
    _, found = tools.storage.get_to_file(bucket, key, Path(os.devnull))
    if found != brief.sha256:
        return False, _other(place, found, brief)
    tools.storage.delete_below(bucket, key, prefix=key)
    return True, f"removed, {brief.size_bytes} bytes"


def _other(place: str, found: str, brief: Brief) -> str:
    return f"{place}: found other bytes (sha256 {found}), wanted those that were archived ({brief.sha256}); they stay"


def _ours(tools: Tools, place: str, *, below: str) -> Ended:
    """Something that we ourselves have put beside the archive's files."""
    bucket, _, key = place.removeprefix("s3://").partition("/")
    if not key.startswith(below):
        return False, f"{place}: found a key of the archive, wanted one below {below}; it stays"
    if tools.storage.head(bucket, key) is None:
        return True, "nothing lay there any more"
    tools.storage.delete_below(bucket, key, prefix=below)
    return True, "removed"
