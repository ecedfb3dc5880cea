"""Streams of the harness's own beside the load's: for hostile files, and for files fetched from an object store."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from consumers.drafts import STRUCTURED
from consumers.storage import Storage
from consumers.storage_errors import StorageError
from events.log import LogError
from events.stream import RetryPolicy, StreamConfiguration
from service.audit.expected import ExpectedLine, Hostile, Inbox
from service.client import Client
from service.decider.halts import StoreUnavailableError
from service.faults.arena import Arena
from service.faults.aside import patiently
from service.faults.cell import NotFiredError, Steps
from service.faults.load import Load, Out
from service.streams import bring_in_force

__all__ = [
    "BUCKET",
    "FETCHED",
    "SENDER",
    "TROUBLES",
    "announce",
    "announce_hostile",
    "client_of",
    "hostile_folder",
    "load_of",
    "mark_of",
    "storage_of",
    "with_streams",
]

SENDER = "mallory"
FETCHED = "fetched"
BUCKET = "faults-landing"
TROUBLES: tuple[type[Exception], ...] = (
    LogError,
    DBAPIError,
    OSError,
    StorageError,
    StoreUnavailableError,
)
"""What the harness's own questions may meet while a fault is in force."""

_RETRY = RetryPolicy(tries=100, first_s=1.0, factor=1.5, max_s=5.0)


class _NotYetError(OSError):
    """Not all streams are enabled."""


def mark_of(dice: Random) -> str:
    """Sixteen characters that no other injection has."""
    return f"{dice.getrandbits(64):016x}"


def client_of(arena: Arena) -> Client:
    """The harness's own; to be closed."""
    return Client(arena.wiring, actor="faults", reason="a fault is tried", source="faults")


def load_of(arena: Arena) -> Load:
    """What sends for us until it is acknowledged, and writes down what is expected of it."""
    if arena.load is None:
        raise NotFiredError("no load runs in this arena")
    return arena.load


def storage_of(arena: Arena) -> Storage:
    """The store itself, not through the proxy."""
    return arena.wiring.storage()


def hostile_folder(arena: Arena) -> Path:
    """Where the files lie that nobody should open."""
    folder = arena.landing.parent / "hostile"
    folder.mkdir(exist_ok=True)
    return folder


def with_streams(arena: Arena) -> Steps:
    """Yield until our streams are enabled and our bucket is there; at once if they are."""
    wanted = _streams(arena)

    def bring() -> None:
        client = client_of(arena)
        try:
            if not _are_enabled(client, wanted):
                storage_of(arena).ensure_bucket(BUCKET)
                bring_in_force(client, wanted, enable=True)
                if not _are_enabled(client, wanted):
                    raise _NotYetError("the harness's streams are not enabled yet")
        finally:
            client.close()

    yield from patiently(bring, what="the harness's streams enabled", errors=TROUBLES)


def announce(
    arena: Arena,
    *,
    stream: str,
    uri: str,
    subject: str,
    dice: Random,
    lines: Callable[[], list[ExpectedLine]],
    **told: object,
) -> None:
    """Have the load send the announcement until it is acknowledged; ``lines`` is then what is expected."""
    event_id = str(UUID(int=dice.getrandbits(128), version=4))
    load, data = load_of(arena), {"stream": stream, "uri": uri, **told}
    event = {"specversion": "1.0", "id": event_id, "source": SENDER, "type": "file.arrived", "data": data}

    def note(topic: str, partition: int, offset: int) -> list[ExpectedLine]:
        load.progress.others.append(subject)  # an audit waits until it is at rest
        return [Inbox(SENDER, f"{topic}/{partition}/{offset}", event_id), *lines()]

    topic = arena.wiring.topics.inbox(SENDER)
    load.send(Out(topic, subject.encode(), json.dumps(event).encode(), STRUCTURED, note))


def announce_hostile(
    arena: Arena, *, stream: str, path: Path, code: str, dice: Random, **told: object
) -> None:
    """A file that must end INVALID under ``code``."""
    subject = f"{stream}/{path.stem}"
    line = Hostile(what=f"file {path.name}", code=code, subject=subject)
    announce(
        arena, stream=stream, uri=path.as_uri(), subject=subject, dice=dice, lines=lambda: [line], **told
    )


def _streams(arena: Arena) -> list[StreamConfiguration]:
    folder = f"{hostile_folder(arena).as_uri()}/"
    hostile = [
        StreamConfiguration(
            stream=f"hostile-{name}", senders=(SENDER,), roots=(folder,), format=name, retry=_RETRY
        )
        for name in ("fits", "asdf")
    ]
    fetched = StreamConfiguration(
        stream=FETCHED, senders=(SENDER,), roots=(f"s3://{BUCKET}/",), format="fits", retry=_RETRY
    )
    return [*hostile, fetched]


def _are_enabled(client: Client, wanted: list[StreamConfiguration]) -> bool:
    names = [each.stream for each in wanted]
    with client.engine.connect() as connection:
        query = text("SELECT count(*) FROM v1.stream WHERE stream = ANY(:names) AND state = 'Enabled'")
        return bool(connection.execute(query, {"names": names}).scalar_one() == len(names))
