"""Looking at a hand-in: its outputs as they lie there, its inputs, its software; every reason against it at once."""

import hashlib
import http.client
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from consumers.storage_errors import SourceMissing, SourceRefused, StorageError
from events.op_parts import Output, Software

__all__ = ["Commit", "Looked", "commit_found", "look"]

_COMMIT = re.compile(r"[0-9a-f]{7,40}|[0-9a-f]{64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,200}")
_PATIENCE_S = 10.0

Open = Callable[[str], AbstractContextManager[Path]]
"""A local path with the bytes of a place; raises StorageError."""


@dataclass(frozen=True, slots=True)
class Commit:
    """Whether a commit is in its repository: ``found`` None: it could not be asked, ``message`` says why."""

    found: bool | None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """What looking came to: it holds where there are no reasons."""

    reasons: tuple[str, ...]
    outputs: int
    size_bytes: int


def look(
    outputs: Sequence[Output],
    inputs: Iterable[str],
    software: Software,
    datasets: Iterable[str],
    opened: Open,
) -> Looked:
    """Everything against the hand-in. Raises StorageError only where a store does not answer."""
    known = set(datasets)
    reasons = [
        f"input {each}: belongs to no or another program, wanted one of its {len(known)} datasets"
        for each in sorted(set(inputs) - known)
    ]
    reasons += [] if inputs else ["found no inputs, wanted the datasets that were used"]
    reasons += [] if outputs else ["found no outputs, wanted at least one"]
    reasons += _against_names(outputs)
    size_bytes = 0
    for output in outputs:
        against, found_bytes = _against(output, opened)
        reasons += against
        size_bytes += found_bytes
    if not _COMMIT.fullmatch(software.commit):
        reasons.append(
            f"commit {software.commit!r}: wanted 7 to 40 (or 64) hexadecimal digits, in small letters"
        )
    return Looked(tuple(reasons), len(outputs), size_bytes)


def _against_names(outputs: Sequence[Output]) -> Iterator[str]:
    names = [each.name for each in outputs]
    for name in sorted(set(names)):
        if names.count(name) > 1:
            yield f"output {name}: handed in {names.count(name)} times, wanted each name once"
        if not _NAME.fullmatch(name):
            yield f"output {name!r}: wanted a plain file name of letters, digits and . _ + -"


def _against(output: Output, opened: Open) -> tuple[list[str], int]:
    """What is wrong with one output, and its size as found."""
    reasons = []
    if not _SHA256.fullmatch(output.sha256):
        reasons.append(
            f"output {output.name}: found the sum {output.sha256!r}, wanted a SHA-256 of 64 small hex digits"
        )
    try:
        with opened(output.uri) as path, path.open("rb") as source:
            found = hashlib.file_digest(source, "sha256").hexdigest()
            size_bytes = source.tell()
    except SourceMissing:
        return [*reasons, f"output {output.name}: nothing found at {output.uri}"], 0
    except SourceRefused as error:
        return [*reasons, f"output {output.name}: {error}"], 0
    except StorageError as error:
        if error.failure_class == "infrastructure":
            raise
        return [*reasons, f"output {output.name}: {error}"], 0
    if not reasons and found != output.sha256:
        reasons.append(f"output {output.name}: found sha256 {found}, wanted {output.sha256}")
    if output.size_bytes is not None and size_bytes != output.size_bytes:
        reasons.append(f"output {output.name}: found {size_bytes} bytes, wanted {output.size_bytes}")
    return reasons, size_bytes


def commit_found(software: Software, trusted: Iterable[str]) -> Commit:
    """Ask the repository for the commit, if it is one of those that may be asked (URI prefixes)."""
    repository = software.repository.removesuffix("/").removesuffix(".git")
    if not any(repository.startswith(each) for each in trusted):
        return Commit(None, f"{software.repository} is none of the repositories that this site asks")
    url = urlsplit(f"{repository}/commit/{software.commit}")
    kinds = {"https": http.client.HTTPSConnection, "http": http.client.HTTPConnection}
    if url.scheme not in kinds or url.hostname is None:
        return Commit(None, f"{software.repository} can't be asked by HTTP")
    connection = kinds[url.scheme](url.hostname, url.port, timeout=_PATIENCE_S)
    try:
        connection.request("HEAD", url.path, headers={"User-Agent": "meridian"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return Commit(None, f"{url.geturl()} did not answer: {error}")
    finally:
        connection.close()
    if status in {200, 301, 302, 308}:
        return Commit(True)
    if status == http.client.NOT_FOUND:
        return Commit(False, f"{url.geturl()} answers that there is no such commit")
    return Commit(None, f"{url.geturl()} answers {status}")
