"""What publications have put into the archive: each manifest that a fact names, and what the manifest names in turn."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from consumers.storage import Storage
from consumers.storage_errors import StorageError, StorageUnavailable
from service.audit.findings import Offender, Tally

__all__ = ["Published", "of_publications", "publication_is_under_way"]


_About = tuple[str, int, str, str, int]
"""Observing program, attempt, the fact's id, its position and offset."""


class Published(NamedTuple):
    """An object of a publication. ``is_wanted``: a fact says that it is there; otherwise it may be."""

    bucket: str
    key: str
    size_bytes: int | None
    sha256: str | None
    subject: str
    attempt: int
    event_id: str
    position: str
    offset: int
    is_wanted: bool


def of_publications(connection: Any, storage: Storage, *, tally: Tally) -> Iterator[Published]:
    """Everything that facts of publications lead to; a manifest that is not as its fact says is an offender."""
    cursor = connection.cursor()
    cursor.execute(_DOCUMENTS)
    rows = cursor.fetchall()
    for subject, attempt, event_id, partition, offset, uri, sha256, is_manifest, is_archived in rows:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        about: _About = (subject, attempt, event_id, f"op.events/{partition}/{offset}", offset)
        yield Published(bucket, key, None, sha256, *about, True)
        if is_manifest:
            found = _read(storage, bucket, key, sha256)
            if isinstance(found, str):
                tally.found(
                    "effects_wrong", Offender(subject, found, f"sha256 {sha256} at {uri}", about[3], event_id)
                )
                continue
            yield from _named(found, about, is_archived=is_archived)


def publication_is_under_way(connection: Any, op: str, attempt: str) -> bool:
    """Work on the publication is not over: what has no fact yet may get one."""
    cursor = connection.cursor()
    cursor.execute(_UNDER_WAY, {"op": op, "attempt": attempt})
    return bool(cursor.fetchone()[0])


def _named(manifest: dict[str, Any], about: _About, *, is_archived: bool) -> Iterator[Published]:
    provenance = manifest["provenance"]
    listed = [(each["uri"], each["size_bytes"], each["sha256"], is_archived) for each in manifest["objects"]]
    for uri, size_bytes, sha256, is_wanted in [
        *listed,
        (provenance["uri"], None, provenance["sha256"], True),
    ]:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        yield Published(bucket, key, size_bytes, sha256, *about, is_wanted)


def _read(storage: Storage, bucket: str, key: str, sha256: str) -> dict[str, Any] | str:
    """The manifest, or what was found instead of it."""
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        path = Path(folder) / "manifest.json"
        try:
            found = storage.get_to_file(bucket, key, path)[1]
        except StorageUnavailable:
            raise
        except StorageError as error:
            return f"not readable: {error}"
        if found != sha256:
            return f"sha256 {found}"
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        return manifest


# A draft of a DOI is named in words alone.
_DOCUMENTS = """
    SELECT l.subject, l.attempt, l.event_id::text, l.partition, l.ledger_offset,
           COALESCE(l.data ->> 'manifest_uri', substr(l.data ->> 'message', length('draft at ') + 1)),
           l.data ->> 'manifest_sha256', l.data ->> 'step' = 'package',
           EXISTS (SELECT FROM projection.ledger a WHERE a.machine = 'op' AND a.subject = l.subject
                   AND a.attempt = l.attempt AND a.sequence > l.sequence AND a.type = 'op.step_done'
                   AND a.data -> 'steps_done' ? 'archive')
    FROM projection.ledger l
    WHERE l.machine = 'op' AND l.type = 'op.step_done'
        AND (l.data ->> 'manifest_uri' LIKE 's3://%%' OR l.data ->> 'message' LIKE 'draft at s3://%%')
    ORDER BY l.partition, l.ledger_offset
"""

_UNDER_WAY = """
    SELECT EXISTS (SELECT FROM projection.op_attempt
                   WHERE op = %(op)s AND attempt = CAST(%(attempt)s AS int) AND state = 'Publishing')
"""
