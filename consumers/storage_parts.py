"""A large file put in parts, each proven by its own SHA-256, and taken up where an earlier put of it ended."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from consumers.storage_answers import AnswerError, DigestError, TakenError
from consumers.storage_errors import StorageError, TransferMismatch
from events import failpoints

__all__ = ["Parts", "composite_of"]

_MOST_PARTS = 9_000  # S3 takes 10,000

Place = Mapping[str, str]
"""Bucket and key."""


@dataclass(slots=True)
class _Sums:
    """What has been read of the file by now: its parts' digests, and size and digest of the whole."""

    size_bytes: int = 0
    whole: Any = field(default_factory=hashlib.sha256)
    parts: list[bytes] = field(default_factory=list)

    def add(self, piece: bytes) -> None:
        self.size_bytes += len(piece)
        self.whole.update(piece)
        self.parts.append(hashlib.sha256(piece).digest())

    @property
    def composite(self) -> str:
        """What a store says of an object that was put in these parts: the sum of the parts' sums, and how many."""
        return f"{_base64(hashlib.sha256(b''.join(self.parts)).digest())}-{len(self.parts)}"


class Parts:
    """Puts in parts through one S3 client. ``errors`` turns the client's exceptions into ours.

    An upload of the same key that nobody has touched for ``resume_after_s`` is gone on with: a worker that is killed
    is replaced once its lease has run out, so whoever began such an upload is no longer at it.
    """

    def __init__(
        self,
        client: Any,
        errors: Callable[[str], AbstractContextManager[None]],
        *,
        part_bytes: int,
        resume_after_s: float,
    ) -> None:
        self._client = client
        self._errors = errors
        self._part_bytes = part_bytes
        self._resume_after = timedelta(seconds=resume_after_s)

    def put(
        self, path: Path, place: Place, *, sha256: str, size_bytes: int, labels: Mapping[str, str]
    ) -> str | None:
        """The checksum the object is to have by its parts; None if something has the key already."""
        upload, there = self._begun(place)
        if upload is None:
            upload, there = self._begin(place, labels), {}
        try:
            sums, parts = self._send(path, upload, there, size_bytes)
            if (sums.size_bytes, sums.whole.hexdigest()) != (size_bytes, sha256):
                raise TransferMismatch(str(path), sha256, sums.whole.hexdigest(), size_bytes, sums.size_bytes)
            with self._errors(_url(place)):
                self._client.complete_multipart_upload(
                    **upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
                )
        except TakenError:
            self._abort(upload)
            return None
        except (DigestError, TransferMismatch):
            self._abort(upload)  # nobody can go on with these parts
            raise
        return sums.composite

    def _begin(self, place: Place, labels: Mapping[str, str]) -> dict[str, str]:
        with self._errors(_url(place)):
            started = self._client.create_multipart_upload(
                **place, ChecksumAlgorithm="SHA256", Metadata=dict(labels)
            )
        return {**place, "UploadId": started["UploadId"]}

    def _begun(self, place: Place) -> tuple[dict[str, str] | None, dict[int, Any]]:
        """The last upload of the key that was left lying, with its parts by number; None where there is none."""
        try:
            with self._errors(_url(place)):
                found = self._client.list_multipart_uploads(Bucket=place["Bucket"], Prefix=place["Key"])
                now = _now_at(found)
                left = [
                    each
                    for each in found.get("Uploads", ())
                    if each["Key"] == place["Key"] and now - each["Initiated"] >= self._resume_after
                ]
                if not left:
                    return None, {}
                last = max(left, key=lambda each: each["Initiated"])
                upload = {**place, "UploadId": last["UploadId"]}
                pages = self._client.get_paginator("list_parts").paginate(**upload)
                return upload, {part["PartNumber"]: part for page in pages for part in page.get("Parts", ())}
        except (StorageError, AnswerError):
            return None, {}  # a store that does not list uploads, or has just removed this one: begin anew

    def _send(
        self, path: Path, upload: Mapping[str, str], there: Mapping[int, Any], size_bytes: int
    ) -> tuple[_Sums, list[dict[str, Any]]]:
        """Send the parts that are not there yet; what was read, and the list to complete the upload with."""
        part_bytes = max(self._part_bytes, -(-size_bytes // _MOST_PARTS))
        sums, parts = _Sums(), list[dict[str, Any]]()
        with path.open("rb") as source:
            while piece := source.read(part_bytes):
                sums.add(piece)
                number, checksum = len(sums.parts), _base64(sums.parts[-1])
                etag = _etag_if_equal(there.get(number), piece, checksum)
                if etag is None:
                    with self._errors(_url(upload)):
                        etag = self._client.upload_part(
                            **upload, PartNumber=number, Body=piece, ChecksumSHA256=checksum
                        )["ETag"]
                    failpoints.reach("worker.between_parts")
                parts.append({"PartNumber": number, "ETag": etag, "ChecksumSHA256": checksum})
        return sums, parts

    def _abort(self, upload: Mapping[str, str]) -> None:
        try:
            with self._errors(_url(upload)):
                self._client.abort_multipart_upload(**upload)
        except (StorageError, AnswerError):
            return  # parts without an object are invisible; the store's own housekeeping removes them


def composite_of(path: Path, s3_checksum: str | None, *, size_bytes: int) -> tuple[str, str] | None:
    """SHA-256 of a file in hex and its checksum by parts, cut as the object with ``s3_checksum`` probably was.

    None where that can't be told: then only reading the object shows whether it is this file.
    """
    _, _, count = (s3_checksum or "").partition("-")
    if not count.isdigit() or not int(count):
        return None
    part_bytes = _usual_part(size_bytes, int(count))
    if part_bytes is None:
        return None
    sums = _Sums()
    with path.open("rb") as source:
        while piece := source.read(part_bytes):
            sums.add(piece)
    return sums.whole.hexdigest(), sums.composite


def _usual_part(size_bytes: int, count: int) -> int | None:
    """Whole MiB that cut so many bytes into so many parts, the smallest power of two first."""
    sizes = (2**power << 20 for power in range(13))
    fitting = (size for size in (5 << 20, *sizes) if -(-size_bytes // size) == count)
    return next(fitting, None)


def _etag_if_equal(part: Any, piece: bytes, checksum: str) -> str | None:
    """The ETag of a part that is there with these bytes: by SHA-256, or as its MD5 where the store names no other."""
    if part is None or part.get("Size") != len(piece):
        return None
    etag: str = part["ETag"]
    if "ChecksumSHA256" in part:
        return etag if part["ChecksumSHA256"] == checksum else None
    md5 = hashlib.md5(piece, usedforsecurity=False).hexdigest()
    return etag if etag.strip('"') == md5 else None


def _now_at(answer: Mapping[str, Any]) -> datetime:
    """The store's own time, as it says when an upload began; told in whole seconds, so the second may be over."""
    told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(told) + timedelta(seconds=1) if told else datetime.now(UTC)


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def _url(place: Mapping[str, str]) -> str:
    return f"s3://{place['Bucket']}/{place['Key']}"
