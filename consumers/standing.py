"""How things stand when work is claimed: what may be worked on, what is under way, which streams go behind others."""

# ruff: noqa: S608 - statements are put together from constants of this module

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

from consumers.breakers import IS_OVER
from consumers.held import WORKED_ON
from consumers.lanes import Busy
from consumers.trust import trust_in
from consumers.work_lanes import LANES

__all__ = ["Standing", "stand"]

CLAIM_LOCK = 7_216_000_451
"""Advisory lock: claims are made one after the other, so that limits hold exactly. A claim takes a few ms."""

_OF_NO_STREAM = [effect for effect, lane in LANES.items() if lane != "steps"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What claims go by, as it stands now. ``rooms``: how many items servers that failed lately can bear at once.

    ``behind``: streams that go behind others, with the time when a file of each was last looked into (None: never).
    ``open_light``: effects that wait for no stream, as far as anything of them is open. To ask costs a twentieth of a
    claim, and mostly there is nothing.
    """

    is_shut: bool
    streams: Mapping[str, Mapping[str, int]]
    rooms: Mapping[str, int]
    busy: Busy
    behind: Mapping[str, str | None]
    open_light: frozenset[str]

    def trusted_at_work(self, effects: Iterable[str]) -> bool:
        """Whether one of these is under way for a stream that goes behind nobody."""
        wanted = frozenset(effects)
        return any(effect in wanted and stream not in self.behind for stream, effect, _ in self.busy)


def stand(connection: Connection) -> Standing:
    """How things stand; until the transaction ends, nobody else claims steps."""
    connection.execute(_ONE_BY_ONE, {"lock": CLAIM_LOCK})
    row = connection.execute(_STANDING, {"states": list(WORKED_ON), "light": _OF_NO_STREAM}).one()
    busy = {(stream, effect, work_class): count for stream, effect, work_class, count in row.busy or ()}
    behind = {
        stream: judged_at
        for stream, (policy, latest, judged_at) in (row.trust or {}).items()
        if trust_in(policy, latest).is_behind
    }
    return Standing(
        row.is_shut, row.streams or {}, row.rooms or {}, busy, behind, frozenset(row.open_light or ())
    )


# Along the index of open items, in its order, even where statistics say that nothing is open (they are always late):
# without these settings a hundred thousand new items were read and sorted for each claim.
# Nor is a claim waited for on disk: one that is lost in a crash is a lease that has run out.
_ONE_BY_ONE = text("""
    SELECT pg_advisory_xact_lock(:lock), set_config('enable_sort', 'off', true),
        set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true),
        set_config('synchronous_commit', 'off', true)
""")

_STANDING = text(f"""
    SELECT
        EXISTS (SELECT FROM work.gate) AS is_shut,
        (SELECT jsonb_object_agg(stream, class_limits) FROM work.stream WHERE state = ANY(:states) AND NOT held)
            AS streams,
        (SELECT jsonb_object_agg(s.stream, jsonb_build_array(s.trust, t.latest, t.judged_at))
            FROM work.stream s LEFT JOIN work.trust t USING (stream) WHERE s.state = ANY(:states) AND NOT s.held)
            AS trust,
        (SELECT jsonb_object_agg(dependency, CASE WHEN {IS_OVER.format("retry_at")} THEN ramp ELSE 0 END)
            FROM work.breaker) AS rooms,
        (SELECT jsonb_agg(jsonb_build_array(stream, effect, work_class, n)) FROM (
            SELECT stream, effect, work_class, count(*) AS n FROM work.item WHERE state = 'leased' GROUP BY 1, 2, 3
            ) AS leased) AS busy,
        (SELECT jsonb_agg(effect) FROM unnest(CAST(:light AS text[])) AS of (effect) WHERE EXISTS (
            SELECT FROM work.item i WHERE i.effect = of.effect AND i.state = 'open' AND i.lane <> 'steps'))
            AS open_light
""")
