"""One screen of health: servers and roles, files by state, what waits and what failed, how far everything has read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from consumers.deadletter import Count, DeadLetters
from events.codes import explained
from events.log import LogError
from projectors.health import database_health
from projectors.op_waiting import programs_waiting
from service.client import Client
from service.site import ROLE_NAMES, children_of
from service.stack import local
from service.status_lags import lag_attention, lag_lines, lags
from service.status_machines import machine_attention, machine_lines
from service.status_programs import program_attention, program_lines
from service.trust_told import trust_of, trust_told
from service.wording import ago, counted, duration, short

__all__ = ["Status", "status_lines", "take"]

Row = Mapping[str, Any]

LATE = timedelta(seconds=30)
"""Deadlines are asked within a second; one that is so late is asked by nobody."""

CLOCKS_APART_S = 60.0
_COUNTED_WITHIN_S = 1.0
_LOUD = ("INBOX_GONE", "INTAKE_FAILED", "INTERNAL", "REQUESTS_GONE")
"""Dead letters that are no sender's fault, but ours."""
STATES = ("QUEUED", "PROCESSING", "TRANSFERRING", "TRANSFERRED", "COMPLETE", "INVALID", "ERROR", "DISMISSED")


@dataclass(frozen=True, slots=True)
class Status:
    """What was found. ``attention`` says in words what a person should look at."""

    site: str
    at: datetime
    children: list[dict[str, Any]]
    health: dict[str, list[dict[str, Any]]]
    lags: list[dict[str, Any]]
    dead_letters: Count
    attention: list[str] = field(default_factory=list)

    def members(self) -> dict[str, Any]:
        """For programs."""
        named = {"site": self.site, "at": self.at, "children": self.children, "lag": self.lags}
        dead = {
            "dead_letters": self.dead_letters.letters,
            "dead_letters_open": self.dead_letters.letters_open,
        }
        return {**named, **self.health, **dead, "attention": self.attention}


def take(client: Client) -> Status:
    """Look at everything; raises LogError or the database's errors where a server is away."""
    settings, topics = client.wiring.settings, client.wiring.topics
    with client.engine.connect() as connection:
        health = database_health(connection) | programs_waiting(connection)
    found, unknown = _lags(client, health)
    dead = DeadLetters(client.log, topics).count(within_s=_COUNTED_WITHIN_S)
    children = children_of(settings)
    is_local = bool(local.local_servers(settings)) or bool(children)
    now = datetime.now(UTC)
    attention = [
        *_of_children(children if is_local else None),
        *_of_health(health, now),
        *program_attention(health, now),
        *machine_attention(health["workers"]),
        *_of_rebuilds(health),
        *lag_attention(found),
        *unknown,
        *_of_dead_letters(dead),
    ]
    return Status(settings.site, now, children, health, found, dead, attention)


def _lags(
    client: Client, health: Mapping[str, list[dict[str, Any]]]
) -> tuple[list[dict[str, Any]], list[str]]:
    """How far every reader is behind; where Kafka does not say, what it says instead."""
    machines, positions = client.wiring.settings.partitions, health["positions"]
    try:
        return lags(client.log, client.wiring.topics, machines, positions, datetime.now(UTC)), []
    except LogError as error:
        return [], [f"how far the parts have read is not known: {short(str(error))}"]


# --- what a person should look at


def _of_children(children: list[dict[str, Any]] | None) -> Iterator[str]:
    if children is None:
        return
    for child in children:
        if child["state"] != "up":
            note = short(child["note"] or "no reason given")
            yield f"{child['name']} is {child['state']}: {note}; its log is {child['log']}"
    missing = [name for name in ROLE_NAMES if name not in {child["name"] for child in children}]
    if missing:
        yield f"not running here: {', '.join(missing)}; meridian up starts them"


def _of_health(health: Mapping[str, list[dict[str, Any]]], now: datetime) -> Iterator[str]:
    yield from _standing_still(health)
    if health["leases"] and not any(row["is_alive"] for row in health["leases"]):
        yield "no decider has given a sign for 5 s: requests are kept, and decided once one runs"
    yield from _of_clocks(health)
    for row in health["problems"]:
        if row["state"] == "ERROR" and row["files"] > row["tried_again"]:
            yield (
                f"{counted(row['files'], 'file')} of {row['stream']} in ERROR for {row['code']}; "
                f"meridian file list --state ERROR --stream {row['stream']} --code {row['code']}"
            )
    for row in health["parked"]:
        behind = f", {row['behind']} behind them" if row["behind"] else ""
        what = f"{counted(row['items'], 'work item')} of {row['stream']} parked at {row['effect']} for {row['code']}"
        yield f"{what}{behind}; meridian work list --parked --stream {row['stream']}"
    for row in health["breakers"]:
        yield _away(row, now)
    for row in health["deadlines"]:
        late = now - row["next_at"]
        if late > LATE:
            yield f"{row['overdue']} deadlines for {row['request']} are {duration(late)} late: do timers run?"
    yield from _of_workers(health)
    if health["tainted"]:
        yield f"{len(health['tainted'])} subjects could not be shown; the projector's log says why"
    yield from (f"stream {row['stream']} is on hold" for row in health["streams"] if row["held"])
    yield from (
        _silent(row["stream"], each) for row in health["streams"] for each in row.get("silences") or ()
    )


def _standing_still(health: Mapping[str, list[dict[str, Any]]]) -> Iterator[str]:
    for halt in health["halts"]:
        where = f"{halt['part']} {halt['machine']}/{halt['partition']}"
        yield f"{where} stands still: {halt['code']}; meridian recover --explain"
    for gate in health["gates"]:
        yield f"all work rests since {gate['since']:%Y-%m-%d %H:%M:%S}: {gate['reason']}; it goes on by itself"


def _of_workers(health: Mapping[str, list[dict[str, Any]]]) -> Iterator[str]:
    owed = sum(row["items"] for row in health["work"] if row["state"] in {"open", "leased"})
    if owed and not any(row["is_alive"] for row in health["workers"]):
        yield (
            f"no worker has given a sign for 30 s, with {counted(owed, 'work item')} to do; meridian up, or meridian "
            "run consumers, starts one"
        )


def _silent(stream: str, silence: Row) -> str:
    last = f"the last at {silence['last_at']}" if silence.get("last_at") else "none for a long time"
    every = duration(timedelta(seconds=silence["every_s"]))
    return f"stream {stream} is silent: no {silence['purpose']} file, {last}, where one is expected every {every}"


def _away(row: Row, now: datetime) -> str:
    said = short(str(row["last_error"]), 120)
    if row["retry_at"] <= now and row["ramp"] > 1:
        return f"{row['dependency']} answers again, {row['ramp']} items at once; it was away {ago(row['since'], now)}"
    when = f"{counted(row['failures'], 'look')} in vain, the next at {row['retry_at']:%H:%M:%S}"
    return f"{row['dependency']} does not answer, first seen {ago(row['since'], now)}, {when}: {said}"


def _of_clocks(health: Mapping[str, list[dict[str, Any]]]) -> Iterator[str]:
    ahead = {row["owner"]: row["clock_ahead_s"] or 0.0 for row in health["leases"] if row["is_alive"]}
    for owner, seconds in ahead.items():
        if abs(seconds) > CLOCKS_APART_S:
            apart = f"{duration(timedelta(seconds=abs(seconds)))} {'behind' if seconds < 0 else 'ahead of'}"
            yield f"the clock of the decider {owner} is {apart} the database's; set it right"
    for row in health["clock"]:
        ahead_s = row["ledger_ahead_s"] or 0.0
        if ahead_s > CLOCKS_APART_S:
            apart = f"{duration(timedelta(seconds=ahead_s))} ahead of the database's clock"
            yield f"the newest record of the ledger is {apart}: a clock was set back, or was wrong; order is kept"


def _of_rebuilds(health: Mapping[str, list[dict[str, Any]]]) -> Iterator[str]:
    for row in health["rebuilds"]:
        if row["state"] == "broken":
            said = short(str(row["message"]), 120)
            yield f"{row['schema_name']} is not fed any more: {said}; meridian projection status"


# --- the screen


def status_lines(status: Status) -> Iterator[str]:
    """For people."""
    health = status.health
    yield f"site {status.site} at {status.at:%Y-%m-%d %H:%M:%S} UTC"
    up = [child["name"] for child in status.children if child["state"] == "up"]
    if up:
        yield f"up: {', '.join(up)}"
    yield ""
    yield from _streams(health["streams"])
    yield from program_lines(health)
    yield ""
    yield from _waits(health, status.at)
    yield from _freshness(status)
    yield from _owners(health["leases"])
    yield from machine_lines(health["workers"])
    yield ""
    if status.attention:
        yield "needs attention:"
        yield from (f"  {each}" for each in status.attention)
    else:
        yield "nothing needs attention"


def _streams(rows: list[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        yield "no stream is configured; meridian stream apply FILE --enable, or meridian demo"
        return
    shown = [state for state in STATES if any(row["files"].get(state) for row in rows)]
    width = max(len(row["stream"]) for row in rows) + 2
    yield f"{'STREAM':{width}}{'STATE':10}" + "".join(f"{state:>14}" for state in shown)
    for row in rows:
        state = f"{row['stream_state']}{' (held)' if row['held'] else ''}"
        yield f"{row['stream']:{width}}{state:10}" + "".join(
            f"{row['files'].get(each, 0):14}" for each in shown
        )


def _waits(health: Mapping[str, list[dict[str, Any]]], now: datetime) -> Iterator[str]:
    yield from (
        f"{row['stream']} {trust_told(row)}; meridian report night --stream {row['stream']}"
        for row in health["streams"]
        if trust_of(row).is_behind and trust_of(row).counted
    )
    for row in health["waiting"]:
        yield f"waits longest on {row['stream']}: {row['file']}, {row['state']} since {duration(now - row['since_at'])}"
    for row in health["problems"]:
        again = f", {row['tried_again']} of them tried again by themselves" if row["tried_again"] else ""
        files = f"{counted(row['files'], 'file')} of {row['stream']}"
        yield f"{row['state']} {row['code']}: {files}{again}, the oldest {ago(row['oldest'], now)}"
    for row in health["later"]:
        until = f"from {row['next_at']:%H:%M:%S} to {row['last_at']:%H:%M:%S}"
        yield f"not before its time: {counted(row['items'], 'work item')} after {row['code']}, {until}"
    for row in health["deadlines"]:
        when = f"{row['next_at']:%Y-%m-%d %H:%M:%S}"
        yield f"by themselves: {row['deadlines']} times {row['request']}, the next at {when}"
    for row in health["senders"]:
        yield f"last sign of {row['sender']}: {ago(row['last_sign'], now)}"


def _owners(leases: list[dict[str, Any]]) -> Iterator[str]:
    """Who decides what."""
    held: dict[str, list[str]] = {}
    for row in leases:
        if row["is_alive"]:
            held.setdefault(row["owner"], []).append(f"{row['machine']}/{row['partition']}")
    yield from (f"decided by {owner}: {', '.join(parts)}" for owner, parts in sorted(held.items()))


def _freshness(status: Status) -> Iterator[str]:
    yield from lag_lines(status.lags)
    if status.dead_letters.letters:
        yield f"dead letters: {_dead(status.dead_letters)}; meridian deadletter list --causes"


def _of_dead_letters(count: Count) -> Iterator[str]:
    for code in _LOUD:
        if number := count.codes.get(code):
            meaning = explained(code, "refused")
            says = f": {meaning.says}" if meaning else ";"
            yield f"{counted(number, 'dead letter')} for {code}{says} meridian deadletter list --code {code}"


def _dead(count: Count) -> str:
    if count.letters_open is None:
        return f"more than {count.letters}"
    return f"{count.letters_open or 'none'} open, {count.letters} in all"
