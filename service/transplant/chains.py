"""Each subject's last sequence and link while a ledger is looked through, in bounded memory."""

import sqlite3
from collections.abc import Mapping
from itertools import islice
from typing import NamedTuple

from events.chain import BrokenChainError, verify
from events.envelope import Record, UndecodableError, decode_record
from events.ids import partition_of
from events.log import Message
from events.upcast import UnknownVersionError, upcast

__all__ = ["Chains", "WrongRecordError"]

KEPT = 200_000
"""Subjects in memory, some 250 bytes each; the rest are in a file."""


class WrongRecordError(ValueError):
    """A record that does not follow from those before it; the message says what was found and wanted."""


class _Last(NamedTuple):
    sequence: int
    link: str


_NONE = _Last(0, "")


class Chains:
    """Of one partition of ``partitions``: whole, gapless, chained, each record where its subject belongs (law 1)."""

    def __init__(self, machine: str, partition: int, partitions: int, *, kept: int = KEPT) -> None:
        self._machine, self._partition, self._partitions = machine, partition, partitions
        self._kept = kept
        self._live: dict[str, _Last] = {}
        # A temporary database: SQLite keeps it in a file that has no name, and that goes with the connection.
        self._spilled = sqlite3.connect("", isolation_level=None)
        self._spilled.execute(
            "CREATE TABLE last (subject TEXT PRIMARY KEY, sequence INT, link TEXT) WITHOUT ROWID"
        )

    def close(self) -> None:
        """Let go."""
        self._spilled.close()

    def follow(self, message: Message) -> Record:
        """The next record; raises WrongRecordError."""
        try:
            record = decode_record(message.value, partition=message.partition, offset=message.offset)
            upcast(record)
            self._check_place(record, message)
            last = self._last(record.subject)
            if record.sequence != last.sequence + 1:
                raise WrongRecordError(
                    f"{record.subject}: found sequence {record.sequence} after {last.sequence}, wanted "
                    f"{last.sequence + 1}: a record is missing, repeated or moved"
                )
            self._live[record.subject] = _Last(record.sequence, verify(last.link, message.value or b""))
        except BrokenChainError as error:
            raise WrongRecordError(
                f"found a broken chain ({error}), wanted the record as it was decided"
            ) from error
        except UnknownVersionError as error:
            raise WrongRecordError(
                f"{error}; wanted records that this code can read: deploy the newer one"
            ) from error
        except UndecodableError as error:
            raise WrongRecordError(f"{error}; wanted a record of the ledger") from error
        if len(self._live) > self._kept:
            self._spill()
        return record

    def _check_place(self, record: Record, message: Message) -> None:
        if message.key != record.subject.encode() or record.machine != self._machine:
            raise WrongRecordError(
                f"found the key {message.key!r} at {record.type} of {record.subject}, wanted the subject as key and a "
                f"record of {self._machine}"
            )
        wanted = partition_of(record.subject, self._partitions)
        if wanted != self._partition:
            raise WrongRecordError(
                f"{record.subject}: found in partition {self._partition}, wanted {wanted} of {self._partitions}"
            )

    def _last(self, subject: str) -> _Last:
        found = self._live.get(subject)
        if found is None:
            row = self._spilled.execute(
                "SELECT sequence, link FROM last WHERE subject = ?", (subject,)
            ).fetchone()
            found = _NONE if row is None else _Last(*row)
        return found

    def _spill(self) -> None:
        oldest: Mapping[str, _Last] = {
            name: self._live.pop(name) for name in list(islice(self._live, max(1, self._kept // 4)))
        }
        self._spilled.execute("BEGIN")
        self._spilled.executemany(
            "INSERT OR REPLACE INTO last VALUES (?, ?, ?)", [(name, *last) for name, last in oldest.items()]
        )
        self._spilled.execute("COMMIT")
