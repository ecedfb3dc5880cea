"""Every halt is reached on real servers, and left by the command that it names, without a restart of anything."""

from typing import Any

import pytest

import projectors.reading
from consumers.deadletter import DeadLetters
from events import kafka_fetched
from events.kafka_writers import KafkaTransactionalWriter
from events.log import TransactionInDoubtError
from events.upcast import UnknownVersionError
from machines.desk import Desk
from machines.ruling import Refusal
from migrations import upgrade
from projectors.halt_codes import HALTS
from service.cli import run
from service.client import Client
from service.decider import refusal
from service.decider.owner import OwnerSettings
from service.decider.process import Decider
from service.roles import run_decider, run_projector
from service.settings import load
from service.site import await_topics
from service.transplant import standing
from service.transplant.manifest import Manifest
from service.wiring import Wiring
from tests.bad_names import send_with_bad_name
from tests.service.cli.a_site import Site
from tests.service.ways_out import ALL, REACHED, Broken, a_broken_site, reaches, until

FINE, ATTENTION = 0, 1


@pytest.fixture
def broken(monkeypatch, tmp_path, site, kafka, postgres):
    with a_broken_site(monkeypatch, tmp_path, site=site, kafka=kafka, postgres=postgres) as found:
        yield found


@pytest.fixture
def up(broken: Broken) -> Broken:
    """All that follows runs, and one file is known."""
    broken.start(*ALL)
    await_topics(broken.site.wiring)
    assert broken.is_decided("a", broken.ask("a"))
    broken.is_shown("a")
    return broken


# --- topics


@reaches("TOPIC_ID_CHANGED")
def test_requests_made_anew_while_we_run_are_noticed_and_adopted(up):
    up.hands.make_again(up.requests.topic, 1)
    assert up.leave("TOPIC_ID_CHANGED") == FINE
    up.goes_on("b")
    up.is_shown("a", "b")
    assert up.rows("SELECT code, reason FROM decider.recovery") == [
        ("TOPIC_ID_CHANGED", "the disk was swapped")
    ]


@reaches("TOPIC_ID_CHANGED", "POSITION_OF_ANOTHER_TOPIC")
def test_a_ledger_made_anew_while_we_run_is_noticed_by_each_part_and_adopted_by_each(up):
    up.hands.make_again(up.ledger.topic, 1)
    assert up.leave("TOPIC_ID_CHANGED") == FINE
    for part in ("projector", "dispatch"):
        assert up.leave("POSITION_OF_ANOTHER_TOPIC", part) == FINE
    up.goes_on("b")
    up.is_shown("b")


@reaches("TOPIC_GONE")
def test_requests_that_go_while_we_run_are_made_anew(up):
    up.hands.delete(up.requests.topic)
    assert up.leave("TOPIC_GONE") == FINE
    await_topics(up.site.wiring)
    up.goes_on("b")


@reaches("LEDGER_GONE")
def test_a_ledger_that_goes_while_we_run_has_to_be_restored_first(up, capsys):
    kept = [(each.key, each.value or b"") for each in up.records(up.ledger)]
    up.hands.delete(up.ledger.topic)
    assert up.leave("LEDGER_GONE") == ATTENTION
    assert "wanted it restored first" in capsys.readouterr().err
    up.awaited("LEDGER_GONE", "projector")
    up.hands.make(up.ledger.topic, 1)
    up.hands.write(up.ledger.topic, kept)
    assert up.leave("LEDGER_GONE") == FINE
    for part in ("projector", "dispatch"):
        assert up.leave("LEDGER_GONE", part) == FINE
        assert up.leave("POSITION_OF_ANOTHER_TOPIC", part) == FINE
    up.goes_on("b")
    up.is_shown("a", "b")


@reaches("PARTITIONS_CHANGED")
def test_partitions_added_to_requests_are_noticed_and_have_to_be_taken_back_first(up, capsys):
    up.hands.add_partitions(up.requests.topic, 3)
    remedy = up.awaited("PARTITIONS_CHANGED")
    assert "found 3 partitions, wanted 1" in remedy.halt.message
    assert up.leave("PARTITIONS_CHANGED") == ATTENTION
    assert "delete the topic and make it anew with 1" in capsys.readouterr().err
    up.hands.make_again(up.requests.topic, 1)
    assert up.leave("PARTITIONS_CHANGED") == FINE
    up.goes_on("b")


@reaches("PARTITIONS_CHANGED")
def test_partitions_added_to_the_ledger_are_noticed_by_each_part(up):
    kept = [(each.key, each.value or b"") for each in up.records(up.ledger)]
    up.hands.add_partitions(up.ledger.topic, 2)
    for part in ("decider", "projector", "dispatch"):
        assert up.leave("PARTITIONS_CHANGED", part) == ATTENTION
    up.hands.make_again(up.ledger.topic, 1)
    up.hands.write(up.ledger.topic, kept)
    assert up.leave("PARTITIONS_CHANGED") == FINE
    for part in ("projector", "dispatch"):
        assert up.leave("PARTITIONS_CHANGED", part) == FINE
        assert up.leave("POSITION_OF_ANOTHER_TOPIC", part) == FINE
    up.goes_on("b")
    up.is_shown("a", "b")


@reaches("PARTITIONS_DIFFER")
def test_topics_made_by_hand_with_other_partitions_are_refused_at_the_first_start(broken):
    broken.hands.make(broken.requests.topic, 2)
    broken.start(run_decider)
    assert broken.leave("PARTITIONS_DIFFER") == ATTENTION
    broken.hands.delete(broken.requests.topic)
    assert broken.leave("PARTITIONS_DIFFER") == FINE
    await_topics(broken.site.wiring)
    broken.goes_on("a")


@reaches("CLUSTER_CHANGED")
def test_another_cluster_than_the_site_had_is_refused_by_every_part_until_it_is_adopted(up):
    up.stop(*ALL)
    up.do("UPDATE decider.installation SET cluster_id = 'elsewhere'")
    up.start(*ALL)
    remedy = up.awaited("CLUSTER_CHANGED", "site")
    assert "wanted elsewhere" in remedy.halt.message
    request_id = up.ask("b")
    assert up.leave("CLUSTER_CHANGED", "site") == FINE
    assert up.is_decided("b", request_id)
    up.is_shown("a", "b")


# --- the ledger


@reaches("LEDGER_UNREADABLE")
def test_a_strangers_bytes_on_the_ledger_become_one_dead_letter_and_all_pass_over_them(up):
    send_with_bad_name(up.site.client.log, up.ledger.topic, b"no record", key=b"k")
    assert up.is_decided("b", up.ask("b"))  # behind it
    up.stop(run_decider)
    up.forget_snapshots()
    up.start(run_decider)
    for part in ("decider", "projector", "dispatch"):
        assert up.leave("LEDGER_UNREADABLE", part) == FINE
    up.goes_on("c")
    up.is_shown("a", "b", "c")
    [listed] = DeadLetters(up.site.client.log, up.site.wiring.topics).each()
    assert (listed.letter.value, listed.letter.code) == (b"no record", "LEDGER_UNREADABLE")
    up.stop(run_decider)  # and for ever after
    up.forget_snapshots()
    up.start(run_decider)
    up.goes_on("d")


def test_a_request_whose_header_name_is_no_utf8_is_decided_like_any_other_and_blocks_nobody(up):
    log = up.site.client.log
    send_with_bad_name(log, up.requests.topic, b"no request", key=b"k")
    up.goes_on("b")
    [listed] = DeadLetters(log, up.site.wiring.topics).each()
    assert (listed.letter.value, listed.letter.code) == (b"no request", "UNDECODABLE")
    assert listed.letter.origin_headers[1][0].encode("utf-8", "surrogateescape") == b"\xff\xfename"


@reaches("LEDGER_FROM_FUTURE")
def test_a_record_of_a_newer_version_waits_for_code_that_knows_it(up, monkeypatch):
    def too_old(record: Any) -> Any:
        raise UnknownVersionError("dataschema: found /schemas/file.arrived/99, wanted at most 2")

    with monkeypatch.context() as code:
        code.setattr(projectors.reading, "upcast", too_old)
        code.setattr("service.decider.takeover.upcast", too_old)
        assert up.is_decided("b", up.ask("b"))
        up.awaited("LEDGER_FROM_FUTURE", "projector")
        up.stop(run_decider)
        up.forget_snapshots()
        up.start(run_decider)
        up.awaited("LEDGER_FROM_FUTURE")
    for part in ("projector", "dispatch", "decider"):  # deployed
        assert up.leave("LEDGER_FROM_FUTURE", part) == FINE
    up.goes_on("c")
    up.is_shown("a", "b", "c")


@reaches("LEDGER_BROKEN", "SEQUENCE_REPEATED")
def test_a_record_that_a_stranger_writes_again_is_set_aside_and_the_chain_proves_the_rest(up):
    [record] = up.records(up.ledger)
    up.hands.write(up.ledger.topic, [(record.key, record.value or b"")])
    assert up.is_decided("b", up.ask("b"))
    up.stop(run_decider)
    up.forget_snapshots()
    up.start(run_decider)
    assert up.leave("LEDGER_BROKEN") == FINE
    for part in ("projector", "dispatch"):
        assert up.leave("SEQUENCE_REPEATED", part) == FINE
    up.goes_on("c")
    up.is_shown("a", "b", "c")


@reaches("LEDGER_CUT")
def test_a_ledger_whose_beginning_is_gone_has_to_be_restored_first(up):
    kept = [(each.key, each.value or b"") for each in up.records(up.ledger)]
    up.stop(*ALL)
    up.hands.cut(up.ledger.topic, before=1)
    up.forget_snapshots()
    up.start(run_decider)
    assert up.leave("LEDGER_CUT") == ATTENTION
    up.hands.make_again(up.ledger.topic, 1)
    up.hands.write(up.ledger.topic, kept)
    assert up.leave("LEDGER_CUT") == FINE
    assert up.leave("TOPIC_ID_CHANGED") == FINE
    up.goes_on("b")


# --- the decider


@reaches("SNAPSHOT_AHEAD")
def test_snapshots_of_decisions_that_the_ledger_lost_are_forgotten(up):
    up.stop(run_decider)
    up.do("UPDATE decider.watermark SET next_offset = 99 WHERE machine = 'file'")
    up.start(run_decider)
    assert up.leave("SNAPSHOT_AHEAD") == FINE
    up.goes_on("b")


@reaches("BEYOND_END")
def test_requests_beyond_the_end_go_on_at_the_end(up):
    up.stop(run_decider)
    up.do("UPDATE decider.watermark SET next_request = 99 WHERE machine = 'file'")
    up.start(run_decider)
    assert up.leave("BEYOND_END") == FINE
    up.goes_on("b")


@reaches("STUCK_AT_REQUEST")
def test_a_request_that_can_not_be_committed_is_set_aside(up, monkeypatch):
    send_all = KafkaTransactionalWriter.send_all

    def doubtful(writer: Any, topic: str, records: Any, **more: Any) -> Any:
        if any(b"stuck" in value for _, value in records):
            raise TransactionInDoubtError("told to fail")
        return send_all(writer, topic, records, **more)

    monkeypatch.setattr(KafkaTransactionalWriter, "send_all", doubtful)
    up.stop(run_decider)
    monkeypatch.setitem(Decider.__init__.__kwdefaults__, "settings", OwnerSettings(batch=1))
    up.start(run_decider)
    up.ask("stuck")
    request_id = up.ask("next")
    assert up.leave("STUCK_AT_REQUEST") == FINE
    assert up.is_decided("next", request_id)
    [listed] = DeadLetters(up.site.client.log, up.site.wiring.topics).each()
    assert listed.letter.code == "STUCK_AT_REQUEST"


@reaches("CODE_IS_WRONG")
def test_code_that_raises_at_twenty_subjects_waits_for_better_code(up, monkeypatch):
    def wrong(desk: Desk, subject: Any, *_: Any, **__: Any) -> tuple[Refusal, str]:
        return Refusal(("no good",), desk.machine.where(subject.state), code="INTERNAL"), "ZeroDivisionError"

    with monkeypatch.context() as code:
        code.setattr(Desk, "_ruling", wrong)
        asked = {f"wrong-{number}": up.ask(f"wrong-{number}") for number in range(25)}
        up.awaited("CODE_IS_WRONG")
    assert up.leave("CODE_IS_WRONG") == FINE
    assert all(up.is_decided(*each) for each in asked.items())


@reaches("FENCED_FROM_OUTSIDE")
def test_a_decider_with_another_database_is_named_and_the_other_goes_on(
    up, empty_postgres, monkeypatch, tmp_path
):
    upgrade(empty_postgres)
    monkeypatch.setenv("MERIDIAN_DATABASE", empty_postgres)
    wiring = Wiring.of(load(), program="stray")
    stray = Site(wiring, Client(wiring, actor="bob"))
    other = Broken(stray, up.hands)
    stray.start(run_decider)

    def is_named() -> bool:
        up.ask(f"n{len(up.records(up.requests))}")  # an owner notices that it is fenced when it commits
        return up.stands("FENCED_FROM_OUTSIDE") or other.stands("FENCED_FROM_OUTSIDE")

    try:
        until(is_named, lambda: "neither halted")
    finally:
        stray.close()
    monkeypatch.setenv("MERIDIAN_DATABASE", str(up.site.wiring.endpoints.database))
    while up.remedies().explain():
        assert up.leave("FENCED_FROM_OUTSIDE") == FINE
    assert up.is_decided("b", up.ask("b"))


@reaches("LOG_REFUSES")
def test_what_kafka_refuses_again_and_again_is_named(up, monkeypatch):
    from kafka.errors import CorruptRecordError
    from kafka.record.default_records import DefaultRecordBatch

    read_record = DefaultRecordBatch._read_msg

    def corrupt(batch: Any) -> Any:
        found = read_record(batch)
        if b"corrupt" in (found.value or b""):
            raise CorruptRecordError("its length is wrong")
        return found

    monkeypatch.setattr(refusal, "FOR_S", 2.0)
    with monkeypatch.context() as disk:
        disk.setattr(
            kafka_fetched, "_plain", lambda batch: ([], batch._pos)
        )  # one after the other, by the library
        disk.setattr(DefaultRecordBatch, "_read_msg", corrupt)
        request_id = up.ask("corrupt")
        remedy = up.awaited("LOG_REFUSES")
        assert f"{up.requests.topic}/0 at 1" in remedy.halt.message
    assert up.leave("LOG_REFUSES") == FINE
    assert up.is_decided("corrupt", request_id)


# --- followers


@reaches("POSITION_BEYOND_END")
def test_views_that_have_read_further_than_the_ledger_are_filled_again(up):
    up.stop(run_projector)
    up.do("UPDATE projection.position SET next_offset = 1000 WHERE machine = 'file'")
    up.start(run_projector)
    assert up.leave("POSITION_BEYOND_END", "projector") == FINE
    up.is_shown("a")


@reaches("SEQUENCE_HOLE")
def test_views_that_have_lost_rows_notice_it_at_the_next_record_and_are_filled_again(up):
    up.stop(run_projector)
    up.do("DELETE FROM projection.ledger")
    up.start(run_projector)
    up.ask("a")  # it has come already: a refusal, and the second record
    assert up.leave("SEQUENCE_HOLE", "projector") == FINE
    up.goes_on("b")
    up.is_shown("a", "b")
    assert len(up.rows("SELECT FROM projection.ledger WHERE subject = 'keck/a'")) == 2


@reaches("ROWS_REFUSED")
def test_rows_that_the_database_refuses_are_written_once_it_takes_them(up):
    up.do("ALTER TABLE work.item ADD CONSTRAINT in_the_way CHECK (false) NOT VALID")
    up.do("ALTER TABLE work.version ADD CONSTRAINT in_the_way CHECK (false) NOT VALID")
    up.ask("b")
    up.awaited("ROWS_REFUSED", "dispatch")
    for table in ("item", "version"):
        up.do(f"ALTER TABLE work.{table} DROP CONSTRAINT in_the_way")
    assert up.leave("ROWS_REFUSED", "dispatch") == FINE
    until(lambda: bool(up.rows("SELECT FROM work.version WHERE subject = 'keck/b'")), lambda: "not written")


@reaches("IMPORT_UNDER_WAY")
def test_nobody_decides_or_reads_on_while_an_import_is_under_way_and_only_its_end_leads_past_it(broken):
    engine, site = broken.site.client.engine, broken.site.wiring.settings.site
    standing.begin(engine, Manifest(site, "2026-11-22T12:00:00Z", "", {}, was_moving=False), "/backup")
    broken.start(*ALL)
    for part in ("decider", "projector", "dispatch"):
        assert broken.leave("IMPORT_UNDER_WAY", part) == ATTENTION
        assert run(["recover", "--retry", "--part", part, "--reason", "impatience", "--yes"]) == ATTENTION
    assert broken.rows("SELECT count(*) FROM decider.lease") == [(0,)]
    with engine.begin() as connection:
        standing.end(connection, done="all is there", actor="ada", reason="a drill")
    await_topics(broken.site.wiring)
    broken.goes_on("a")
    broken.is_shown("a")


def test_every_halt_that_there_is_has_been_reached_and_left():
    assert HALTS.keys() == REACHED
