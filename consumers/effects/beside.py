"""What we write ourselves about a file, kept in the archive beside the files."""

import hashlib
import tempfile
from pathlib import Path

from consumers.claims import WorkItem
from consumers.effects.places import key_of
from consumers.storage_errors import Stored
from consumers.tools import Tools
from events.stream import StreamConfiguration

__all__ = ["put_beside"]


def put_beside(
    whole: bytes,
    item: WorkItem,
    tools: Tools,
    configuration: StreamConfiguration,
    *,
    prefix: str,
    suffix: str,
) -> Stored:
    """Under ``prefix`` and the file's own place. Raises StorageError, and OSError where it can't be staged."""
    sha256 = hashlib.sha256(whole).hexdigest()
    tools.staging_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=tools.staging_dir, prefix="beside-", suffix=suffix) as target:
        target.write(whole)
        target.flush()
        path = Path(target.name)
        key = prefix + key_of(item, configuration, path, sha256=sha256, prefix="")
        labels = {"subject": item.subject, "version": str(item.version), "attempt": str(item.attempt)}
        bucket = configuration.destination.bucket or tools.bucket
        return tools.storage.put_file(
            path, bucket=bucket, key=key, sha256=sha256, size_bytes=len(whole), metadata=labels
        )
