"""What a metadata store says of one dataset, turned into a request: it is new or changed, or its catalogue lost it.

A scan sees the whole catalogue and knows what is gone; this is one record, sent as it changes, and read the same way.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from consumers.catalogue.record import read_record
from consumers.failures import Failed
from consumers.homes import Home, criteria_in_force
from consumers.objections import Objection
from events.base import Request
from events.op_parts import Gone
from events.op_requests import ChangeOpDatasets, DiscoverOp
from machines.program.dataset import UNASSIGNED
from projectors.stream_rules import StreamRule

__all__ = ["changed", "home_of"]


def changed(
    record: Mapping[str, Any], rule: StreamRule, *, sender: str, is_gone: bool = False
) -> tuple[str, Request]:
    """Subject and request; raises ``Objection`` where the sender may not say it, or nobody can tell what it means."""
    reading = read_record(record, _significant(rule))
    entry, dataset = reading.entry, reading.dataset
    if entry is None or dataset is None or reading.op_id is None:
        told = "; ".join(
            f"{each.path}: found {each.found}, wanted {each.wanted}" for each in reading.problems
        )
        raise Objection("SCHEMA_VIOLATION", f"record of a dataset: {told}")
    source = f"inbox.{sender}"
    if not is_gone:
        return reading.op_id, DiscoverOp(
            source=source, experiment=reading.experiment, proposal=reading.proposal, datasets=(dataset,)
        )
    if entry.program == UNASSIGNED:
        raise Objection(
            "SCHEMA_VIOLATION",
            "record of a dataset that is gone: found no instrumentProgramExecutionId, wanted the program it was in",
        )
    gone = Gone(dataset=entry.dataset, program=entry.program, digest=entry.digest)
    return reading.op_id, ChangeOpDatasets(source=source, gone=(gone,))


def home_of(sender: str, rules: Iterable[StreamRule]) -> StreamRule:
    """The home of observing programs that the sender speaks for; raises ``Objection``."""
    homes = [
        rule
        for rule in sorted(rules, key=lambda each: each.stream)
        if rule.configuration.programs is not None and sender in rule.configuration.senders
    ]
    if not homes:
        raise Objection(
            "NOT_ALLOWED",
            f"sender {sender!r}: speaks for no home of observing programs, wanted a stream whose configuration has "
            "programs and this sender",
        )
    return homes[0]


def _significant(rule: StreamRule) -> frozenset[str]:
    """What the criteria in force read of a dataset: the same fields as a scan takes, or it would seem to change."""
    programs = rule.configuration.programs
    if programs is None:
        raise Objection(
            "NOT_ALLOWED",
            f"stream {rule.stream!r}: is not the home of observing programs, wanted the stream whose configuration "
            "has programs",
        )
    try:
        criteria = criteria_in_force(Home(programs))
    except Failed as failed:
        raise Objection("BAD_CONFIGURATION", f"stream {rule.stream!r}: {failed}") from failed
    return frozenset[str]().union(*(each.reads for each in criteria))
