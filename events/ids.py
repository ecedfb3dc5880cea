"""Names made from names: record ids, derived request ids, and the partition of a subject."""

from hashlib import sha1
from uuid import UUID, uuid5
from zlib import crc32

__all__ = ["NAMESPACE", "derived_id", "partition_of", "record_id"]

NAMESPACE = UUID("6f2c6a0e-3f8e-5d0c-9b55-5a3f2b0f5a11")
"""Namespace of every uuid5 of Meridian."""

_NAMESPACE_BYTES = NAMESPACE.bytes
_VARIANT = {digit: f"{int(digit, 16) & 3 | 8:x}" for digit in "0123456789abcdef"}


def record_id(site: str, subject: str, request_id: str) -> str:
    """The id of the record that answers a request, a uuid5: the same each time it is decided."""
    name = f"{site}\n{subject}\n{request_id}".encode()
    text = sha1(_NAMESPACE_BYTES + name, usedforsecurity=False).hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


def derived_id(cause: str, purpose: str, attempt: int = 1) -> str:
    """The id of a request that follows from ``cause``: a re-send keeps the attempt, a new try raises it."""
    return str(uuid5(NAMESPACE, f"{cause}\n{purpose}\n{attempt}"))


def partition_of(subject: str, partitions: int) -> int:
    """The partition that keeps all of a subject's records: CRC-32 of its UTF-8 bytes, modulo the count."""
    return crc32(subject.encode()) % partitions
