"""Dispatch follows the ledger: what a fact obliges us to do stands in ``work`` in the transaction of its position."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, text

from consumers import deadlines, held, known_programs, redriving, trust, work_items
from consumers.obligations import closing, obligations
from consumers.owed import (
    Cancelled,
    Configured,
    DatasetKnown,
    DeadlineOwed,
    Held,
    ItemOwed,
    Judged,
    Obligation,
    PartKnown,
    PartPassed,
    Passed,
    Redriven,
    StreamStands,
    VersionKnown,
)
from events.envelope import Record
from projectors.application import Batch

__all__ = ["FOLLOWER", "apply", "write"]

FOLLOWER = "dispatch"
"""Its name in ``work.position``."""


def apply(connection: Connection, batch: Batch) -> None:
    """Write what a batch obliges us to do, and close what its records are the outcome of."""
    connection.execute(_BY_KEYS)
    records = [record for record, _ in batch]
    owed = [each for record in records for each in obligations(record)]
    write(connection, owed, records)
    # Last, for other partitions that tell of the same stream wait from here to the commit.
    trust.keep_judged(connection, (each for each in owed if isinstance(each, Judged)))


def write(connection: Connection, owed: Iterable[Obligation], outcomes: Iterable[Record] = ()) -> int:
    """Write obligations, then close by outcomes; how many work items were new. Twice changes nothing.

    All is keyed by subject and sequence, so a batch needs no order of its own: first everything that is owed, then
    everything that is over.
    """
    sorted_by_kind = _by_kind(owed)
    _keep(connection, sorted_by_kind)
    items: list[ItemOwed] = sorted_by_kind[ItemOwed]
    added = work_items.add(connection, [_item_row(each) for each in items])
    due: list[DeadlineOwed] = sorted_by_kind[DeadlineOwed]
    deadlines.owe(connection, [{**asdict(each), "request_id": each.request_id} for each in due])
    closings = [closing(record) for record in outcomes]
    work_items.close(connection, closings)
    opened = work_items.refuse(connection, closings)
    deadlines.close_deadlines(connection, closings)
    passed: list[Passed] = sorted_by_kind[Passed]
    work_items.supersede(connection, ((one.subject, one.version, one.sequence, one.at) for one in passed))
    cancelled: list[Cancelled] = sorted_by_kind[Cancelled]
    deadlines.cancel(
        connection,
        ((one.subject, one.version, one.part, one.request, one.sequence, one.at) for one in cancelled),
    )
    parts: list[PartPassed] = sorted_by_kind[PartPassed]
    known_programs.pass_parts(connection, ((one.subject, one.part, one.sequence, one.at) for one in parts))
    redriven: list[Redriven] = sorted_by_kind[Redriven]
    opened += redriving.redrive(connection, [(each.subject, each.sequence) for each in redriven])
    if opened or sorted_by_kind[Held] or sorted_by_kind[StreamStands]:
        work_items.notify(connection)
    elif added:
        work_items.notify(connection, {item.effect for item in items})
    return added


# Rows are found by their keys, whatever statistics say (they are always late): all unfinished items, however many, were
# read for each batch that closes three hundred. Of states no statistics are kept either, or it would be so after each
# rest; and what is closed is looked up row by row (LATERAL).
# Nor is the disk waited for: items and position are lost together or not at all, and are then read again.
_BY_KEYS = text("""
    SELECT set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
        set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true),
        set_config('synchronous_commit', 'off', true)
""")


_KINDS = (
    ItemOwed,
    DeadlineOwed,
    Passed,
    Cancelled,
    VersionKnown,
    StreamStands,
    Configured,
    Held,
    Judged,
    Redriven,
    DatasetKnown,
    PartKnown,
    PartPassed,
)


def _by_kind(owed: Iterable[Obligation]) -> dict[type, list[Any]]:
    kinds: dict[type, list[Any]] = {kind: [] for kind in _KINDS}
    for each in owed:
        kinds[type(each)].append(each)
    return kinds


def _keep(connection: Connection, kinds: dict[type, list[Any]]) -> None:
    versions: dict[tuple[str, int], dict[str, Any]] = {}
    for known in kinds[VersionKnown]:
        row = versions.setdefault(
            (known.subject, known.version), {"subject": known.subject, "version": known.version}
        )
        row |= known.members
    held.keep_versions(connection, list(versions.values()))
    held.keep_configurations(connection, [asdict(each) for each in kinds[Configured]])
    streams: dict[str, dict[str, Any]] = {}
    for stands in kinds[StreamStands]:
        row = streams.setdefault(stands.stream, {})
        row |= {name: value for name, value in asdict(stands).items() if value is not None}
    held.keep_streams(connection, list(streams.values()))
    last = {each.subject: each for each in kinds[Held]}
    held.keep_holds(
        connection,
        [(each.subject, each.sequence) for each in last.values() if each.is_held],
        [each.subject for each in last.values() if not each.is_held],
    )
    if streams:
        work_items.notify(connection, channel=held.STREAM_CHANNEL)
    known_programs.keep_datasets(connection, [_dataset_row(each) for each in kinds[DatasetKnown]])
    known_programs.keep_parts(connection, [_part_row(each) for each in kinds[PartKnown]])


# Not asdict, which copies what each has to tell as deep as it goes, only to have it written.
def _members(owed: ItemOwed | DatasetKnown | PartKnown) -> dict[str, Any]:
    return {name: getattr(owed, name) for name in owed.__slots__}


def _item_row(item: ItemOwed) -> dict[str, Any]:
    return {**_members(item), "lane": item.lane, "stream": item.stream, "report_id": item.report_id}


def _dataset_row(known: DatasetKnown) -> dict[str, Any]:
    return {**_members(known), "is_gone": known.gone}


def _part_row(known: PartKnown) -> dict[str, Any]:
    since = known.at if known.owes else None
    return {**_members(known), "owes_effect": known.owes, "owes_since": since}
