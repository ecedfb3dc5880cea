"""Claiming work: leases on the head items of subjects, kept by heartbeats and fenced by an epoch, and given back."""

# ruff: noqa: S608 - statements are put together from constants of this module

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from consumers.breakers import IS_OVER
from consumers.kept_reports import as_kept
from consumers.lanes import CLASSES, lanes, room_of
from consumers.rows import BY_KEY, rows_json
from consumers.standing import Standing, stand
from consumers.work_items import Key, Lease

__all__ = [
    "Places",
    "Standing",
    "WorkItem",
    "claim_light",
    "claim_steps",
    "give_back",
    "heartbeat",
    "mark_reported",
    "release_expired",
    "release_owned",
    "stand",
    "still_mine",
    "wait",
]

LIVE, LOWEST = 0, 32_767
"""Priorities: what comes live, and whatever else there may be."""


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One item under lease, with what is known of who announced the version."""

    event_id: str
    effect: str
    subject: str
    stream: str
    version: int | None
    attempt: int | None
    sequence: int
    work_class: str
    created_at: datetime
    try_number: int
    report_id: str
    lease_owner: str
    lease_epoch: int
    payload: dict[str, Any]
    correlationid: str | None = None
    sender: str | None = None
    sender_event_id: str | None = None
    base_attempt: int | None = None
    priority: int | None = None
    is_behind: bool = False
    """Its stream goes behind others."""

    @property
    def key(self) -> Key:
        """What names the item."""
        return Key(self.event_id, self.effect)

    @property
    def cause(self) -> str:
        """The fact that obliges to it; of several items of one fact, their ids are derived from it."""
        cause: str = self.payload.get("cause", self.event_id)
        return cause

    @property
    def lease(self) -> Lease:
        """What proves that the item is still ours."""
        return Lease(self.event_id, self.effect, self.lease_owner, self.lease_epoch)

    @property
    def is_taken_over(self) -> bool:
        """It has been under lease before, so something may have been done already."""
        return self.lease_epoch > 1


@dataclass(frozen=True, slots=True)
class Places:
    """How many items may be claimed now, and how many of them large or of catch-up.

    Streams that go behind others have ``behind`` of the places while others have work, and have them first, so that
    their turn comes whatever the others have; ``behind_alone`` while they are alone.
    """

    at_most: int
    large: int
    catch_up: int
    behind: int = 1
    behind_alone: int = 1


def claim_steps(
    connection: Connection,
    standing: Standing,
    *,
    owner: str,
    effects: Sequence[str],
    places: Places,
    lease_s: float,
) -> list[WorkItem]:
    """Lease as many items as there are places: live first, to each stream its share, then who waits longest."""
    open_lanes = lanes(
        streams={} if standing.is_shut else standing.streams,
        busy=standing.busy,
        rooms=standing.rooms,
        effects=effects,
        at_most=places.at_most,
        classes=CLASSES if places.large > 0 else ("normal",),
        behind=standing.behind,
    )
    if not open_lanes:
        return []
    members = {
        "lanes": rows_json(asdict(each) for each in open_lanes),
        **asdict(places),
        "priority": LOWEST if places.catch_up > 0 else LIVE,
        "others": standing.trusted_at_work(effects),
        "owner": owner,
        "lease_s": lease_s,
    }
    found = _items(connection.execute(_CLAIM_STEPS, members).all())
    return [replace(item, is_behind=item.stream in standing.behind) for item in found]


def claim_light(
    connection: Connection,
    standing: Standing,
    *,
    owner: str,
    effects: Sequence[str],
    at_most: int,
    lease_s: float,
) -> list[WorkItem]:
    """Lease items that wait for no stream: answers, follow-ups, topics, and work on programs that are not held."""
    wanted = {
        effect: room_of(effect, standing.rooms, at_most)
        for effect in effects
        if effect in standing.open_light
    }
    rows = [{"effect": effect, "room": room} for effect, room in wanted.items() if room > 0]
    if standing.is_shut or not rows:
        return []
    members = {"lanes": rows_json(rows), "at_most": at_most, "owner": owner, "lease_s": lease_s}
    return _items(connection.execute(_CLAIM_LIGHT, members).all())


def heartbeat(connection: Connection, items: Iterable[WorkItem], *, lease_s: float) -> set[Key]:
    """Prolong the leases of these items; those that are still held."""
    rows = [item.lease._asdict() for item in items]
    if not rows:
        return set()
    found = connection.execute(_HEARTBEAT, {"rows": rows_json(rows), "lease_s": lease_s})
    return {Key(row.event_id, row.effect) for row in found}


def still_mine(connection: Connection, items: Iterable[WorkItem]) -> set[Key]:
    """Those whose lease is still held: asked before reports are sent, so that a late finisher stays silent."""
    rows = [item.lease._asdict() for item in items]
    if not rows:
        return set()
    return {Key(row.event_id, row.effect) for row in connection.execute(_MINE, {"rows": rows_json(rows)})}


def mark_reported(connection: Connection, reports: Iterable[tuple[WorkItem, bytes]]) -> int:
    """The reports are on the log; their outcome closes the items. Fenced: a lost lease marks nothing."""
    rows = [{**item.lease._asdict(), "report": as_kept(report).hex()} for item, report in reports]
    return connection.execute(_REPORTED, {"rows": rows_json(rows)}).rowcount if rows else 0


def wait(connection: Connection, item: WorkItem, *, until: datetime | None, code: str, error: str) -> bool:
    """Give an item back to be claimed later, without using up a try; False if the lease was lost."""
    members = {**item.lease._asdict(), "until": until, "code": code, "error": error[:2000]}
    return connection.execute(_WAIT, members).rowcount == 1


def give_back(connection: Connection, items: Iterable[WorkItem]) -> int:
    """Give items back that nothing was done about."""
    rows = [item.lease._asdict() for item in items]
    return connection.execute(_GIVE_BACK, {"rows": rows_json(rows)}).rowcount if rows else 0


def release_owned(connection: Connection, owner: str) -> int:
    """Give back whatever this owner has under lease: it stops."""
    return connection.execute(_RELEASE_OWNED, {"owner": owner}).rowcount


def release_expired(connection: Connection) -> int:
    """Give back what dead workers had under lease."""
    return connection.execute(_RELEASE_EXPIRED).rowcount


def _items(rows: Sequence[Row[Any]]) -> list[WorkItem]:
    return [WorkItem(**row._asdict()) for row in rows]


_NOW = "clock_timestamp()"
_NO_LEASE = "lease_owner = NULL, lease_until = NULL"
_LEASED = f"""
    state = 'leased', lease_owner = :owner, lease_epoch = i.lease_epoch + 1,
    lease_until = {_NOW} + make_interval(secs => :lease_s)
"""
_RETURNED = """
    i.event_id, i.effect, i.subject, i.stream, i.version, i.attempt, i.sequence, i.work_class, i.created_at,
    i.try_number, i.report_id, i.lease_owner, i.lease_epoch, i.payload, i.correlationid, i.priority
"""
# Ids are text with us; the driver would make UUID objects of them.
_READ = _RETURNED.replace("i.event_id", "CAST(i.event_id AS text) AS event_id").replace(
    "i.report_id", "CAST(i.report_id AS text) AS report_id"
)
# The first unfinished item of its subject in its lane, and not before its time. Asked as a minimum, this is one look
# into an index whatever the planner believes; as an anti-join it read all unfinished items while statistics were young.
_IS_HEAD = f"""
    (i.due_at IS NULL OR {IS_OVER.format("i.due_at")})
    AND i.sequence <= (
        SELECT min(e.sequence) FROM work.item e WHERE e.subject = i.subject AND e.lane = i.lane
            AND e.state IN ('open', 'leased', 'reported', 'parked'))
"""
# Parts of an observing program wait for nothing of each other.
_IS_HEAD_OF_PART = _IS_HEAD.replace(
    "e.lane = i.lane", "e.lane = i.lane AND e.part IS NOT DISTINCT FROM i.part"
)
# By their place in the table, for the same reason. A row that somebody else has just changed waits for the next claim.
_LOCKED = """
        SELECT i.ctid AS place FROM work.item i JOIN chosen ON i.ctid = chosen.place
        WHERE i.state = 'open' FOR UPDATE OF i SKIP LOCKED
"""

# Of files that came together the one that is furthest goes first: finishing what was begun beats beginning the next.
_OLDEST = "h.priority, h.queued_at, h.sequence DESC"
# Each stream its share: one with a thousand files waiting does not hold up the one file of another. Those behind others
# have the few places that are theirs before all, and among them the one whose turn was longest ago goes first.
_TURN = f"""
    h.is_behind DESC, CASE WHEN h.is_behind THEN 0 ELSE h.priority END, h.share,
    CASE WHEN h.is_behind THEN h.judged_at END NULLS FIRST, {_OLDEST}
"""

# Each lane is one short walk along its own part of an index, however many items wait in lanes that are shut.
_CLAIM_STEPS = text(f"""
    WITH lane AS (
        SELECT * FROM jsonb_to_recordset(CAST(:lanes AS jsonb)) AS r (stream text, effect text, work_class text,
            class_room int, room int, under_way int, is_behind boolean, judged_at timestamptz)
    ), head AS (
        SELECT h.*, lane.class_room, lane.is_behind, lane.judged_at,
            lane.under_way + row_number() OVER (PARTITION BY h.stream ORDER BY {_OLDEST}) AS share
        FROM lane CROSS JOIN LATERAL (
            SELECT i.ctid AS place, i.stream, i.work_class, i.priority, i.queued_at, i.sequence FROM work.item i
            WHERE i.stream = lane.stream AND i.effect = lane.effect AND i.work_class = lane.work_class
                AND i.state = 'open' AND i.lane = 'steps' AND {_IS_HEAD}
                AND i.priority <= :priority
                AND NOT EXISTS (SELECT FROM work.hold h WHERE h.subject = i.subject)
            ORDER BY i.priority, i.queued_at LIMIT lane.room) h
    ), ranked AS (
        SELECT h.*, row_number() OVER (PARTITION BY h.is_behind ORDER BY {_TURN}) AS of_standing,
            :others OR bool_or(NOT h.is_behind) OVER () AS others
        FROM head h
    ), found AS (
        SELECT h.*,
            row_number() OVER (PARTITION BY h.stream, h.work_class ORDER BY {_TURN}) AS in_class,
            row_number() OVER (PARTITION BY h.work_class ORDER BY {_TURN}) AS of_size,
            row_number() OVER (PARTITION BY h.priority > 0 ORDER BY {_TURN}) AS of_haste
        FROM ranked h
        WHERE NOT h.is_behind OR h.of_standing <= CASE WHEN h.others THEN :behind ELSE :behind_alone END
    ), chosen AS (
        SELECT place FROM found h
        WHERE in_class <= class_room AND (work_class <> 'large' OR of_size <= :large)
            AND (h.priority = 0 OR of_haste <= :catch_up)
        ORDER BY {_TURN} LIMIT :at_most
    ), locked AS ({_LOCKED}
    ), claimed AS (
        UPDATE work.item i SET {_LEASED} FROM locked WHERE i.ctid = locked.place
        RETURNING i.queued_at, {_RETURNED}
    )
    SELECT {_READ}, v.sender, v.correlationid AS sender_event_id, v.base_attempt
    FROM claimed i LEFT JOIN work.version v ON v.subject = i.subject AND v.version = i.version
    ORDER BY i.priority, i.queued_at
""")

_CLAIM_LIGHT = text(f"""
    WITH lane AS (
        SELECT * FROM jsonb_to_recordset(CAST(:lanes AS jsonb)) AS r (effect text, room int)
    ), chosen AS (
        SELECT h.place FROM lane CROSS JOIN LATERAL (
            SELECT i.ctid AS place, i.queued_at FROM work.item i
            WHERE i.effect = lane.effect AND i.state = 'open' AND i.lane <> 'steps' AND {_IS_HEAD_OF_PART}
                AND (i.part IS NULL OR i.lane = 'answers'
                    OR NOT EXISTS (SELECT FROM work.hold h WHERE h.subject = i.subject))
            ORDER BY i.queued_at LIMIT lane.room) h
        ORDER BY h.queued_at LIMIT :at_most
    ), locked AS ({_LOCKED}
    ), claimed AS (
        UPDATE work.item i SET {_LEASED} FROM locked WHERE i.ctid = locked.place
        RETURNING {_RETURNED}
    )
    SELECT {_READ}, v.sender, v.correlationid AS sender_event_id, v.base_attempt
    FROM claimed i LEFT JOIN work.version v ON v.subject = i.subject
        AND v.version = CASE WHEN i.effect = 'follow' THEN 0 ELSE i.version END
    ORDER BY i.created_at, i.sequence
""")

# The state is put so that no index of leased items fits: of those few, as statistics had it, all were read for each.
_FENCED = """
    i.event_id = r.event_id AND i.effect = r.effect AND i.state || '' = 'leased'
        AND i.lease_owner = r.lease_owner AND i.lease_epoch = r.lease_epoch
"""
_FENCES = "(event_id uuid, effect text, lease_owner text, lease_epoch bigint)"

_MINE = text(f"""{BY_KEY}
    SELECT CAST(i.event_id AS text) AS event_id, i.effect FROM work.item i
    JOIN jsonb_to_recordset(CAST(:rows AS jsonb)) AS r {_FENCES} ON {_FENCED}
""")

_HEARTBEAT = text(f"""{BY_KEY}
    UPDATE work.item i SET lease_until = {_NOW} + make_interval(secs => :lease_s)
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r {_FENCES} WHERE {_FENCED}
    RETURNING CAST(i.event_id AS text) AS event_id, i.effect
""")

_REPORTED = text(f"""{BY_KEY}
    UPDATE work.item i SET state = 'reported', reported_at = {_NOW}, resent = 0,
        report = decode(r.report, 'hex'), {_NO_LEASE}
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
        AS r (event_id uuid, effect text, lease_owner text, lease_epoch bigint, report text)
    WHERE {_FENCED}
""")

_WAIT = text(f"""
    UPDATE work.item SET state = 'open', due_at = :until, last_code = :code, last_error = :error, {_NO_LEASE}
    WHERE event_id = :event_id AND effect = :effect AND state = 'leased'
        AND lease_owner = :lease_owner AND lease_epoch = :lease_epoch
""")

_GIVE_BACK = text(f"""{BY_KEY}
    UPDATE work.item i SET state = 'open', {_NO_LEASE}
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r {_FENCES} WHERE {_FENCED}
""")

_RELEASE = f"UPDATE work.item SET state = 'open', {_NO_LEASE} WHERE state = 'leased'"
_RELEASE_OWNED = text(f"{_RELEASE} AND lease_owner = :owner")
_RELEASE_EXPIRED = text(f"{_RELEASE} AND {IS_OVER.format('lease_until')}")
