"""Waiting for what a bench has set going: a sender's inbox, and files in their states."""

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from service.client import Client

__all__ = ["await_count", "await_files", "await_inbox", "pause_s"]

LIMIT_S = 120.0
LOOK_AT_LEAST_S = 0.5


def await_inbox(client: Client, sender: str) -> None:
    """Return once what is sent there is also taken in."""
    until = time.monotonic() + LIMIT_S
    while sender not in client.senders():
        if time.monotonic() > until:
            raise TimeoutError(f"the inbox of {sender} did not appear within {LIMIT_S} s")
        time.sleep(0.1)
    time.sleep(5.0)  # intake looks for new inboxes every two seconds


def await_files(
    client: Client,
    stream: str,
    where: str,
    wanted: int,
    began: float,
    *,
    limit_s: float = LIMIT_S,
    look_s: float = 0.005,
    **values: Any,
) -> float:
    """Seconds from ``began`` until so many files of the stream are ``where``, looking every ``look_s``."""
    query = text(f"SELECT count(*) FROM v1.file WHERE stream = :stream AND {where}")  # noqa: S608 - our own words
    with client.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        return await_count(
            lambda: connection.execute(query, {"stream": stream, **values}).scalar_one(),
            wanted,
            began,
            limit_s=limit_s,
            look_s=look_s,
            what=f"files of {stream} where {where}",
        )


def await_count(
    count: Callable[[], int], wanted: int, began: float, *, limit_s: float, look_s: float, what: str
) -> float:
    """Seconds from ``began`` until ``count`` says so many, asked every ``look_s`` at the end; raises TimeoutError."""
    while True:
        found = count()
        waited = time.monotonic() - began
        if found >= wanted:
            return waited
        if waited > limit_s:
            raise TimeoutError(f"found {found} of {wanted} {what} after {limit_s:g} s")
        time.sleep(pause_s(found, wanted, waited, look_s=look_s))


def pause_s(found: int, wanted: int, waited_s: float, *, look_s: float) -> float:
    """Until the next look: a look takes time from what is measured, so there are few while the end is far."""
    left_s = waited_s * (wanted - found) / found if found else 0.0
    return max(look_s, min(left_s / 4, LOOK_AT_LEAST_S))
