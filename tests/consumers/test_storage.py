"""The door to object storage, against a real S3 server."""

import base64
import hashlib
import os
import pickle
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from consumers.storage import MIB, Storage
from consumers.storage_answers import meaning_of, said_of_it
from consumers.storage_errors import (
    SourceMissing,
    SourceTooLarge,
    StorageFull,
    StorageRefused,
    StorageUnavailable,
    Stored,
    TransferMismatch,
)

PART = 5 * MIB


def open_storage(s3: Any, **changes: Any) -> Storage:
    settings: dict[str, Any] = {
        "endpoint": s3.endpoint,
        "access_key": s3.access_key,
        "secret_key": s3.secret_key,
        "region": s3.region,
        "multipart_bytes": PART,
    }
    return Storage(**{**settings, **changes})


@pytest.fixture
def storage(s3):
    storage = open_storage(s3)
    yield storage
    storage.close()


@pytest.fixture
def bucket(s3):
    return s3.bucket


def a_file(
    folder: Path, content: bytes = b"twenty-four good bytes!!", name: str = "a.fits"
) -> tuple[Path, dict[str, Any]]:
    path = folder / name
    path.write_bytes(content)
    return path, {"sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}


def keys_of(storage: Storage, bucket: str) -> list[str]:
    return [key for key, _ in storage.list_keys(bucket)]


def test_a_file_is_stored_with_its_checksum_and_read_back_as_it_was(storage, bucket, tmp_path):
    path, what = a_file(tmp_path)
    stored = storage.put_file(path, bucket=bucket, key="s/a.fits", **what, metadata={"subject": "s/ä b"})
    assert (stored.size_bytes, stored.sha256, stored.existed) == (24, what["sha256"], False)
    head = storage.head(bucket, "s/a.fits")
    assert (head.size_bytes, head.sha256, head.etag) == (24, what["sha256"], stored.etag)
    assert head.metadata == {"subject": "s/%C3%A4 b", "sha256": what["sha256"]}
    back = tmp_path / "back"
    assert storage.get_to_file(bucket, "s/a.fits", back) == (24, what["sha256"])
    assert back.read_bytes() == path.read_bytes()


def test_an_empty_file_can_be_kept(storage, bucket, tmp_path):
    path, what = a_file(tmp_path, b"")
    assert storage.put_file(path, bucket=bucket, key="s/empty", **what).size_bytes == 0


def test_bytes_that_are_not_the_announced_ones_are_refused_by_the_store(storage, bucket, tmp_path):
    path, what = a_file(tmp_path)
    wrong = {**what, "sha256": hashlib.sha256(b"something else").hexdigest()}
    with pytest.raises(TransferMismatch) as raised:
        storage.put_file(path, bucket=bucket, key="s/a.fits", **wrong)
    assert (raised.value.wanted_sha256, raised.value.found_sha256) == (wrong["sha256"], what["sha256"])
    assert keys_of(storage, bucket) == []


def test_a_file_cut_short_is_refused_before_anything_is_sent(storage, bucket, tmp_path):
    path, what = a_file(tmp_path)
    path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(TransferMismatch, match=r"wanted 24 bytes .* found 10 bytes"):
        storage.put_file(path, bucket=bucket, key="s/a.fits", **what)
    assert keys_of(storage, bucket) == []


def test_a_file_that_has_gone_is_missing(storage, bucket, tmp_path):
    path, what = a_file(tmp_path)
    path.unlink()
    with pytest.raises(SourceMissing, match=r"a\.fits"):
        storage.put_file(path, bucket=bucket, key="s/a.fits", **what)


@pytest.mark.parametrize("size_bytes", [24, PART + 17])
def test_an_equal_object_that_is_there_already_is_as_good(storage, bucket, tmp_path, size_bytes):
    path, what = a_file(tmp_path, os.urandom(size_bytes))
    storage.put_file(path, bucket=bucket, key="s/a.fits", **what)
    again = storage.put_file(path, bucket=bucket, key="s/a.fits", **what)
    assert (again.existed, again.sha256) == (True, what["sha256"])


@pytest.mark.parametrize("size_bytes", [24, PART + 17])
def test_another_object_under_the_key_is_never_overwritten(storage, bucket, tmp_path, size_bytes):
    first, was = a_file(tmp_path, os.urandom(size_bytes))
    storage.put_file(first, bucket=bucket, key="s/a.fits", **was)
    second, wanted = a_file(tmp_path, os.urandom(size_bytes), "b.fits")
    with pytest.raises(TransferMismatch) as raised:
        storage.put_file(second, bucket=bucket, key="s/a.fits", **wanted)
    assert raised.value.existed
    assert (raised.value.wanted_sha256, raised.value.found_sha256) == (wanted["sha256"], was["sha256"])
    assert storage.get_to_file(bucket, "s/a.fits", tmp_path / "back") == (size_bytes, was["sha256"])


def test_a_large_file_goes_in_parts_and_is_verified_by_their_sums(storage, bucket, tmp_path):
    path, what = a_file(tmp_path, os.urandom(2 * PART + 1))
    stored = storage.put_file(path, bucket=bucket, key="s/large.fits", **what)
    assert (stored.size_bytes, stored.sha256) == (2 * PART + 1, what["sha256"])
    assert stored.s3_checksum.endswith("-3")


def test_parts_of_a_wrong_whole_leave_nothing_behind(storage, bucket, tmp_path):
    path, what = a_file(tmp_path, os.urandom(PART + 1))
    with pytest.raises(TransferMismatch):
        storage.put_file(path, bucket=bucket, key="s/a", **{**what, "sha256": "0" * 64})
    assert keys_of(storage, bucket) == []
    assert storage._client.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


def test_of_many_writers_of_one_key_one_wins_and_all_succeed(storage, bucket, tmp_path):
    path, what = a_file(tmp_path, os.urandom(100_000))
    with ThreadPoolExecutor(8) as pool:
        stored = list(
            pool.map(lambda _: storage.put_file(path, bucket=bucket, key="s/a.fits", **what), range(16))
        )
    assert sorted(one.existed for one in stored) == [False] + [True] * 15


def test_what_is_not_there_has_no_head_and_cannot_be_fetched(storage, bucket, tmp_path):
    assert storage.head(bucket, "s/nothing") is None
    with pytest.raises(SourceMissing):
        storage.get_to_file(bucket, "s/nothing", tmp_path / "back")


def test_a_fetch_stops_at_its_limit(storage, bucket, tmp_path):
    path, what = a_file(tmp_path)
    storage.put_file(path, bucket=bucket, key="s/a.fits", **what)
    with pytest.raises(SourceTooLarge, match="at most 10"):
        storage.get_to_file(bucket, "s/a.fits", tmp_path / "back", max_bytes=10)


def test_all_keys_below_a_prefix_are_listed(storage, bucket, tmp_path):
    path, what = a_file(tmp_path)
    for key in ("s/a/1", "s/b/1", "t/a/1"):
        storage.put_file(path, bucket=bucket, key=key, **what)
    assert list(storage.list_keys(bucket, "s/")) == [("s/a/1", 24), ("s/b/1", 24)]


def test_only_staged_objects_can_be_deleted(storage, bucket, tmp_path):
    path, what = a_file(tmp_path)
    for key in ("staging/a", "s/a"):
        storage.put_file(path, bucket=bucket, key=key, **what)
    storage.delete_staged(bucket, "staging/a")
    with pytest.raises(StorageRefused, match="staging/"):
        storage.delete_staged(bucket, "s/a")
    assert keys_of(storage, bucket) == ["s/a"]


def test_a_bucket_is_made_once(storage, bucket):
    name = f"{bucket}-made"
    try:
        assert [storage.ensure_bucket(name), storage.ensure_bucket(name)] == [True, False]
    finally:
        storage._client.delete_bucket(Bucket=name)


@pytest.mark.parametrize("wrong", [{"secret_key": "not the secret"}, {"access_key": "nobody"}])
def test_wrong_credentials_are_for_a_person_to_correct(s3, bucket, tmp_path, wrong):
    path, what = a_file(tmp_path)
    with pytest.raises(StorageRefused, match="check the store's access key"):
        open_storage(s3, **wrong).put_file(path, bucket=bucket, key="s/a.fits", **what)


def test_a_missing_bucket_is_for_a_person_to_make(storage, tmp_path):
    path, what = a_file(tmp_path)
    with pytest.raises(StorageRefused, match="make the bucket"):
        storage.put_file(path, bucket="no-such-bucket-here", key="s/a.fits", **what)


def test_a_store_that_is_gone_is_reported_within_seconds(s3, tmp_path):
    path, what = a_file(tmp_path)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        gone = open_storage(s3, endpoint=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(StorageUnavailable):
            gone.put_file(path, bucket="any", key="s/a.fits", **what)
    assert time.monotonic() - began < 5


def serve(answer: bytes | None) -> tuple[socket.socket, str]:
    """A server that gives each connection ``answer`` and closes it, or never answers (None)."""
    listener = socket.create_server(("127.0.0.1", 0))
    held = []

    def talk() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            held.append(connection)
            if answer is not None:
                connection.recv(65536)
                connection.sendall(answer)
                connection.close()

    threading.Thread(target=talk, daemon=True).start()
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_store_that_accepts_and_never_answers_is_given_up_on(s3):
    listener, endpoint = serve(None)
    with listener, pytest.raises(StorageUnavailable, match=r"[Tt]imeout"):
        open_storage(s3, endpoint=endpoint, read_timeout_s=0.3).head("any", "s/a")


def test_an_answer_that_ends_too_early_is_no_file(s3, tmp_path):
    listener, endpoint = serve(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nETag: x\r\n\r\nonly this")
    with listener, pytest.raises(StorageUnavailable):
        open_storage(s3, endpoint=endpoint).get_to_file("any", "s/a", tmp_path / "back")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (503, "SlowDown", StorageUnavailable),
        (500, "InternalError", StorageUnavailable),
        (429, "TooManyRequests", StorageUnavailable),
        (507, "InsufficientStorage", StorageFull),
        (403, "QuotaExceeded", StorageFull),
        (403, "AccessDenied", StorageRefused),
        (404, "NoSuchBucket", StorageRefused),
        (400, "KeyTooLongError", StorageRefused),
    ],
)
def test_answers_are_told_apart_by_what_can_be_done(status, code, kind):
    assert type(meaning_of("s3://b/k", status=status, code=code, message="said so")) is kind


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"ETag": '"e"'},
        {"ETag": '"e"', "ChecksumSHA256": base64.b64encode(b"other" * 6 + b"ab").decode()},
        {"ETag": '"e"', "ChecksumSHA256": f"{base64.b64encode(b'a' * 32).decode()}-1"},
        {"ETag": '"e"', "ChecksumSHA256": base64.b64encode(b"a" * 32).decode(), "ChecksumType": "COMPOSITE"},
        {"ChecksumSHA256": base64.b64encode(b"a" * 32).decode()},
    ],
)
def test_an_answer_to_a_put_that_proves_nothing_has_the_object_looked_at(answer):
    assert said_of_it(answer, {"Bucket": "b", "Key": "k"}, (b"a" * 32).hex(), 10) is None


def test_an_answer_with_the_sum_of_what_was_put_is_its_proof():
    answer = {"ETag": '"e"', "ChecksumSHA256": base64.b64encode(b"a" * 32).decode()}
    stored = said_of_it(answer, {"Bucket": "b", "Key": "k"}, (b"a" * 32).hex(), 10)
    assert stored == Stored("b", "k", 10, (b"a" * 32).hex(), answer["ChecksumSHA256"], None, "e", False)


def test_a_mismatch_survives_the_way_between_processes():
    error = TransferMismatch("s3://b/k", "9f2c", "41ab", 10, 11, True)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.existed) == (str(error), True)
    assert str(error) == (
        "s3://b/k: wanted 10 bytes with sha256 9f2c, "
        "an object that was already there has 11 bytes with sha256 41ab"
    )
