"""What the statements of dispatch, workers and timers mean: items, leases, deadlines, streams, breakers, registers."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson

from consumers import (
    breakers,
    claims,
    deadlines,
    dispatch,
    held,
    redriving,
    register,
    standing,
    trust,
    work_items,
    workers_seen,
)
from projectors.registers import REGISTERS
from tests.simulation.database import MEANINGS, Connection, Result, meaning

__all__: list[str] = []

Row = dict[str, Any]
ITEM, DEADLINE, VERSION, STREAM = "work.item", "work.deadline", "work.version", "work.stream"
CONFIGURATION, HOLD, BREAKER, GATE = "work.stream_configuration", "work.hold", "work.breaker", "work.gate"
TRUST = "work.trust"
UNFINISHED = {"open", "leased", "reported", "parked"}
NO_LEASE: Row = {"lease_owner": None, "lease_until": None}


def _rows(members: Row) -> list[Row]:
    found: list[Row] = orjson.loads(members["rows"])
    return found


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _change(connection: Connection, table: str, keys: Iterable[Any], **values: Any) -> int:
    rows, keys = connection.write(table), list(keys)
    for key in keys:
        rows[key] = {**rows[key], **values}
    return len(keys)


@meaning(standing._ONE_BY_ONE, dispatch._BY_KEYS)
def _settings(connection: Connection, members: Row, _statement: Any) -> Result:
    """The lock on claims is held as any other until the transaction ends."""
    if "lock" in members:
        connection.write(ITEM)
    return Result()


MEANINGS["^SELECT pg_notify"] = lambda _connection, _members, _statement: None


def _is_over(until: datetime, now: datetime) -> bool:
    return until <= now or until > now + timedelta(minutes=2)


# --- items ---


@meaning(work_items._ADD)
def _add(connection: Connection, members: Row, _statement: Any) -> Result:
    versions, rows, added = connection.read(VERSION), connection.write(ITEM), 0
    for row in _rows(members):
        key = (row["event_id"], row["effect"])
        if key in rows:
            continue
        version = versions.get((row["subject"], row["version"]), {})
        created_at = _time(row["created_at"])
        priority = row.get("priority")
        known = {
            **row,
            "work_class": row.get("work_class") or version.get("work_class") or "normal",
            "priority": priority if priority is not None else version.get("priority") or 0,
            "queued_at": version.get("queued_at") or created_at,
            "created_at": created_at,
            "payload": row.get("payload") or {},
            "due_at": _time(row.get("due_at")),
        }
        is_over = _is_told_to_nobody(row, version)
        rows[key] = {
            "state": "done" if is_over else "open", "try_number": 1, "lease_epoch": 0, "resent": 0, "report": None,
            "last_code": None, "last_error": None, "parked_reason": None, "reported_at": None,
            "finished_at": created_at if is_over else None, **NO_LEASE, **known,
        }  # fmt: skip
        added += 1
    return Result(rowcount=added)


def _is_told_to_nobody(row: Row, version: Row) -> bool:
    payload = row.get("payload") or {}
    by_folder = (payload.get("sender") or version.get("sender")) == f"folder-{row['stream']}"
    is_good = payload.get("type") in {"file.arrived", "file.registered"}
    return row["effect"] == "answer" and by_folder and is_good


@meaning(work_items._SUPERSEDE)
def _supersede(connection: Connection, members: Row, _statement: Any) -> Result:
    count = 0
    for r in _rows(members):
        over = [
            key
            for key, i in connection.read(ITEM).items()
            if i["subject"] == r["subject"] and i["lane"] == "steps" and i["version"] == r["version"]
            and i["version"] is not None and i["sequence"] < r["sequence"] and i["state"] in UNFINISHED
        ]  # fmt: skip
        count += _change(
            connection, ITEM, over, state="stale", finished_at=_time(r["at"]), report=None, **NO_LEASE
        )
    return Result(rowcount=count)


@meaning(work_items._CLOSE)
def _close(connection: Connection, members: Row, _statement: Any) -> Result:
    count = 0
    for r in _rows(members):
        over = [
            key
            for key, i in connection.read(ITEM).items()
            if i["report_id"] == r["report_id"] and i["state"] in UNFINISHED
        ]
        closed = {"state": r["state"], "finished_at": _time(r["at"]), "report": None, "parked_reason": None}
        count += _change(connection, ITEM, over, **closed, **NO_LEASE)
    return Result(rowcount=count)


@meaning(work_items._REFUSED_TRIES)
def _refused_tries(connection: Connection, members: Row, _statement: Any) -> Result:
    rows = sorted(connection.write(ITEM).items())
    return Result(
        {
            **{name: i[name] for name in ("event_id", "effect", "report_id", "lane", "try_number")},
            "was_refused": "refused" in i["payload"],
        }
        for _, i in rows
        if i["report_id"] in members["ids"] and i["state"] in UNFINISHED - {"parked"}
    )


@meaning(work_items._REFUSE)
def _refuse(connection: Connection, members: Row, _statement: Any) -> Result:
    key = (members["event_id"], members["effect"])
    item, state = connection.read(ITEM)[key], members["state"]
    payload = item["payload"]
    if state == "open":
        payload = {**payload, "refused": orjson.loads(members["refused"])[0]}
    _change(
        connection, ITEM, [key], state=state, try_number=members["number"], report_id=members["report_id"],
        last_code=members["code"], last_error=members["reason"], report=None, lease_epoch=item["lease_epoch"] + 1,
        parked_reason=members["reason"] if state == "parked" else None,
        finished_at=members["at"] if state == "done" else None, payload=payload, **NO_LEASE,
    )  # fmt: skip
    return Result(rowcount=1)


@meaning(redriving._PARKED)
def _parked(connection: Connection, members: Row, _statement: Any) -> Result:
    asked = _rows(members)
    return Result(
        {name: i[name] for name in ("event_id", "effect", "try_number")}
        for _, i in sorted(connection.write(ITEM).items())
        if i["state"] == "parked"
        and any(r["subject"] == i["subject"] and i["sequence"] < r["sequence"] for r in asked)
    )


@meaning(redriving._OPEN)
def _open_again(connection: Connection, members: Row, _statement: Any) -> Result:
    items, rows = connection.write(ITEM), _rows(members)
    found = [r for r in rows if items[r["event_id"], r["effect"]]["state"] == "parked"]
    for r in found:
        key = (r["event_id"], r["effect"])
        payload = {name: value for name, value in items[key]["payload"].items() if name != "refused"}
        again = {"try_number": r["number"], "report_id": r["report_id"], "payload": payload}
        _change(connection, ITEM, [key], state="open", due_at=None, report=None, parked_reason=None, **again)
    return Result(rowcount=len(found))


# --- leases ---


def _is_held(item: Row | None, lease: Row) -> bool:
    return (
        item is not None
        and item["state"] == "leased"
        and item["lease_owner"] == lease["lease_owner"]
        and item["lease_epoch"] == lease["lease_epoch"]
    )


def _held(connection: Connection, rows: Iterable[Row]) -> list[tuple[Any, Row]]:
    items = connection.read(ITEM)
    keyed = [((row["event_id"], row["effect"]), row) for row in rows]
    return [(key, row) for key, row in keyed if _is_held(items.get(key), row)]


def _names(found: Iterable[tuple[Any, Row]]) -> Iterator[Row]:
    return ({"event_id": key[0], "effect": key[1]} for key, _ in found)


@meaning(claims._MINE)
def _mine(connection: Connection, members: Row, _statement: Any) -> Result:
    return Result(_names(_held(connection, _rows(members))))


@meaning(claims._HEARTBEAT)
def _heartbeat(connection: Connection, members: Row, _statement: Any) -> Result:
    connection.write(ITEM)
    found = _held(connection, _rows(members))
    until = connection.now + timedelta(seconds=members["lease_s"])
    _change(connection, ITEM, [key for key, _ in found], lease_until=until)
    return Result(_names(found))


@meaning(claims._REPORTED)
def _reported(connection: Connection, members: Row, _statement: Any) -> Result:
    connection.write(ITEM)
    found = _held(connection, _rows(members))
    for key, row in found:
        done = {"state": "reported", "reported_at": connection.now, "resent": 0}
        _change(connection, ITEM, [key], **done, report=bytes.fromhex(row["report"]), **NO_LEASE)
    return Result(rowcount=len(found))


@meaning(work_items._FINISH)
def _finish(connection: Connection, members: Row, _statement: Any) -> Result:
    connection.write(ITEM)
    found = _held(connection, _rows(members))
    keys = [key for key, _ in found]
    return Result(
        rowcount=_change(connection, ITEM, keys, state="done", finished_at=members["at"], **NO_LEASE)
    )


@meaning(claims._WAIT)
def _wait(connection: Connection, members: Row, _statement: Any) -> Result:
    connection.write(ITEM)
    found = [key for key, _ in _held(connection, [members])]
    why = {"due_at": members["until"], "last_code": members["code"], "last_error": members["error"]}
    return Result(rowcount=_change(connection, ITEM, found, state="open", **why, **NO_LEASE))


@meaning(work_items._PARK)
def _park(connection: Connection, members: Row, _statement: Any) -> Result:
    connection.write(ITEM)
    found = [key for key, _ in _held(connection, [members])]
    why = {"parked_reason": members["reason"], "last_code": members["code"], "last_error": members["reason"]}
    return Result(rowcount=_change(connection, ITEM, found, state="parked", **why, **NO_LEASE))


@meaning(claims._GIVE_BACK)
def _give_back(connection: Connection, members: Row, _statement: Any) -> Result:
    connection.write(ITEM)
    found = [key for key, _ in _held(connection, _rows(members))]
    return Result(rowcount=_change(connection, ITEM, found, state="open", **NO_LEASE))


@meaning(claims._RELEASE_OWNED, claims._RELEASE_EXPIRED)
def _release(connection: Connection, members: Row, _statement: Any) -> Result:
    now, owner = connection.now, members.get("owner")
    over = [
        key
        for key, i in connection.write(ITEM).items()
        if i["state"] == "leased"
        and (i["lease_owner"] == owner if owner else _is_over(i["lease_until"], now))
    ]
    return Result(rowcount=_change(connection, ITEM, over, state="open", **NO_LEASE))


# --- claims ---


@meaning(standing._STANDING)
def _standing(connection: Connection, members: Row, _statement: Any) -> Result:
    now = connection.now
    busy: dict[tuple[str, str, str], int] = {}
    for i in connection.read(ITEM).values():
        if i["state"] == "leased":
            kind = (i["stream"], i["effect"], i["work_class"])
            busy[kind] = busy.get(kind, 0) + 1
    worked_on = [
        s for s in connection.read(STREAM).values() if s["state"] in members["states"] and not s["held"]
    ]
    streams = {s["stream"]: s["class_limits"] for s in worked_on}
    judged = connection.read(TRUST)
    trusts = {
        s["stream"]: (s["trust"], t.get("latest"), t["judged_at"].isoformat() if t else None)
        for s in worked_on
        for t in [judged.get(s["stream"], {})]
    }
    rooms = {
        b["dependency"]: b["ramp"] if _is_over(b["retry_at"], now) else 0
        for b in connection.read(BREAKER).values()
    }
    open_light = {
        i["effect"]
        for i in connection.read(ITEM).values()
        if i["state"] == "open" and i["lane"] != "steps" and i["effect"] in members["light"]
    }
    return Result(
        [
            {
                "is_shut": bool(connection.read(GATE)),
                "streams": streams,
                "trust": trusts,
                "rooms": rooms,
                "busy": [[*kind, count] for kind, count in busy.items()],
                "open_light": sorted(open_light),
            }
        ]
    )


def _is_head(connection: Connection, item: Row, *, of_part: bool = False) -> bool:
    if item["due_at"] is not None and not _is_over(item["due_at"], connection.now):
        return False
    return not any(
        e["subject"] == item["subject"] and e["lane"] == item["lane"] and e["state"] in UNFINISHED
        and e["sequence"] < item["sequence"] and (not of_part or e["part"] == item["part"])
        for e in connection.read(ITEM).values()
    )  # fmt: skip


def _lease(connection: Connection, chosen: list[Row], members: Row) -> Iterator[Row]:
    until = connection.now + timedelta(seconds=members["lease_s"])
    names = (
        "event_id", "effect", "subject", "stream", "version", "attempt", "sequence", "work_class", "created_at",
        "try_number", "report_id", "lease_owner", "lease_epoch", "payload", "correlationid", "priority",
    )  # fmt: skip
    for i in chosen:
        key, epoch = (i["event_id"], i["effect"]), i["lease_epoch"] + 1
        leased = {"state": "leased", "lease_owner": members["owner"], "lease_epoch": epoch}
        _change(connection, ITEM, [key], **leased, lease_until=until)
        item = connection.read(ITEM)[key]
        number = 0 if i["effect"] == "follow" else i["version"]
        version = connection.read(VERSION).get((i["subject"], number), {})
        yield {
            **{name: item[name] for name in names},
            "sender": version.get("sender"),
            "sender_event_id": version.get("correlationid"),
            "base_attempt": version.get("base_attempt"),
        }


@meaning(claims._CLAIM_STEPS)
def _claim_steps(connection: Connection, members: Row, _statement: Any) -> Result:
    items, holds = connection.write(ITEM), connection.read(HOLD)
    found: list[tuple[Row, Row]] = []
    for lane in orjson.loads(members["lanes"]):
        of_lane = [
            i
            for i in items.values()
            if i["state"] == "open" and i["lane"] == "steps" and i["stream"] == lane["stream"]
            and i["effect"] == lane["effect"] and i["work_class"] == lane["work_class"]
            and i["subject"] not in holds and _is_head(connection, i) and i["priority"] <= members["priority"]
        ]  # fmt: skip
        of_lane.sort(key=lambda i: (i["priority"], i["queued_at"], i["event_id"]))
        found += [(i, lane) for i in of_lane[: lane["room"]]]
    chosen: list[Row] = []
    of_class: dict[tuple[str, str], int] = {}
    large = catch_up = 0
    for i, lane in _in_turn(found, members):
        kind = (i["stream"], i["work_class"])
        of_class[kind] = of_class.get(kind, 0) + 1
        large += i["work_class"] == "large"
        catch_up += i["priority"] > 0
        may = (i["work_class"] != "large" or large <= members["large"]) and (
            i["priority"] == 0 or catch_up <= members["catch_up"]
        )
        if of_class[kind] <= lane["class_room"] and may:
            chosen.append(i)
    leased = _lease(connection, chosen[: members["at_most"]], members)
    return Result(
        sorted(leased, key=lambda i: (i["priority"], items[i["event_id"], i["effect"]]["queued_at"]))
    )


def _in_turn(found: list[tuple[Row, Row]], members: Row) -> list[tuple[Row, Row]]:
    """Each stream its share; of streams behind others as many as have a place, and these first."""
    oldest = sorted(found, key=lambda pair: (pair[0]["priority"], pair[0]["queued_at"], -pair[0]["sequence"]))
    taken = Counter[str]()
    ranked = []
    for age, (i, lane) in enumerate(oldest):
        taken[i["stream"]] += 1
        share = lane["under_way"] + taken[i["stream"]]
        if lane["is_behind"]:
            ranked.append(((0, 0, share, lane["judged_at"] or "", age), i, lane))
        else:
            ranked.append(((1, i["priority"], share, "", age), i, lane))
    ranked.sort(key=lambda each: each[0])
    others = members["others"] or any(not lane["is_behind"] for _, _, lane in ranked)
    room = members["behind" if others else "behind_alone"]
    behind = [(i, lane) for _, i, lane in ranked if lane["is_behind"]]
    return behind[:room] + [(i, lane) for _, i, lane in ranked if not lane["is_behind"]]


@meaning(workers_seen._SIGN, workers_seen._FORGET)
def _sign(_connection: Connection, _members: Row, _statement: Any) -> Result:
    """Nothing in the simulation asks who is there."""
    return Result([])


@meaning(claims._CLAIM_LIGHT)
def _claim_light(connection: Connection, members: Row, _statement: Any) -> Result:
    items, holds, found = connection.write(ITEM), connection.read(HOLD), []
    for lane in orjson.loads(members["lanes"]):
        of_lane = [
            i
            for i in items.values()
            if i["effect"] == lane["effect"] and i["state"] == "open" and i["lane"] != "steps"
            and _is_head(connection, i, of_part=True)
            and (i["part"] is None or i["lane"] == "answers" or i["subject"] not in holds)
        ]  # fmt: skip
        found += sorted(of_lane, key=lambda i: (i["queued_at"], i["event_id"]))[: lane["room"]]
    found.sort(key=lambda i: i["queued_at"])
    leased = list(_lease(connection, found[: members["at_most"]], members))
    return Result(sorted(leased, key=lambda i: (i["created_at"], i["sequence"])))


# --- what claims go by ---


@meaning(held._KEEP_VERSIONS)
def _keep_versions(connection: Connection, members: Row, _statement: Any) -> Result:
    names = ("sender", "correlationid", "queued_at", "base_attempt", "work_class", "priority")
    rows = connection.write(VERSION)
    for row in _rows(members):
        key = (row["subject"], row["version"])
        told = {name: row.get(name) for name in names}
        told["queued_at"] = _time(row.get("queued_at"))
        old = rows.get(key, {})
        rows[key] = {
            "subject": key[0],
            "version": key[1],
            **{name: old.get(name) if told[name] is None else told[name] for name in names},
        }
    return Result()


@meaning(held._KEEP_STREAMS)
def _keep_streams(connection: Connection, members: Row, _statement: Any) -> Result:
    rows = connection.write(STREAM)
    for row in _rows(members):
        known = {"held": False, "class_limits": {}, "trust": {}, **rows.get(row["stream"], {})}
        rows[row["stream"]] = known | {name: value for name, value in row.items() if value is not None}
    return Result()


@meaning(trust._KEEP)
def _keep_judged(connection: Connection, members: Row, _statement: Any) -> Result:
    rows = connection.write(TRUST)
    for row in _rows(members):
        told = row | {"judged_at": _time(row["judged_at"])}
        old = rows.get(row["stream"], {"latest": "", "judged_at": told["judged_at"]})
        latest = (old["latest"] + row["latest"])[-members["at_most"] :]
        rows[row["stream"]] = told | {
            "latest": latest,
            "judged_at": max(old["judged_at"], told["judged_at"]),
        }
    return Result()


@meaning(held._KEEP_CONFIGURATIONS)
def _keep_configurations(connection: Connection, members: Row, _statement: Any) -> Result:
    rows = connection.write(CONFIGURATION)
    rows.update({(row["stream"], row["configuration_version"]): row for row in _rows(members)})
    return Result()


@meaning(held._CONFIGURATION)
def _configuration(connection: Connection, members: Row, _statement: Any) -> Result:
    row = connection.read(CONFIGURATION).get((members["stream"], members["number"]))
    return Result([] if row is None else [{"configuration": row["configuration"]}])


@meaning(held._HOLD, held._RELEASE)
def _holds(connection: Connection, members: Row, _statement: Any) -> Result:
    rows = connection.write(HOLD)
    if "rows" in members:
        rows.update({row["subject"]: row for row in _rows(members)})
    for subject in members.get("subjects", ()):
        rows.pop(subject, None)
    return Result()


@meaning(breakers._TRIP)
def _trip(connection: Connection, members: Row, _statement: Any) -> Result:
    rows, now = connection.write(BREAKER), connection.now
    old = rows.get(members["dependency"])
    first_s, at_most_s = members["first_s"], members["at_most_s"]
    new = {"ramp": 1, "code": members["code"], "last_error": members["error"]}
    if old is None:
        row = {"dependency": members["dependency"], "since": now, "failures": 1, **new}
        row["retry_at"] = now + timedelta(seconds=first_s)
    elif _is_over(old["retry_at"], now):
        pause_s = min(at_most_s, first_s * 2 ** min(old["failures"], 20))
        row = {**old, **new, "failures": old["failures"] + 1, "retry_at": now + timedelta(seconds=pause_s)}
    else:
        row = {**old, **new}
    rows[members["dependency"]] = row
    return Result([{"retry_at": row["retry_at"], "is_new": old is None}])


@meaning(breakers._RAMP)
def _ramp(connection: Connection, members: Row, _statement: Any) -> Result:
    rows, now = connection.write(BREAKER), connection.now
    row = rows.get(members["dependency"])
    if row is not None and _is_over(row["retry_at"], now):
        rows[row["dependency"]] = {**row, "ramp": row["ramp"] * 2}
    return Result()


@meaning(breakers._OVER)
def _over(connection: Connection, members: Row, _statement: Any) -> Result:
    rows = connection.write(BREAKER)
    row = rows.get(members["dependency"])
    if row is None or row["ramp"] < members["ramp"]:
        return Result()
    del rows[row["dependency"]]
    return Result([{"since": row["since"]}])


# --- deadlines ---


@meaning(deadlines._OWE)
def _owe(connection: Connection, members: Row, _statement: Any) -> Result:
    rows = connection.write(DEADLINE)
    for row in _rows(members):
        rest = {"state": "waiting", "delivered_at": None, "finished_at": None}
        rows.setdefault(row["event_id"], {**row, **rest, "due_at": _time(row["due_at"])})
    return Result()


@meaning(deadlines._CANCEL)
def _cancel(connection: Connection, members: Row, _statement: Any) -> Result:
    for r in sorted(_rows(members), key=lambda r: -r["sequence"]):
        over = [
            key
            for key, d in connection.read(DEADLINE).items()
            if d["subject"] == r["subject"] and d["state"] == "waiting" and d["request"] == r["request"]
            and d["due_sequence"] < r["sequence"] and (r["version"] is None or d["version"] == r["version"])
            and (r["part"] is None or d["part"] == r["part"])
        ]  # fmt: skip
        _change(connection, DEADLINE, over, state="cancelled", finished_at=_time(r["at"]))
    return Result()


@meaning(deadlines._CLOSE)
def _close_deadlines(connection: Connection, members: Row, _statement: Any) -> Result:
    for r in _rows(members):
        over = [
            key
            for key, d in connection.read(DEADLINE).items()
            if d["request_id"] == r["request_id"] and d["state"] in {"waiting", "delivered"}
        ]
        _change(connection, DEADLINE, over, state="done", finished_at=_time(r["at"]))
    return Result()


@meaning(deadlines._DUE)
def _due(connection: Connection, members: Row, _statement: Any) -> Result:
    found = [
        d
        for d in connection.read(DEADLINE).values()
        if d["state"] == "waiting" and d["due_at"] <= members["at"]
    ]
    found.sort(key=lambda d: (d["due_at"], d["event_id"]))
    names = deadlines.Deadline._fields
    return Result({name: d[name] for name in names} for d in found[: members["at_most"]])


@meaning(deadlines._DELIVERED)
def _delivered(connection: Connection, members: Row, _statement: Any) -> Result:
    rows = connection.write(DEADLINE)
    found = [key for key in members["ids"] if key in rows and rows[key]["state"] in {"waiting", "delivered"}]
    return Result(
        rowcount=_change(connection, DEADLINE, found, state="delivered", delivered_at=members["at"])
    )


# --- registers ---


@meaning(register._COLUMNS)
def _columns(_connection: Connection, members: Row, _statement: Any) -> Result:
    table = REGISTERS.get(f"{members['schema']}.{members['name']}")
    return Result({"column_name": column.name} for column in table.columns) if table is not None else Result()


def _enter(connection: Connection, members: Row, _statement: Any) -> Result:
    """Insert what is missing and correct what differs; each row keeps its number."""
    rows = connection.write("operations.l2_file")
    numbers = []
    for row in _rows(members):
        key = (row["subject"], row["version"])
        number = rows[key]["row_id"] if key in rows else len(rows) + 1
        rows[key] = {**row, "row_id": number}
        numbers.append({"subject": key[0], "version": key[1], "row_id": number})
    return Result(numbers)


MEANINGS[register._entering("operations.l2_file").text] = _enter
MEANINGS[register._looking("operations.l2_file").text] = _enter
