"""The reconciler: finds work that is owed and has no item, reports without an outcome, leases of the dead."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, text

from consumers import claims, deadlines, dispatch, work_items
from consumers.deadlines import Deadline
from consumers.kept_reports import as_sent
from consumers.obligations import IGNORED
from consumers.owed import ItemOwed
from consumers.owed_again import (
    Missing,
    missing_deadlines,
    missing_follow_ups,
    missing_program_deadlines,
    missing_program_steps,
    missing_sidecar_deadlines,
    missing_steps,
)
from consumers.sender import Outgoing, Sender
from consumers.timers import asked
from consumers.work_items import Closing, Key
from events.base import machine_of
from events.envelope import RequestEnvelope, UndecodableError, decode_request
from events.topics import Topics
from projectors.outcome import Outcome, Outcomes

__all__ = ["Patience", "Reconciler"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take before they are looked into, and how long finished work is kept."""

    grace: timedelta = timedelta(seconds=30)
    resend_after: timedelta = timedelta(seconds=20)
    follow_ups_for: timedelta = timedelta(days=7)
    keep_finished: timedelta = timedelta(days=7)
    at_most: int = 500


class Reconciler:
    """Looks once when ``run_once`` is called; twice in a row the second finds nothing to do."""

    def __init__(
        self,
        *,
        engine: Engine,
        sender: Sender,
        outcomes: Outcomes,
        topics: Topics,
        clock: Callable[[], datetime],
        source: str,
        patience: Patience | None = None,
    ) -> None:
        self._engine = engine
        self._sender = sender
        self._outcomes = outcomes
        self._topics = topics
        self._clock = clock
        self._source = source
        self._patience = patience or Patience()

    def run_once(self, *, thorough: bool = False) -> dict[str, int]:
        """Mend what is to be mended; how much of each kind. Raises LogUnavailableError and the database's errors.

        ``thorough`` also looks at versions that newer ones have taken the place of, at follow-ups of the last days, and
        at times that sidecars are due or observing programs wait for.
        """
        found = Counter[str]()
        now = self._clock()
        with self._engine.begin() as connection:
            found["leases_taken_back"] = claims.release_expired(connection)
        found += self._reports()
        found += self._deadlines(now)
        before = now - self._patience.grace
        with self._engine.begin() as connection:
            found += self._recreate(connection, self._missing(connection, now, before, thorough))
            found["parked"] = connection.execute(_PARKED).scalar_one()
            keep_from = now - self._patience.keep_finished
            found["pruned"] = work_items.prune(connection, before=keep_from)
            found["pruned"] += deadlines.prune_deadlines(connection, before=keep_from)
            if found["items"] or found["leases_taken_back"]:
                work_items.notify(connection)
        counts = {kind: count for kind, count in found.items() if count}
        if counts.keys() - {"pruned", "parked"}:
            log.warning("reconciler mended", extra={"found": counts})
        return counts

    # --- what was asked and has no outcome here ---

    def _reports(self) -> Counter[str]:
        """Reports whose outcome did not come: sent again as they were, or closed where the outcome is known."""
        after_s = self._patience.resend_after.total_seconds()
        with self._engine.connect() as connection:
            rows = connection.execute(
                _UNDECIDED, {"after_s": after_s, "at_most": self._patience.at_most}
            ).all()
        # A report may be about another subject than the item's, of another machine: a group, a program, a primary.
        read = {row.report_id: _asked(row.report) for row in rows}
        told = {report_id: asked for report_id, (asked, _) in read.items() if asked is not None}
        abouts = (
            (told[row.report_id].subject if row.report_id in told else row.subject, row) for row in rows
        )
        decided = self._outcomes.find((subject, row.report_id) for subject, row in abouts)
        lost = [row for row in rows if row.report_id in told and row.report_id not in decided]
        again = [row.report_id for row in lost]
        self._sender.send_all([self._again(told[row.report_id], read[row.report_id][1]) for row in lost])
        with self._engine.begin() as connection:
            if again:
                connection.execute(_RESENT, {"ids": again})
            closings = [_closing(each) for each in decided.values()]
            closed = work_items.close(connection, closings) + work_items.refuse(connection, closings)
        return Counter(reports_sent_again=len(again), items_closed=closed)

    def _again(self, asked: RequestEnvelope, value: bytes) -> Outgoing:
        return self._topics.requests(machine_of(asked.type)), asked.subject.encode(), value

    def _deadlines(self, now: datetime) -> Counter[str]:
        with self._engine.connect() as connection:
            waiting = deadlines.undecided(
                connection, before=now - self._patience.resend_after, at_most=self._patience.at_most
            )
        decided = self._outcomes.find((each.subject, each.request_id) for each in waiting)
        again: list[Deadline] = [each for each in waiting if each.request_id not in decided]
        self._sender.send_all(asked(again, topics=self._topics, source=self._source, at=now))
        with self._engine.begin() as connection:
            deadlines.mark_delivered(connection, [each.event_id for each in again], at=now)
            deadlines.close_deadlines(connection, [_closing(each) for each in decided.values()])
        return Counter(deadlines_sent_again=len(again), deadlines_closed=len(decided))

    # --- what is owed and is not there ---

    def _missing(
        self, connection: Connection, now: datetime, before: datetime, thorough: bool
    ) -> list[Missing]:
        at_most = self._patience.at_most
        found = [
            *missing_steps(connection, before=before, thorough=thorough, at_most=at_most),
            *missing_deadlines(connection, before=before, at_most=at_most),
            *missing_program_steps(connection, before=before, at_most=at_most),
        ]
        if thorough:
            since = now - self._patience.follow_ups_for
            found += missing_follow_ups(connection, since=since, before=before, at_most=at_most)
            found += missing_sidecar_deadlines(connection, since=since, before=before, at_most=at_most)
            found += missing_program_deadlines(connection, before=before, at_most=at_most)
        return found

    def _recreate(self, connection: Connection, missing: Sequence[Missing]) -> Counter[str]:
        counts = Counter[str]()
        for each in missing:
            items = [owed for owed in each.owed if isinstance(owed, ItemOwed)]
            added = dispatch.write(connection, each.owed)
            counts["items"] += added
            counts["deadlines"] += 0 if items else len(each.owed)
            if items and not added and each.is_certain:
                # It is there and finished, and yet the state waits: its report came to nothing.
                counts["items"] += work_items.reopen(
                    connection, [Key(one.event_id, one.effect) for one in items]
                )
        return counts


def _asked(kept: bytes | None) -> tuple[RequestEnvelope | None, bytes]:
    """What a report asks, and its bytes as they were sent; None where it cannot be read."""
    try:
        sent = as_sent(bytes(kept or b""))
        return decode_request(sent), sent
    except UndecodableError:
        return None, b""


def _closing(outcome: Outcome) -> Closing:
    if outcome.accepted:
        return Closing(outcome.request_id, "stale" if outcome.type in IGNORED else "done", outcome.at)
    return Closing(outcome.request_id, "refused", outcome.at, outcome.code, outcome.reasons)


_UNDECIDED = text("""
    SELECT subject, CAST(report_id AS text) AS report_id, report FROM work.item
    WHERE state = 'reported'
        AND reported_at < clock_timestamp() - make_interval(secs => :after_s * power(2, least(resent, 8)))
    ORDER BY reported_at LIMIT :at_most
""")

_RESENT = text("""
    UPDATE work.item SET resent = resent + 1 WHERE report_id = ANY(CAST(:ids AS uuid[])) AND state = 'reported'
""")

_PARKED = text("SELECT count(*) FROM work.item WHERE state = 'parked'")
