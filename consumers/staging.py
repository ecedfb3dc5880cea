"""Staging: copies of a program's inputs in a folder, each with its checksum; what was begun is gone on with."""

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from consumers.failures import Failed
from consumers.storage_errors import StorageFull

__all__ = ["JOURNAL", "MANIFEST", "PART", "Input", "Staged", "sizes_in_journal", "stage"]

JOURNAL, MANIFEST = "staged.ndjson", "manifest.json"
PART, _PART_KEPT_S = ".part", 900.0
"""What nobody has written on for so long was left by a worker that died."""

_ROOM_LEFT = 64 * 1024 * 1024
"""Bytes that have to stay free beside what is staged, for whoever works there."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Input:
    """One file to be staged: of which dataset, under which name, from where, how large."""

    dataset: str
    name: str
    uri: str
    size_bytes: int

    @property
    def path(self) -> str:
        """Where it lies in the folder."""
        return f"{self.dataset}/{self.name}"


@dataclass(frozen=True, slots=True)
class Staged:
    """What lies in the folder: all inputs, verified, and the manifest that names them."""

    files: int
    size_bytes: int
    fetched: int
    manifest: Path
    manifest_sha256: str


Fetch = Callable[[Input, Path], tuple[int, str]]
"""Writes the input to a path; its size and SHA-256 as received, proven against its source as far as that knows them."""


def stage(inputs: Sequence[Input], folder: Path, fetch: Fetch, *, about: dict[str, Any]) -> Staged:
    """All inputs in the folder. What an earlier try has brought is read again and kept if it is whole.

    Raises Failed NO_ROOM before anything is fetched where the disk can't take it all, and when it fills up meanwhile;
    what is half written then is removed, so that the disk is never left full by us.
    """
    ordered = sorted(inputs, key=lambda each: each.path)
    _make(folder)
    _sweep(folder)
    before = _journal(folder)
    whole = {each.path: found for each in ordered if (found := _found(each, folder, before))}
    missing = [each for each in ordered if each.path not in whole]
    _check_room(folder, sum(each.size_bytes for each in missing))
    with _appending(folder / JOURNAL) as journal:
        for each in missing:
            whole[each.path] = _fetched(each, folder, fetch, journal)
    files = [
        {"dataset": each.dataset, "name": each.name, "uri": each.uri, **whole[each.path]} for each in ordered
    ]
    manifest, sha256 = _manifest(folder, {**about, "files": files})
    return Staged(len(files), sum(each.size_bytes for each in ordered), len(missing), manifest, sha256)


def _make(folder: Path) -> None:
    """The folder; others that are emptied beside it take the empty folders above with them, perhaps just now."""
    for _ in range(3):
        with suppress(FileNotFoundError):
            folder.mkdir(parents=True, exist_ok=True)
            return
    folder.mkdir(parents=True, exist_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what workers that died have left half written; a living one may be at work here too."""
    for part in folder.rglob(f"*{PART}"):
        try:
            if time.time() - part.stat().st_mtime > _PART_KEPT_S:
                part.unlink()
        except FileNotFoundError:
            continue  # it has just been finished


def sizes_in_journal(folder: Path) -> dict[str, int]:
    """What staging put there, or was about to put there, by path; nobody's word is taken for what lies there now."""
    return {path: line["size_bytes"] for path, line in _journal(folder).items()}


def _fetched(wanted: Input, folder: Path, fetch: Fetch, journal: Any) -> dict[str, Any]:
    """The input in its place. The journal knows of it first, so that nothing of ours ever lies there unknown."""
    target = folder / wanted.path
    part = target.with_name(f"{target.name}.{uuid4().hex[:8]}{PART}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        size_bytes, sha256 = fetch(wanted, part)
        if size_bytes != wanted.size_bytes:
            message = f"{wanted.uri}: {size_bytes} bytes came, its source lists {wanted.size_bytes}; it may be growing"
            raise Failed("INPUT_CHANGED", "transient", message)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        found = {"size_bytes": size_bytes, "sha256": sha256}
        journal.write(orjson.dumps({"path": wanted.path, "uri": wanted.uri, **found}) + b"\n")
        journal.flush()
        part.replace(target)
    except (OSError, StorageFull) as error:
        if isinstance(error, OSError) and error.errno not in _NO_ROOM:
            raise
        raise _no_room(folder, wanted.size_bytes) from error
    finally:
        part.unlink(missing_ok=True)
    return found


def _found(wanted: Input, folder: Path, journal: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """What an earlier try has brought, if it is whole; nobody's word is taken for it, the bytes are read."""
    noted, path = journal.get(wanted.path), folder / wanted.path
    if noted is None or noted["uri"] != wanted.uri or noted["size_bytes"] != wanted.size_bytes:
        return None
    try:
        with path.open("rb") as source:
            sha256 = hashlib.file_digest(source, "sha256").hexdigest()
            size_bytes = source.tell()
    except OSError:
        return None
    if (size_bytes, sha256) != (noted["size_bytes"], noted["sha256"]):
        return None
    return {"size_bytes": size_bytes, "sha256": sha256}


def _journal(folder: Path) -> dict[str, dict[str, Any]]:
    """What was brought before; a line that a crash has cut off counts as not written."""
    try:
        lines = (folder / JOURNAL).read_bytes().splitlines()
    except FileNotFoundError:
        return {}
    return {line["path"]: line for line in _decoded(lines)}


def _decoded(lines: Sequence[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(found, dict) and {"path", "uri", "size_bytes", "sha256"} <= found.keys():
            yield found


def _appending(path: Path) -> Any:
    """The journal to be written on, behind a cut-off line if there is one."""
    is_cut = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    opened = path.open("ab")
    if is_cut:
        opened.write(b"\n")
    return opened


def _manifest(folder: Path, members: dict[str, Any]) -> tuple[Path, str]:
    """The same inputs make the same bytes."""
    encoded = orjson.dumps(members, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)
    path, part = folder / MANIFEST, folder / f"{MANIFEST}.{uuid4().hex[:8]}{PART}"
    try:
        part.write_bytes(encoded)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        if error.errno not in _NO_ROOM:
            raise
        raise _no_room(folder, len(encoded)) from error
    return path, hashlib.sha256(encoded).hexdigest()


def _check_room(folder: Path, wanted_bytes: int) -> None:
    if wanted_bytes and shutil.disk_usage(folder).free < wanted_bytes + _ROOM_LEFT:
        raise _no_room(folder, wanted_bytes)


def _no_room(folder: Path, wanted_bytes: int) -> Failed:
    free = shutil.disk_usage(folder).free
    return Failed(
        "NO_ROOM",
        "transient",
        f"{folder}: {free} bytes free, {wanted_bytes} more wanted and {_ROOM_LEFT} to spare; make room there; what has "
        "been staged stays",
        found=f"{free} bytes free",
        wanted=f"{wanted_bytes + _ROOM_LEFT} bytes free",
    )
