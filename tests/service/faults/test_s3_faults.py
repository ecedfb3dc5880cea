"""The faults of an S3 server, put in by a proxy that signed requests pass: each is seen by our client as what it is."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from consumers.storage import Storage
from consumers.storage_errors import StorageError, StorageUnavailable
from service.faults.s3_faults import S3Fault, S3FaultProxy, Spoil

MEBIBYTE = 1024**2


@pytest.fixture
def proxy(s3):
    with S3FaultProxy(server_port=int(s3.endpoint.rsplit(":", 1)[1])) as proxy:
        yield proxy


@pytest.fixture
def storage(s3, proxy):
    return Storage(
        endpoint=f"http://127.0.0.1:{proxy.port}",
        access_key=s3.access_key,
        secret_key=s3.secret_key,
        region=s3.region,
    )


def a_file(tmp_path, size: int):
    content = hashlib.shake_256(b"seed").digest(size)
    path = tmp_path / "file"
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest(), size


def put(storage, bucket, key, file):
    path, sha256, size = file
    return storage.put_file(path, bucket=bucket, key=key, sha256=sha256, size_bytes=size)


@pytest.mark.parametrize("size", [0, 100, 3 * MEBIBYTE, 20 * MEBIBYTE])
def test_what_is_not_spoiled_passes_with_its_signature(storage, s3, tmp_path, size):
    file = a_file(tmp_path, size)
    stored = put(storage, s3.bucket, "a", file)
    assert (stored.size_bytes, stored.sha256) == (size, file[1])
    assert storage.get_to_file(s3.bucket, "a", tmp_path / "back") == (size, file[1])


@pytest.mark.parametrize(("status", "code"), [(500, "InternalError"), (503, "SlowDown")])
def test_an_error_is_the_servers_and_the_next_try_works(storage, proxy, s3, tmp_path, status, code):
    file = a_file(tmp_path, MEBIBYTE)
    proxy.arm(S3Fault(Spoil.REFUSE, methods=frozenset({"PUT"}), times=1000, status=status, code=code))
    with pytest.raises(StorageUnavailable):
        put(storage, s3.bucket, "a", file)
    assert proxy.spoiled >= 1
    proxy.heal()
    assert not put(storage, s3.bucket, "a", file).existed


def test_a_lost_answer_leaves_the_object_and_the_next_try_finds_it_equal(storage, proxy, s3, tmp_path):
    proxy.arm(S3Fault(Spoil.LOSE_ANSWER, methods=frozenset({"PUT"})))
    stored = put(storage, s3.bucket, "a", a_file(tmp_path, MEBIBYTE))
    assert proxy.spoiled == 1
    assert stored.existed


def test_an_upload_cut_in_the_middle_leaves_nothing(storage, proxy, s3, tmp_path):
    proxy.arm(S3Fault(Spoil.RESET_UPLOAD, methods=frozenset({"PUT"}), times=1000))
    with pytest.raises(StorageError):
        put(storage, s3.bucket, "a", a_file(tmp_path, 3 * MEBIBYTE))
    proxy.heal()
    assert storage.head(s3.bucket, "a") is None


def test_a_body_that_ends_half_way_is_an_error(storage, proxy, s3, tmp_path):
    put(storage, s3.bucket, "a", a_file(tmp_path, MEBIBYTE))
    proxy.arm(S3Fault(Spoil.TRUNCATE, times=1000))
    with pytest.raises(StorageUnavailable):
        storage.get_to_file(s3.bucket, "a", tmp_path / "back")


def test_a_flipped_bit_is_seen_in_the_sum(storage, proxy, s3, tmp_path):
    file = a_file(tmp_path, 1000)
    put(storage, s3.bucket, "a", file)
    proxy.arm(S3Fault(Spoil.WRONG_BYTES))
    try:
        _, found = storage.get_to_file(s3.bucket, "a", tmp_path / "back")
    except StorageError:
        found = "refused by the client"
    assert found != file[1]
    assert proxy.spoiled == 1


def test_slow_is_only_slow_and_other_keys_are_left_alone(storage, proxy, s3, tmp_path):
    proxy.arm(S3Fault(Spoil.SLOW, times=1000, wait_s=0.1, part="/a"))
    put(storage, s3.bucket, "b", a_file(tmp_path, 1000))
    assert proxy.spoiled == 0
    assert not put(storage, s3.bucket, "a", a_file(tmp_path, 1000)).existed
    assert proxy.spoiled >= 1


def test_many_at_once_pass_and_none_waits_for_another(proxy, s3, tmp_path):
    """A request that is held up until the server's patience ends would be seen as an error: there is one try only."""
    storage = Storage(
        endpoint=f"http://127.0.0.1:{proxy.port}",
        access_key=s3.access_key,
        secret_key=s3.secret_key,
        region=s3.region,
        read_timeout_s=20.0,
        attempts=1,
    )

    def put_some(worker: int) -> int:
        for number in range(15):
            folder = tmp_path / f"{worker}-{number}"
            folder.mkdir()
            file = a_file(folder, 3000 + 5000 * (number % 12))
            assert not put(storage, s3.bucket, f"{worker}/{number}", file).existed
        return 15

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(put_some, range(8))) == 120
