"""A lifecycle: which request leads by which fact from which state to which; a table in ``transitions``."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any, Generic, NamedTuple, TypeVar

from transitions import Machine

from events.base import Fact, Request

__all__ = ["SAME", "IllegalTransitionError", "Lifecycle", "LifecycleError", "Row"]

S = TypeVar("S", bound=StrEnum)

SAME: Any = "="
"""Where a row ends in the state it began in."""


class LifecycleError(TypeError):
    """The table itself is wrong; import fails."""


class IllegalTransitionError(ValueError):
    """A fact cannot follow a state."""


class Row(NamedTuple):
    """One row: request, the fact it leads to, the states it may come from, and where it may lead."""

    request: type[Request] | None
    fact: type[Fact]
    sources: Any
    ends: Any


class Lifecycle(Generic[S]):
    """Looked up, never triggered: one shared machine per lifecycle, guards live in decisions, effects in consumers."""

    def __init__(self, states: type[S], *, initial: S, rows: Iterable[Row]) -> None:
        self.states = states
        self.initial = initial
        self.rows = tuple(rows)
        self._machine = Machine(
            model=None,
            states=[state.value for state in states],
            initial=initial.value,
            auto_transitions=False,
        )
        self._fill()
        self._ends = self._looked_up()
        self._steps = frozenset(
            (row.fact, state, end)
            for row in self.rows
            for state in states
            for end in self.ends(row.fact.name, state)
        )
        self._allowed = {state: self._allowed_in(state) for state in states}
        self._sources = {
            row.request: self._sources_of(row.request) for row in self.rows if row.request is not None
        }
        self._check_reachable()

    def ends(self, fact: str, state: S) -> tuple[S, ...]:
        """Where this fact may lead from here; empty if it cannot follow."""
        return self._ends.get((fact, state), ())

    def after(self, fact: str, state: S, to: S | None = None) -> S:
        """Where this fact leads. One with several ends says which in ``to``; raises IllegalTransitionError."""
        ends = self._ends.get((fact, state), ())
        if to is not None and to in ends:
            return to
        if to is None and len(ends) == 1:
            return ends[0]
        allowed = ", ".join(self.allowed(state)) or "nothing"
        wanted = f" with the end {to}" if to is not None else ""
        raise IllegalTransitionError(f"{fact}{wanted} cannot follow {state}; allowed here: {allowed}")

    def require(self, fact: type[Fact], state: S, to: S) -> None:
        """Raise IllegalTransitionError unless this fact may lead from here to there."""
        if (fact, state, to) not in self._steps:
            self.after(fact.name, state, to)

    def allowed(self, state: S) -> tuple[str, ...]:
        """The requests that may be asked in this state, without the machine's name."""
        return self._allowed[state]

    def sources(self, request: type[Request]) -> tuple[S, ...]:
        """The states in which this request is allowed."""
        return self._sources.get(request, ())

    def transitions(self) -> Iterator[tuple[str, str, S, S]]:
        """Each single transition: request, fact, from, to (for tests and diagrams)."""
        for row in self.rows:
            for source, end in self._pairs(row):
                yield (row.request.name if row.request else ""), row.fact.name, source, end

    def _pairs(self, row: Row) -> Iterator[tuple[S, S]]:
        for source in self._members(row.sources):
            for end in (source,) if row.ends is SAME else self._members(row.ends):
                yield source, end

    def _members(self, given: Any) -> tuple[S, ...]:
        members = (given,) if isinstance(given, self.states) else tuple(given)
        unknown = [each for each in members if not isinstance(each, self.states)]
        if unknown:
            raise LifecycleError(f"found the state {unknown[0]!r}, wanted a member of {self.states.__name__}")
        return tuple(sorted(members, key=list(self.states).index))

    def _fill(self) -> None:
        seen: set[tuple[str | None, str, S, S]] = set()
        for row in self.rows:
            for source, end in self._pairs(row):
                step = (row.request.name if row.request else None, row.fact.name, source, end)
                if step in seen:
                    raise LifecycleError(
                        f"the row {step[0]} → {row.fact.name}, {source} → {end} stands twice"
                    )
                seen.add(step)
                self._machine.add_transition(row.fact.name, source.value, end.value)

    def _looked_up(self) -> dict[tuple[str, S], tuple[S, ...]]:
        table: dict[tuple[str, S], dict[S, None]] = {}
        for row in self.rows:
            for state in self.states:
                for found in self._machine.get_transitions(row.fact.name, state.value):
                    table.setdefault((row.fact.name, state), {})[self.states(str(found.dest))] = None
        return {key: tuple(ends) for key, ends in table.items()}

    def _allowed_in(self, state: S) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for row in self.rows:
            if row.request is not None and any(source is state for source, _ in self._pairs(row)):
                names[row.request.name.partition(".")[2]] = None
        return tuple(names)

    def _sources_of(self, request: type[Request]) -> tuple[S, ...]:
        short = request.name.partition(".")[2]
        return tuple(state for state in self.states if short in self._allowed[state])

    def _check_reachable(self) -> None:
        reached = {self.initial}
        while True:
            more = {
                end for (_, state), ends in self._ends.items() if state in reached for end in ends
            } - reached
            if not more:
                break
            reached |= more
        lost = [state for state in self.states if state not in reached]
        if lost:
            raise LifecycleError(f"no row leads to {', '.join(lost)} from {self.initial}")
