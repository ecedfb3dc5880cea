"""The local stack for real: three servers that keep their data through a stop, a crash and a kill."""

import os
import signal
import subprocess
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path

import psutil
import psycopg2
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from service.settings import load
from service.stack import local
from service.stack.account import demoted
from service.stack.jars import cache_folder, fetch, locked
from service.stack.java import find_java
from service.stack.kafka_probe import count_brokers
from service.stack.kafka_server import KafkaServer
from service.stack.place import Place
from service.stack.s3_probe import ask
from service.stack.server import Account

pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.xdist_group("local stack")]

RECORDS = [b"first", b"second", b"x" * (8 << 20)]


@pytest.fixture(scope="module")
def settings():
    """A stack of this module's own, wherever the other tests' servers come from."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("MERIDIAN_")]:
            patch.delenv(name)
        # Not below pytest's own folder, which is private: PostgreSQL's user could not get there if we are root.
        settings = load(data=Path(tempfile.mkdtemp(prefix="meridian-stack-")), s3_bucket="kept")
        try:
            local.up(settings, owner=os.getpid())
            yield settings
        finally:
            local.down(settings, erase=True)
        assert not settings.data.exists()


@pytest.fixture(scope="module")
def filled(settings):
    """Something in each of the three."""
    at = local.endpoints(settings)
    admin = KafkaAdminClient(bootstrap_servers=at.kafka)
    admin.create_topics([NewTopic("kept.file.events", num_partitions=1, replication_factor=1)])
    admin.close()
    producer = KafkaProducer(
        bootstrap_servers=at.kafka, max_request_size=9 << 20, enable_idempotence=True, acks="all"
    )
    for record in RECORDS:
        producer.send("kept.file.events", record)
    producer.close()
    with closing(connect(at)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert ask(at.s3, "PUT", "/kept").status == 200
    assert ask(at.s3, "PUT", "/kept/object", body=b"bytes").status == 200
    return settings


def kill(pid: int | None) -> None:
    assert pid
    with suppress(ProcessLookupError):  # it ended with its supervisor
        os.kill(pid, signal.SIGKILL)


def connect(at):
    return psycopg2.connect(at.database.replace("+psycopg2", ""), connect_timeout=3)


def kept(settings) -> tuple[list[bytes], int, bytes]:
    at = local.endpoints(settings)
    consumer = KafkaConsumer(bootstrap_servers=at.kafka, auto_offset_reset="earliest")
    consumer.assign([TopicPartition("kept.file.events", 0)])
    consumer.seek_to_beginning()
    records: list[bytes] = []
    deadline = time.monotonic() + 60
    while len(records) < len(RECORDS) and time.monotonic() < deadline:
        records += [record.value for batch in consumer.poll(500).values() for record in batch]
    consumer.close()
    with closing(connect(at)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT answer FROM kept")
        (answer,) = cursor.fetchone()
    return records, answer, ask(at.s3, "GET", "/kept/object").body


EVERYTHING = (RECORDS, 42, b"bytes")


def test_a_cluster_s_name_may_begin_with_a_dash(settings):
    """One in 64 does, and would be taken for an option."""
    server = KafkaServer(
        folder=Path(tempfile.mkdtemp(dir=settings.data)),
        java=find_java(),
        jars=fetch(locked("kafka"), cache_folder(None, settings.data)),
        version="",
        port=1,
        controller_port=2,
    )
    (server.folder / "cluster.json").write_text('"-AAAAAAAAAAAAAAAAAAAAA"')
    server.prepare()
    assert "cluster.id=-AAAAAAAAAAAAAAAAAAAAA" in (server.folder / "log" / "meta.properties").read_text()


def test_the_data_survive_down_and_up(filled):
    before = local.endpoints(filled)
    local.down(filled)
    assert local.up(filled, owner=os.getpid()) == before
    assert kept(filled) == EVERYTHING


def test_the_data_survive_a_killed_supervisor_and_killed_servers(filled):
    state = local.status(filled)
    kill(state.pid)
    for child in state.children.values():
        kill(child.pid)
    local.up(filled, owner=os.getpid())
    assert local.status(filled).pid != state.pid
    assert kept(filled) == EVERYTHING


@pytest.mark.parametrize("name", ["kafka", "postgres", "s3"])
def test_a_server_that_dies_comes_back_by_itself(filled, name):
    first = local.status(filled).children[name]
    kill(first.pid)
    deadline = time.monotonic() + 90
    child = first
    while child.pid == first.pid or child.condition is not local.Condition.READY:
        assert time.monotonic() < deadline
        time.sleep(0.1)
        child = local.status(filled).children[name]
    assert child.restarts == first.restarts + 1
    assert kept(filled) == EVERYTHING


def test_a_postmaster_note_with_a_living_stranger_s_number_is_no_hindrance(filled):
    local.down(filled)
    home = Place(filled.data).root / "postgres"
    owner = home.stat()
    note = home / "data" / "postmaster.pid"
    account = Account("its owner", owner.st_uid, owner.st_gid) if os.geteuid() == 0 else None
    stranger = subprocess.Popen(["sleep", "600"], **demoted(account))
    try:
        note.write_text(f"{stranger.pid}\n{home}/data\n")
        os.chown(note, owner.st_uid, owner.st_gid)
        local.up(filled, owner=os.getpid())
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()
    assert kept(filled) == EVERYTHING


def test_no_server_listens_beyond_this_machine_and_postgresql_is_not_root(filled):
    state = local.status(filled)
    for child in state.children.values():
        listening = [
            c.laddr.ip for c in psutil.Process(child.pid).net_connections("tcp") if c.status == "LISTEN"
        ]
        assert listening
        assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}
    assert psutil.Process(state.children["postgres"].pid).uids().real != 0


def test_the_servers_ask_for_credentials_that_only_the_owner_can_read(filled):
    secret = filled.data / "credentials.json"
    assert secret.stat().st_mode & 0o077 == 0
    at = local.endpoints(filled)
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(at.database.replace("+psycopg2", ""), password="wrong")
    stranger = type(at.s3)(at.s3.endpoint, at.s3.access_key, "wrong")
    assert ask(stranger, "GET", "/").status == 403


def test_only_the_servers_that_settings_do_not_name_are_looked_for_here(filled):
    found = local.endpoints(load(data=filled.data, kafka="elsewhere:9092"))
    here = local.endpoints(filled)
    assert (found.kafka, found.database, found.s3) == ("elsewhere:9092", here.database, here.s3)


def test_the_probe_counts_a_broker_only_when_it_serves(filled):
    host, port = local.endpoints(filled).kafka.split(":")
    assert count_brokers(host, int(port)) == 1
    assert count_brokers(host, 1) == 0
    assert count_brokers(host, local.status(filled).ports["s3"]) == 0
