"""The machine of observing programs: what is decided about a request, and how the answer is folded."""

from typing import Any

from events.base import Request
from events.envelope import Record
from machines.op_claims import CLAIMS
from machines.op_fold import Step, fold
from machines.op_life import OP_LIFE
from machines.op_operate import OPERATE
from machines.op_products import PRODUCTS
from machines.op_programs import PROGRAMS
from machines.op_publish import PUBLISH
from machines.op_ruling import Against, OfAttempt, Rule
from machines.op_staging import STAGING
from machines.op_state import Op, OpState
from machines.ruling import Accepted, Ask, Refusal, Ruling, Told

__all__ = ["OP", "OpMachine"]

RULES: dict[type[Request], Rule] = {**PROGRAMS, **CLAIMS, **PRODUCTS, **PUBLISH, **OPERATE, **STAGING}


class OpMachine:
    """Subjects are ids of observing programs as executed; what is asked about an attempt carries its number."""

    name = "op"
    fold_version = 3
    life = OP_LIFE

    def new(self) -> Op:
        """A program of which nothing is known."""
        return Op()

    def decide(self, state: Op, ask: Ask) -> Ruling:
        """One fact or one refusal with reasons."""
        sources = OP_LIFE.sources(type(ask.payload))
        if state.state not in sources:
            return _against(
                state, [_not_here(state, ask)], code="REFUSED" if state.state.is_known else UNKNOWN
            )
        ruled = RULES[type(ask.payload)](state, ask)
        if isinstance(ruled, list):
            return _against(state, ruled)
        if isinstance(ruled, Against):
            held_by = tuple(each.model_dump(mode="json") for each in ruled.held_by)
            return _against(state, ruled.reasons, extra={"held_by": held_by})
        ruling, attempt = ruled if isinstance(ruled, OfAttempt) else (ruled, None)
        fact = Told(type(ruling), ruling.wire())  # written once: to see where it leads, and to be recorded
        end = _end(state, fact, attempt)
        OP_LIFE.after(fact.name, state.state, end)
        return Accepted(fact, self.where(state), end, attempt=attempt)

    def evolve(self, state: Op, record: Record) -> None:
        """Fold one fact."""
        step = Step(record.type, record.data, record.attempt, record.sequence)
        fold(state, step, OpState(str(record.tostate)))

    def where(self, state: Op) -> str | None:
        """The OP's state as operations spell it."""
        return state.state.value if state.state.is_known else None

    def allowed(self, state: Op) -> tuple[str, ...]:
        """Requests that may be asked now."""
        return OP_LIFE.allowed(state.state)

    def dump(self, state: Op) -> dict[str, Any]:
        """As JSON members."""
        return state.dump()

    def load(self, dumped: dict[str, Any]) -> Op:
        """From what ``dump`` gave."""
        return Op.load(dumped)


UNKNOWN = "UNKNOWN_SUBJECT"


def _end(state: Op, fact: Told, attempt: int | None) -> OpState:
    """Where the OP stands once this fact is folded; the state itself is left as it is."""
    after = state.copy()
    fold(after, Step(fact.name, fact.data, attempt))
    return after.standing()


def _not_here(state: Op, ask: Ask) -> str:
    if not state.state.is_known:
        return "nothing is known of this OP; check its id, or discover it first (a scan, or a ready event)"
    short = ask.payload.name.partition(".")[2]
    return f"{short} needs {' or '.join(OP_LIFE.sources(type(ask.payload)))}, found {state.state}"


def _against(
    state: Op, reasons: list[str], *, code: str = "REFUSED", extra: dict[str, Any] | None = None
) -> Refusal:
    where = state.state.value if state.state.is_known else None
    return Refusal(tuple(reasons), where, OP_LIFE.allowed(state.state), code=code, extra=extra)


OP = OpMachine()
