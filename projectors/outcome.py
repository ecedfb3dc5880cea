"""What became of a request: read from the decider's outcomes, waiting for them where they are not there yet."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy import select as sql_select

from events.ids import record_id
from projectors.decided import outcome
from projectors.listening import listening

__all__ = ["CHANNEL", "Outcome", "Outcomes"]

CHANNEL = "meridian_decided"
"""The decider notifies here after each batch it has saved."""

Ask = tuple[str, str]
"""Subject and request id."""

_FEW = 20
"""Looked up so quickly that each notice may be followed at once."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One fact or one refusal, as it answers a request."""

    request_id: str
    subject: str
    record_id: str
    accepted: bool
    type: str
    sequence: int
    at: datetime
    tostate: str | None = None
    version: int | None = None
    code: str | None = None
    reasons: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    refusal: dict[str, object] | None = None


class Outcomes:
    """Looks outcomes up by subject and request id. ``engine`` may be shared; waiting uses a connection of its own."""

    def __init__(self, engine: Engine, *, site: str) -> None:
        self._engine = engine
        self._site = site

    def find(self, asked: Iterable[Ask]) -> dict[str, Outcome]:
        """The outcomes that are there now, by request id."""
        by_record = {
            record_id(self._site, subject, request): (subject, request) for subject, request in asked
        }
        if not by_record:
            return {}
        with self._engine.connect() as connection:
            rows = (
                connection.execute(sql_select(outcome).where(outcome.c.record_id.in_(by_record)))
                .mappings()
                .all()
            )
        found = (_outcome(dict(row), *by_record[str(row["record_id"])]) for row in rows)
        return {each.request_id: each for each in found}

    def wait(self, asked: Iterable[Ask], *, timeout_s: float = 10.0) -> dict[str, Outcome]:
        """The outcomes, as many as have come within ``timeout_s``. A request that is missing is in doubt: ask again.

        Raises DBAPIError where the database is away.
        """
        missing = {request: subject for subject, request in asked}
        found: dict[str, Outcome] = {}
        until = time.monotonic() + timeout_s
        with listening(self._engine, CHANNEL) as notices:
            while missing:
                began = time.monotonic()
                found |= self.find((subject, request) for request, subject in missing.items())
                for request in found.keys() & missing.keys():
                    del missing[request]
                at = time.monotonic()
                left = until - at
                if not missing or left <= 0:
                    break
                notices.wait(min(left, 0.5))
                if len(missing) > _FEW:
                    # They come some at a time: no more than half the time is spent on looking for them.
                    time.sleep(min(left, at - began))
        return found


def _outcome(row: dict[str, Any], subject: str, request: str) -> Outcome:
    refusal = row["refusal"]
    against = refusal if isinstance(refusal, dict) else {}
    return Outcome(
        request_id=request,
        subject=subject,
        record_id=str(row["record_id"]),
        accepted=refusal is None,
        type=str(row["type"]),
        sequence=int(row["sequence"]),
        at=row["decided_at"],
        tostate=row["tostate"],
        version=row["version"],
        code=against.get("code"),
        reasons=tuple(against.get("reasons", ())),
        allowed=tuple(against.get("allowed", ())),
        refusal=against or None,
    )
