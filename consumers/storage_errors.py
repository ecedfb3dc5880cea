"""What stores of bytes answer: objects as found there, and failures typed by what the caller can do next."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from events.types import FailureClass

__all__ = [
    "ObjectHead",
    "SourceMissing",
    "SourceRefused",
    "SourceTooLarge",
    "StorageError",
    "StorageFull",
    "StorageRefused",
    "StorageUnavailable",
    "Stored",
    "TransferMismatch",
]


@dataclass(frozen=True, slots=True)
class ObjectHead:
    """An object as its store describes it; ``sha256`` (hex, of all of it) only where the store knows it."""

    bucket: str
    key: str
    size_bytes: int
    etag: str
    sha256: str | None = None
    s3_checksum: str | None = None
    s3_checksum_type: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """An object whose size and SHA-256, as read there, equal ours; ``existed``: it was there before."""

    bucket: str
    key: str
    size_bytes: int
    sha256: str
    s3_checksum: str | None
    s3_checksum_type: str | None
    etag: str
    existed: bool


class StorageError(Exception):
    """Something is wrong between us and a store; ``code`` and ``failure_class`` are for the ledger."""

    code: ClassVar[str] = "STORAGE_ERROR"
    failure_class: ClassVar[FailureClass] = "infrastructure"


class StorageUnavailable(StorageError):  # noqa: N818 - says what is the matter; the base is the one called error
    """The store can't be reached, is overloaded or answers with a fault of its own: wait, then ask again."""

    code = "STORAGE_UNAVAILABLE"


class StorageFull(StorageError):  # noqa: N818
    """The store has no room left: a person makes room, then the same request works."""

    code = "STORAGE_FULL"


class StorageRefused(StorageError):  # noqa: N818
    """The store won't have this from us: credentials, permissions, bucket, key; a person changes settings."""

    code = "STORAGE_REFUSED"


class TransferMismatch(StorageError):  # noqa: N818
    """The bytes are not those announced or sent; ``existed``: another object already has the key."""

    code = "TRANSFER_MISMATCH"
    failure_class = "transient"

    def __init__(
        self,
        what: str,
        wanted_sha256: str,
        found_sha256: str | None,
        wanted_bytes: int,
        found_bytes: int | None,
        existed: bool = False,
    ) -> None:
        self.what, self.existed = what, existed
        self.wanted_sha256, self.found_sha256 = wanted_sha256, found_sha256
        self.wanted_bytes, self.found_bytes = wanted_bytes, found_bytes
        # Positional arguments only, so that the error survives a trip between processes.
        super().__init__(what, wanted_sha256, found_sha256, wanted_bytes, found_bytes, existed)

    def __str__(self) -> str:
        where = "an object that was already there has" if self.existed else "found"
        return (
            f"{self.what}: wanted {self.wanted_bytes} bytes with sha256 {self.wanted_sha256}, "
            f"{where} {_or_unknown(self.found_bytes)} bytes with sha256 {_or_unknown(self.found_sha256)}"
        )


class SourceMissing(StorageError):  # noqa: N818
    """What was announced is not (or no longer) where the announcement says: it may still come."""

    code = "SOURCE_MISSING"
    failure_class = "transient"


class SourceRefused(StorageError):  # noqa: N818
    """The announced place is none that this stream may be read from: the announcement is wrong."""

    code = "SOURCE_REFUSED"
    failure_class = "data"


class SourceTooLarge(StorageError):  # noqa: N818
    """The announced file is larger than the stream allows."""

    code = "SOURCE_TOO_LARGE"
    failure_class = "data"


def _or_unknown(value: object) -> object:
    return "unknown" if value is None else value
