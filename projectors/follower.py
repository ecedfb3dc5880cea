"""Follows the ledger: poll, check, apply a batch and move the position in one transaction."""

import logging
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from itertools import chain

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from events import failpoints
from events.envelope import Record
from events.gathered import poll_gathered
from events.log import Log, LogUnavailableError, Message, Place
from events.slack import SLACK
from events.topics import Topics
from projectors.application import Application, Apply, Batch, NotFoldedError, Plain, Write, in_one_call
from projectors.beside import Beside
from projectors.halt import HaltError, LostPositionError
from projectors.passed_over import NOTHING, passed_over
from projectors.pieces import Checked, pieces
from projectors.positions import Key, Move, Positions
from projectors.refused_rows import REFUSED_ROWS, halted_at
from projectors.sequences import Sequences
from projectors.taken import Taken
from projectors.topic_watch import TopicWatch

__all__ = ["Follower", "HaltError", "LostPositionError"]

log = logging.getLogger(__name__)

_OUTAGE = (OperationalError, InterfaceError, PoolTimeout, LogUnavailableError)
_SEVERAL = 3  # so many records at once say that more are on their way …
_MANY = 1000  # … and so many, that there is no need to wait for them
_WAIT_FIRST_S = 0.1
_WAIT_AT_MOST_S = 5.0


class Follower:
    """One follower of some partitions of some machines; for one thread at a time. ``applied``: records committed."""

    def __init__(  # noqa: PLR0913  # each of these is a thing of its own, and named by the caller
        self,
        *,
        log: Log,
        topics: Topics,
        engine: Engine,
        name: str,
        machines: Sequence[str],
        apply: Application | Apply,
        positions_table: Table,
        partitions: Sequence[int] | None = None,
        batch: int = 2000,
        apart_s: float = 0.0,
    ) -> None:
        """``partitions``: None for all. ``apply``: an Application, or a function of connection and batch.

        ``apart_s``: so long more are gathered after a batch of several where cores are busy; three cost most of thirty.
        """
        self.applied = 0
        self._log, self._engine = log, engine
        self._topics = {machine: topics.events(machine) for machine in machines}
        self._name, self._partitions = name, partitions
        self._batch, self._apart_s = batch, apart_s
        self._application: Application = Plain(apply) if callable(apply) else apply
        self._positions = Positions(positions_table, name)
        self._sequences = Sequences(self._application.last_sequences)
        self._reader = log.reader(committed=True)
        self._connection: Connection | None = None
        self._ids: dict[Key, str] = {}
        self._passed = NOTHING
        self._watch = TopicWatch(self._topic_ids)
        self._epochs: dict[Key, int] = {}
        self._next: dict[Key, int] = {}
        self._beside = Beside(f"{name}-writer")
        self._writing: tuple[Future[None], Taken] | None = None
        self._is_adrift = self._gathers = False

    # --- owning ---

    def take_over(self) -> None:
        """Own the partitions: a former owner's next step fails. Raises HaltError where log and position do not fit."""
        ids = self._ids = self._topic_ids()
        connection = self._own_connection()
        with connection.begin():
            seats = self._positions.take_over(connection, ids, are_all=self._partitions is None)
            self._application.reset(connection)
            self._passed = passed_over(connection)
        self._epochs = {key: seat.owner_epoch for key, seat in seats.items()}
        self._seat({key: seat.next_offset for key, seat in seats.items()})
        log.info("position taken over", extra={"follower": self._name, "partitions": len(seats)})

    def step(self, timeout_s: float) -> int:
        """Apply what has come, at most one batch; how many records. Waits up to ``timeout_s`` for the first."""
        with self._seated():
            taken = self._take(timeout_s)
            self._begin_write(taken)
            if self._finish_write() and taken.halt is not None:
                self._halt(taken.halt)
        return taken.count

    def run(self, stop: threading.Event, *, poll_s: float = 0.25) -> None:
        """Take over, then follow until ``stop``; outlives outages of log and database. Raises FollowerError."""
        go_on, wait_s, told = self.take_over, _WAIT_FIRST_S, False
        while not stop.is_set():
            try:
                go_on()
                go_on, wait_s, told = self._resume, _WAIT_FIRST_S, False
                self._follow(stop, poll_s)
            except _OUTAGE as error:
                if not told:
                    log.warning("follower waits", extra={"follower": self._name, "error": str(error)})
                told = True
                self._drop()
                stop.wait(wait_s)
                wait_s = min(wait_s * 2, _WAIT_AT_MOST_S)

    def close(self) -> None:
        """Let go of reader and connection; what is being written is finished first."""
        self._beside.close()
        self._reader.close()
        if self._connection is not None:
            self._connection.close()

    def _topic_ids(self) -> dict[Key, str]:
        names = list(self._topics.values())
        ids, counts = self._log.topic_ids(names), self._log.partitions(names)
        missing = [name for name in names if name not in ids]
        if missing:
            raise HaltError(
                "LEDGER_GONE",
                f"{self._name}: found no topic {', '.join(missing)}, wanted the ledger that was there; restore it",
                topics=missing,
            )
        return {
            (machine, partition): ids[topic]
            for machine, topic in self._topics.items()
            for partition in range(counts[topic])
            if self._partitions is None or partition in self._partitions
        }

    def _check_topics(self) -> None:
        connection = self._own_connection()
        with connection.begin():
            self._positions.check(connection, self._topic_ids(), are_all=self._partitions is None)

    def _seat(self, next_offsets: dict[Key, int]) -> None:
        self._next = dict(next_offsets)
        self._is_adrift = False
        self._sequences.forget()
        self._reader.assign({self._place(key): offset for key, offset in next_offsets.items()})
        for (machine, partition), offset in next_offsets.items():
            place = self._place((machine, partition))
            first, end = self._reader.beginning(place), self._reader.end(place)
            if not first <= offset <= end:
                raise HaltError(
                    "POSITION_BEYOND_END",
                    f"{self._name}: the position of {machine}/{partition} is {offset}, the log has {first} to {end}",
                )

    def _resume(self) -> None:
        """Back to what the database says, as the same owner; raises LostPositionError if that is another by now."""
        self._settle()
        connection = self._own_connection()
        with connection.begin():
            next_offsets = self._positions.read_again(connection, self._epochs)
            self._application.reset(connection)
            self._passed = passed_over(connection)
        self._seat(next_offsets)

    def _place(self, key: Key) -> Place:
        return Place(self._topics[key[0]], key[1])

    def _own_connection(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _drop(self) -> None:
        """After an outage: nothing that was in flight counts, and the next connection is a new one."""
        self._settle()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _settle(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            with suppress(Exception):  # whatever became of it, the database's position will tell
                writing[0].result()

    # --- following ---

    def _follow(self, stop: threading.Event, poll_s: float) -> None:
        """One batch is folded while the one before is written."""
        with self._seated():
            while not stop.is_set():
                if self._watch.are_others(self._ids, stop.wait):
                    self._check_topics()
                taken = self._take(poll_s)
                if not self._finish_write():
                    continue  # what was taken since is void
                self._begin_write(taken)
                # Nobody goes on beside a write of few records: the interpreter would let it wait for that one's turn.
                if (taken.halt or taken.count < _SEVERAL) and self._finish_write() and taken.halt:
                    self._halt(taken.halt)
                self._gathers = bool(self._apart_s) and _SEVERAL <= taken.count < min(self._batch, _MANY)
                if self._gathers:
                    SLACK.pause(self._apart_s, stop.wait)
            self._finish_write()

    @contextmanager
    def _seated(self) -> Iterator[None]:
        """Whatever goes wrong in here: the next one begins again where the database says, and skips nothing."""
        if self._is_adrift:
            self._resume()
        self._is_adrift = True
        yield
        self._is_adrift = False

    def _take(self, timeout_s: float) -> Taken:
        taken = Taken(self._passed)
        polled = poll_gathered(self._reader, at_most=self._batch, timeout_s=timeout_s, paused=self._gathers)
        if polled:
            failpoints.reach(f"{self._name}.after_fetch")
        good = self._good(polled, taken)
        if (first := next(good, None)) is not None:
            taken.write = self._prepared(chain((first,), good), taken)
        return taken

    def _prepared(self, good: Iterable[Batch], taken: Taken) -> Write:
        try:
            return self._application.prepare(good)
        except NotFoldedError:
            deque(good, maxlen=0)  # what comes behind is read and checked all the same
            return self._application.prepare_around(taken.read_again())

    def _good(self, polled: Mapping[Place, Sequence[Message]], taken: Taken) -> Iterator[Batch]:
        """What was polled, read and checked as it is asked for; at its end ``taken`` has the moves, and any halt."""
        for key in self._next:
            place, last, halt = self._place(key), None, None
            for piece in pieces(key[0], polled.get(place, []), self._passed, self._in_sequence):
                halt = piece.halt
                taken.add(key[0], piece.messages, piece.good)
                if piece.good:
                    last = piece.good[-1][0]
                    yield piece.good
            wanted = self._reader.position(place)
            if halt is not None:
                taken.halt = taken.halt or halt
                wanted = last.offset + 1 if last else self._next[key]
            if wanted != self._next[key]:
                taken.moves.append(Move(*key, self._next[key], wanted, last.at if last else None))
                self._next[key] = wanted

    def _halt(self, why: HaltError) -> None:
        """Raise it, unless another follower has carried the tables on: to one that reads behind them all is a gap."""
        # It is known by its epoch or by the position, for a database put back to an older state gives an epoch twice.
        believed = dict(self._next)
        self._resume()
        if self._next == believed:
            raise why

    def _in_sequence(self, machine: str, batch: Batch, halt: HaltError | None) -> Checked:
        records = [record for record, _ in batch]
        if unknown := self._sequences.meet(machine, records):
            with self._engine.connect() as connection:
                self._sequences.learn(connection, machine, unknown)
        wrong = self._sequences.first_wrong(machine, records)
        return (batch, halt) if wrong is None else (batch[: wrong[0]], wrong[1])

    def _begin_write(self, taken: Taken) -> None:
        if taken.moves:
            begin = self._beside.at_once if taken.count < _SEVERAL else self._beside.begin
            self._writing = (begin(self._write, taken.moves, taken.write), taken)

    def _finish_write(self) -> bool:
        """Wait for the batch that is being written. False: it went otherwise, and what was taken since is void."""
        if self._writing is None:
            return True
        (future, taken), self._writing = self._writing, None
        try:
            future.result()
        except LostPositionError:
            self._resume()  # raises unless PostgreSQL has only forgotten its last transactions in a crash
        except REFUSED_ROWS as error:
            said = str(getattr(error, "orig", error))[:500]
            log.warning("batch refused, taken apart", extra={"follower": self._name, "error": said})
            self._resume()
            self._in_pieces(taken.read_again())
            self._resume()
        else:
            self.applied += taken.count
            return True
        return False

    def _write(self, moves: Sequence[Move], write: Write | None) -> None:
        connection = self._own_connection()
        failpoints.reach(f"{self._name}.before_compare_and_set")
        with connection.begin() as transaction:
            # The position first: its lock keeps a second owner out before either has touched a row.
            self._positions.move(connection, moves, self._epochs, words := in_one_call(write))
            if words is None and write is not None:
                write(connection)
            failpoints.reach(f"{self._name}.before_commit")
            with failpoints.during(f"{self._name}.during_commit"):
                transaction.commit()
        failpoints.reach(f"{self._name}.after_commit")

    # --- a batch that the database refuses ---

    def _in_pieces(self, batch: Batch) -> None:
        """Halve the batch until the record that the database refuses stands alone."""
        try:
            self._write(self._moves_over(batch), self._application.prepare_around(batch))
        except REFUSED_ROWS as error:
            self._resume()  # what prepare remembers of this batch has not been written
            if len(batch) == 1:
                self._set_aside(batch[0][0], error)
                return
            half = len(batch) // 2
            self._in_pieces(batch[:half])
            self._in_pieces(batch[half:])
            return
        self._advance(batch)

    def _set_aside(self, record: Record, error: Exception) -> None:
        instead = self._application.set_aside(record, error)
        if instead is None:
            raise halted_at(self._name, record, error) from error
        one = [(record, b"")]
        try:
            self._write(self._moves_over(one), instead)
        except REFUSED_ROWS as again:
            raise halted_at(self._name, record, again) from again
        self._advance(one)

    def _moves_over(self, batch: Batch) -> list[Move]:
        last = {(record.machine, record.partition): record for record, _ in batch}
        return [Move(*key, self._next[key], record.offset + 1, record.at) for key, record in last.items()]

    def _advance(self, batch: Batch) -> None:
        self.applied += len(batch)
        for record, _ in batch:
            self._next[record.machine, record.partition] = record.offset + 1
