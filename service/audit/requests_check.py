"""Requests and records of one partition side by side: every request has its record, every record its request."""

import sqlite3
from collections.abc import Iterator
from itertools import chain
from typing import Any
from zlib import crc32

import orjson

from service.audit.findings import Offender, Tally
from service.audit.job import Job
from service.audit.subjects import Subjects

__all__ = ["RequestsCheck"]

Message = tuple[int, bytes | None, bytes]
_FROM_INTAKE = b'"source":"intake"'
_BATCH = 2000
_HEAD = 100
"""Bytes of a request within which its id mostly stands: to search all of them takes five times as long."""


class RequestsCheck:
    """Walks along the requests while the records come; both are in the order of the requests' offsets.

    What the requests of intake say of the messages they were made of is kept in the table ``covered`` for the inboxes.
    """

    def __init__(
        self,
        batches: Iterator[list[Any]],
        job: Job,
        *,
        subjects: Subjects,
        connection: sqlite3.Connection,
        dead: sqlite3.Connection,
        tally: Tally,
    ) -> None:
        """``batches``: the requests from ``job.requests_begin`` to ``job.requests_end``."""
        self._messages = chain.from_iterable(map(self._taken, batches))
        self._job = job
        self._place = f"{job.requests}/{job.partition}"
        self._ledger = f"{job.ledger}/{job.partition}"
        self._here = f"{job.requests_id}/{job.partition}/"
        self._end = job.requests_end
        self._subjects = subjects
        self._connection = connection
        self._dead = dead
        self._tally = tally
        self._last = -1
        self._paired = 0
        self._covered: list[tuple[str]] = []
        connection.execute("CREATE TABLE covered (origin TEXT NOT NULL)")
        self._next: Message | None = next(self._messages, None)

    def answered(self, record: dict[str, Any], key: bytes, offset: int, *, is_repeat: bool) -> None:
        """The next record of the ledger; ``is_repeat``: it is known already that its request has another one.

        ``key``: the bytes of its subject.
        """
        said, asked = record["requesttopic"], self._next
        if asked is None or is_repeat or said != f"{self._here}{asked[0]}":
            asked = self._elsewhere(record, said, offset, is_repeat=is_repeat)
            if asked is None:
                return
        at, asked_key, value = asked
        request_id = record["requestid"].encode()
        if asked_key != key or (value.find(request_id, 0, _HEAD) < 0 and request_id not in value):
            found = f"another request at {self._place}/{at}"
            self._wrong(record, offset, found, f"request {record['requestid']}")
        self._last = at
        self._paired += 1
        self._next = next(self._messages, None)

    def _elsewhere(
        self, record: dict[str, Any], said: str, offset: int, *, is_repeat: bool
    ) -> Message | None:
        """It does not answer the request that comes next: the one that it does answer, if that is still there."""
        if said.startswith(self._here):
            at = int(said[len(self._here) :])
        else:
            topic_id, _, place = said.partition("/")
            at = int(place.rpartition("/")[2])
            is_repeat |= topic_id != self._job.requests_id
        if is_repeat or at >= self._end:
            return None
        if at <= self._last:
            found = f"the request at offset {at}, behind {self._last}"
            self._wrong(record, offset, found, "requests in their order")
            return None
        self._last = at
        asked = self._walk(at)
        if at < self._job.requests_begin:
            return None  # the topic keeps requests for thirty days
        if asked is None or asked[0] != at:
            self._wrong(record, offset, f"no request at {self._place}/{at}", f"request {record['requestid']}")
            return None
        return asked

    def end(self) -> None:
        """There are no more records."""
        self._walk(self._end)
        self._flush()
        self._tally.looked("lost", self._paired)

    def _walk(self, to: int) -> Message | None:
        """Requests without a record of their own: repeated, dead, or lost; the one that comes after them."""
        while self._next is not None and self._next[0] < to:
            offset, _, value = self._next
            if offset < self._job.decided:
                self._tally.looked("lost")
                self._unanswered(offset, value)
            self._next = next(self._messages, None)
        return self._next

    def _unanswered(self, offset: int, value: bytes) -> None:
        origin = f"{self._place}/{offset}"
        try:
            members = orjson.loads(value)
            subject, request_id = members["subject"], members["id"]
            is_ours = crc32(subject.encode()) % self._job.partitions == self._job.partition
            if is_ours and hash(request_id) in self._subjects[subject].requests:
                self._tally.count("repeated requests")
                return
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, UnicodeEncodeError):
            subject, request_id = "", ""
        if self._dead.execute("SELECT 1 FROM dead WHERE origin = ?", (origin,)).fetchone() is None:
            found = "neither a record nor a dead letter"
            offender = Offender(
                str(subject), found, f"one record that answers request {request_id}", origin, str(request_id)
            )
            self._tally.found("lost", offender)

    def _taken(self, batch: list[Any]) -> list[Message]:
        taken = [(message.offset(), message.key(), message.value() or b"") for message in batch]
        if _FROM_INTAKE in b"".join([value for _, _, value in taken]):  # one long search costs less than many
            for _, _, value in taken:
                if _FROM_INTAKE in value:
                    self._cover(value)
        return taken

    def _cover(self, value: bytes) -> None:
        """Which message of an inbox this was made of: where it stood, or what its sender called it."""
        try:
            members = orjson.loads(value)
            told = members["data"].get("witness") or members.get("causationid")
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return
        if isinstance(told, str) and members.get("source") == "intake":
            self._covered.append((told,))
        if len(self._covered) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        self._connection.execute("BEGIN")
        self._connection.executemany("INSERT INTO covered VALUES (?)", self._covered)
        self._connection.execute("COMMIT")
        self._covered = []

    def _wrong(self, record: dict[str, Any], offset: int, found: str, wanted: str) -> None:
        position = f"{self._ledger}/{offset}"
        offender = Offender(record["subject"], f"it answers {found}", wanted, position, record["id"])
        self._tally.found("duplicated", offender)
