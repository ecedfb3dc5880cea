"""Cells of the row "operations": rebuilt and swapped under load, redriven twice, stopped whole at any moment."""

import json
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from random import Random
from uuid import UUID

from consumers.deadletter import DeadLetters, Which
from consumers.drafts import STRUCTURED
from events.stream import StreamConfiguration
from service.audit.expected import ExpectedLine, Inbox, State
from service.faults.arena import Arena
from service.faults.aside import patiently
from service.faults.cell import Cell, Steps
from service.faults.hostile_files import a_fits_file
from service.faults.load import Out
from service.faults.one_shot import carry_out
from service.faults.own_streams import (
    SENDER,
    TROUBLES,
    client_of,
    hostile_folder,
    load_of,
    mark_of,
    with_streams,
)
from service.streams import bring_in_force

__all__ = ["CELLS"]

ROW = "operations"
_COMMAND_S = 120.0
_DEAD_S = 30.0
_STOPPED_S = 30.0  # a role has ten seconds, on a machine that is not this busy


def _rebuild_and_swap(arena: Arena, dice: Random) -> Steps:
    """The views are folded anew beside the live ones, equal to them, and made live; perhaps and back again."""
    yield from carry_out(arena, "replay", "all")
    yield from carry_out(arena, "projection", "swap", "--yes")
    if dice.random() < 0.5:
        yield from carry_out(arena, "projection", "rollback", "--yes")
    yield from carry_out(arena, "projection", "drop", "--yes")


def _redriven_twice(arena: Arena, dice: Random) -> Steps:
    """A message of a stream nobody knew is sent again twice once the stream is there: one file, one piece of work."""
    yield from with_streams(arena)
    stream, event_id = f"late-{mark_of(dice)}", str(UUID(int=dice.getrandbits(128), version=4))
    path = hostile_folder(arena) / f"{stream}.fits"
    path.write_bytes(a_fits_file(stream, size_bytes=8000))
    data = {"stream": stream, "uri": path.as_uri()}
    event = {"specversion": "1.0", "id": event_id, "source": SENDER, "type": "file.arrived", "data": data}

    def note(topic: str, partition: int, offset: int) -> list[ExpectedLine]:
        origin.append(f"{topic}/{partition}/{offset}")
        return [Inbox(SENDER, origin[-1], event_id), State(f"{stream}/{path.stem}", ("COMPLETE",))]

    origin: list[str] = []
    load_of(arena).send(
        Out(arena.wiring.topics.inbox(SENDER), None, json.dumps(event).encode(), STRUCTURED, note)
    )
    yield from arena.until(lambda: bool(origin), within_s=_COMMAND_S, what="the message acknowledged")
    yield from patiently(
        lambda: _letter(arena, origin[0]), what="a dead letter", errors=TROUBLES, within_s=_DEAD_S * 4
    )
    yield from patiently(lambda: _configure(arena, stream), what=f"{stream} enabled", errors=TROUBLES)
    letter = yield from patiently(lambda: _letter(arena, origin[0]), what="the dead letter", errors=TROUBLES)
    again = ("deadletter", "redrive", letter, "--reason", "the stream is there now", "--yes")
    yield from carry_out(arena, *again)
    yield from carry_out(arena, *again, "--force")


def _letter(arena: Arena, origin: str) -> str:
    client = client_of(arena)
    try:
        letters = DeadLetters(client.log, arena.wiring.topics).each(
            Which(sender=SENDER, code="UNKNOWN_STREAM")
        )
        found = next((each.letter.id for each in letters if each.letter.origin == origin), None)
    finally:
        client.close()
    if found is None:
        raise TimeoutError(f"{origin} is no dead letter yet")
    return found


def _configure(arena: Arena, stream: str) -> None:
    client = client_of(arena)
    configuration = StreamConfiguration(
        stream=stream, senders=(SENDER,), roots=(f"{hostile_folder(arena).as_uri()}/",), format="fits"
    )
    try:
        (asked,) = bring_in_force(client, [configuration], enable=True)
    finally:
        client.close()
    if asked.outcome is None or asked.outcome.tostate != "Enabled":
        raise TimeoutError(f"{stream}: found {asked.outcome}, wanted it enabled")


# --- everything at once


def _all_killed(arena: Arena, dice: Random) -> Steps:
    """The machine goes down in the middle of whatever it does, and comes up again in another order."""
    roles, servers = list(arena.roles.values()), list(arena.servers.values())
    for role in roles:
        role.is_held_down = True
    kills: list[Callable[[], None]] = [*(role.kill for role in roles), *(server.kill for server in servers)]
    dice.shuffle(kills)
    for kill in kills:
        kill()
    try:
        yield from arena.pause(dice.uniform(0.0, 3.0))
        yield from _servers_back(arena, dice)
    finally:
        for role in roles:
            role.release()


def _all_stopped(arena: Arena, dice: Random) -> Steps:
    """Everything is asked to stop, roles first, as ``meridian down`` does, and started again."""
    roles = list(arena.roles.values())
    for role in roles:
        role.is_held_down = True
        role.terminate()
    try:
        yield from arena.until(
            lambda: not any(role.is_alive for role in roles),
            within_s=20,
            what="all roles stopped within 20 s",
        )
        for name in dice.sample(list(arena.servers), len(arena.servers)):
            arena.servers[name].kill()
        yield from _servers_back(arena, dice)
    finally:
        for role in roles:
            role.kill()
            role.release()


def _servers_back(arena: Arena, dice: Random) -> Steps:
    for name in dice.sample(list(arena.servers), len(arena.servers)):
        yield from arena.restarted(name)


def _roles_killed(arena: Arena, dice: Random) -> Steps:
    """All of our own processes at once; the servers live."""
    yield from arena.pause(dice.uniform(0.0, 1.0))
    for role in arena.roles.values():
        role.kill()


# --- how


def _no_rebuild() -> str | None:
    there = find_spec("service.cli.replay_command") is not None
    return None if there else "this build has no commands replay and projection swap"


def _cell(
    name: str, inject: Callable[[Arena, Random], Steps], disturbs: Sequence[str], *, alone: bool = False
) -> Cell:
    return Cell(f"operations.{name}", ROW, inject, tuple(disturbs), alone=alone, heal_within_s=90.0)


EVERYTHING = ("decider", "projector", "consumers", "worker", "timers", "kafka", "postgres", "s3", "ledger")

CELLS = (
    Cell(
        "operations.rebuild_and_swap", ROW, _rebuild_and_swap, ("projector", "views"), not_here=_no_rebuild,
        heal_within_s=90.0,
    ),
    _cell("redriven_twice", _redriven_twice, ()),
    _cell("all_killed", _all_killed, EVERYTHING, alone=True),
    _cell("all_stopped", _all_stopped, EVERYTHING, alone=True),
    _cell("roles_killed", _roles_killed, EVERYTHING),
)  # fmt: skip
