"""The one full read of a file: size, SHA-256, and by its first bytes what it is, before any parser sees it."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from consumers.formats.inspection import InvalidFileError

__all__ = ["FileChangedError", "SeenBytes", "kind_of", "require_kind", "scan"]

CHUNK_BYTES = 256 * 1024
HEAD_BYTES = 512

# First bytes and what they mean. FITS and ASDF are what we want; the rest is what gets sent under their names.
KINDS = (
    (b"SIMPLE  =", "FITS"),
    (b"#ASDF ", "ASDF"),
    (b"\x1f\x8b", "gzip data"),
    (b"BZh", "bzip2 data"),
    (b"\xfd7zXZ\x00", "xz data"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data"),
    (b"\x1f\x9d", "compress (.Z) data"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"%PDF-", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"<!DOCTYPE", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<?xml", "an XML document"),
    (b"{", "JSON text"),
)


class FileChangedError(Exception):
    """The file changed while it was being read: whoever writes it has not finished."""


@dataclass(frozen=True, slots=True)
class SeenBytes:
    """A file as it lay there when it was read from first byte to last; its MD5 only where somebody compares it."""

    size_bytes: int
    sha256: str
    head: bytes
    md5: str | None = None


def scan(source: BinaryIO, *, max_bytes: int, md5: bool = False) -> SeenBytes:
    """Read the file once. Raises InvalidFileError when it is empty or too long, FileChangedError when it moves."""
    before = os.fstat(source.fileno())
    if before.st_size > max_bytes:
        raise InvalidFileError(
            "LIMIT_EXCEEDED",
            f"file of {before.st_size} bytes, at most {max_bytes} are read; raise the limit of size if it is right",
            found=str(before.st_size),
            wanted=f"<= {max_bytes}",
        )
    sums = [hashlib.sha256(), *([hashlib.md5(usedforsecurity=False)] if md5 else ())]
    size, head = _read(source, sums)
    after = os.fstat(source.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or size != after.st_size:
        raise FileChangedError(
            f"size {before.st_size} before reading and {after.st_size} after, {size} bytes read; "
            "announce a file when it is complete"
        )
    if not size:
        raise InvalidFileError(
            "EMPTY_FILE", "file has 0 bytes; send it again when it has been written", found="0", wanted="> 0"
        )
    sha256, *more = (each.hexdigest() for each in sums)
    return SeenBytes(size_bytes=size, sha256=sha256, head=head, md5=more[0] if more else None)


def _read(source: BinaryIO, sums: "Sequence[hashlib._Hash]") -> tuple[int, bytes]:
    """Size and first bytes, and all bytes into the sums; the file is left at its beginning."""
    size, head = 0, b""
    buffer = memoryview(bytearray(CHUNK_BYTES))
    source.seek(0)
    while count := source.readinto(buffer):  # type: ignore[attr-defined]
        for each in sums:
            each.update(buffer[:count])
        head = head or bytes(buffer[: min(count, HEAD_BYTES)])
        size += count
    source.seek(0)
    return size, head


def kind_of(head: bytes) -> str:
    """What the first bytes say the file is, in words."""
    for magic, kind in KINDS:
        if head.startswith(magic):
            return kind
    if not head.strip(b"\x00"):
        return "zero bytes"
    printable = sum(byte in b"\t\n\r" or 0x20 <= byte < 0x7F for byte in head)
    return "text" if printable == len(head) else "data of an unknown kind"


def require_kind(seen: SeenBytes, wanted: str) -> None:
    """Raise InvalidFileError NOT_THE_FORMAT unless the first bytes are those of ``wanted`` (FITS or ASDF)."""
    found = kind_of(seen.head)
    if found != wanted:
        hint = "unpack it before sending" if found.endswith(" data") else "send the right file"
        raise InvalidFileError(
            "NOT_THE_FORMAT",
            f"found {found}, wanted {wanted}; {hint}",
            found=found,
            wanted=wanted,
        )
