"""The decider's store in PostgreSQL: snapshots, outcomes and watermark of a partition, saved in one transaction."""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from typing import Any
from zlib import crc32

import psycopg2
from psycopg2.errors import UniqueViolation
from psycopg2.extras import Json, execute_values
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from events.without import is_without
from projectors.driver_errors import wrapped
from projectors.outcome import CHANNEL
from projectors.passed_over import PassedOver
from service.decider.halts import StoreFencedError, StoreUnavailableError
from service.decider.store import LedPast, OutcomeRow, Watermark
from service.snapshot_lines import outcome_line, snapshot_line
from service.snapshot_questions import ALL_NOW, KNOWN_NOW, LOADED, LOST, WATERMARK_NOW
from service.store_session import StoreSession

__all__ = ["Snapshots", "is_halted", "record_halt", "store_cursor"]


SNAPSHOT_STAGE = """
CREATE TEMP TABLE IF NOT EXISTS snapshot_stage (subject text, sequence bigint, state text) ON COMMIT DELETE ROWS
"""
SNAPSHOT_INTO = "INSERT INTO decider.snapshot (machine, subject, partition, sequence, state)"
SNAPSHOT_KNOWN = """
ON CONFLICT (machine, subject) DO UPDATE
SET sequence = excluded.sequence, state = excluded.state, partition = excluded.partition
"""
SNAPSHOT_MERGE = f"""
{SNAPSHOT_INTO}
SELECT %s, subject, %s, sequence, state FROM snapshot_stage ORDER BY subject
{SNAPSHOT_KNOWN}"""  # noqa: S608 - constants
OUTCOME_STAGE = """
CREATE TEMP TABLE IF NOT EXISTS outcome_stage (
record_id uuid, ledger_offset bigint, sequence bigint, request_digest text,
type text, tostate text, version int, refusal jsonb, decided_at timestamptz) ON COMMIT DELETE ROWS
"""
OUTCOME_COLUMNS = (
    "record_id, ledger_offset, sequence, request_digest, type, tostate, version, refusal, decided_at"
)
OUTCOME_MERGE = f"""
INSERT INTO decider.outcome (machine, partition, {OUTCOME_COLUMNS})
SELECT %s, %s, {OUTCOME_COLUMNS} FROM outcome_stage ORDER BY record_id ON CONFLICT (record_id) DO NOTHING
"""  # noqa: S608 - a constant
OUTCOME_COPY = f"COPY decider.outcome (machine, partition, {OUTCOME_COLUMNS}) FROM STDIN"
SNAPSHOT_UPSERT = f"{SNAPSHOT_INTO} VALUES %s {SNAPSHOT_KNOWN}"
FEW = 30
"""So many rows go in one statement; a stage for more costs some 10 ms to empty at the commit."""
FIRST_WATERMARK = """
INSERT INTO decider.watermark
(machine, partition, next_offset, next_request, requests_topic_id, fold_version, owner_epoch)
VALUES (%(machine)s, %(partition)s, %(next_offset)s, %(next_request)s,
        %(requests_topic_id)s, %(fold_version)s, %(owner_epoch)s)
ON CONFLICT (machine, partition) DO NOTHING
"""
NEXT_WATERMARK = """
UPDATE decider.watermark SET next_offset = %(next_offset)s, next_request = %(next_request)s,
requests_topic_id = %(requests_topic_id)s, fold_version = %(fold_version)s, owner_epoch = %(owner_epoch)s
WHERE machine = %(machine)s AND partition = %(partition)s
AND owner_epoch <= %(owner_epoch)s AND next_offset <= %(next_offset)s
AND (next_offset, next_request, requests_topic_id, fold_version, owner_epoch) = %(seen)s
"""
"""Compare and set: from the watermark that this store has last read or saved, and from no other."""


UNDER_WAY = "SELECT pg_advisory_xact_lock_shared(%s, %s)"
CUT_OFF = """
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND classid = %s AND objid = %s AND objsubid = 2 AND pid <> pg_backend_pid()
"""
"""Who writes here is marked by a lock that excludes nobody. A session whose process is frozen in the middle of a COPY
holds its rows for ever otherwise: while PostgreSQL waits for data, none of its time limits counts."""


class Snapshots:
    """One partition's store. Not shared between threads; a lost session is told, and replaced at the next call."""

    def __init__(self, engine: Engine, *, machine: str, partition: int) -> None:
        self._session = StoreSession(engine)
        self._machine = machine
        self._partition = partition
        self._seen: Watermark | None = None
        self._looked_up: dict[str, bool] = {}
        self._known: tuple[frozenset[str], dict[str, str]] | None = None
        self._mark = (crc32(f"decider.{machine}".encode()) & 0x7FFFFFFF, partition)

    def cut_off_predecessors(self) -> int:
        """End the sessions in which earlier owners are writing here; how many there were."""
        with self._session.transaction() as cursor:
            cursor.execute(CUT_OFF, self._mark)
            return len(cursor.fetchall())

    def watermark(self) -> Watermark | None:
        """How far the store stands; None where nothing was saved yet."""
        with self._session.question() as cursor:
            cursor.execute(WATERMARK_NOW, (self._machine, self._partition))
            row = cursor.fetchone()
        self._seen = Watermark(*row) if row else None
        return self._seen

    def led_past(self, requests_topic_id: str) -> LedPast:
        """What was recovered from by hand, of this topic of requests."""
        with self._session.transaction() as cursor:
            cursor.execute(
                "SELECT next_request, ledger_end FROM decider.reseat WHERE machine = %s AND partition = %s "
                "AND requests_topic_id = %s ORDER BY number DESC LIMIT 1",
                (self._machine, self._partition, requests_topic_id),
            )
            next_request, ledger_end = cursor.fetchone() or (0, 0)
            cursor.execute(
                "SELECT machine, partition, ledger_offset, sha256 FROM decider.passed "
                "WHERE machine = %s AND partition = %s",
                (self._machine, self._partition),
            )
            return LedPast(next_request, ledger_end, PassedOver(cursor.fetchall()))

    def load(self, subjects: Sequence[str], records: Sequence[str] = ()) -> dict[str, bytes]:
        """Snapshots by subject, as many as there are.

        Of a few all is looked up at one moment: watermark, ``lost``, and the digests of ``records`` that are asked for
        next. Raises StoreFencedError then, as ``digests`` does.
        """
        self._looked_up, self._known = {}, None
        if not subjects:
            return {}
        if max(len(subjects), len(records)) <= FEW:
            return self._look_up(subjects, records)
        with self._session.question() as cursor:
            cursor.execute(LOADED, (self._machine, list(subjects)))
            return {subject: state.encode() for subject, state in cursor.fetchall()}

    def _look_up(self, subjects: Sequence[str], records: Sequence[str]) -> dict[str, bytes]:
        """Snapshots of a few, with what ``lost`` and ``digests`` may be asked right after."""
        wanted = {"subjects": list(subjects), "records": list(records)}
        with self._session.question() as cursor:
            cursor.execute(ALL_NOW, {"machine": self._machine, "partition": self._partition, **wanted})
            rows = cursor.fetchall()
        if records:
            self._check_unmoved(rows[0][:5])
            known = {name: held for of, name, held, _ in (row[5:] for row in rows) if of == "record"}
            self._known = (frozenset(records), known)
        told = [row[6:] for row in rows if row[5] == "subject"]
        self._looked_up = {subject: is_lost for subject, state, is_lost in told if state is None}
        return {subject: state.encode() for subject, state, _ in told if state is not None}

    def lost(self, subjects: Sequence[str]) -> list[str]:
        """Which of these, that have no snapshot, have records in ``projection.ledger``."""
        looked_up, self._looked_up = self._looked_up, {}
        if looked_up.keys() >= set(subjects):  # asked just now, when they were loaded
            return [subject for subject in subjects if looked_up[subject]]
        with self._session.question() as cursor:
            cursor.execute(LOST, (list(subjects), self._machine))
            return [row[0] for row in cursor.fetchall()]

    def digests(self, record_ids: Sequence[str]) -> dict[str, str]:
        """The digests of requests that were decided, by the id of their record.

        Raises StoreFencedError where the watermark is another than the one last read or saved here: a later owner's,
        or an older one since PostgreSQL was put back to an earlier state. What is loaded would not be what was saved.
        """
        if not record_ids or is_without("dedupe"):
            return {}
        looked_up, self._known = self._known, None
        if looked_up is not None and looked_up[0] == set(record_ids):  # asked just now, with the snapshots
            return looked_up[1]
        ids = "{" + ",".join(record_ids) + "}"  # ids need no quotes, and one text is soon handed over
        with self._session.question() as cursor:
            cursor.execute(KNOWN_NOW, (self._machine, self._partition, ids))
            rows = cursor.fetchall()
        self._check_unmoved(rows[0][:5])
        return {row[5]: row[6] for row in rows if row[5] is not None}

    def save(
        self, snapshots: Iterable[tuple[str, int, bytes]], outcomes: Sequence[OutcomeRow], mark: Watermark
    ) -> None:
        """All of a batch in one transaction. Raises StoreFencedError where another owner has written meanwhile."""
        snapshots = list(snapshots)
        try:
            self._save(snapshots, outcomes, mark, are_new=True)
        except UniqueViolation:  # a ledger that is read again has outcomes that are known
            self._save(snapshots, outcomes, mark, are_new=False)
        self._seen = mark

    def _save(
        self,
        snapshots: Sequence[tuple[str, int, bytes]],
        outcomes: Sequence[OutcomeRow],
        mark: Watermark,
        *,
        are_new: bool,
    ) -> None:
        with self._session.transaction() as cursor:
            self._save_snapshots(cursor, snapshots)
            self._save_outcomes(cursor, outcomes, are_new=are_new)
            self._move(cursor, mark, before=f"NOTIFY {CHANNEL};" if outcomes else "")

    def forget(self) -> None:
        """Drop snapshots and watermark of this partition: the ledger will be read from its beginning.

        Raises StoreFencedError where the watermark is another than the one last read or saved here: what a successor
        goes by must not be taken from under it.
        """
        where = {"machine": self._machine, "partition": self._partition}
        with self._session.transaction() as cursor:
            cursor.execute(UNDER_WAY, self._mark)
            cursor.execute(WATERMARK_NOW + " FOR UPDATE", (self._machine, self._partition))
            row = cursor.fetchone()
            if row is not None:
                self._check_unmoved(row)
            cursor.execute(
                "DELETE FROM decider.snapshot WHERE machine = %(machine)s AND partition = %(partition)s",
                where,
            )
            cursor.execute(
                "DELETE FROM decider.watermark WHERE machine = %(machine)s AND partition = %(partition)s",
                where,
            )
        self._seen = None

    def raise_epoch(self, *, at_least: int) -> int:
        """The owner epoch of a take-over: above every one before it."""
        with self._session.transaction() as cursor:
            cursor.execute(
                "UPDATE decider.lease SET owner_epoch = greatest(owner_epoch, %s) + 1 "
                "WHERE machine = %s AND partition = %s RETURNING owner_epoch",
                (at_least, self._machine, self._partition),
            )
            row = cursor.fetchone()
        if row is None:
            raise StoreFencedError(
                f"{self._machine}/{self._partition}: found no lease, wanted ours; acquire it first"
            )
        return int(row[0])

    def _check_unmoved(self, row: tuple[Any, ...]) -> None:
        """``row``: the watermark's members as they are now, all NULL where there is none."""
        found = Watermark(*row) if row[0] is not None else None
        if found != self._seen:
            raise StoreFencedError(
                f"{self._machine}/{self._partition}: found the watermark {found}, wanted {self._seen}, "
                "which this owner saw last: another owner has written, or PostgreSQL was put back to an earlier state; "
                "the partition is taken over anew"
            )

    def _save_snapshots(self, cursor: Any, snapshots: Sequence[tuple[str, int, bytes]]) -> None:
        """With the mark of who writes here, before any row."""
        under_way = UNDER_WAY % self._mark
        if 0 < len(snapshots) <= FEW:
            rows = [
                (self._machine, subject, self._partition, sequence, state.decode())
                for subject, sequence, state in snapshots
            ]
            execute_values(cursor, f"{under_way}; {SNAPSHOT_UPSERT}", sorted(rows), page_size=FEW)
            return
        cursor.execute(under_way)
        if not snapshots:
            return
        lines = b"".join([snapshot_line(*each) for each in snapshots])
        cursor.execute(SNAPSHOT_STAGE)
        _copy(cursor, "COPY snapshot_stage FROM STDIN", lines)
        cursor.execute(SNAPSHOT_MERGE, (self._machine, self._partition))

    def _save_outcomes(self, cursor: Any, outcomes: Sequence[OutcomeRow], *, are_new: bool) -> None:
        if not outcomes:
            return
        if are_new:
            place = f"{self._machine}\t{self._partition}\t"
            lines = "".join([place + outcome_line(row) for row in outcomes]).encode()
            _copy(cursor, OUTCOME_COPY, lines)
            return
        lines = "".join([outcome_line(row) for row in outcomes]).encode()
        cursor.execute(OUTCOME_STAGE)
        _copy(cursor, "COPY outcome_stage FROM STDIN", lines)
        cursor.execute(OUTCOME_MERGE, (self._machine, self._partition))

    def _move(self, cursor: Any, mark: Watermark, *, before: str) -> None:
        members = {name: getattr(mark, name) for name in Watermark.__slots__}
        members |= {"machine": self._machine, "partition": self._partition}
        if self._seen is None:
            cursor.execute(before + FIRST_WATERMARK, members)
        else:
            cursor.execute(before + NEXT_WATERMARK, {**members, "seen": astuple(self._seen)})
        if cursor.rowcount != 1:
            raise StoreFencedError(
                f"{self._machine}/{self._partition}: the watermark is not {self._seen} any more, or of a later owner "
                f"than epoch {mark.owner_epoch}; somebody else has written it"
            )

    def close(self) -> None:
        """Let go of the session."""
        self._session.close()


@contextmanager
def store_cursor(engine: Engine) -> Iterator[Any]:
    """A psycopg2 cursor in a transaction of its own; a server that is gone is a StoreUnavailableError."""
    try:
        connection = engine.raw_connection()
    except (SQLAlchemyError, psycopg2.Error) as error:
        raise StoreUnavailableError(f"postgresql does not answer: {error}") from error
    try:
        yield connection.cursor()
        connection.commit()
    except psycopg2.Error as error:
        connection.invalidate()
        if isinstance(wrapped(error, "the store"), OperationalError | InterfaceError):
            raise StoreUnavailableError(f"postgresql went away: {error}") from error
        raise
    except BaseException:
        connection.invalidate()
        raise
    finally:
        connection.close()


def record_halt(engine: Engine, *, part: str, machine: str, partition: int, halt: Any) -> None:
    """Write down why a part stands still, for ``status`` and ``recover``."""
    with store_cursor(engine) as cursor:
        cursor.execute(
            "INSERT INTO decider.halt (part, machine, partition, code, message, details, halted_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, now()) ON CONFLICT (part, machine, partition) DO UPDATE SET "
            "code = excluded.code, message = excluded.message, details = excluded.details",
            (part, machine, partition, halt.code, halt.message, Json(halt.details)),
        )


def is_halted(engine: Engine, *, part: str, machine: str, partition: int) -> bool:
    """Whether the halt still stands; ``recover --apply`` takes it away."""
    with store_cursor(engine) as cursor:
        cursor.execute(
            "SELECT 1 FROM decider.halt WHERE part = %s AND machine = %s AND partition = %s",
            (part, machine, partition),
        )
        return cursor.fetchone() is not None


def _copy(cursor: Any, statement: str, lines: bytes) -> None:
    """In one piece: with each further one the driver lets other threads run, and waits until it may go on."""
    cursor.copy_expert(statement, io.BytesIO(lines), len(lines) or 1)
