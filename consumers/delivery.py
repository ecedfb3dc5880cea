"""Where published products go: each place takes a product under its frozen key, and says that it stands there."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from consumers.storage import Storage

__all__ = ["ArchiveDelivery", "Delivered", "Delivery", "Parcel"]


class Parcel(NamedTuple):
    """A product as it was verified: where it lies by its URI, a local path with its bytes, and its key for good."""

    uri: str
    path: Path
    key: str
    sha256: str
    size_bytes: int
    metadata: Mapping[str, str]


class Delivered(NamedTuple):
    """Where it stands now; ``existed``: it had been there already."""

    uri: str
    size_bytes: int
    existed: bool


class Delivery(Protocol):
    """One place. It may be asked again, and never overwrites other content.

    Raises StorageError, Failed, and Wait where the place does not answer or is not done yet.
    """

    def deliver(self, parcel: Parcel) -> Delivered:
        """The product stands there when this returns."""


class ArchiveDelivery:
    """The archive's bucket: proven to be there by its sum."""

    def __init__(self, storage: Storage, bucket: str) -> None:
        self._storage = storage
        self._bucket = bucket

    def deliver(self, parcel: Parcel) -> Delivered:
        stored = self._storage.put_file(
            parcel.path,
            bucket=self._bucket,
            key=parcel.key,
            sha256=parcel.sha256,
            size_bytes=parcel.size_bytes,
            metadata=parcel.metadata,
        )
        return Delivered(f"s3://{stored.bucket}/{stored.key}", stored.size_bytes, stored.existed)
