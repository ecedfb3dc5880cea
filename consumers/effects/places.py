"""Where a file's bytes go in the archive, and how its facts name the object there."""

from pathlib import Path

from consumers.claims import WorkItem
from consumers.keys import object_key
from consumers.storage_errors import Stored
from events.file import Object
from events.stream import StreamConfiguration

__all__ = ["key_of", "stored_object"]


def key_of(
    item: WorkItem,
    configuration: StreamConfiguration,
    path: Path,
    *,
    sha256: str,
    copy: int = 1,
    prefix: str | None = None,
) -> str:
    """The key for this version's bytes; ``prefix`` None: the stream's own."""
    key = object_key(
        stream=item.stream,
        logical_name=item.subject.partition("/")[2],
        version=item.version or 1,
        sha256=sha256,
        extension=path.suffix,
        copy=copy,
    )
    return (configuration.destination.prefix if prefix is None else prefix) + key


def stored_object(stored: Stored) -> Object:
    """The object as a fact names it."""
    return Object(
        bucket=stored.bucket,
        key=stored.key,
        size_bytes=stored.size_bytes,
        sha256=stored.sha256,
        s3_checksum=stored.s3_checksum,
        s3_checksum_type=stored.s3_checksum_type,
        etag=stored.etag or None,
        existed=stored.existed,
    )
