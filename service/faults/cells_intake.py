"""Cells of the row "intake, API": it dies around producing; clients die, repeat themselves, and race each other."""

import json
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from random import Random
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import NoResultFound

from consumers.drafts import STRUCTURED
from events.clock import now
from events.envelope import encode_request
from events.file_requests import ArriveFile, NoteFile
from service.audit.expected import ExpectedLine, Inbox, Request, State
from service.client import Ask, Asked, Client
from service.faults.arena import Arena
from service.faults.aside import patiently
from service.faults.cell import QUICK, Cell, CellFailedError, NotFiredError, Steps
from service.faults.hostile_files import a_fits_file
from service.faults.load import Out
from service.faults.one_shot import OneShot
from service.faults.own_streams import SENDER, TROUBLES, hostile_folder, load_of, mark_of, with_streams

__all__ = ["CELLS", "send_request"]

ROW = "intake, API"
POINTS = ("before_produce", "after_produce")
_REPEATS = 5
_CLIENT_S = 60.0
_ANSWERED_S = 150.0
"""A client waits for its answer as long as another fault of the same site keeps the deciders from giving it."""
_TRIES = 6


def _dies(point: str, arena: Arena, dice: Random) -> Steps:
    # Intake is a child of the role `consumers`, and hears what that one is told.
    yield from arena.hit("consumers", f"intake.{point}:kill:{dice.randint(1, 2)}")


def _raises(point: str, arena: Arena, dice: Random) -> Steps:
    yield from arena.hit("consumers", f"intake.{point}:exception:{dice.randint(1, 2)}")


def _consumers_die(arena: Arena, dice: Random) -> Steps:
    """Dispatch, intake, folders and reconciler go at once."""
    yield from arena.pause(dice.uniform(0.0, 1.0))
    arena.roles["consumers"].kill()


def _consumers_frozen(arena: Arena, dice: Random) -> Steps:
    arena.roles["consumers"].freeze()
    try:
        yield from arena.pause(dice.uniform(5.0, 15.0))
    finally:
        arena.roles["consumers"].thaw()


# --- clients


def _client_dies(point: str, arena: Arena, dice: Random) -> Steps:
    """It is killed while it asks, and asks again under the same id, until it is answered."""
    identifier = _uuid(dice)
    subject = yield from _some_subject(arena)
    asks = [
        "file",
        "note",
        subject,
        "seen",
        "--reason",
        "a client that dies",
        "--request-id",
        identifier,
        "--yes",
    ]
    dying = OneShot(arena.wiring, asks, failpoint=f"client.{point}:kill:1")
    try:
        yield from arena.until(
            dying.is_over, within_s=_CLIENT_S, what="the client's death", fails=NotFiredError
        )
        if not dying.was_killed:
            raise NotFiredError(f"the client ended with {dying.code}: {dying.said[-300:]}")
    finally:
        dying.end()
    said = ""
    for _ in range(_TRIES):
        again = OneShot(arena.wiring, asks)
        try:
            yield from arena.until(again.is_over, within_s=_ANSWERED_S, what="the client's answer")
            if again.code == 0:
                return
            said = again.said
        finally:
            again.end()
        yield from arena.pause(2.0)
    raise CellFailedError(
        f"{subject}: asked again under {identifier}, {_TRIES} times without an answer: {said[-300:]}"
    )


def _repeats_itself(arena: Arena, dice: Random) -> Steps:
    """The same request five times, in bytes that differ only in when it was said: one record."""
    subject = f"synthetic/c{mark_of(dice)}"
    ask = Ask(subject, NoteFile(text="said again"), request_id=_uuid(dice))
    for _ in range(_REPEATS):
        send_request(arena, ask)
        yield from arena.pause(dice.uniform(0.0, 1.0))


def _announces_again(arena: Arena, dice: Random) -> Steps:
    """One event five times: one file, one version, and nothing done twice."""
    yield from with_streams(arena)
    path = hostile_folder(arena) / f"good-{mark_of(dice)}.fits"
    path.write_bytes(a_fits_file(path.stem, size_bytes=10_000))
    subject, event_id = f"hostile-fits/{path.stem}", _uuid(dice)
    data = {"stream": "hostile-fits", "uri": path.as_uri(), "size_bytes": path.stat().st_size}
    event = {"specversion": "1.0", "id": event_id, "source": SENDER, "type": "file.arrived", "data": data}
    value = json.dumps(event).encode()

    def note(topic: str, partition: int, offset: int) -> list[ExpectedLine]:
        return [Inbox(SENDER, f"{topic}/{partition}/{offset}", event_id), State(subject, ("COMPLETE",))]

    for _ in range(_REPEATS):
        # Without a key, so that they lie in different partitions and overtake one another.
        load_of(arena).send(Out(arena.wiring.topics.inbox(SENDER), None, value, STRUCTURED, note))
        yield from arena.pause(dice.uniform(0.0, 1.0))


def _race(arena: Arena, dice: Random) -> Steps:
    """Two clients ask on the same expected sequence: exactly one wins, and the other hears of a conflict."""
    subject = f"synthetic/c{mark_of(dice)}"
    content = {"uri": f"s3://landing/{subject}", "size_bytes": 100, "sha256": "0" * 64}
    arrive = ArriveFile.read({"content": content, "witness": "inbox.faults/0/0", "stream_version": 1})
    arrived = yield from _answers(arena, [Ask(subject, arrive, request_id=_uuid(dice))])
    if not arrived[0].is_accepted:
        raise CellFailedError(f"{subject}: its arrival was refused: {arrived[0].outcome}")
    asks = [
        Ask(subject, NoteFile(text=f"from client {number}"), expected_sequence=1, request_id=_uuid(dice))
        for number in (1, 2)
    ]
    answers = yield from _answers(arena, asks)
    accepted = sum(answer.is_accepted for answer in answers)
    codes = sorted(answer.outcome.code for answer in answers if answer.outcome and answer.outcome.code)
    if (accepted, codes) != (1, ["CONFLICT"]):
        raise CellFailedError(
            f"{subject}: of two clients {accepted} won, the refusals were {codes}; wanted one each"
        )


# --- how


def send_request(arena: Arena, ask: Ask, *, actor: str = "faults") -> None:
    """Have the load send it until it is acknowledged: it must get exactly one record."""
    name = ask.request.name
    value = encode_request(
        id=ask.request_id, type=name, subject=ask.subject, actor=actor, source=actor, at=now(),
        data=ask.request.wire(), reason="a fault is tried",
    )  # fmt: skip

    def note(_topic: str, _partition: int, _offset: int) -> list[ExpectedLine]:
        return [Request(machine=name.partition(".")[0], subject=ask.subject, id=ask.request_id)]

    topic = arena.wiring.topics.requests(name.partition(".")[0])
    load_of(arena).send(Out(topic, ask.subject.encode(), value, (), note))


def _answers(
    arena: Arena, asks: list[Ask], *, reason: str = "a fault is tried"
) -> Generator[None, None, list[Asked]]:
    """What becomes of each, asked by a client of its own at the same moment, again under its id while in doubt."""

    def ask_one(ask: Ask) -> Asked:
        client = Client(arena.wiring, actor="faults", reason=reason, source="faults")
        try:
            (asked,) = client.ask([ask], timeout_s=5.0)
        finally:
            client.close()
        if asked.outcome is None:
            raise TimeoutError(f"{ask.request.name} of {ask.subject}: in doubt")
        return asked

    def ask_all() -> list[Asked]:
        with ThreadPoolExecutor(len(asks)) as pool:
            return list(pool.map(ask_one, asks))

    return (yield from patiently(ask_all, what="an answer", errors=TROUBLES))


def _some_subject(arena: Arena) -> Generator[None, None, str]:
    """A file that the views know."""

    def look() -> str:
        engine = arena.wiring.engine(pool_size=1, statement_timeout_s=5.0)
        try:
            with engine.connect() as connection:
                return str(connection.execute(_KNOWN).scalar_one())
        except NoResultFound as error:
            raise TimeoutError("no file is known yet") from error
        finally:
            engine.dispose()

    return (yield from patiently(look, what="a known file", errors=TROUBLES))


def _uuid(dice: Random) -> str:
    return str(UUID(int=dice.getrandbits(128), version=4))


_KNOWN = text("SELECT file FROM v1.file WHERE stream = 'synthetic' ORDER BY file DESC LIMIT 1")


def _cell(name: str, inject: Callable[[Arena, Random], Steps], *disturbs: str, share: int = 1) -> Cell:
    return Cell(name, ROW, inject, disturbs, share=share)


CELLS = (
    *(_cell(f"intake.{point}.kill", partial(_dies, point), "consumers") for point in POINTS),
    *(_cell(f"intake.{point}.exception", partial(_raises, point), "consumers") for point in POINTS),
    _cell("intake.consumers_killed", _consumers_die, "consumers"),
    _cell("intake.consumers_frozen", _consumers_frozen, "consumers"),
    *(_cell(f"client.{point}.kill", partial(_client_dies, point), share=QUICK) for point in POINTS),
    _cell("client.repeats_five_times", _repeats_itself, share=QUICK),
    _cell("client.announces_five_times", _announces_again, share=QUICK),
    _cell("client.two_on_one_sequence", _race, share=QUICK),
)
