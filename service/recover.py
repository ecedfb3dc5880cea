"""The way out of every halt: what happened, what would be done about it, and doing it in somebody's name."""

from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from events.log import Log
from events.topics import Topics
from projectors import recoveries
from projectors.halt_codes import HALTS, OF_TOPICS, UNKNOWN
from projectors.recoveries import StandingHalt
from service.remedies import ACTS, NEVER_RETRIED, Doing, NotYetError, try_again

__all__ = ["NotYetError", "Remedies", "Remedy"]


@dataclass(frozen=True, slots=True)
class Remedy:
    """A halt in words, and the one command that leads on from it."""

    halt: StandingHalt
    happened: str
    will: str
    advice: str
    command: str


class Remedies:
    """Explains halts and leads on from them. Only what stands in the way is changed, and each step is written down."""

    def __init__(self, *, logs: Log, engine: Engine, topics: Topics) -> None:
        self._logs = logs
        self._engine = engine
        self._topics = topics

    def explain(self) -> list[Remedy]:
        """Every halt that stands."""
        with self._engine.connect() as connection:
            return [_explained(halt) for halt in recoveries.standing_halts(connection)]

    def apply(self, remedy: Remedy, *, actor: str, reason: str, only_retry: bool = False) -> str:
        """Do what the remedy says, in one transaction with the halt's end; what was done. Raises NotYetError."""
        halt = remedy.halt
        is_tried = only_retry and halt.code not in NEVER_RETRIED
        act = try_again if is_tried else ACTS.get(halt.code, try_again)
        with self._engine.begin() as connection:
            done = act(Doing(logs=self._logs, topics=self._topics, connection=connection, halt=halt))
            recoveries.clear(connection, halt, done=done, actor=actor, reason=reason)
            for other in _that_follow(connection, halt):
                recoveries.clear(connection, other, done=f"tried again: {done}", actor=actor, reason=reason)
        return done


def _that_follow(connection: Connection, halt: StandingHalt) -> list[StandingHalt]:
    """Halts of single partitions, which may have come of the topics being others: they are looked at anew."""
    if halt.code not in OF_TOPICS or halt.part != "decider":
        return []
    standing = recoveries.standing_halts(connection)
    return [each for each in standing if each.part == "decider" and each.partition != recoveries.EVERY]


def _explained(halt: StandingHalt) -> Remedy:
    kind = HALTS.get(halt.code, UNKNOWN)
    command = f"meridian recover --apply --code {halt.code} --part {halt.part} --reason '…'"
    return Remedy(halt, kind.happened, kind.will, kind.advice, command)
