"""Preview: a picture of a validated file into the archive, beside the files. Its failure is a remark and no more."""

import hashlib
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from consumers.claims import WorkItem
from consumers.effects.asking import Ask, report
from consumers.effects.ingest import brief_of, configuration_for
from consumers.effects.layout import folders
from consumers.effects.places import key_of, stored_object
from consumers.failures import Failed, from_archive
from consumers.previews import Made, make_preview
from consumers.storage_errors import SourceMissing, StorageError, Stored
from consumers.tools import Tools
from events.file import Brief, Preview
from events.file_requests import ReportFilePreviewed
from events.preview_policy import Previews
from events.stream import StreamConfiguration
from events.types import Usage

__all__ = ["PREFIX", "failed_preview", "preview"]

log = logging.getLogger(__name__)

PREFIX = "previews/"
_COPIES_AT_MOST = 5


def preview(item: WorkItem, tools: Tools) -> Ask:
    """Make it, put it there, report. Raises Wait where a server is away, Failed, StorageError, OSError."""
    brief, configuration = brief_of(item), configuration_for(item, tools)
    with _content(item, tools, brief, configuration) as path:
        made = make_preview(path, configuration.previews or Previews())
    usage = Usage(
        host=tools.host,
        wall_s=made.wall_s,
        cpu_s=made.cpu_s,
        peak_rss_bytes=made.peak_rss_bytes,
        exit=made.exit,
    )
    if made.code is not None:
        return report(
            item, ReportFilePreviewed(preview=Preview(code=made.code, message=made.message, usage=usage))
        )
    stored = _put(item, tools, made, configuration)
    told = Preview(object=stored_object(stored), media_type="image/png", usage=usage, **made.shows)
    return report(item, ReportFilePreviewed(preview=told))


def failed_preview(item: WorkItem, failed: Failed) -> Ask:
    """The report that there is none."""
    told = Preview(code=failed.code, message=failed.message[:2_000])
    return report(item, ReportFilePreviewed(preview=told))


@contextmanager
def _content(
    item: WorkItem, tools: Tools, brief: Brief, configuration: StreamConfiguration
) -> Iterator[Path]:
    """The file where it was announced; where that place is empty by now, what the archive has."""
    try:
        with tools.source(brief.content.uri, configuration) as path:
            yield path
            return
    except SourceMissing:
        log.info("preview from the archive", extra={"subject": item.subject, "version": item.version})
    bucket, key = _archived(item, tools, brief, configuration)
    tools.staging_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="preview-", dir=tools.staging_dir) as folder:
        path = Path(folder) / "file"
        tools.storage.get_to_file(bucket, key, path, max_bytes=configuration.max_bytes)
        yield path


def _archived(
    item: WorkItem, tools: Tools, brief: Brief, configuration: StreamConfiguration
) -> tuple[str, str]:
    """Where the transfer has put it: under the first key, or where others had that one, under a later one."""
    bucket = configuration.destination.bucket or tools.bucket
    below = configuration.destination.prefix + folders(configuration, brief)
    sha256, name = brief.sha256 or "0" * 64, Path(brief.content.uri)
    for copy in range(1, _COPIES_AT_MOST + 1):
        key = key_of(item, configuration, name, sha256=sha256, copy=copy, prefix=below)
        head = tools.storage.head(bucket, key)
        if head is not None and head.size_bytes == brief.size_bytes:
            return bucket, key
    raise SourceMissing(f"{brief.content.uri}: found nothing there, and no copy of it in the archive yet")


def _put(item: WorkItem, tools: Tools, made: Made, configuration: StreamConfiguration) -> Stored:
    sha256 = hashlib.sha256(made.picture).hexdigest()
    tools.staging_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=tools.staging_dir, prefix="preview-", suffix=".png") as target:
        target.write(made.picture)
        target.flush()
        path = Path(target.name)
        try:
            return tools.storage.put_file(
                path,
                bucket=configuration.destination.bucket or tools.bucket,
                key=PREFIX + key_of(item, configuration, path, sha256=sha256, prefix=""),
                sha256=sha256,
                size_bytes=len(made.picture),
                metadata={"subject": item.subject, "version": str(item.version)},
            )
        except StorageError as error:
            raise from_archive(error, item.stream) from error
