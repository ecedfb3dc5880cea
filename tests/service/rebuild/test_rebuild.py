"""Views rebuilt beside the live ones: equal row by row, swapped in, fed on, swapped back."""

import threading
import time
from contextlib import closing

import pytest
from sqlalchemy.exc import DBAPIError

from events.topics import MACHINES
from migrations import upgrade
from migrations.authoring import differences
from projectors.file_status import file_status
from projectors.rebuild_swap import ReadersInTheWayError
from service.client import Client
from service.rebuild import RebuildError, Verified, rebuilt_equals_live
from service.status import take
from tests.projectors.histories import random_histories
from tests.projectors.op_histories import op_histories
from tests.service.rebuild.a_ledger import PARTITIONS, Ledger, until

ONE, TWO, THREE = "roman-wfi/r0001", "roman-wfi/r0002", "roman-wfi/r0003"
STANDBY = "projection_standby"


def oid(ledger: Ledger, name: str) -> int:
    return int(ledger.one("SELECT CAST(:name AS regclass)::oid::bigint", name=name))


def test_rebuilt_rows_are_the_live_rows_and_take_their_place_and_give_it_back(ledger):
    ledger.write(random_histories(3, length=200))
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == 200)
    views = ledger.one("SELECT array_agg(DISTINCT 'v1.file'::regclass::oid::bigint)")
    with ledger.rebuild() as rebuild:
        filled = rebuild.replay()
        assert filled.records == 200
        assert ledger.rows(STANDBY) == ledger.rows("projection")
        verified = rebuild.verify()
        assert (verified.against, verified.differing) == (STANDBY, [])
        assert {each.table for each in verified.tables} >= {"ledger", "file_version", "tainted"}
        former = oid(ledger, "projection.file_version")
        rebuild.swap(agreed=lambda _: False)
        assert (
            oid(ledger, "projection_standby.file_version") == former != oid(ledger, "projection.file_version")
        )
        assert ledger.one("SELECT array_agg(DISTINCT 'v1.file'::regclass::oid::bigint)") == views
        ledger.lives("roman-wfi/later")
        until(lambda: ledger.count(f"{STANDBY}.ledger") == ledger.count("projection.ledger") == 205)
        assert ledger.one("SELECT count(*) FROM v1.file WHERE name = 'later' AND state = 'COMPLETE'") == 1
        assert ledger.rows(STANDBY) == ledger.rows("projection")
        rebuild.rollback()
        assert oid(ledger, "projection.file_version") == former
        assert ledger.one("SELECT count(*) FROM v1.file WHERE name = 'later'") == 1
        ledger.lives("roman-wfi/latest")
        until(
            lambda: (
                ledger.one("SELECT count(*) FROM v1.file WHERE name = 'latest' AND state = 'COMPLETE'") == 1
            )
        )
        rebuild.drop()
        assert ledger.one("SELECT to_regnamespace('projection_standby')") is None
    assert rebuilt_equals_live(ledger.wiring) == []


def test_observing_programs_and_groups_are_rebuilt_as_they_are_live(ledger):
    sealed, ops, groups = op_histories(5, length=25)
    ledger.write(sealed)
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == len(sealed))
    with ledger.rebuild() as rebuild:
        assert rebuild.replay().records == len(sealed)
        rows = ledger.rows(STANDBY)
        assert rows == ledger.rows("projection")
        assert (len(rows["op_status"]), len(rows["group_status"])) == (len(ops), len(groups))
        assert all(rows[name] for name in ("op_program", "op_dataset", "op_attempt"))
        ledger.say("UPDATE projection.op_attempt SET claimant = 'nobody' WHERE attempt = 1")
        verified = rebuild.verify()
        assert [each.table for each in verified.differing] == ["op_attempt"]
        rebuild.drop()


def test_views_change_places_under_load_and_lose_nothing(ledger):
    names = [f"roman-wfi/load{number:04d}" for number in range(300)]
    ledger.lives(*names[:20])
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == 100)

    def write() -> None:
        for number in range(20, 300, 5):
            ledger.lives(*names[number : number + 5])
            time.sleep(0.05)

    seen: list[int] = []

    def look() -> None:
        while writing.is_alive():
            seen.append(ledger.count("v1.file"))

    writing, looking = threading.Thread(target=write), threading.Thread(target=look)
    writing.start()
    looking.start()
    with ledger.rebuild() as rebuild:
        rebuild.replay()
        rebuild.swap(agreed=lambda _: False)
        rebuild.rollback()
        assert rebuild.verify(every_row=True).differing == []
        rebuild.swap(agreed=lambda _: False)
    writing.join()
    looking.join()
    assert len(seen) > 50
    assert seen == sorted(seen), "a reader saw views that knew less than before, or none"
    until(lambda: ledger.count("projection.ledger") == ledger.count(f"{STANDBY}.ledger") == 1500)
    assert ledger.one("SELECT count(*) FROM v1.file WHERE state = 'COMPLETE'") == 300
    assert ledger.rows(STANDBY) == ledger.rows("projection")


def rights_and_comments(ledger: Ledger) -> list[object]:
    query = """
        SELECT array_agg(row(c.oid, c.relacl, a.attname, col_description(c.oid, a.attnum),
                             obj_description(c.oid, 'pg_class')) ORDER BY c.relname, a.attnum)::text[]
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = 'v1'::regnamespace
    """
    return list(ledger.one(query))


def test_analysts_keep_their_rights_and_columns_their_comments(ledger, postgres):
    upgrade(postgres)  # a database that was copied has no rights of its own
    ledger.lives(ONE)
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == 5)
    before = rights_and_comments(ledger)
    with ledger.rebuild() as rebuild:
        rebuild.replay()
        rebuild.swap(agreed=lambda _: False)
        rebuild.drop()
    assert rights_and_comments(ledger) == before
    with ledger.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL ROLE meridian_analyst")
        assert connection.exec_driver_sql("SELECT count(*) FROM v1.file").scalar() == 1
        with pytest.raises(DBAPIError, match="permission denied"):
            connection.exec_driver_sql("SELECT * FROM rebuild.target")
    assert differences(postgres) == ""


def test_a_row_changed_by_hand_is_named_and_never_swapped_in(ledger):
    ledger.lives(ONE, TWO, THREE)
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == 15)
    with ledger.rebuild() as rebuild:
        rebuild.replay()
        ledger.say(f"UPDATE {STANDBY}.file_version SET size_bytes = 7 WHERE file = '{TWO}'")
        ledger.say(f"DELETE FROM projection.attempt WHERE file = '{THREE}'")
        verified = rebuild.verify()
        told = {each.table: each for each in verified.differing}
        assert set(told) == {"file_version", "attempt"}
        (changed,), (missing,) = told["file_version"].differences, told["attempt"].differences
        assert (changed.subject, changed.columns, changed.rebuilt) == (
            TWO,
            ("size_bytes",),
            {"size_bytes": 7},
        )
        assert (missing.subject, missing.kind) == (THREE, "missing live")
        former = oid(ledger, "projection.file_version")
        with pytest.raises(RebuildError, match=f"refused: the same code .*{TWO}"):
            rebuild.swap(agreed=lambda _: True)
        assert oid(ledger, "projection.file_version") == former
        assert [each.subject for each in rebuilt_equals_live(ledger.wiring)] == [THREE]


def test_a_row_changed_after_the_comparison_is_noticed_in_the_swap(ledger, monkeypatch):
    """What came in between comparison and swap is compared again while live stands still."""
    ledger.lives(ONE, TWO)
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == 10)
    with ledger.rebuild() as rebuild:
        rebuild.replay()
        compared = rebuild._compared

        def meanwhile(*arguments, **more):
            found = compared(*arguments, **more)
            ledger.lives(THREE)
            until(lambda: ledger.count(f"{STANDBY}.ledger") == 15)
            ledger.say(f"UPDATE {STANDBY}.file_version SET size_bytes = 7 WHERE file = '{THREE}'")
            return found

        monkeypatch.setattr(rebuild, "_compared", meanwhile)
        with pytest.raises(RebuildError, match=f"since the comparison differs: .*{THREE}"):
            rebuild.swap(agreed=lambda _: True)


def test_another_version_of_the_code_may_differ_once_somebody_agrees(ledger):
    ledger.lives(ONE, TWO)
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == 10)
    ledger.say("UPDATE projection.file_version SET media_type = 'application/old'")
    ledger.say("UPDATE rebuild.folded_by SET fold_version = 'older' WHERE schema_name = 'projection'")
    shown: list[Verified] = []

    def disagree(found: Verified) -> bool:
        shown.append(found)
        return False

    with ledger.rebuild() as rebuild:
        rebuild.replay()
        with pytest.raises(RebuildError, match="not agreed"):
            rebuild.swap(agreed=disagree)
        assert [each.table for each in shown[0].differing] == ["file_version"]
        assert shown[0].differing[0].count == 2
        rebuild.swap(agreed=lambda _: True)
        assert ledger.one("SELECT count(*) FROM v1.file WHERE media_type = 'application/x-asdf'") == 2
        rebuild.rollback()
        assert ledger.one("SELECT count(*) FROM v1.file WHERE media_type = 'application/old'") == 2


def test_a_long_query_is_never_cut_off_and_the_refusal_names_it(ledger):
    ledger.lives(ONE)
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == 5)
    with ledger.rebuild() as rebuild, ledger.engine.connect() as analyst:
        rebuild.replay()
        former = oid(ledger, "projection.file_version")
        analyst.exec_driver_sql("SET application_name = 'a notebook'")
        analyst.exec_driver_sql("SELECT count(*) FROM v1.file")
        with pytest.raises(
            ReadersInTheWayError, match=r"a notebook.*SELECT count\(\*\) FROM v1.file.*nothing was changed"
        ):
            rebuild.swap(agreed=lambda _: False, wait_s=1.0)
        ledger.lives(TWO)
        until(lambda: ledger.count("projection.ledger") == 10)  # live went on between the tries
        assert oid(ledger, "projection.file_version") == former
        threading.Timer(1.5, analyst.rollback).start()
        rebuild.swap(agreed=lambda _: False, wait_s=20.0)
        assert oid(ledger, "projection.file_version") != former


def test_a_subject_in_quarantine_is_so_in_what_is_rebuilt_too(ledger, monkeypatch):
    sound = file_status.folds["file.registered"]

    def raises(record):
        if record.subject == TWO:
            raise ZeroDivisionError("a fold gone wrong")
        return sound(record)

    monkeypatch.setitem(file_status.folds, "file.registered", raises)
    ledger.lives(ONE, TWO)
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == 10)
    with ledger.rebuild() as rebuild:
        rebuild.replay()
        assert ledger.rows(STANDBY, ("tainted",)) == ledger.rows("projection", ("tainted",))
        assert ledger.one(f"SELECT array_agg(subject) FROM {STANDBY}.tainted") == [TWO]
        assert ledger.one(f"SELECT state FROM {STANDBY}.file_version WHERE file = '{TWO}'") == "TRANSFERRED"
        rebuild.swap(agreed=lambda _: False)
        ledger.ask("file", TWO, "note", {"text": "after"}, reason="r")
        until(lambda: ledger.count(f"{STANDBY}.ledger") == 11)
        assert ledger.one("SELECT is_tainted FROM v1.file WHERE file = :file", file=TWO)
        assert ledger.rows(STANDBY) == ledger.rows("projection")


def test_after_a_swap_nothing_of_the_former_quarantine_is_remembered(ledger, monkeypatch):
    ledger.lives(ONE)
    with monkeypatch.context() as older:
        older.setitem(file_status.folds, "file.registered", lambda record: {"file": 1 / 0})
        ledger.start()
        until(lambda: ledger.count("projection.tainted") == 1)
    ledger.say("UPDATE rebuild.folded_by SET fold_version = 'older' WHERE schema_name = 'projection'")
    with ledger.rebuild() as rebuild:
        rebuild.replay()
        rebuild.swap(agreed=lambda _: True)
        ledger.ask("file", ONE, "note", {"text": "after"}, reason="r")
        until(lambda: ledger.one("SELECT note FROM v1.file WHERE NOT is_tainted") == "after")
        until(lambda: ledger.count(f"{STANDBY}.ledger") == 6)
        assert ledger.one(f"SELECT note FROM {STANDBY}.file_status") is None  # there it stays in quarantine


def test_a_standby_that_can_not_be_fed_stops_nothing_else_and_says_so(ledger):
    ledger.lives(ONE)
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == 5)
    with ledger.rebuild() as rebuild:
        rebuild.replay()
        ledger.say(f"ALTER TABLE {STANDBY}.attempt DROP COLUMN exit")  # as a migration may leave it behind
        ledger.lives(TWO)
        until(lambda: ledger.one("SELECT state FROM rebuild.target") == "broken")
        until(lambda: ledger.count("v1.file") == 2)
        with pytest.raises(
            RebuildError, match=r"projection_standby is broken: .*exit.* does not exist.*meridian replay"
        ):
            rebuild.swap(agreed=lambda _: True)
        with closing(Client(ledger.wiring, actor="ada")) as client:
            assert any("projection_standby is not fed any more" in each for each in take(client).attention)
        rebuild.replay()  # begins anew
        assert ledger.rows(STANDBY) == ledger.rows("projection")


def test_one_read_model_alone_is_rebuilt_and_swapped(ledger):
    ledger.lives(ONE, TWO)
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == 10)
    with ledger.rebuild() as rebuild:
        rebuild.replay(("file_version",))
        others = {
            name: oid(ledger, f"projection.{name}")
            for name in ("ledger", "file_status", "tainted", "attempt")
        }
        former = oid(ledger, "projection.file_version")
        rebuild.swap(agreed=lambda _: False)
        assert oid(ledger, "projection_standby.file_version") == former
        assert {name: oid(ledger, f"projection.{name}") for name in others} == others
        ledger.lives(THREE)
        until(lambda: ledger.count("v1.file") == 3)
        until(lambda: ledger.count(f"{STANDBY}.file_version") == 3)
        rebuild.rollback()
        assert ledger.one("SELECT count(*) FROM v1.file WHERE state = 'COMPLETE'") == 3


def test_without_a_projector_both_sides_are_brought_to_equal_positions_all_the_same(ledger):
    ledger.lives(ONE)
    ledger.start()
    until(lambda: ledger.count("projection.ledger") == 5)
    with ledger.rebuild() as rebuild:
        rebuild.replay()
        ledger.say("UPDATE rebuild.target SET state = 'paused'")  # not fed meanwhile
        ledger.lives(TWO)
        until(lambda: ledger.count("projection.ledger") == 10)
        ledger.stop()
        ledger.say("UPDATE rebuild.target SET state = 'filled'")
        assert ledger.count(f"{STANDBY}.ledger") == 5
        assert rebuild.verify().differing == []
        assert ledger.count(f"{STANDBY}.ledger") == 10
        rebuild.swap(agreed=lambda _: False)


def test_what_cannot_be_done_is_said_with_the_way_out(ledger):
    with ledger.rebuild() as rebuild:
        with pytest.raises(RebuildError, match=r"found no positions of the live views.*run projector"):
            rebuild.replay()
        with pytest.raises(
            RebuildError, match=r"projection_standby is filling, wanted it filled.*meridian replay"
        ):
            rebuild.swap(agreed=lambda _: True)
        rebuild.drop()
        with pytest.raises(RebuildError, match=r"found nothing in projection_standby.*meridian replay all"):
            rebuild.swap(agreed=lambda _: True)
        with pytest.raises(RebuildError, match="there was no swap"):
            rebuild.rollback()
        with pytest.raises(RebuildError, match="meridian projection list"):
            rebuild.drop()
    ledger.start()
    until(lambda: ledger.count("projection.position") == len(MACHINES) * PARTITIONS)
    with ledger.rebuild() as rebuild:
        rebuild.replay()
        with pytest.raises(RebuildError, match=r"filled already.*meridian projection drop"):
            rebuild.replay()
