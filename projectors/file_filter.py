"""Which files are meant: by state, name, time, what they say of themselves, place on the sky, results of checks."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from projectors.file_where import Where
from projectors.sky import Box, Cone

__all__ = ["COMPARISONS", "Filter", "QaBound", "Results"]

COMPARISONS = ("<=", ">=", "!=", "<", ">", "=")
"""As they stand between a check's name and a value; the longer first, since the shorter begin them."""


Results = Literal["all", "of the file", "of any attempt"]
"""Which results are looked at: all, by their index; those of each file; of any attempt, for a guess soon made."""


@dataclass(frozen=True, slots=True)
class QaBound:
    """A check whose newest result compares so with a number, or (``=``, ``!=``) with a text."""

    check: str
    comparison: str
    value: float | str

    def condition(self, number: int, looked_at: Results = "all") -> tuple[str, dict[str, Any]]:
        """SQL on the row ``v`` and its values; raises ValueError for a comparison that there is not."""
        if self.comparison not in COMPARISONS:
            wanted = ", ".join(COMPARISONS)
            raise ValueError(
                f"{self.check}: found the comparison {self.comparison!r}, wanted one of {wanted}"
            )
        column = "value_text" if isinstance(self.value, str) else "value"
        any_attempt = f"""
            SELECT q.file, q.version FROM projection.qa_value q
            WHERE q.check_name = :qa{number}_check AND q.{column} {self.comparison} :qa{number}_value
        """  # noqa: S608 - a column and a comparison of our own
        found = {
            "all": f"(v.file, v.version) IN ({any_attempt} {_OF_THE_LAST})",
            "of the file": f"EXISTS ({any_attempt} {_OF_THE_LAST} {_OF_THE_FILE})",
            "of any attempt": f"(v.file, v.version) IN ({any_attempt})",
        }
        return found[looked_at], {f"qa{number}_check": self.check, f"qa{number}_value": self.value}


_OF_THE_LAST = """
            AND q.attempt = (SELECT max(n.attempt) FROM projection.qa_value n
                             WHERE n.file = q.file AND n.version = q.version)
"""
_OF_THE_FILE = "AND q.file = v.file AND q.version = v.version OFFSET 0"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which files; what is None, empty or False does not matter. ``name`` is a pattern with ``*`` and ``?``.

    ``since`` and ``until`` are about the time at which a file came into its state, ``observed_…`` about the begin of
    its observation. ``owner``: whose the stream or the observing program of a file is. ``purpose`` is the stream's
    rule; the others are what the file says of itself. ``warnings`` are those that still hold and that nobody has
    acknowledged, and the reasons why there is no preview of a file.
    """

    states: tuple[str, ...] = ()
    streams: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    purpose: str | None = None
    name: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    instrument: str | None = None
    visit: str | None = None
    exposure: str | None = None
    detector: str | None = None
    filter: str | None = None
    program: str | None = None
    proposal: str | None = None
    owner: str | None = None
    target: str | None = None
    observed_since: datetime | None = None
    observed_until: datetime | None = None
    at: Cone | None = None
    box: Box | None = None
    qa: tuple[QaBound, ...] = ()
    where: Where | None = None
    is_unacknowledged: bool = False
    is_held: bool = False

    @property
    def is_empty(self) -> bool:
        """It means every file there is."""
        return self == Filter()

    @property
    def places(self) -> tuple[Cone | Box, ...]:
        """Where on the sky."""
        return tuple(each for each in (self.at, self.box) if each is not None)

    def conditions(
        self, *, by_place: bool = True, results: Results = "all"
    ) -> tuple[list[str], dict[str, Any]]:
        """SQL on the rows ``v`` (file_version), ``s`` (file_status) and ``m`` (file_metadata), with its values.

        ``by_place``: the index of places may be used; of a large part of the sky it finds nearly everything.
        ``results``: which of checks are looked at.
        """
        given = {condition: pair for condition, pair in self._told().items() if pair[1]}
        conditions, values = ["NOT v.is_superseded", *given], dict(given.values())
        if self.is_unacknowledged:
            conditions += ["v.code IS NOT NULL", _IS_UNACKNOWLEDGED]
        if self.is_held:
            conditions.append("s.is_held")
        for condition, more in self._places_and_checks(by_place=by_place, results=results):
            conditions.append(condition)
            values |= more
        return conditions, values

    def _told(self) -> dict[str, tuple[str, Any]]:
        return {
            "v.state = ANY(:states)": ("states", list(self.states)),
            "v.stream = ANY(:streams)": ("streams", list(self.streams)),
            "v.code = ANY(:codes)": ("codes", list(self.codes)),
            _IS_WARNED: ("warnings", list(self.warnings)),
            "v.since_at >= :since": ("since", self.since),
            "v.since_at < :until": ("until", self.until),
            "s.name LIKE :name": ("name", _like(self.name)),
            "v.purpose = :purpose": ("purpose", self.purpose),
            "m.instrument = :instrument": ("instrument", self.instrument),
            "m.visit_id = :visit": ("visit", self.visit),
            "m.exposure_id = :exposure": ("exposure", self.exposure),
            "m.detector = :detector": ("detector", self.detector),
            "m.filter = :filter": ("filter", self.filter),
            "m.program = :program": ("program", self.program),
            _OF_PROPOSAL: ("proposal", self.proposal),
            _OF_OWNER: ("owner", self.owner),
            "m.target = :target": ("target", self.target),
            "m.obs_start_utc >= :observed_since": ("observed_since", self.observed_since),
            "m.obs_start_utc < :observed_until": ("observed_until", self.observed_until),
        }

    def _places_and_checks(self, *, by_place: bool, results: Results) -> list[tuple[str, dict[str, Any]]]:
        places = [each.condition() if by_place else each.exactly() for each in self.places]
        checks = [bound.condition(number, results) for number, bound in enumerate(self.qa)]
        if self.where is None:
            return [*places, *checks]
        typed = self.where.condition(of_each=results == "of the file")
        return [*places, *checks, (typed, self.where.values)]


# A file of an observing program has it as its visit. DKIST's files name their proposal as what they belong to.
_OF_PROPOSAL = """
    (m.program = :proposal OR m.visit_id IN (SELECT o.op FROM projection.op_status o WHERE o.proposal = :proposal))
"""
_OF_OWNER = """
    (v.stream IN (SELECT t.stream FROM v1.stream t WHERE t.configuration ->> 'owner' = :owner)
     OR m.visit_id IN (SELECT o.op FROM projection.op_status o WHERE o.owner = :owner))
"""

# Why there is no preview of a file is told like a warning, and is found like one.
_IS_WARNED = """
    (v.file, v.version) IN (
        SELECT w.file, w.version FROM v1.warning w
        WHERE w.code = ANY(:warnings) AND w.withdrawn_at IS NULL AND NOT w.is_acknowledged
        UNION ALL
        SELECT p.file, p.version FROM projection.preview p LEFT JOIN projection.file_status k ON k.file = p.file
        WHERE p.code = ANY(:warnings)
              AND NOT COALESCE(
                  k.acknowledged ? p.code
                  AND COALESCE((k.acknowledged #>> ARRAY[p.code, 'until'])::timestamptz > now(), true), false))
"""
_IS_UNACKNOWLEDGED = """
    NOT COALESCE(
        s.acknowledged ? v.code
        AND COALESCE((s.acknowledged #>> ARRAY[v.code, 'until'])::timestamptz > now(), true), false)
"""


def _like(pattern: str | None) -> str | None:
    if pattern is None:
        return None
    return re.sub(r"[\\%_]", r"\\\g<0>", pattern).replace("*", "%").replace("?", "_")
