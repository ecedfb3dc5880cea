"""Folding the facts of a group into its sets. Asks nothing: what is in the ledger has happened."""

from collections.abc import Callable
from typing import Any

from machines.bitmap import bits_of
from machines.group_state import Group, GroupState

__all__ = ["fold", "pairs"]

Data = dict[str, Any]


def fold(group: Group, fact: str, data: Data, sequence: int, state: GroupState | None = None) -> None:
    """One fact into the state; ``state`` is where the record says it led. A refusal never comes here."""
    rule = _RULES.get(fact)
    if rule is None:
        return  # a remark
    group.kind = data["kind"]
    group.parents |= data.get("parents", {})
    rule(group, data, sequence)
    if state in {GroupState.COMPLETE, GroupState.CLOSED_SHORT}:
        group.due_sequence = None
    if state is not None:
        group.state = state


def pairs(ranges: Any) -> list[tuple[int, int]]:
    """Ranges of a fact as pairs."""
    return [(each["first"], each["last"]) for each in ranges]


def _expected(group: Group, data: Data, sequence: int) -> None:
    group.expected, group.is_bounded = bits_of(pairs(data["ranges"])), True
    group.sidecar_needed = data.get("sidecar_needed", False)
    group.closes_when_due = data.get("closes_when_due", False)
    group.is_due = False
    group.due_sequence = sequence if data.get("due_at") else None


def _counted(group: Group, data: Data, _sequence: int) -> None:
    if data.get("expects"):
        group.expected, group.is_bounded = bits_of([(0, data["expects"] - 1)]), True
    place = data.get("place")
    if place is None:
        group.put_stray(data["member"], data["status"])
    else:
        group.put(place, data["role"], data["status"])


def _excused(group: Group, data: Data, _sequence: int) -> None:
    group.excuse(bits_of(pairs(data["ranges"])))


def _due_passed(group: Group, _data: Data, _sequence: int) -> None:
    group.is_due, group.due_sequence = True, None


def _stands(_group: Group, _data: Data, _sequence: int) -> None:
    """Only where the group stands has changed."""


_RULES: dict[str, Callable[[Group, Data, int], None]] = {
    "group.expected": _expected,
    "group.member_counted": _counted,
    "group.excused": _excused,
    "group.due_passed": _due_passed,
    "group.closed": _stands,
    "group.reopened": _stands,
}
