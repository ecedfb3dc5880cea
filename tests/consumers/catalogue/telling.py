"""What a scan came to, and what is known already, in short forms that tests compare."""

from collections.abc import Iterable
from typing import Any

import orjson

from consumers.catalogue.op_change import OpChange, requests_of
from consumers.catalogue.record import read_record
from consumers.catalogue.scan import Known, Scan
from events.base import REQUESTS

__all__ = ["as_known", "asked_of", "outcome"]


def asked_of(change: OpChange) -> list[Any]:
    """What is asked of an OP, as the decider reads it from its bytes."""
    asked = requests_of(change, source="a list", criteria_version=1)
    return [REQUESTS[each.name].read(orjson.loads(orjson.dumps(each.wire()))) for each in asked]


def as_known(raws: Iterable[Any], significant: Iterable[str] = (), *, is_closed: bool = False) -> list[Known]:
    """As if a scan had seen these and the ledger had taken them."""
    read = [read_record(each, tuple(significant)) for each in raws]
    return [Known(each.op_id, each.dataset, is_closed) for each in read if each.op_id]


def outcome(found: Scan) -> dict[str, dict[str, list[str]]]:
    """Names of datasets by OP and by what became of them."""
    told: dict[str, dict[str, list[str]]] = {}
    for change in found.changes():
        lists = {
            "added": [each.dataset for each in change.added],
            "changed": [each.dataset.dataset for each in change.changed],
            "gone": [each.dataset for each in change.gone],
            "metadata": [each.dataset.dataset for each in change.metadata],
        }
        told[change.op_id] = {name: names for name, names in lists.items() if names}
    assert {each.op_id: dict(each.counts) for each in found.outlines()} == {
        op: {name: len(names) for name, names in lists.items()} for op, lists in told.items()
    }
    return told
