"""The sequence of every subject, checked on the way in: a hole or a repeat is an alarm, never a skip."""

from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from events.envelope import Record
from events.without import is_without
from projectors.halt import HaltError

__all__ = ["KEPT", "LastSequences", "Sequences"]

LastSequences = Callable[[Connection, str, list[str]], dict[str, int]]
"""The last sequence applied of these subjects of a machine, as the tables tell; subjects never seen are left out."""

KEPT = 60_000
"""Subjects in one generation; two generations are kept, which is about 25 MB."""


class Sequences:
    """Remembers the last sequence of the subjects met lately; others are asked for, a batch at a time."""

    def __init__(self, ask: LastSequences | None = None, *, kept: int = KEPT) -> None:
        self._ask = ask
        self._kept = kept
        self._young: dict[tuple[str, str], int] = {}
        self._old: dict[tuple[str, str], int] = {}

    def forget(self) -> None:
        """Remember nothing: what was checked may not have been applied."""
        self._young, self._old = {}, {}

    def meet(self, machine: str, records: Iterable[Record]) -> list[str]:
        """Get ready for these records; gives the subjects to ask for. A subject's first record needs no asking."""
        if len(self._young) >= self._kept:
            self._old, self._young = self._young, {}
        young, old = self._young, self._old
        unknown = []
        for record in records:
            key = (machine, record.subject)
            if key in young:
                continue
            if key in old:
                young[key] = old[key]
            elif self._ask is None:
                young[key] = record.sequence - 1  # nobody knows better: the check begins with this record
            else:
                young[key] = 0
                if record.sequence != 1:
                    unknown.append(record.subject)
        return unknown

    def learn(self, connection: Connection, machine: str, subjects: list[str]) -> None:
        """Ask for what ``meet`` gave."""
        if self._ask is not None and subjects:
            for subject, sequence in self._ask(connection, machine, subjects).items():
                self._young[machine, subject] = sequence

    def first_wrong(self, machine: str, records: Iterable[Record]) -> tuple[int, HaltError] | None:
        """The first of these records (all of them met) that does not follow the last one of its subject."""
        young = self._young
        for index, record in enumerate(records):
            key = (machine, record.subject)
            wanted = young[key] + 1
            if record.sequence != wanted and not is_without("contiguity"):
                return index, _wrong(machine, record, wanted)
            young[key] = record.sequence
        return None


def _wrong(machine: str, record: Record, wanted: int) -> HaltError:
    is_hole = record.sequence > wanted
    what = "a record is missing" if is_hole else "a record stands there twice"
    return HaltError(
        "SEQUENCE_HOLE" if is_hole else "SEQUENCE_REPEATED",
        f"{machine}/{record.partition} offset {record.offset}: {record.subject} has sequence {record.sequence}, "
        f"wanted {wanted}; {what}",
        machine=machine,
        partition=record.partition,
        offset=record.offset,
        subject=record.subject,
    )
