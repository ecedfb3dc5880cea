"""The doctor: it finds what is wrong, says what it saw, and always has a remedy."""

import re
import uuid

import pytest
from kafka import KafkaAdminClient
from kafka.errors import NotCoordinatorError
from sqlalchemy import text

from events.kafka_log import KafkaLog
from events.topic_specs import topic_specs
from events.topics import Topics
from projectors.database import make_engine
from service.settings import load
from service.stack.doctor import Outcome, examine

NOWHERE = "127.0.0.1:1"


def results(settings) -> dict:
    return {check.name: check for check in examine(settings)}


@pytest.fixture
def running(servers, s3, postgres, tmp_path):
    """Settings that name the tests' servers, a migrated database and a bucket."""
    return load(
        data=tmp_path / "data",
        site=f"doctor-{uuid.uuid4().hex[:8]}",
        kafka=servers.kafka,
        database=postgres,
        s3_endpoint=s3.endpoint,
        s3_access_key=s3.access_key,
        s3_secret_key=s3.secret_key,
        s3_bucket=s3.bucket,
    )


def test_a_healthy_installation_has_nothing_wrong(running):
    found = results(running)
    assert {"kafka", "database", "migrations", "clock", "s3", "python", "disk", "open files"} <= found.keys()
    assert {name: check.found for name, check in found.items() if check.outcome is Outcome.WRONG} == {}
    assert "refused" not in found["s3"].found


def test_whatever_is_not_fine_has_a_remedy(running):
    ill = running.model_copy(update={"kafka": NOWHERE, "database": f"postgresql+psycopg2://u:p@{NOWHERE}/d"})
    ill = ill.model_copy(update={"s3_endpoint": f"http://{NOWHERE}"})
    found = results(ill)
    assert {
        name
        for name in ("kafka", "kafka positions", "database", "migrations", "clock", "ledger time", "s3")
        if found[name].outcome is Outcome.WRONG
    } == {
        "kafka",
        "kafka positions",
        "database",
        "migrations",
        "clock",
        "ledger time",
        "s3",
    }
    assert [
        check.name for check in found.values() if check.outcome is not Outcome.FINE and not check.remedy
    ] == []
    assert "MERIDIAN_KAFKA" in found["kafka"].remedy


def test_a_broker_that_serves_all_but_the_positions_is_noticed(running, monkeypatch):
    """As one does whose group coordinator did not come back with it from a full disk."""

    def unserved(self, group_offset_specs):
        raise NotCoordinatorError(f"OffsetFetchResponse failed for {sorted(group_offset_specs)}")

    assert results(running)["kafka positions"].outcome is Outcome.FINE
    KafkaLog(running.kafka).ensure(topic_specs(Topics(running.site), running.partitions, ()))
    found = results(running)["kafka positions"]
    assert (found.outcome, found.found) == (Outcome.FINE, "served for 5 of 5 machines")
    monkeypatch.setattr(KafkaAdminClient, "list_group_offsets", unserved)
    found = results(running)["kafka positions"]
    assert found.outcome is Outcome.WRONG
    assert "NotCoordinatorError" in found.found
    assert f"{running.site}.file.decider" in found.found
    assert "start the broker again" in found.remedy
    assert results(running)["kafka"].outcome is Outcome.FINE


def test_tables_of_another_version_are_noticed(running, empty_postgres):
    found = results(running.model_copy(update={"database": empty_postgres}))
    assert found["migrations"].outcome is Outcome.WRONG
    assert found["migrations"].found.startswith("at none")


def test_a_clock_behind_the_ledger_is_noticed(running, postgres):
    engine = make_engine(postgres, "test")
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO projection.position (follower, machine, partition, next_offset, owner_epoch, topic_id,"
                " last_event_at) VALUES ('projector', 'file', 0, 1, 1, 'x', now() + interval '1 hour')"
            )
        )
    engine.dispose()
    check = results(running.model_copy(update={"database": postgres}))["ledger time"]
    assert check.outcome is Outcome.ATTENTION
    assert re.search(r"3[56]\d\d s ahead of this clock", check.found)


def test_an_s3_key_that_is_not_taken_is_noticed(running):
    from pydantic import SecretStr

    found = results(running.model_copy(update={"s3_secret_key": SecretStr("wrong")}))
    assert found["s3"].outcome is Outcome.WRONG
    assert "403" in found["s3"].found


def test_a_bucket_that_is_not_there_yet_is_no_fault(running):
    found = results(running.model_copy(update={"s3_bucket": "not-there-yet"}))
    assert found["s3"].outcome is Outcome.ATTENTION


def test_without_any_server_the_way_to_start_them_is_told(tmp_path):
    found = results(load(data=tmp_path / "data"))
    assert found["servers"].outcome is Outcome.WRONG
    assert "./meridian up" in found["servers"].remedy
    assert {"java", "jars", "postgresql", "ports"} <= found.keys()


def test_a_misspelled_variable_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setenv("MERIDIAN_KAFAK", "host:9092")
    check = results(load(data=tmp_path / "data"))["settings"]
    assert (check.outcome, check.found) == (
        Outcome.ATTENTION,
        "MERIDIAN_KAFAK is no setting; did you mean MERIDIAN_KAFKA",
    )


def test_a_java_that_is_too_old_is_noticed(tmp_path):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    java.chmod(0o755)
    check = results(load(data=tmp_path / "data", java_home=tmp_path))["java"]
    assert check.outcome is Outcome.WRONG
    assert "of version 11" in check.found


def test_looking_leaves_nothing_in_the_data_folder(tmp_path):
    results(load(data=tmp_path / "data"))
    assert not (tmp_path / "data").exists()
