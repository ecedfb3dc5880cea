"""A put past botocore's layers: what it sends, and that the usual way is gone wherever it says nothing."""

import hashlib
import socket
from pathlib import Path

import pytest

from consumers.storage import Storage
from consumers.storage_errors import StorageUnavailable, TransferMismatch
from tests.service import put_server

CONTENT = b"so many good bytes " * 50_000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server():
    with put_server.running() as server:
        yield server


def put(path: Path, server: put_server.PutServer, key: str = "s/a b+ä.fits", **changes):
    path.write_bytes(CONTENT)
    storage = Storage(endpoint=server.endpoint, access_key="a", secret_key="b", **changes)
    try:
        return storage.put_file(
            path,
            bucket="bucket",
            key=key,
            sha256=SHA256,
            size_bytes=len(CONTENT),
            metadata={"subject": "s/ä b"},
        )
    finally:
        storage.close()


def test_one_request_says_all_that_the_usual_one_says(server, tmp_path, monkeypatch):
    stored = put(tmp_path / "a", server)
    monkeypatch.setattr("consumers.storage_put._DIRECTLY_UP_TO", 0)
    put(tmp_path / "a", server)
    assert (stored.sha256, stored.etag, stored.existed) == (SHA256, "e", False)
    ours, usual = server.puts
    assert (ours.key, ours.sha256, ours.size) == (usual.key, usual.sha256, usual.size)
    said = [
        {
            name: each.headers[name]
            for name in each.headers
            if name.startswith(("x-amz-meta", "x-amz-ch", "if-"))
        }
        for each in (ours, usual)
    ]
    assert said[0] == said[1]
    assert said[0]["if-none-match"] == "*"
    signed = [each.headers["authorization"].partition("Signature=")[0] for each in (ours, usual)]
    assert "x-amz-checksum-sha256" in signed[0]
    assert "if-none-match" in signed[0] or "if-none-match" not in signed[1]


@pytest.mark.parametrize("status", [500, 503, 400])
def test_what_is_not_in_order_is_asked_again_the_usual_way_with_the_whole_file(server, tmp_path, status):
    server.statuses = [status]
    assert put(tmp_path / "a", server).sha256 == SHA256
    assert [each.sha256 for each in server.puts] == [SHA256, SHA256]


def test_the_usual_way_says_what_is_wrong(server, tmp_path):
    server.statuses = [503] * 9
    with pytest.raises(StorageUnavailable, match="503"):
        put(tmp_path / "a", server, attempts=1)
    assert len(server.puts) == 2


def test_a_key_that_is_taken_is_looked_at(server, tmp_path):
    server.statuses = [412, 412]
    server.found = {"Content-Length": "3", "ETag": '"other"'}
    with pytest.raises(TransferMismatch):
        put(tmp_path / "a", server)


def test_a_store_that_is_away_is_unavailable_by_both_ways(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as held:
        away = put_server.PutServer(f"http://127.0.0.1:{held.getsockname()[1]}")
    with pytest.raises(StorageUnavailable):
        put(tmp_path / "a", away, attempts=1)


def test_a_store_that_stays_silent_is_not_sent_the_file_again_at_once(server, tmp_path):
    server.pause_s = 0.8
    with pytest.raises(StorageUnavailable):
        put(tmp_path / "a", server, read_timeout_s=0.2)
    assert len(server.puts) == 1


def test_a_connection_that_the_store_has_closed_meanwhile_does_no_harm(server, tmp_path):
    server.closes = True
    storage = Storage(endpoint=server.endpoint, access_key="a", secret_key="b")
    path = tmp_path / "a"
    path.write_bytes(CONTENT)
    for number in range(3):
        stored = storage.put_file(
            path, bucket="bucket", key=f"s/{number}", sha256=SHA256, size_bytes=len(CONTENT)
        )
        assert stored.sha256 == SHA256
    storage.close()
