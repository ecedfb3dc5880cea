"""The sequence of every subject, checked on the way in: a hole or a repeat is an alarm, never a skip."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from sqlalchemy import Connection

from events.envelope import Record
from events.without import is_without
from projectors.halt import HaltError

__all__ = ["KEPT", "LastSequences", "Sequences"]

LastSequences = Callable[[Connection, str, list[str]], dict[str, int]]
"""The last sequence applied of these subjects of a machine, as the tables tell; subjects never seen are left out."""

KEPT = 20_000
"""Subjects in one generation; two generations are kept, which is about 7 MB. Files on their way at once are fewer."""


class Sequences:
    """Remembers the last sequence of the subjects met lately; others are asked for, a batch at a time."""

    def __init__(self, ask: LastSequences | None = None, *, kept: int = KEPT) -> None:
        self._ask = ask
        self._kept = kept
        self._young = _Generation()
        self._old = _Generation()

    def forget(self) -> None:
        """Remember nothing: what was checked may not have been applied."""
        self._young, self._old = _Generation(), _Generation()

    def meet(self, machine: str, records: Iterable[Record]) -> list[str]:
        """Get ready for these records; gives the subjects to ask for. A subject's first record needs no asking."""
        if sum(map(len, self._young.values())) >= self._kept:
            self._old, self._young = self._young, _Generation()
        young, old = self._young[machine], self._old[machine]
        unknown = []
        for record in records:
            subject = record.subject
            if subject in young:
                continue
            if subject in old:
                young[subject] = old[subject]
            elif self._ask is None:
                young[subject] = record.sequence - 1  # nobody knows better: the check begins with this record
            else:
                young[subject] = 0
                if record.sequence != 1:
                    unknown.append(subject)
        return unknown

    def learn(self, connection: Connection, machine: str, subjects: list[str]) -> None:
        """Ask for what ``meet`` gave."""
        if self._ask is not None and subjects:
            self._young[machine].update(self._ask(connection, machine, subjects))

    def first_wrong(self, machine: str, records: Iterable[Record]) -> tuple[int, HaltError] | None:
        """The first of these records (all of them met) that does not follow the last one of its subject."""
        young = self._young[machine]
        for index, record in enumerate(records):
            subject = record.subject
            wanted = young[subject] + 1
            if record.sequence != wanted and not is_without("contiguity"):
                return index, _wrong(machine, record, wanted)
            young[subject] = record.sequence
        return None


class _Generation(defaultdict[str, dict[str, int]]):
    """By machine, the last sequence of each subject."""

    def __init__(self) -> None:
        super().__init__(dict)


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
