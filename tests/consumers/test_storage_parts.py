"""Large files in parts: taken up where a killed put ended, proven by their parts' sums, against a real S3 server."""

import base64
import hashlib
import os
from collections import Counter

import pytest

from consumers import storage as storage_module
from consumers import storage_put
from consumers.storage_errors import TransferMismatch
from consumers.storage_parts import composite_of
from events import failpoints
from tests.consumers.test_storage import PART, a_file, open_storage


@pytest.fixture
def bucket(s3):
    return s3.bucket


@pytest.fixture
def opened(s3):
    """Opens storages that count their calls."""
    made = []

    def open_one(**changes):
        calls: Counter[str] = Counter()
        storage = open_storage(s3, **changes)
        storage._client.meta.events.register("before-call.s3", lambda model, **_: calls.update([model.name]))
        made.append(storage)
        return storage, calls

    yield open_one
    for storage in made:
        storage.close()


@pytest.fixture
def killed(opened, bucket, tmp_path):
    """A file of four parts whose put was cut off after the second; the file, and what it is."""
    path, what = a_file(tmp_path, os.urandom(3 * PART + 100))
    failpoints.arm("worker.between_parts:exception:2")
    storage, calls = opened()
    try:
        with pytest.raises(failpoints.FailpointError):
            storage.put_file(path, bucket=bucket, key="s/a", **what)
    finally:
        failpoints.disarm()
    assert calls["UploadPart"] == 2
    return path, what


@pytest.mark.parametrize("nth", [1, 2])
def test_a_put_in_one_request_can_be_broken_in_its_middle(opened, bucket, tmp_path, nth):
    """Where it is broken nothing is archived; once it is tried again everything is."""
    path, what = a_file(tmp_path, os.urandom(300_000))
    storage, _ = opened()
    failpoints.arm(f"worker.mid_upload:exception:{nth}")
    try:
        with pytest.raises(Exception, match=r"worker\.mid_upload"):
            opened(attempts=1)[0].put_file(path, bucket=bucket, key="s/broken", **what)
    finally:
        failpoints.disarm()
    assert storage.head(bucket, "s/broken") is None
    assert storage.put_file(path, bucket=bucket, key="s/broken", **what).sha256 == what["sha256"]


def uploads_of(storage, bucket):
    return storage._client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])


def test_a_killed_put_is_gone_on_with_where_it_ended(opened, killed, bucket, tmp_path):
    path, what = killed
    storage, calls = opened(resume_after_s=0)
    stored = storage.put_file(path, bucket=bucket, key="s/a", **what)
    assert (stored.sha256, stored.existed, stored.s3_checksum[-2:]) == (what["sha256"], False, "-4")
    assert (calls["UploadPart"], calls["CreateMultipartUpload"]) == (2, 0)
    assert uploads_of(storage, bucket) == []
    assert storage.get_to_file(bucket, "s/a", tmp_path / "back") == (what["size_bytes"], what["sha256"])


def test_a_put_that_somebody_may_still_be_at_is_left_alone(opened, killed, bucket):
    path, what = killed
    storage, calls = opened(resume_after_s=3600)
    assert storage.put_file(path, bucket=bucket, key="s/a", **what).sha256 == what["sha256"]
    assert (calls["UploadPart"], calls["CreateMultipartUpload"]) == (4, 1)
    assert len(uploads_of(storage, bucket)) == 1


def test_parts_left_lying_with_other_bytes_are_sent_again(opened, killed, bucket, tmp_path):
    _, what = killed
    other, wanted = a_file(tmp_path, os.urandom(what["size_bytes"]), "b.fits")
    storage, calls = opened(resume_after_s=0)
    assert storage.put_file(other, bucket=bucket, key="s/a", **wanted).sha256 == wanted["sha256"]
    assert calls["UploadPart"] == 4
    assert storage.get_to_file(bucket, "s/a", tmp_path / "back")[1] == wanted["sha256"]


def test_parts_of_another_key_are_nobody_elses(opened, killed, bucket):
    path, what = killed
    storage, calls = opened(resume_after_s=0)
    storage.put_file(path, bucket=bucket, key="s/ab", **what)
    assert calls["UploadPart"] == 4


def test_an_object_in_parts_is_proven_without_reading_it_again(opened, bucket, tmp_path):
    path, what = a_file(tmp_path, os.urandom(2 * PART + 1))
    storage, calls = opened()
    first = storage.put_file(path, bucket=bucket, key="s/a", **what)
    again = storage.put_file(path, bucket=bucket, key="s/a", **what)
    assert (first.existed, again.existed, again.sha256) == (False, True, what["sha256"])
    assert (calls["GetObject"], calls["UploadPart"]) == (0, 3)


def test_an_object_with_one_other_byte_is_not_taken_for_ours(opened, bucket, tmp_path):
    path, what = a_file(tmp_path, os.urandom(2 * PART + 1))
    storage, _ = opened()
    storage.put_file(path, bucket=bucket, key="s/a", **what)
    content = bytearray(path.read_bytes())
    content[PART + 7] ^= 1
    other, wanted = a_file(tmp_path, bytes(content), "b.fits")
    with pytest.raises(TransferMismatch) as raised:
        storage.put_file(other, bucket=bucket, key="s/a", **wanted)
    assert raised.value.existed
    assert raised.value.found_sha256 == what["sha256"]


@pytest.mark.parametrize("directly_up_to", [0, PART])
@pytest.mark.parametrize("size_bytes", [1_000_000, PART])
def test_a_file_in_one_request_is_read_once_and_signed_by_its_checksum(
    opened, bucket, tmp_path, size_bytes, directly_up_to, monkeypatch
):
    monkeypatch.setattr(storage_put, "_DIRECTLY_UP_TO", directly_up_to)
    path, what = a_file(tmp_path, os.urandom(size_bytes))
    read, sent = [], []

    class Counting:
        def __init__(self, source):
            self.source = source

        def read(self, size=-1):
            piece = self.source.read(size)
            read.append(len(piece))
            return piece

        def __getattr__(self, name):
            return getattr(self.source, name)

    monkeypatch.setattr(storage_module, "wide", Counting)
    storage, calls = opened()
    send = storage._whole._connections.send

    def watched(request):
        sent.append(dict(request.headers))
        return send(request)

    monkeypatch.setattr(storage._whole._connections, "send", watched)
    storage.put_file(path, bucket=bucket, key="s/a", **what)
    assert sum(read) == size_bytes
    assert len(sent) == 1, "the answer says the SHA-256 of what arrived; nobody looks again"
    assert calls == ({} if directly_up_to else {"PutObject": 1})
    headers = {name.lower(): str(value) for name, value in sent[0].items()}
    assert "x-amz-checksum-sha256" in str(headers["authorization"])
    assert headers["x-amz-content-sha256"].strip("b'") == "UNSIGNED-PAYLOAD"


def test_the_sum_of_a_files_parts_is_told_as_a_store_tells_it(tmp_path):
    content = os.urandom((8 << 20) + 5)
    path, what = a_file(tmp_path, content)
    parts = [hashlib.sha256(content[: 5 << 20]).digest(), hashlib.sha256(content[5 << 20 :]).digest()]
    told = f"x-{len(parts)}"
    found = composite_of(path, told, size_bytes=len(content))
    assert found is not None
    whole, composite = found
    assert whole == what["sha256"]
    assert composite == base64.b64encode(hashlib.sha256(b"".join(parts)).digest()).decode() + "-2"


@pytest.mark.parametrize("told", [None, "", "abc", "abc-0", "abc-x", "abc-99999"])
def test_a_checksum_that_is_no_sum_of_parts_tells_nothing(tmp_path, told):
    path, _ = a_file(tmp_path)
    assert composite_of(path, told, size_bytes=24) is None
