"""The one door to object storage: puts files where they are to stay and makes sure that they arrived."""

import base64
import errno
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError

from consumers.storage_answers import (
    DigestError,
    NotThereError,
    TakenError,
    meaning_of_answer,
    said_of_it,
    whole_sha256,
)
from consumers.storage_errors import (
    ObjectHead,
    SourceMissing,
    SourceTooLarge,
    StorageFull,
    StorageRefused,
    StorageUnavailable,
    Stored,
    TransferMismatch,
)
from consumers.storage_parts import Parts, composite_of
from consumers.storage_put import Labelled, WholePut
from consumers.wide_reads import wide
from events import failpoints

__all__ = ["STAGING_PREFIX", "Storage"]

MIB = 1024 * 1024
STAGING_PREFIX = "staging/"
"""Keys that may be replaced; archived objects stay."""

_CHUNK = 1 * MIB
_SMALLEST_PART = 5 * MIB  # S3's own limit for all parts but the last
_LARGEST_PUT = 5 * 1024 * MIB  # S3's own limit for one request


class Storage:
    """One S3 service, for any number of threads. Every failure is one of ``storage_errors``.

    ``attempts`` counts the tries of one call: few, because whoever calls has a retry budget of its own.
    A file goes in one request, hashed by the store while it comes; above ``multipart_bytes`` in parts of
    ``part_bytes``, so that a line that breaks costs a part and not the whole. What is signed of a request is its
    checksum, not its body: the store compares the two, and the file is not read once more to be signed.
    """

    def __init__(  # noqa: PLR0913 - settings, each by name
        self,
        *,
        endpoint: str | None,
        access_key: str | None,
        secret_key: str | None,
        region: str = "us-east-1",
        multipart_bytes: int = 512 * MIB,
        part_bytes: int = 32 * MIB,
        resume_after_s: float = 30.0,
        connect_timeout_s: float = 3.0,
        read_timeout_s: float = 60.0,
        attempts: int = 2,
        connections: int = 64,
    ) -> None:
        if multipart_bytes < _SMALLEST_PART:
            raise ValueError(f"multipart_bytes is {multipart_bytes}, wanted at least {_SMALLEST_PART}")
        if multipart_bytes > _LARGEST_PUT or part_bytes < _SMALLEST_PART:
            raise ValueError(
                f"multipart_bytes is {multipart_bytes} and part_bytes {part_bytes}, wanted at most {_LARGEST_PUT} "
                f"and at least {_SMALLEST_PART}"
            )
        self.endpoint = endpoint or "the default S3 endpoint"
        self._multipart_bytes = multipart_bytes
        config = Config(
            # Unless told otherwise, botocore adds a CRC of its own everywhere; we name SHA-256 ourselves.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=connect_timeout_s,
            read_timeout=read_timeout_s,
            max_pool_connections=connections,
            tcp_keepalive=True,
            s3={"addressing_style": "path", "payload_signing_enabled": False},
            user_agent="meridian",  # botocore's own is put together anew for each request, for a tenth of its time
        )
        session = boto3.session.Session(
            aws_access_key_id=access_key, aws_secret_access_key=secret_key, region_name=region
        )
        self._region = region
        self._client: Any = session.client("s3", endpoint_url=endpoint, config=config)
        self._whole = WholePut(self._client, session, endpoint=endpoint, region=region)
        self._parts = Parts(
            self._client,
            self._errors,
            part_bytes=min(part_bytes, multipart_bytes),
            resume_after_s=resume_after_s,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def put_file(
        self,
        path: Path,
        *,
        bucket: str,
        key: str,
        sha256: str,
        size_bytes: int,
        metadata: Mapping[str, str] | None = None,
    ) -> Stored:
        """The file at ``path`` under ``key``, proven to be there. An equal object already there is as good.

        Raises ``TransferMismatch`` if the file is not what ``sha256`` and ``size_bytes`` say, if other
        content has the key, or if what arrived is something else; nothing is ever overwritten.
        """
        try:
            found_bytes = path.stat().st_size
        except FileNotFoundError as error:
            raise SourceMissing(f"{path}: the file to send has gone") from error
        if found_bytes != size_bytes:
            raise TransferMismatch(str(path), sha256, None, size_bytes, found_bytes)
        labels = {name: quote(value, safe=" /:") for name, value in (metadata or {}).items()}
        labels["sha256"] = sha256
        place = {"Bucket": bucket, "Key": key}
        if size_bytes > self._multipart_bytes:
            existed, by_parts = self._put_parts(path, place, sha256, size_bytes, labels)
            return self._verified(path, place, sha256, size_bytes, existed=existed, by_parts=by_parts)
        answer = self._put_whole(path, place, sha256, size_bytes, labels)
        stored = None if answer is None else said_of_it(answer, place, sha256, size_bytes)
        return stored or self._verified(path, place, sha256, size_bytes, existed=answer is None)

    def put_staged(self, content: bytes, *, bucket: str, key: str, sha256: str) -> None:
        """Bytes under a key of ``staging/``, in one request and not looked at afterwards."""
        _check_below(bucket, key, STAGING_PREFIX)
        with self._errors(f"s3://{bucket}/{key}"):
            self._client.put_object(
                Bucket=bucket, Key=key, Body=content, ChecksumSHA256=_base64(bytes.fromhex(sha256))
            )

    def head(self, bucket: str, key: str) -> ObjectHead | None:
        """What the store says of an object, or None where there is none."""
        try:
            with self._errors(f"s3://{bucket}/{key}"):
                found = self._client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        except NotThereError:
            return None
        s3_checksum, kind = found.get("ChecksumSHA256"), found.get("ChecksumType")
        return ObjectHead(
            bucket=bucket,
            key=key,
            size_bytes=found["ContentLength"],
            etag=found.get("ETag", "").strip('"'),
            sha256=whole_sha256(s3_checksum, kind),
            s3_checksum=s3_checksum,
            s3_checksum_type=kind,
            metadata=found.get("Metadata", {}),
        )

    def get_to_file(
        self, bucket: str, key: str, path: Path, *, max_bytes: int | None = None
    ) -> tuple[int, str]:
        """Write the object to ``path``; its size in bytes and SHA-256 (hex), as received."""
        try:
            with path.open("wb") as target:
                return self._read(bucket, key, target=target, max_bytes=max_bytes)
        except OSError as error:
            if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
                raise
            raise StorageFull(
                f"{path}: no room left to fetch s3://{bucket}/{key}; make room there"
            ) from error

    def ensure_bucket(self, bucket: str) -> bool:
        """Make the bucket unless it is there; True if it was made."""
        try:
            with self._errors(f"s3://{bucket}"):
                self._client.head_bucket(Bucket=bucket)
        except NotThereError:
            where = {} if self._region == "us-east-1" else {"LocationConstraint": self._region}
            extra = {"CreateBucketConfiguration": where} if where else {}
            try:
                with self._errors(f"s3://{bucket}"):
                    self._client.create_bucket(Bucket=bucket, **extra)
            except TakenError:
                return False  # somebody else made it between the two calls
            return True
        return False

    def list_keys(self, bucket: str, prefix: str = "") -> Iterator[tuple[str, int]]:
        """Every key below ``prefix`` with its size in bytes, in the store's order."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        with self._errors(f"s3://{bucket}/{prefix}"):
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield entry["Key"], entry["Size"]

    def delete_staged(self, bucket: str, key: str) -> None:
        """Remove a staged object; refuses any key outside ``staging/``."""
        self.delete_below(bucket, key, prefix=STAGING_PREFIX)

    def delete_below(self, bucket: str, key: str, *, prefix: str) -> None:
        """Remove an object; refuses a key that does not begin with ``prefix``, where whoever asks may remove."""
        _check_below(bucket, key, prefix)
        with self._errors(f"s3://{bucket}/{key}"):
            self._client.delete_object(Bucket=bucket, Key=key)

    def _put_whole(
        self, path: Path, place: dict[str, str], sha256: str, size_bytes: int, labels: dict[str, str]
    ) -> Mapping[str, Any] | None:
        """Put in one request: what the store says of it, or None if something has the key already."""
        try:
            with self._errors(_url(place)), path.open("rb") as body:
                checksum = _base64(bytes.fromhex(sha256))
                wanted = Labelled(place["Bucket"], place["Key"], size_bytes, checksum, labels)
                answer = self._whole.put(failpoints.watched(wide(body), "worker.mid_upload"), wanted)
        except TakenError:
            return None
        except DigestError as error:
            raise _changed(path, sha256, size_bytes) from error
        return answer

    def _put_parts(
        self, path: Path, place: dict[str, str], sha256: str, size_bytes: int, labels: dict[str, str]
    ) -> tuple[bool, str | None]:
        """Whether something has the key already, and the checksum by parts that the object is to have."""
        if self.head(place["Bucket"], place["Key"]) is not None:
            return True, None  # look before sending so much
        try:
            by_parts = self._parts.put(path, place, sha256=sha256, size_bytes=size_bytes, labels=labels)
        except DigestError as error:
            raise _changed(path, sha256, size_bytes) from error
        return by_parts is None, by_parts

    def _verified(
        self,
        path: Path,
        place: dict[str, str],
        sha256: str,
        size_bytes: int,
        *,
        existed: bool,
        by_parts: str | None = None,
    ) -> Stored:
        bucket, key = place["Bucket"], place["Key"]
        head = self.head(bucket, key)
        if head is None:
            raise StorageUnavailable(
                f"{_url(place)}: written, and not found there right after; the store has to settle"
            )
        found = head.sha256
        if head.size_bytes == size_bytes and found is None:
            found = self._by_parts(path, head, sha256, by_parts)
        if (head.size_bytes, found) != (size_bytes, sha256):
            raise TransferMismatch(_url(place), sha256, found, size_bytes, head.size_bytes, existed)
        return Stored(
            bucket, key, size_bytes, sha256, head.s3_checksum, head.s3_checksum_type, head.etag, existed
        )

    def _by_parts(self, path: Path, head: ObjectHead, sha256: str, by_parts: str | None) -> str:
        """The SHA-256 of an object whose store knows only the sum of its parts' sums, or none at all.

        Where that sum is the one of this file's parts, the object has this file's bytes; else all of it is read.
        """
        if by_parts is not None and head.s3_checksum == by_parts:
            return sha256  # as it was read while the parts were made
        if by_parts is None and head.s3_checksum is not None:
            ours = composite_of(path, head.s3_checksum, size_bytes=head.size_bytes)
            if ours is not None and ours[1] == head.s3_checksum:
                return ours[0]
        return self._read(head.bucket, head.key)[1]

    def _read(
        self, bucket: str, key: str, *, target: BinaryIO | None = None, max_bytes: int | None = None
    ) -> tuple[int, str]:
        """Read an object to its end: size and SHA-256 of what came, all of it or an error."""
        what = f"s3://{bucket}/{key}"
        whole, got_bytes = hashlib.sha256(), 0
        try:
            with self._errors(what):
                answer = self._client.get_object(Bucket=bucket, Key=key)
                wanted_bytes = answer["ContentLength"]
                _check_size(what, wanted_bytes, max_bytes)
                for chunk in answer["Body"].iter_chunks(_CHUNK):
                    whole.update(chunk)
                    got_bytes += len(chunk)
                    _check_size(what, got_bytes, max_bytes)
                    if target is not None:
                        target.write(chunk)
        except NotThereError as error:
            raise SourceMissing(
                f"{what}: found nothing there; it may have been moved, or not have come yet"
            ) from error
        if got_bytes != wanted_bytes:
            raise StorageUnavailable(f"{what}: the answer ended after {got_bytes} of {wanted_bytes} bytes")
        return got_bytes, whole.hexdigest()

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """Botocore's exceptions as ours, told apart by what the caller can do next."""
        try:
            yield
        except ClientError as error:
            raise meaning_of_answer(f"{what} at {self.endpoint}", error.response) from error
        except (NoCredentialsError, ParamValidationError) as error:
            raise StorageRefused(
                f"{what} at {self.endpoint}: {error}; check the settings of the store"
            ) from error
        except BotoCoreError as error:
            raise StorageUnavailable(f"{what} at {self.endpoint}: {error}") from error


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def _changed(path: Path, sha256: str, size_bytes: int) -> TransferMismatch:
    """The file is not what we were told; or, if it is, its bytes changed on their way."""
    with path.open("rb") as source:
        found_sha256 = hashlib.file_digest(source, "sha256").hexdigest()
        arrived = None if found_sha256 == sha256 else found_sha256
        return TransferMismatch(str(path), sha256, arrived, size_bytes, source.tell())


def _check_below(bucket: str, key: str, prefix: str) -> None:
    if not prefix or not key.startswith(prefix):
        message = f"only keys below {prefix or 'a prefix'} may be replaced or deleted"
        raise StorageRefused(f"s3://{bucket}/{key}: {message}")


def _check_size(what: str, size_bytes: int, max_bytes: int | None) -> None:
    if max_bytes is not None and size_bytes > max_bytes:
        raise SourceTooLarge(f"{what}: {size_bytes} bytes so far or announced, wanted at most {max_bytes}")


def _url(place: Mapping[str, str]) -> str:
    return f"s3://{place['Bucket']}/{place['Key']}"
