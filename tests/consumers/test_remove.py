"""Removing, on real servers: what is proven goes, what does not agree stays, policies want no more than they say."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from consumers.effects.remove import remove
from consumers.effects.transfer import transfer
from consumers.housekeeping import Housekeeping, wanted_removals
from consumers.sender import Sender
from consumers.storage_errors import StorageRefused
from consumers.tools import Tools
from events.envelope import decode_request
from events.log import Place
from events.memory_log import MemoryLog
from events.space_policy import Quota, SpacePolicy
from events.topic_specs import topic_specs
from events.topics import Topics
from tests.consumers.test_effects import CONTENT, an_item, place, to_copy, tools
from tests.consumers.work_site import sha256_of

__all__ = ["tools"]

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def archived(tools: Tools, path: Path) -> dict[str, Any]:
    """The file's object, after a real copy."""
    *_, report = transfer(to_copy(path), tools)
    told: dict[str, Any] = report.request.wire()["object"]
    return told


def to_remove(path_or_uri: Path | str, what: str = "source", **brief: Any) -> Any:
    uri = path_or_uri if isinstance(path_or_uri, str) else path_or_uri.as_uri()
    item = an_item("remove", uri, sha256=sha256_of(CONTENT), size_bytes=len(CONTENT), **brief)
    item.payload.update(what=what, place=uri)
    return item


def ended(item: Any, tools: Tools) -> tuple[bool, str]:
    (report,) = remove(item, tools)
    assert report.is_report
    told = report.request.wire()
    return told["is_gone"], told["message"]


def test_a_source_whose_copy_is_proven_goes(tools: Tools):
    path = place(tools)
    item = to_remove(path, object=archived(tools, path))
    assert ended(item, tools) == (True, f"removed, {len(CONTENT)} bytes")
    assert not path.exists()
    assert ended(item, tools) == (True, "nothing lay there any more")


def test_other_bytes_at_the_same_place_stay(tools: Tools):
    path = place(tools)
    stored = archived(tools, path)
    path.write_bytes(b"newer")
    is_gone, message = ended(to_remove(path, object=stored), tools)
    assert (is_gone, path.read_bytes()) == (False, b"newer")
    assert "found other bytes" in message


def test_a_source_stays_where_the_copy_has_gone_or_is_another(tools: Tools):
    path = place(tools)
    stored = archived(tools, path)
    for wrong in ({"key": "l2/not-there"}, {"sha256": "0" * 64, "s3_checksum": "x"}, {"size_bytes": 1}):
        is_gone, message = ended(to_remove(path, object={**stored, **wrong}), tools)
        assert not is_gone, wrong
        assert "wanted" in message
    assert ended(to_remove(path), tools)[0] is False
    assert path.exists()


def test_a_source_outside_of_the_roots_is_not_touched(tools: Tools, tmp_path: Path):
    path = place(tools)
    elsewhere = tmp_path / "elsewhere.dat"
    elsewhere.write_bytes(CONTENT)
    assert ended(to_remove(elsewhere, object=archived(tools, path)), tools)[0] is False
    assert elsewhere.exists()


def test_an_object_that_was_the_source_goes_and_nothing_beside_it(tools: Tools):
    path = place(tools)
    stored = archived(tools, path)
    for key in ("landing/a.dat", "landing/a.dat.more", "other/a.dat"):
        tools.storage.put_file(
            path, bucket=tools.bucket, key=key, sha256=sha256_of(CONTENT), size_bytes=len(CONTENT)
        )
    assert ended(to_remove(f"s3://{tools.bucket}/landing/a.dat", object=stored), tools)[0] is True
    assert ended(to_remove(f"s3://{tools.bucket}/other/a.dat", object=stored), tools)[0] is False
    assert {key for key, _ in tools.storage.list_keys(tools.bucket, "landing/")} == {"landing/a.dat.more"}
    assert tools.storage.head(tools.bucket, "other/a.dat") is not None


def test_an_original_goes_from_quarantine_and_from_nowhere_else(tools: Tools):
    path = place(tools)
    for key in ("quarantine/a", "l2/a"):
        tools.storage.put_file(
            path, bucket=tools.bucket, key=key, sha256=sha256_of(CONTENT), size_bytes=len(CONTENT)
        )
    assert ended(to_remove(f"s3://{tools.bucket}/quarantine/a", "quarantine"), tools) == (True, "removed")
    is_gone, message = ended(to_remove(f"s3://{tools.bucket}/l2/a", "quarantine"), tools)
    assert not is_gone
    assert "quarantine/" in message
    assert tools.storage.head(tools.bucket, "l2/a") is not None
    with pytest.raises(StorageRefused):
        tools.storage.delete_below(tools.bucket, "l2/a", prefix="")


# --- policies ---


def a_version(engine: Engine, name: str, *, state: str, days: float, size: int = 10, **more: Any) -> None:
    row = {
        "file": f"roman/{name}", "version": 1, "stream": "roman", "name": name, "state": state, "attempt": 1,
        "since_at": NOW - timedelta(days=days), "size_bytes": size, "uri": f"file:///{name}", "sequence": 1,
        "event_id": "11111111-1111-5111-8111-111111111111", "partition": 0, "ledger_offset": 0, "witnesses": 1, **more,
    }  # fmt: skip
    columns = ", ".join(row)
    values = ", ".join(f":{column}" for column in row)
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO projection.file_version ({columns}) VALUES ({values})"), row)


def wanted(engine: Engine, policy: SpacePolicy) -> dict[str, str]:
    with engine.connect() as connection:
        return {each.file: each.policy for each in wanted_removals(connection, "roman", policy, at=NOW)}


@pytest.fixture
def aside(database: Engine) -> Engine:
    """Four originals put aside, one of a version that is tried again, and two sources."""
    for number, days in enumerate((40, 30, 20, 10)):
        a_version(
            database,
            f"bad{number}",
            state="INVALID",
            days=days,
            quarantine_bucket="b",
            quarantine_key=f"q{number}",
        )
    a_version(database, "again", state="QUEUED", days=50, quarantine_bucket="b", quarantine_key="q9")
    a_version(database, "done", state="COMPLETE", days=2)
    a_version(database, "fresh", state="COMPLETE", days=0.1)
    a_version(database, "gone", state="COMPLETE", days=3, source_removed_at=NOW)
    return database


def test_without_limits_nothing_goes(aside: Engine):
    assert wanted(aside, SpacePolicy()) == {}


def test_originals_go_by_age(aside: Engine):
    policy = SpacePolicy(quarantine=Quota(max_age_days=25))
    assert wanted(aside, policy) == {"roman/bad0": "quarantine-age", "roman/bad1": "quarantine-age"}


def test_the_oldest_originals_go_where_all_take_too_much(aside: Engine):
    policy = SpacePolicy(quarantine=Quota(max_age_days=35, max_bytes=20))
    assert wanted(aside, policy) == {"roman/bad0": "quarantine-age", "roman/bad1": "quarantine-quota"}


def a_picture(engine: Engine, file: str, *, days: float, size: int | None = 10) -> None:
    row = {
        "file": file, "version": 1, "made_at": NOW - timedelta(days=days), "size_bytes": size,
        "bucket": None if size is None else "b", "object_key": None if size is None else f"previews/{file}",
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO projection.preview (file, version, made_at, size_bytes, bucket, object_key) "
                "VALUES (:file, :version, :made_at, :size_bytes, :bucket, :object_key)"
            ),
            row,
        )


@pytest.fixture
def pictures(database: Engine) -> Engine:
    """Five pictures of a stream, one that could not be made, and one each of streams with names close by."""
    for number in range(5):
        a_picture(database, f"roman/p{number}", days=50 - 10 * number)
    a_picture(database, "roman/none", days=90, size=None)
    for other in ("roman-wfi/p", "roma/p", "romans/p"):
        a_picture(database, other, days=90)
    return database


def test_pictures_go_by_age_those_of_the_stream_alone(pictures: Engine):
    policy = SpacePolicy(previews=Quota(max_age_days=35))
    assert wanted(pictures, policy) == {"roman/p0": "preview-age", "roman/p1": "preview-age"}


def test_above_the_quota_pictures_go_down_to_the_lower_mark_and_below_it_none_do(pictures: Engine):
    assert wanted(pictures, SpacePolicy(previews=Quota(max_bytes=50, down_to=0.5))) == {}
    assert set(wanted(pictures, SpacePolicy(previews=Quota(max_bytes=49, down_to=0.45)))) == {
        "roman/p0", "roman/p1", "roman/p2",
    }  # fmt: skip
    assert set(wanted(pictures, SpacePolicy(previews=Quota(max_bytes=49)))) == {"roman/p0"}


def test_a_picture_goes_from_where_pictures_lie_and_from_nowhere_else(tools: Tools):
    path = place(tools)
    for key in ("previews/a.png", "quarantine/a", "l2/a"):
        tools.storage.put_file(
            path, bucket=tools.bucket, key=key, sha256=sha256_of(CONTENT), size_bytes=len(CONTENT)
        )
    assert ended(to_remove(f"s3://{tools.bucket}/previews/a.png", "preview"), tools) == (True, "removed")
    for key in ("quarantine/a", "l2/a"):
        assert ended(to_remove(f"s3://{tools.bucket}/{key}", "preview"), tools)[0] is False
        assert tools.storage.head(tools.bucket, key) is not None


def test_sources_go_some_time_after_their_versions_are_complete(aside: Engine):
    assert wanted(aside, SpacePolicy(sources="remove_when_complete")) == {
        "roman/done": "remove_when_complete"
    }


def test_what_policies_want_is_asked_for_once_a_day_and_named(aside: Engine):
    configuration = {"stream": "roman", "space": {"quarantine": {"max_age_days": 35}}}
    with aside.begin() as connection:
        connection.execute(
            text("INSERT INTO work.stream_configuration VALUES ('roman', 1, CAST(:told AS jsonb))"),
            {"told": json.dumps(configuration)},
        )
    log, topics, at = MemoryLog(), Topics("test"), [NOW]
    log.ensure(topic_specs(topics, {"file": 1}, ()))
    housekeeping = Housekeeping(
        engine=aside, sender=Sender(log.writer), topics=topics, clock=lambda: at[0], source="test"
    )
    assert [housekeeping.run_once(), housekeeping.run_once()] == [1, 1]
    at[0] += timedelta(days=1)
    housekeeping.run_once()
    reader = log.reader()
    reader.assign({Place(topics.requests("file"), 0): 0})
    asked = [
        decode_request(each.value)
        for batch in reader.poll(at_most=10, timeout_s=1).values()
        for each in batch
    ]
    assert asked[0].id == asked[1].id != asked[2].id
    assert asked[0].data["because"] == "put aside 40.0 days ago, kept 35"
