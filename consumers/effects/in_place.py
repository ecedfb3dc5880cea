"""Files that are archived where they lie: read once more, and named as their own object."""

import hashlib
from urllib.parse import unquote, urlsplit

from consumers.failures import Failed
from consumers.tools import Tools
from events.file import Brief, Object
from events.file_requests import ReportFileTransferred
from events.stream import StreamConfiguration
from events.types import Usage

__all__ = ["FILES", "in_place"]

FILES = "file"
"""The bucket of what lies in a file system; the key is its path."""


def in_place(brief: Brief, configuration: StreamConfiguration, tools: Tools) -> ReportFileTransferred:
    """The source as an object, if it still has the bytes that were validated. Raises StorageError and Failed."""
    uri = brief.content.uri
    with tools.source(uri, configuration) as path, path.open("rb") as source:
        found = hashlib.file_digest(source, "sha256").hexdigest()
        size_bytes = source.tell()
    if (found, size_bytes) != (brief.sha256, brief.size_bytes):
        raise Failed(
            "SOURCE_CHANGED",
            "data",
            f"{uri} has changed since it was validated: found {size_bytes} bytes (sha256 {found}), wanted "
            f"{brief.size_bytes} (sha256 {brief.sha256}); put the validated bytes back and retry, or reprocess",
            found=f"{size_bytes} bytes, sha256 {found}",
            wanted=f"{brief.size_bytes} bytes, sha256 {brief.sha256}",
        )
    place = urlsplit(uri)
    bucket = place.netloc if place.scheme == "s3" else FILES
    key = unquote(place.path).lstrip("/") if place.scheme == "s3" else unquote(place.path)
    stored = Object(bucket=bucket, key=key, size_bytes=size_bytes, sha256=found, existed=True, in_place=True)
    return ReportFileTransferred(
        object=stored, usage=Usage(host=tools.host, bytes_read=size_bytes, bytes_written=0)
    )
