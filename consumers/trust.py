"""Which streams go behind others: those whose latest files turned out bad, and those of which none was looked into yet.

A stream pays for its own files. While trusted ones have work, those behind have few places with little of the machine;
each good file counts towards their trust. It is kept by dispatch, from the facts that say what came of each file.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, DateTime, Table, Text, text

from consumers.owed import Judged
from consumers.rows import rows_json
from events.trust_policy import LATEST_AT_MOST, TrustPolicy
from projectors.database import metadata

__all__ = ["Trust", "keep_judged", "trust", "trust_in"]

GOOD, BAD = "g", "b"

trust = Table(
    "trust",
    metadata,
    Column("stream", Text, primary_key=True),
    Column(
        "latest",
        Text,
        nullable=False,
        comment="what its last files turned out to be, g or b each, newest last",
    ),
    Column("judged_at", DateTime(timezone=True), nullable=False, comment="when the newest was looked into"),
    schema="work",
)


@dataclass(frozen=True, slots=True)
class Trust:
    """What came of a stream's latest files: of ``counted``, so many were ``bad``."""

    is_behind: bool
    counted: int = 0
    bad: int = 0

    @property
    def why(self) -> str | None:
        """Why it goes behind others, and the way out; None: it does not."""
        if not self.is_behind:
            return None
        if not self.counted:
            return "none of its files has been looked into yet; the first good one ends that"
        files = f"{self.bad} of its last {self.counted} files were INVALID or cost their reader"
        return f"{files}; good ones end that, and stream apply with another trust policy"


def trust_in(policy: Mapping[str, Any], latest: str | None) -> Trust:
    """By the stream's own policy, as configured (members not named: the defaults)."""
    wanted = TrustPolicy.model_construct(**policy)
    counted = (latest or "")[-wanted.latest :]
    bad = counted.count(BAD)
    is_behind = wanted.bad_share < 1 and (not counted or bad > wanted.bad_share * len(counted))
    return Trust(is_behind, len(counted), bad)


def keep_judged(connection: Connection, judged: Iterable[Judged]) -> None:
    """What came of these files, in their order. The streams' rows are locked in one order, until the commit."""
    found: dict[str, tuple[str, datetime]] = {}
    for each in judged:
        marks, at = found.get(each.stream, ("", each.at))
        found[each.stream] = marks + (GOOD if each.is_good else BAD), max(at, each.at)
    if found:
        rows = [
            {"stream": stream, "latest": marks[-LATEST_AT_MOST:], "judged_at": at.isoformat()}
            for stream, (marks, at) in sorted(found.items())
        ]
        connection.execute(_KEEP, {"rows": rows_json(rows), "at_most": LATEST_AT_MOST})


_KEEP = text("""
    INSERT INTO work.trust AS t (stream, latest, judged_at)
    SELECT stream, latest, judged_at FROM jsonb_to_recordset(CAST(:rows AS jsonb))
        AS r (stream text, latest text, judged_at timestamptz)
    ORDER BY stream
    ON CONFLICT (stream) DO UPDATE SET latest = right(t.latest || excluded.latest, :at_most),
        judged_at = greatest(t.judged_at, excluded.judged_at)
""")
