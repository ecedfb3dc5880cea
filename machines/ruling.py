"""What a machine answers to a request: one fact, or a refusal with reasons. And what every machine has to offer."""

from typing import Any, NamedTuple, Protocol, TypeVar

from events.base import Fact, Request
from events.envelope import Record, RequestEnvelope

__all__ = ["Accepted", "Ask", "Machine", "Refusal", "Ruling", "Told"]

S = TypeVar("S")


class Ask(NamedTuple):
    """A request as a guard sees it: its payload and its envelope. No clock, no configuration, no other subject."""

    payload: Request
    envelope: RequestEnvelope

    @property
    def by_person(self) -> bool:
        """A reason came with it: a person acted, or a tool in a person's name."""
        return self.envelope.reason is not None


class Told(NamedTuple):
    """A fact as it stands on the wire, put together from parts that were validated when they came in.

    Just what ``kind`` would make of the same members; no instance of it is made and read out again.
    """

    kind: type[Fact]
    data: dict[str, Any]

    @property
    def name(self) -> str:
        """The fact's name on the wire."""
        return self.kind.name

    @classmethod
    def of(cls, kind: type[Fact], members: dict[str, Any]) -> "Told":
        """Of these members, in the order of the class; those that are None are left out."""
        return cls(kind, {name: member for name, member in members.items() if member is not None})


class Accepted(NamedTuple):
    """The fact that follows, and the states it leads between. ``version`` and ``attempt`` where work is concerned."""

    fact: Fact | Told
    fromstate: str | None
    tostate: str | None
    version: int | None = None
    attempt: int | None = None


class Refusal(NamedTuple):
    """Why not; ``extra`` joins the refusal's data where the machine's refusal has more members."""

    reasons: tuple[str, ...]
    state: str | None
    allowed: tuple[str, ...] = ()
    code: str = "REFUSED"
    version: int | None = None
    attempt: int | None = None
    extra: dict[str, Any] | None = None


Ruling = Accepted | Refusal


class Machine(Protocol[S]):
    """A kind of subject: how it begins, what it decides, how it folds facts, and how its state is kept."""

    name: str
    fold_version: int
    """Raised whenever ``evolve`` or the shape of the state changes; snapshots of another one are not used."""

    def new(self) -> S:
        """The state of a subject of which nothing is known."""

    def decide(self, state: S, ask: Ask) -> Ruling:
        """One fact or one refusal. Pure: may not change ``state``."""

    def evolve(self, state: S, record: Record) -> None:
        """Fold one fact into ``state``. Asks nothing: it has happened."""

    def where(self, state: S) -> str | None:
        """The state's name as operations spell it, of the newest version where there are versions."""

    def allowed(self, state: S) -> tuple[str, ...]:
        """Requests that may be asked now."""

    def dump(self, state: S) -> dict[str, Any]:
        """The state as JSON members."""

    def load(self, dumped: dict[str, Any]) -> S:
        """The state from what ``dump`` gave."""
