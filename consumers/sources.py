"""Where announced files may be read from: inside the roots of their stream and nowhere else."""

import errno
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from consumers.storage import Storage
from consumers.storage_errors import (
    SourceMissing,
    SourceRefused,
    SourceTooLarge,
    StorageRefused,
    StorageUnavailable,
)

__all__ = ["object_inside", "open_source"]

_NAME_BYTES = 255
_SERVER_AWAY = {errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN, errno.EHOSTUNREACH}


@contextmanager
def open_source(
    uri: str,
    roots: Sequence[str],
    staging_dir: Path,
    *,
    storage: Storage | None = None,
    max_bytes: int | None = None,
) -> Iterator[Path]:
    """A local path with the announced bytes, named as announced: the file itself, or an object's copy.

    ``roots`` are URI prefixes (``file:///landing/roman-wfi/``, ``s3://landing/roman/``). ``storage`` is where
    ``s3://`` places are looked up; a copy lives in ``staging_dir`` until the block ends. Raises
    ``SourceRefused`` outside the roots, ``SourceMissing``, ``SourceTooLarge``.
    """
    scheme = urlsplit(uri).scheme
    if "\0" in unquote(uri):
        raise SourceRefused(f"{uri!r}: found a NUL in the path")
    if scheme == "file":
        yield _local_file(uri, roots, max_bytes)
    elif scheme == "s3" and storage is not None:
        bucket, key = object_inside(uri, roots)
        staging_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetched-", dir=staging_dir) as folder:
            path = Path(folder) / PurePosixPath(key).name
            _fetch(storage, bucket, key, path, max_bytes)
            yield path
    else:
        known = (
            "file:// and s3://"
            if storage is not None
            else "file:// (no object storage is set up for sources)"
        )
        raise SourceRefused(f"{uri}: found the scheme {scheme!r}, wanted one of {known}")


def _local_file(uri: str, roots: Sequence[str], max_bytes: int | None) -> Path:
    announced = _path_of(uri)
    folders = [_path_of(root).resolve() for root in roots if urlsplit(root).scheme == "file"]
    # Where the path really ends, symbolic links followed: a link inside a root may not lead out of it.
    path = announced.resolve()
    if not any(path.is_relative_to(folder) for folder in folders):
        raise SourceRefused(f"{uri}: leads to {path}, outside of the stream's roots ({_listed(roots)})")
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        _check_mounted(path, folders)
        raise SourceMissing(
            f"{uri}: found nothing there; it may have been moved, or not have come yet"
        ) from error
    except PermissionError as error:
        raise SourceRefused(f"{uri}: may not be read by this service; check its owner and mode") from error
    except OSError as error:
        if error.errno not in _SERVER_AWAY:
            raise
        raise StorageUnavailable(f"{uri}: {error.strerror}; its file server does not answer") from error
    if not stat.S_ISREG(found.st_mode):
        raise SourceRefused(f"{uri}: is no regular file")
    if max_bytes is not None and found.st_size > max_bytes:
        raise SourceTooLarge(f"{uri}: {found.st_size} bytes, wanted at most {max_bytes}")
    return path


def _check_mounted(path: Path, folders: Sequence[Path]) -> None:
    """A file that is not there may still come; where its whole root is not there, no file of the stream can be read."""
    for folder in folders:
        if path.is_relative_to(folder) and not folder.is_dir():
            raise StorageUnavailable(f"{folder}: found no such folder, wanted the stream's root; mount it")


def _path_of(uri: str) -> Path:
    parts = urlsplit(uri)
    if parts.netloc not in {"", "localhost"}:
        raise SourceRefused(f"{uri}: names the host {parts.netloc!r}, wanted a path on this one (file:///…)")
    if parts.query or parts.fragment:
        raise SourceRefused(f"{uri}: found a ? or # in it; in a path they are written %3F and %23")
    path = Path(unquote(parts.path))
    if not path.is_absolute():
        raise SourceRefused(f"{uri}: wanted an absolute path (file:///…)")
    return path


def object_inside(uri: str, roots: Sequence[str]) -> tuple[str, str]:
    """Bucket and key (``%`` escapes undone) of a URI inside a root. Raises SourceRefused."""
    bucket, key = _bucket_and_key(uri)
    name = PurePosixPath(key).name
    if not name or key.endswith("/") or len(name.encode()) > _NAME_BYTES:
        raise SourceRefused(f"{uri}: names no file, or one longer than {_NAME_BYTES} bytes")
    if any(part in {"", ".", ".."} for part in key.split("/")):
        raise SourceRefused(f"{uri}: found an empty, '.' or '..' step in the key, wanted a plain one")
    for root in roots:
        if urlsplit(root).scheme != "s3":
            continue
        root_bucket, prefix = _bucket_and_key(root)
        inside = not prefix or key.startswith(prefix if prefix.endswith("/") else prefix + "/")
        if bucket == root_bucket and inside:
            return bucket, key
    raise SourceRefused(f"{uri}: outside of the stream's roots ({_listed(roots)})")


def _bucket_and_key(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, unquote(key)


def _fetch(storage: Storage, bucket: str, key: str, path: Path, max_bytes: int | None) -> None:
    try:
        storage.get_to_file(bucket, key, path, max_bytes=max_bytes)
    except StorageRefused as error:
        raise StorageRefused(f"{error} (asked for as a source)") from error


def _listed(roots: Sequence[str]) -> str:
    return ", ".join(roots) or "it has none"
