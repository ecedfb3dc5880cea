"""Effects by themselves: what they ask, and what they say when something is wrong. Real files, a real store."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from consumers.arrivals import ArrivalsSeen
from consumers.claims import WorkItem
from consumers.effects.asking import Ask
from consumers.effects.fitting import fitted
from consumers.effects.ingest import ingest
from consumers.effects.places import key_of
from consumers.effects.register import register
from consumers.effects.transfer import transfer
from consumers.failures import Failed, Wait
from consumers.held import keep_configurations
from consumers.homes import Homes
from consumers.kept_copies import KeptCopies
from consumers.register import Entry, Register, UnknownRegisterError
from consumers.sender import Sender
from consumers.tools import Configurations, Tools
from events.envelope import decode_request
from events.file_requests import RejectFile, ReportFileTransferred, ReportFileValidated
from events.ids import derived_id
from events.types import Usage, WarningFinding
from projectors.outcome import Outcomes
from tests.consumers.work_site import WorkSite, sha256_of

CONTENT = b"any bytes will do " * 1000
EVENT = "11111111-1111-5111-8111-111111111111"


@pytest.fixture
def tools(work_site: WorkSite) -> Tools:
    """Tools on real servers; one stream is configured, nothing runs."""
    site = work_site
    (site.landing / "roman").mkdir()
    configuration = {
        "stream": "roman",
        "roots": [(site.landing / "roman").as_uri() + "/", f"s3://{site.bucket}/landing/"],
        "format": "any",
        "destination": {"prefix": "l2/"},
    }
    with site.engine.begin() as connection:
        keep_configurations(
            connection, [{"stream": "roman", "configuration_version": 1, "configuration": configuration}]
        )
    return Tools(
        engine=site.engine,
        log=site.log,
        topics=site.topics,
        sender=Sender(site.log.writer),
        storage=site.storage,
        inspector=site.inspector,
        outcomes=Outcomes(site.engine, site=site.topics.site),
        configurations=Configurations(site.engine),
        homes=Homes(site.engine),
        arrivals=ArrivalsSeen(site.engine),
        clock=lambda: datetime(2026, 11, 21, tzinfo=UTC),
        bucket=site.bucket,
        staging_dir=site.landing / "staging",
        host="h1",
        worker="w1",
        software_version="1",
    )


def an_item(effect: str, uri: str, *, attempt: int = 1, **brief: Any) -> WorkItem:
    content = {"uri": uri, **brief.pop("content", {})}
    return WorkItem(
        event_id=EVENT,
        effect=effect,
        subject="roman/a",
        stream="roman",
        version=1,
        attempt=attempt,
        sequence=1,
        work_class="normal",
        created_at=datetime(2026, 11, 21, tzinfo=UTC),
        try_number=1,
        report_id=derived_id(EVENT, effect),
        lease_owner="w1",
        lease_epoch=1,
        payload={"brief": {"content": content, "stream_version": 1, **brief}, "start": True},
        correlationid="e1",
        base_attempt=1,
    )


def place(tools: Tools, content: bytes = CONTENT, name: str = "a.dat") -> Path:
    path = tools.staging_dir.parent / "roman" / name
    path.write_bytes(content)
    return path


def to_copy(path: Path, content: bytes = CONTENT, **more: Any) -> WorkItem:
    """A transfer of what was validated."""
    return an_item("transfer", path.as_uri(), sha256=sha256_of(content), size_bytes=len(content), **more)


def test_ingest_begins_and_reports_in_the_order_of_the_lifecycle(tools: Tools):
    item = an_item("ingest", place(tools).as_uri())
    start, report = list(ingest(item, tools))
    assert (start.request.name, start.id, start.is_report) == (
        "file.start",
        derived_id(EVENT, "start"),
        False,
    )
    assert (report.request.name, report.id, report.is_report) == ("file.validated", item.report_id, True)
    assert isinstance(report.request, ReportFileValidated)
    assert (report.request.sha256, report.request.size_bytes) == (sha256_of(CONTENT), len(CONTENT))
    assert report.request.usage is not None
    assert report.request.usage.host == "h1"
    topic, key, value = report.outgoing(tools.topics, source="w1", at=tools.clock())
    envelope = decode_request(value)
    assert (topic, key) == (tools.topics.requests("file"), b"roman/a")
    assert (envelope.version, envelope.attempt, envelope.causationid, envelope.correlationid) == (
        1,
        1,
        EVENT,
        "e1",
    )


def test_no_critical_check_is_reported_as_open(tools: Tools):
    *_, report = ingest(an_item("ingest", place(tools).as_uri()), tools)
    assert isinstance(report.request, ReportFileValidated)
    assert all(each.passed for each in report.request.qa if each.level == "critical")


def test_a_step_tried_again_by_itself_does_not_begin_anew(tools: Tools):
    item = an_item("ingest", place(tools).as_uri())
    asks = list(ingest(replace(item, payload={**item.payload, "start": False}), tools))
    assert [each.request.name for each in asks] == ["file.validated"]


def test_an_object_is_fetched_read_and_let_go_of(tools: Tools):
    path = place(tools)
    tools.storage.put_file(
        path, bucket=tools.bucket, key="landing/a.dat", sha256=sha256_of(CONTENT), size_bytes=len(CONTENT)
    )
    *_, report = ingest(an_item("ingest", f"s3://{tools.bucket}/landing/a.dat"), tools)
    assert report.request.name == "file.validated"
    assert list(tools.staging_dir.iterdir()) == []


def test_work_waits_for_a_configuration_that_dispatch_has_not_read(tools: Tools):
    item = an_item("ingest", place(tools).as_uri())
    item.payload["brief"]["stream_version"] = 2
    with pytest.raises(Wait, match="configuration 2 of roman is not known here yet"):
        list(ingest(item, tools))


def test_a_rejected_original_is_kept_even_where_it_is_empty(tools: Tools):
    *_, report = ingest(an_item("ingest", place(tools, b"").as_uri(), content={"size_bytes": 7}), tools)
    assert isinstance(report.request, RejectFile)
    kept = report.request.quarantine
    assert kept is not None
    assert kept.key == f"quarantine/roman/a.dat/v1-{sha256_of(b'')}.dat"
    head = tools.storage.head(kept.bucket, kept.key)
    assert head is not None
    assert head.size_bytes == 0


def test_a_copy_is_made_once_and_found_equal_the_second_time(tools: Tools):
    item = to_copy(place(tools))
    for existed in (False, True):
        (report,) = transfer(item, tools)
        assert isinstance(report.request, ReportFileTransferred)
        stored = report.request.object
        assert stored.key == f"l2/roman/a.dat/v1-{sha256_of(CONTENT)}.dat"
        assert (stored.sha256, stored.size_bytes, stored.existed) == (
            sha256_of(CONTENT),
            len(CONTENT),
            existed,
        )


@pytest.mark.parametrize("changed", [CONTENT[:-1], CONTENT[:-1] + b"!"], ids=["shorter", "other bytes"])
def test_a_source_that_changed_since_it_was_validated_is_named_as_that(tools: Tools, changed: bytes):
    item = to_copy(place(tools, changed))
    with pytest.raises(Failed, match="has changed since it was validated") as raised:
        list(transfer(item, tools))
    failed = raised.value
    assert (failed.code, failed.failure_class) == ("SOURCE_CHANGED", "data")
    assert sha256_of(CONTENT) in str(failed.wanted)
    place(tools)  # the remedy that the message names
    (report,) = transfer(item, tools)
    assert report.request.name == "file.transferred"


def test_other_bytes_under_the_key_are_reported_first_and_then_gone_around(tools: Tools):
    item = to_copy(place(tools))
    other = place(tools, b"other bytes", "b.dat")
    configuration = tools.configurations.of("roman", 1)
    key = key_of(item, configuration, Path("a.dat"), sha256=sha256_of(CONTENT))
    tools.storage.put_file(
        other, bucket=tools.bucket, key=key, sha256=sha256_of(b"other bytes"), size_bytes=11
    )
    with pytest.raises(Failed) as raised:
        list(transfer(item, tools))
    assert (raised.value.code, raised.value.failure_class) == ("TRANSFER_MISMATCH", "transient")
    assert raised.value.evidence is not None
    assert raised.value.evidence["existed"] is True
    (report,) = transfer(replace(item, attempt=2), tools)
    assert isinstance(report.request, ReportFileTransferred)
    assert report.request.object.key == key.replace("v1-", "v1-c2-")


def test_a_store_that_is_away_makes_the_item_wait(tools: Tools):
    away = type(tools.storage)(
        endpoint="http://127.0.0.1:9", access_key="a", secret_key="b", attempts=1, connect_timeout_s=0.2
    )
    with pytest.raises(Wait) as raised:
        list(transfer(to_copy(place(tools)), replace(tools, storage=away)))
    assert (raised.value.dependency, raised.value.code) == ("archive", "STORAGE_UNAVAILABLE")
    with pytest.raises(Wait) as raised:
        list(ingest(an_item("ingest", f"s3://{tools.bucket}/landing/a.dat"), replace(tools, storage=away)))
    assert raised.value.dependency == "store/roman"


def entry(number: int = 1, **more: Any) -> Entry:
    told = {"stream": "roman", "bucket": "archive", "key": "k", "size_bytes": 1, "sha256": "a" * 64}
    return Entry(subject=f"roman/f{number}", version=1, registered_by_event=EVENT, **{**told, **more})


def rows(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text("SELECT count(*) FROM operations.l2_file")).scalar_one())


def test_a_row_is_entered_once_however_often_and_by_however_many(database: Engine):
    register = Register(database)
    entries = [entry(number) for number in range(50)]
    found: list[dict[tuple[str, int], str]] = []

    def enter() -> None:
        found.append(register.enter("operations.l2_file", entries))

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(each == found[0] for each in found)
    assert len(set(found[0].values())) == 50
    assert rows(database) == 50


def test_a_row_of_a_version_that_was_taken_again_says_what_stands_in_the_archive_now(database: Engine):
    register = Register(database)
    first = register.enter("operations.l2_file", [entry()])
    again = register.enter("operations.l2_file", [entry(sha256="b" * 64, key="k2")])
    assert again == first
    with database.connect() as connection:
        row = connection.execute(text("SELECT key, sha256 FROM operations.l2_file")).one()
    assert tuple(row) == ("k2", "b" * 64)


@pytest.mark.parametrize(
    "table", ["operations.nothing", "public.l2_file", 'operations.x" (a) VALUES (1); --']
)
def test_only_tables_of_the_archives_registers_are_written(database: Engine, table: str):
    with pytest.raises(UnknownRegisterError, match=r"wanted one of operations\.l2_file"):
        Register(database).enter(table, [entry()])


def test_a_register_without_a_column_is_named_with_it(database: Engine):
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE operations.odd_file AS SELECT * FROM operations.l2_file"))
        connection.execute(text("ALTER TABLE operations.odd_file DROP COLUMN sha256"))
    with pytest.raises(UnknownRegisterError, match="has no column sha256"):
        Register(database).enter("operations.odd_file", [entry()])


def test_a_new_register_needs_no_code(database: Engine):
    with database.begin() as connection:
        connection.execute(text("CREATE TABLE operations.new_file (LIKE operations.l2_file INCLUDING ALL)"))
    assert set(Register(database).enter("operations.new_file", [entry()])) == {("roman/f1", 1)}


def test_a_row_that_the_register_refuses_does_not_stop_the_others(tools: Tools):
    with tools.engine.begin() as connection:
        connection.execute(
            text("ALTER TABLE operations.l2_file ADD CONSTRAINT no_b CHECK (instrument <> 'bad')")
        )
    items = []
    for number, instrument in enumerate(("good", "bad", "fine")):
        stored = {"bucket": "archive", "key": "k", "size_bytes": 1, "sha256": "a" * 64}
        item = an_item(
            "register", "file:///a", object=stored, instrument=instrument, obs_start_utc="not a time"
        )
        items.append(replace(item, subject=f"roman/{number}"))
    found = {item.subject: what for item, what in register(items, tools, Register(tools.engine))}
    assert isinstance(found["roman/0"], Ask)
    assert isinstance(found["roman/2"], Ask)
    refused = found["roman/1"]
    assert isinstance(refused, Failed)
    assert refused.code == "REGISTER_REFUSED"
    assert "no_b" in refused.message


def test_a_report_that_is_too_long_keeps_what_it_says_and_loses_what_only_explains():
    warnings = tuple(WarningFinding(code="ODD", message="x" * 1900) for _ in range(100))
    usage = Usage(log_tail="y" * 60_000)
    report = RejectFile(code="EMPTY_FILE", message="0 bytes", warnings=warnings, usage=usage)
    short = fitted(report, room=60_000)
    assert (short.code, short.message) == ("EMPTY_FILE", "0 bytes")
    assert len(short.warnings) == 21
    assert short.warnings[-1].message == "80 more warnings did not fit into the report"
    assert fitted(short, room=60_000) == short


def configured(tools: Tools, **more: Any) -> None:
    """The stream's first configuration is another one."""
    configuration = tools.configurations.of("roman", 1).model_dump(mode="json") | more
    with tools.engine.begin() as connection:
        keep_configurations(
            connection, [{"stream": "roman", "configuration_version": 1, "configuration": configuration}]
        )
    tools.configurations._known.clear()


def test_a_stream_that_copies_nothing_archives_a_file_where_it_lies(tools: Tools):
    configured(tools, transfer={"mode": "in_place"})
    path = place(tools)
    (report,) = transfer(to_copy(path), tools)
    assert isinstance(report.request, ReportFileTransferred)
    told = report.request.object
    assert (told.bucket, told.key, told.in_place, told.sha256) == (
        "file",
        str(path),
        True,
        sha256_of(CONTENT),
    )
    assert list(tools.storage.list_keys(tools.bucket)) == []
    path.write_bytes(b"other bytes")
    with pytest.raises(Failed, match="has changed since it was validated"):
        list(transfer(to_copy(path), tools))


def test_a_layout_stands_between_the_prefix_and_the_name(tools: Tools):
    configured(tools, transfer={"layout": "{night}/{instrument}"})
    item = to_copy(place(tools), obs_start_utc="2026-11-21T05:00:00Z", instrument="WFI")
    (report,) = transfer(item, tools)
    assert report.request.wire()["object"]["key"].startswith("l2/20261121/wfi/roman/a.dat/v1-")


def test_the_facts_of_a_copy_say_what_the_store_calls_it_and_what_was_written(tools: Tools):
    path = place(tools)
    (first,), (again,) = transfer(to_copy(path), tools), transfer(to_copy(path), tools)
    told, told_again = first.request.wire(), again.request.wire()
    assert told["object"]["etag"] == tools.storage.head(tools.bucket, told["object"]["key"]).etag
    assert [each["usage"]["bytes_written"] for each in (told, told_again)] == [len(CONTENT), 0]


def test_an_object_is_fetched_once_for_both_its_steps(tools: Tools):
    kept = KeptCopies(tools.staging_dir)
    path = place(tools)
    tools.storage.put_file(
        path, bucket=tools.bucket, key="landing/b.dat", sha256=sha256_of(CONTENT), size_bytes=len(CONTENT)
    )
    uri, fetched = f"s3://{tools.bucket}/landing/b.dat", Counter[str]()
    tools.storage._client.meta.events.register(
        "before-call.s3", lambda model, **_: fetched.update([model.name])
    )
    both = replace(tools, kept=kept)
    *_, validated = ingest(an_item("ingest", uri), both)
    assert validated.request.name == "file.validated"
    assert kept.size_bytes == len(CONTENT)
    (report,) = transfer(an_item("transfer", uri, sha256=sha256_of(CONTENT), size_bytes=len(CONTENT)), both)
    assert report.request.wire()["object"]["sha256"] == sha256_of(CONTENT)
    assert (fetched["GetObject"], kept.size_bytes) == (1, 0)
