"""Transfer: one verified put of the validated bytes into the archive."""

import time
from pathlib import Path

from consumers.claims import WorkItem
from consumers.effects.asking import Asks, report
from consumers.effects.in_place import in_place
from consumers.effects.ingest import brief_of, configuration_for, name_of
from consumers.effects.layout import folders
from consumers.effects.long_lists import may_be_long, tell_long_list
from consumers.effects.places import key_of, stored_object
from consumers.failures import Failed, from_archive
from consumers.storage_errors import StorageError, Stored, TransferMismatch
from consumers.tools import Tools
from events import failpoints
from events.file import Brief
from events.file_requests import ReportFileTransferred
from events.stream import StreamConfiguration
from events.types import Usage

__all__ = ["transfer"]

_COPIES_AT_MOST = 5


def transfer(item: WorkItem, tools: Tools) -> Asks:
    """Copy, verify at the destination, report. An equal object already there is as good. Raises Wait, Failed.

    A list of sums that was too long for its record is told to the files that it names first.
    """
    brief = brief_of(item)
    configuration = configuration_for(item, tools)
    began_s = time.monotonic()
    try:
        if may_be_long(brief):
            with tools.source(brief.content.uri, configuration, sha256=brief.sha256) as path:
                yield from tell_long_list(item, tools, path, brief, configuration, name_of(brief))
        if configuration.transfer.mode == "in_place":
            yield report(item, in_place(brief, configuration, tools))
            return
        with tools.source(brief.content.uri, configuration, sha256=brief.sha256) as path:
            stored = _put(item, tools, path, brief, configuration)
    except StorageError as error:
        raise from_archive(error, item.stream) from error
    failpoints.reach("worker.after_put")
    usage = Usage(
        host=tools.host,
        wall_s=round(time.monotonic() - began_s, 6),
        bytes_read=stored.size_bytes,
        bytes_written=0 if stored.existed else stored.size_bytes,
    )
    yield report(item, ReportFileTransferred(object=stored_object(stored), usage=usage))


def _put(
    item: WorkItem, tools: Tools, path: Path, brief: Brief, configuration: StreamConfiguration
) -> Stored:
    """The bytes that were validated, under the first key that is free or holds them.

    A key whose object has other bytes is never overwritten. The first attempt reports it; later ones go on to another
    place for the same content.
    """
    if brief.sha256 is None or brief.size_bytes is None:
        raise Failed("NOTHING_VALIDATED", "code", "the version has no checksum of its own; reprocess it")
    below = configuration.destination.prefix + folders(configuration, brief)
    copies = min(_COPIES_AT_MOST, max(1, item.attempt or 1))
    for copy in range(1, copies + 1):
        try:
            return tools.storage.put_file(
                path,
                bucket=configuration.destination.bucket or tools.bucket,
                key=key_of(item, configuration, path, sha256=brief.sha256, copy=copy, prefix=below),
                sha256=brief.sha256,
                size_bytes=brief.size_bytes,
                metadata={"subject": item.subject, "version": str(item.version)},
            )
        except TransferMismatch as error:
            if _is_of_source(error, path):
                raise _changed(error, brief) from error
            if not error.existed or copy == copies:
                raise
    raise AssertionError("unreachable: every round of the loop returns or raises")


def _is_of_source(error: TransferMismatch, path: Path) -> bool:
    """The file itself is not what was validated; had it been spoilt on the way, it would be found right here."""
    return error.what == str(path) and error.found_sha256 != error.wanted_sha256


def _changed(error: TransferMismatch, brief: Brief) -> Failed:
    return Failed(
        "SOURCE_CHANGED",
        "data",
        f"{brief.content.uri} has changed since it was validated: found {error.found_bytes} bytes "
        f"(sha256 {error.found_sha256 or 'not read'}), wanted {error.wanted_bytes} (sha256 {error.wanted_sha256}); "
        "put the validated bytes back and retry, or reprocess to take the new ones",
        found=f"{error.found_bytes} bytes, sha256 {error.found_sha256 or 'not read'}",
        wanted=f"{error.wanted_bytes} bytes, sha256 {error.wanted_sha256}",
        evidence={"found_sha256": error.found_sha256, "wanted_sha256": error.wanted_sha256},
    )
