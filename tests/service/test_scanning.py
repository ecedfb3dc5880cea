"""What a scan asks for goes out lot by lot: one is ahead of what is waited for, and none follows what is in doubt."""

from typing import Any

import pytest

from events.op_requests import DiscoverOp
from service import scanning
from service.client import Ask, Asked


class Deciding:
    """As far as a scan needs its client: what it is told, in order, and what it answers."""

    def __init__(self, *, in_doubt: frozenset[str] = frozenset()) -> None:
        self.done: list[tuple[str, tuple[str, ...]]] = []
        self._in_doubt = in_doubt

    def send(self, asks: list[Ask], *, batch: str) -> None:
        assert batch == "b"
        self.done.append(("sent", tuple(ask.subject for ask in asks)))

    def answers(self, asks: list[Ask], *, batch: str, timeout_s: float) -> list[Asked]:
        if asks:
            self.done.append(("answered" if timeout_s else "looked", tuple(ask.subject for ask in asks)))
        outcome: Any = object()
        return [Asked(ask, batch, None if ask.subject in self._in_doubt else outcome) for ask in asks]


@pytest.fixture(autouse=True)
def lots_of_two(monkeypatch):
    monkeypatch.setattr(scanning, "_REQUESTS_AT_ONCE", 2)


def asks(count: int) -> list[Ask]:
    return [Ask(f"op{number}", DiscoverOp(source="test")) for number in range(count)]


def test_the_next_lot_is_on_its_way_before_the_last_is_waited_for():
    client: Any = Deciding()

    found = list(scanning.record(client, iter(asks(5)), batch="b"))

    assert [each.ask.subject for each in found] == ["op0", "op1", "op2", "op3", "op4"]
    assert client.done == [
        ("sent", ("op0", "op1")),
        ("sent", ("op2", "op3")),
        ("answered", ("op0", "op1")),
        ("sent", ("op4",)),
        ("answered", ("op2", "op3")),
        ("answered", ("op4",)),
    ]


def test_after_what_is_in_doubt_nothing_is_sent_and_what_was_is_told():
    client: Any = Deciding(in_doubt=frozenset({"op1"}))

    found = list(scanning.record(client, iter(asks(7)), batch="b"))

    assert [each.ask.subject for each in found] == ["op0", "op1", "op2", "op3"]
    assert [word for word, _ in client.done] == ["sent", "sent", "answered", "looked"]


def test_nothing_to_ask_is_nothing_asked():
    client: Any = Deciding()
    assert list(scanning.record(client, iter(()), batch="b")) == []
    assert client.done == []
