"""What an answer with an error in it means: the words of S3 services, sorted by what can be done next."""

import base64
from collections.abc import Mapping
from typing import Any

from consumers.storage_errors import StorageFull, StorageRefused, StorageUnavailable, Stored

__all__ = [
    "AnswerError",
    "DigestError",
    "NotThereError",
    "TakenError",
    "meaning_of",
    "meaning_of_answer",
    "said_of_it",
    "whole_sha256",
]


class AnswerError(Exception):
    """An answer that means something to the method that asked; it never leaves ``consumers.storage``."""


class NotThereError(AnswerError):
    """Nothing has this key."""


class TakenError(AnswerError):
    """Something has this key, or is just getting it."""


class DigestError(AnswerError):
    """The bytes that arrived don't have the checksum that came with them."""


# Answers to conditional and checked requests. A repeated completion of a finished upload says NoSuchUpload.
_SIGNALS: dict[str, type[AnswerError]] = {
    **dict.fromkeys(("404", "NoSuchKey", "NotFound"), NotThereError),
    **dict.fromkeys(("412", "PreconditionFailed", "ConditionalRequestConflict", "NoSuchUpload"), TakenError),
    **dict.fromkeys(("BucketAlreadyOwnedByYou", "BucketAlreadyExists"), TakenError),
    **dict.fromkeys(("BadDigest", "InvalidDigest", "IncompleteBody"), DigestError),
    **dict.fromkeys(("XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"), DigestError),
}
_FULL = {"InsufficientStorage", "InsufficientCapacity", "QuotaExceeded", "XMinioStorageFull"}
_BUSY = {"SlowDown", "RequestTimeout", "Throttling", "OperationAborted"}


def meaning_of(what: str, *, status: int, code: str, message: str) -> Exception:
    """The exception for an answer: an ``AnswerError`` for the method that asked, else a ``StorageError``."""
    if code in _SIGNALS:
        return _SIGNALS[code](what)
    detail = f"{what}: answered {status} {code}, {message or 'without a message'}"
    if code in _FULL or status == 507:
        return StorageFull(f"{detail}; make room, then ask again")
    if status >= 500 or status == 429 or code in _BUSY:
        return StorageUnavailable(detail)
    if code == "NoSuchBucket":
        return StorageRefused(f"{detail}; make the bucket or correct the stream's destination")
    if status in {401, 403}:
        return StorageRefused(f"{detail}; check the store's access key, secret and policy")
    return StorageRefused(detail)


def meaning_of_answer(what: str, answer: Mapping[str, Any]) -> Exception:
    """The same for an answer as botocore gives it."""
    said = answer.get("Error", {})
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return meaning_of(what, status=status, code=said.get("Code", ""), message=said.get("Message", ""))


def whole_sha256(s3_checksum: str | None, kind: str | None) -> str | None:
    """The SHA-256 of the whole object in hex, if that is what the store's checksum is."""
    if s3_checksum is None or kind == "COMPOSITE" or "-" in s3_checksum:
        return None
    return base64.b64decode(s3_checksum).hex()


def said_of_it(
    answer: Mapping[str, Any], place: Mapping[str, str], sha256: str, size_bytes: int
) -> Stored | None:
    """The object as the store has it, where the answer to the put says its SHA-256; None: it has to be looked at.

    A store that says so has compared all that arrived with the sum before the object was there under its key, so this
    is what a look at it would say. A sum that differs is no proof of anything: it is looked at too.
    """
    s3_checksum, kind = answer.get("ChecksumSHA256"), answer.get("ChecksumType")
    etag = answer.get("ETag", "").strip('"')
    if not etag or whole_sha256(s3_checksum, kind) != sha256:
        return None
    return Stored(place["Bucket"], place["Key"], size_bytes, sha256, s3_checksum, kind, etag, existed=False)
