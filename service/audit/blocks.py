"""Tables compared with the ledger block by block: a digest on each side, single rows only where these differ."""

# ruff: noqa: S608 - statements are put together from constants of this module

from collections.abc import Iterator, Sequence
from hashlib import md5
from typing import Any, NamedTuple

__all__ = ["BLOCK", "LEDGER_ROW", "OUTCOME_ROW", "Blocks", "Kept", "ledger_line", "outcome_line", "rows_of"]

BLOCK = 10_000
"""Offsets a block."""

LEDGER_ROW = "concat_ws('|', event_id, sequence, chain, type, coalesce(tostate, '-'), subject)"
OUTCOME_ROW = (
    "concat_ws('|', record_id, sequence, request_digest, type, coalesce(tostate, '-'), coalesce(version, 0))"
)


class Kept(NamedTuple):
    """A table that keeps a row for each record: its name, the text that a row gives, whether its key has the offset."""

    table: str
    row: str
    is_keyed: bool


def ledger_line(record: dict[str, Any]) -> str:
    """What ``projection.ledger`` should give for a record."""
    return (
        f"{record['id']}|{record['sequence']}|{record['chain']}|{record['type']}|{record['tostate'] or '-'}|"
        f"{record['subject']}"
    )


def outcome_line(record: dict[str, Any]) -> str:
    """What ``decider.outcome`` should give for a record."""
    return (
        f"{record['id']}|{record['sequence']}|{record.get('requestdigest') or ''}|{record['type']}|"
        f"{record['tostate'] or '-'}|{record.get('version') or 0}"
    )


class Blocks:
    """The ledger's side: digests of the records below ``cut``, which come in the order of their offsets."""

    size = BLOCK

    def __init__(self, cut: int) -> None:
        self.cut = cut
        self.digests: dict[int, tuple[int, str]] = {}
        self.end_of_block = 0
        self.lines: list[str] = []
        """Of the records from the block's begin; a record at ``end_of_block`` or behind it begins the next one."""

    def begin(self, offset: int) -> None:
        """The block that has this offset."""
        self.end()
        self.end_of_block = (offset // BLOCK + 1) * BLOCK

    def end(self) -> None:
        """There are no more of this block."""
        if self.lines:
            digest = md5("\n".join(self.lines).encode(), usedforsecurity=False).hexdigest()
            self.digests[self.end_of_block // BLOCK - 1] = (len(self.lines), digest)
            self.lines = []

    def different(self, cursor: Any, kept: Kept, machine: str, partition: int) -> Iterator[int]:
        """Blocks in which the table has something else than the ledger."""
        self.end()
        members = {"machine": machine, "partition": partition, "cut": self.cut}
        cursor.execute(_by_key(kept) if kept.is_keyed else _sorted(kept), members)
        found = {number: (count, digest) for number, count, digest in cursor}
        for number in sorted(found.keys() | self.digests.keys()):
            if found.get(number) != self.digests.get(number):
                yield number


def _by_key(kept: Kept) -> str:
    """Block after block along the index, in whose order the rows are put together."""
    return f"""
        SELECT number, count, digest FROM generate_series(0, (%(cut)s - 1) / {BLOCK}) AS block (number)
        CROSS JOIN LATERAL (
            SELECT count(*), md5(string_agg({kept.row}, chr(10) ORDER BY ledger_offset)) AS digest FROM {kept.table}
            WHERE machine = %(machine)s AND partition = %(partition)s AND ledger_offset < %(cut)s
                AND ledger_offset >= number * {BLOCK} AND ledger_offset < (number + 1) * {BLOCK}) AS kept
        WHERE count > 0"""


def _sorted(kept: Kept) -> str:
    """All rows of the partition put in order first."""
    return f"""
        SELECT ledger_offset / {BLOCK}, count(*), md5(string_agg({kept.row}, chr(10) ORDER BY ledger_offset))
        FROM {kept.table} WHERE machine = %(machine)s AND partition = %(partition)s AND ledger_offset < %(cut)s
        GROUP BY 1"""


def rows_of(
    cursor: Any, kept: Kept, machine: str, partition: int, begin: int, end: int
) -> Sequence[tuple[int, str]]:
    """Offset and text of each row from ``begin`` up to and without ``end``."""
    cursor.execute(
        f"SELECT ledger_offset, {kept.row} FROM {kept.table} WHERE machine = %s AND partition = %s "
        "AND ledger_offset >= %s AND ledger_offset < %s ORDER BY ledger_offset",
        (machine, partition, begin, end),
    )
    found: Sequence[tuple[int, str]] = cursor.fetchall()
    return found
