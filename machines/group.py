"""The machine of groups: members are counted against what is expected, until nothing is missing or somebody closes it.

A group is complete by its primaries. A sidecar that is needed is waited for until the group is due, then it is a
warning, never an endless wait. Members that nobody expects are a warning and a count. What comes after the end opens it
again only if something is missing then, or if it had been closed short.
"""

from typing import Any

from events.envelope import Record
from machines.group_fold import fold
from machines.group_life import GROUP_LIFE
from machines.group_rules import GROUP_RULES
from machines.group_state import Group, GroupState
from machines.ruling import Accepted, Ask, Refusal, Ruling

__all__ = ["GROUP", "GroupMachine"]


class GroupMachine:
    """Subjects are ``<stream>/<group id>``."""

    name = "group"
    fold_version = 1
    life = GROUP_LIFE

    def new(self) -> Group:
        """A group of which nothing is known."""
        return Group()

    def decide(self, state: Group, ask: Ask) -> Ruling:
        """One fact or one refusal with reasons."""
        sources = GROUP_LIFE.sources(type(ask.payload))
        if state.state not in sources:
            return _not_here(state, ask, sources)
        ruled = GROUP_RULES[type(ask.payload)](state, ask)
        if isinstance(ruled, list):
            return Refusal(tuple(ruled), self.where(state), self.allowed(state))
        fact, end = ruled
        GROUP_LIFE.after(fact.name, state.state, end)
        return Accepted(fact, self.where(state), end)

    def evolve(self, state: Group, record: Record) -> None:
        """Fold one fact."""
        fold(state, record.type, record.data, record.sequence, GroupState(str(record.tostate)))

    def where(self, state: Group) -> str | None:
        """The group's state as operations spell it."""
        return state.state.value if state.state.is_known else None

    def allowed(self, state: Group) -> tuple[str, ...]:
        """Requests that may be asked now."""
        return GROUP_LIFE.allowed(state.state)

    def dump(self, state: Group) -> dict[str, Any]:
        """As JSON members."""
        return state.dump()

    def load(self, dumped: dict[str, Any]) -> Group:
        """From what ``dump`` gave."""
        return Group.load(dumped)


def _not_here(state: Group, ask: Ask, sources: tuple[GroupState, ...]) -> Refusal:
    allowed = GROUP_LIFE.allowed(state.state)
    if not state.state.is_known:
        reason = "nothing is known of this group; check its id, or say what it expects first"
        return Refusal((reason,), None, allowed, code="UNKNOWN_SUBJECT")
    short = ask.payload.name.partition(".")[2]
    reason = f"{short} needs {' or '.join(sources)}, found {state.state}"
    return Refusal((reason,), state.state.value, allowed)


GROUP = GroupMachine()
