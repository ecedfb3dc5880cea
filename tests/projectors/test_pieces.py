"""A batch is read, checked and folded a few records at a time, and comes to the same as at once."""

import gc
from typing import Any

import pytest

from events.envelope import Record
from events.log import Message
from projectors import merge, pieces
from projectors.application import Plain
from projectors.file_status import file_status
from projectors.halt import HaltError
from projectors.passed_over import NOTHING
from projectors.pieces import AT_A_TIME
from projectors.projector import Projector
from tests.projectors.histories import Desks, a_life, on_log, random_histories
from tests.projectors.test_follower import applied, lives, position
from tests.projectors.test_projector import contents, drain, erase

ONE, TWO = "roman-wfi/r0001", "roman-wfi/r0002"


class Counting(Projector):
    """Says how many records there are in memory while a batch is folded."""

    most = 0

    def _fold(self, *given: Any) -> None:
        self.most = max(self.most, sum(type(each) is Record for each in gc.get_objects()))
        super()._fold(*given)


def test_of_a_batch_no_more_than_two_pieces_stand_in_memory_as_records(engine, following):
    names = [f"roman-wfi/r{number:04d}" for number in range(AT_A_TIME)]
    log, counting = on_log(lives(*names).sealed), Counting()
    gc.collect()
    before = sum(type(each) is Record for each in gc.get_objects())
    follower = following(log, apply=counting, machines=("file",), batch=8000)
    follower.take_over()
    assert follower.step(0.0) == 5 * AT_A_TIME
    assert AT_A_TIME / 2 <= counting.most - before <= 2 * AT_A_TIME
    assert applied(engine) == 5 * AT_A_TIME


@pytest.mark.parametrize("at_a_time", [1, 3])
def test_whatever_the_pieces_the_rows_are_the_same(engine, following, monkeypatch, at_a_time):
    log, found = on_log(random_histories(2)), []
    for size in (at_a_time, 8000):
        monkeypatch.setattr(pieces, "AT_A_TIME", size)
        monkeypatch.setattr(merge, "AT_ONCE", size)  # lines that the driver is given together
        monkeypatch.setattr(merge, "FEW", 0)
        erase(engine)
        follower = following(log)
        follower.take_over()
        drain(follower)
        found.append(contents(engine))
    assert found[0] == found[1]
    assert len(found[0]["ledger"]) == 150


def test_what_stands_behind_a_hole_is_not_applied_wherever_the_pieces_end(engine, following, monkeypatch):
    monkeypatch.setattr(pieces, "AT_A_TIME", 2)
    sealed = lives(ONE).sealed
    follower = following(on_log([*sealed[:3], *sealed[4:]]))
    follower.take_over()
    for _ in range(2):
        with pytest.raises(HaltError, match="has sequence 5, wanted 4"):
            follower.step(0.0)
        assert applied(engine) == 3
        assert sum(position(engine).values()) == 3


def test_a_fold_that_raises_in_a_later_piece_spoils_nothing_of_the_batch(engine, following, monkeypatch):
    monkeypatch.setattr(pieces, "AT_A_TIME", 2)
    sound: Any = file_status.folds["file.registered"]

    def broken(record: Record) -> Any:
        if record.subject == ONE:
            raise ZeroDivisionError("a fold gone wrong")
        return sound(record)

    monkeypatch.setitem(file_status.folds, "file.registered", broken)
    desks = Desks()
    for name in (ONE, TWO):
        a_life(desks, name)
    follower = following(on_log(desks.sealed))
    follower.take_over()
    assert drain(follower) == 10
    rows = contents(engine)
    assert [(row["subject"], row["type"]) for row in rows["tainted"]] == [(ONE, "file.registered")]
    assert {row["file"]: row["state"] for row in rows["file_version"]} == {
        ONE: "TRANSFERRED",
        TWO: "COMPLETE",
    }
    assert len(rows["ledger"]) == 10
    assert sum(row["started_at"] is not None for row in rows["attempt"]) == 2


def test_an_outage_while_a_piece_is_read_is_no_fault_of_a_fold(engine, following, monkeypatch):
    """Else every subject of the batch would be looked into, and those behind the outage would be passed over."""
    monkeypatch.setattr(pieces, "AT_A_TIME", 2)
    follower = following(on_log(lives(ONE).sealed))
    follower.take_over()
    check, asked = follower._in_sequence, []

    def fails_at_the_second(*given: Any) -> Any:
        asked.append(given)
        if len(asked) == 2:
            raise ConnectionError("the database is away")
        return check(*given)

    monkeypatch.setattr(follower, "_in_sequence", fails_at_the_second)
    with pytest.raises(ConnectionError):
        follower.step(0.0)
    assert applied(engine) == 0
    assert follower.step(0.0) == 5
    assert contents(engine)["tainted"] == []


def test_pieces_end_with_the_first_that_cannot_be_read_whole(monkeypatch):
    monkeypatch.setattr(pieces, "AT_A_TIME", 2)
    values = [value for _, _, value in lives(ONE).sealed]
    values[2] = b"no JSON"
    messages = [Message("t", 0, number, None, value) for number, value in enumerate(values)]
    found = list(pieces.pieces("file", messages, NOTHING, lambda _machine, good, halt: (good, halt)))
    assert [len(each.good) for each in found] == [2, 0]
    assert found[0].halt is None
    assert found[1].halt is not None


def test_a_plain_function_is_given_the_whole_batch(engine, following, monkeypatch):
    monkeypatch.setattr(pieces, "AT_A_TIME", 2)
    given: list[int] = []
    follower = following(
        on_log(lives(ONE).sealed), apply=Plain(lambda _connection, batch: given.append(len(batch)))
    )
    follower.take_over()
    assert follower.step(0.0) == 5
    assert given == [5]
