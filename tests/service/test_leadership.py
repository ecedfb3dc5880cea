"""One leads, the others wait; and who is frozen does not lead for ever."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text

from projectors.database import make_engine
from service.leadership import lead

SILENT_S = 2.0


@pytest.fixture
def engine(postgres: str) -> Iterator[Engine]:
    engine = make_engine(postgres, "leading-test", pool_size=10)
    yield engine
    engine.dispose()


class Part:
    """Something that may be led, and notes when it leads."""

    def __init__(
        self,
        engine: Engine,
        name: str = "it",
        work: Callable[[], None] | None = None,
        lost: threading.Event | None = None,
    ) -> None:
        self.stop, self.leads, self.ends = threading.Event(), threading.Event(), 0
        self._work = work or self.stop.wait
        told = {"silent_s": SILENT_S, "look_s": 0.05, "lost": lost}
        self.thread = threading.Thread(target=lead, args=(engine, name, self.stop, self._lead), kwargs=told)
        self.thread.start()

    def _lead(self) -> None:
        self.leads.set()
        self._work()
        self.ends += 1

    def end(self) -> None:
        self.stop.set()
        self.thread.join(10)
        assert not self.thread.is_alive()


@contextmanager
def parts(*made: Part) -> Iterator[None]:
    try:
        yield
    finally:
        for part in made:
            part.end()


def test_a_leader_that_is_alive_leads_for_as_long_as_it_likes(engine):
    first = Part(engine)
    assert first.leads.wait(10)
    second = Part(engine)
    with parts(first, second):
        assert not second.leads.wait(3 * SILENT_S)
        assert first.ends == 0
        first.end()
        assert second.leads.wait(10)


def test_others_lead_what_is_theirs(engine):
    first, other = Part(engine, "it"), Part(engine, "another")
    with parts(first, other):
        assert first.leads.wait(10)
        assert other.leads.wait(10)


class Frozen:
    """A process that leads, is in the middle of a COPY, and says nothing any more."""

    def __init__(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("service.leadership._beat", self._beat)
        self.thawed, self.copies = threading.Event(), threading.Event()
        self._is_ready, self._has_spoken = threading.Event(), threading.Event()
        self.error: Exception | None = None
        self._engine = engine
        self.part = Part(engine, work=self._copy)
        assert self.copies.wait(10)
        monkeypatch.undo()

    def _beat(self, connection: Connection, *_: Any) -> None:
        """Its last word, once nothing slow stands between that and the COPY."""
        self._is_ready.wait(10)
        connection.execute(text("SELECT"))
        self._has_spoken.set()

    def _copy(self) -> None:
        raw = self._engine.raw_connection()
        cursor: Any = raw.cursor()
        cursor.execute("CREATE TABLE IF NOT EXISTS held (line text)")
        raw.commit()
        self._is_ready.set()
        assert self._has_spoken.wait(10)
        time.sleep(SILENT_S / 8)  # a beat later than its last word
        cursor.execute("LOCK TABLE held")
        try:
            cursor.copy_expert("COPY held FROM STDIN", self)
            raw.commit()
        except Exception as error:  # noqa: BLE001  looked at below
            self.error = error
        finally:
            raw.invalidate()
        self.part.stop.set()

    def read(self, _size: int) -> bytes:
        """What COPY asks for: nothing comes, and nobody hangs up."""
        self.copies.set()
        self.thawed.wait(30)
        return b""


def test_a_frozen_leader_is_cut_off_and_so_is_what_it_holds(engine, monkeypatch):
    first = Frozen(engine, monkeypatch)
    began = time.monotonic()
    second = Part(engine)
    try:
        with parts(second):
            assert second.leads.wait(15)
            assert time.monotonic() - began < 15
            with engine.begin() as connection:
                connection.execute(text("SET LOCAL lock_timeout = '5s'"))
                assert connection.scalar(text("SELECT count(*) FROM held")) == 0
    finally:
        first.thawed.set()
        first.part.end()
    assert first.error is not None, "its COPY went through although another one led"


def test_what_a_leader_does_for_long_without_being_frozen_is_not_cut_off(engine):
    def work() -> None:
        with engine.begin() as connection:
            connection.execute(text(f"SELECT pg_sleep({3 * SILENT_S})"))

    first = Part(engine, work=work)
    assert first.leads.wait(10)
    second = Part(engine)
    with parts(second, first):
        assert not second.leads.wait(2 * SILENT_S)
        assert second.leads.wait(20) or first.ends
    assert first.ends


def test_work_that_nothing_else_would_end_is_told_that_another_leads(engine):
    lost = threading.Event()
    first = Part(engine, work=lambda: lost.wait(15), lost=lost)  # type: ignore[arg-type]
    assert first.leads.wait(10)
    with parts(first), engine.begin() as connection:
        cut_off = text(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        )
        assert connection.scalar(cut_off)
        assert lost.wait(10)
        first.leads.clear()
        assert first.leads.wait(10), "it does not try for the lead again"
        assert first.ends == 1
        assert not lost.is_set()
        first.stop.set()
        lost.set()
