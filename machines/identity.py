"""The machine of archive identities: the first to reserve one holds it, until an operator says otherwise."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from events import identity as words
from events.envelope import Record
from events.identity import Holder
from machines.lifecycle import SAME, Lifecycle, Row
from machines.ruling import Accepted, Ask, Refusal, Ruling

__all__ = ["IDENTITY", "IDENTITY_LIFE", "Identity", "IdentityMachine", "IdentityState"]


class IdentityState(StrEnum):
    """An identity is free until somebody reserves it."""

    FREE = "Free"
    RESERVED = "Reserved"


FREE, RESERVED = IdentityState.FREE, IdentityState.RESERVED

IDENTITY_LIFE = Lifecycle(
    IdentityState,
    initial=FREE,
    rows=[
        #   request                  fact                        from      to
        Row(words.ReserveIdentity,   words.IdentityReserved,     FREE,     RESERVED),
        Row(words.ReserveIdentity,   words.IdentityReserved,     RESERVED, SAME),
        Row(words.ReleaseIdentity,   words.IdentityReleased,     RESERVED, FREE),
        Row(words.TransferIdentity,  words.IdentityTransferred,  RESERVED, SAME),
    ],
)  # fmt: skip


@dataclass(slots=True)
class Identity:
    """Who holds it: subject, version and SHA-256; None while free."""

    holder: dict[str, Any] | None = None


class IdentityMachine:
    """Subjects are archive identities, such as a KOAID."""

    name = "identity"
    fold_version = 1
    life = IDENTITY_LIFE

    def new(self) -> Identity:
        """A free identity."""
        return Identity()

    def decide(self, state: Identity, ask: Ask) -> Ruling:
        """Reserve, release, transfer."""
        request = ask.payload
        if isinstance(request, words.ReserveIdentity):
            return _reserve(state, request)
        if state.holder is None:
            return _refusal(state, [f"{_short(ask)} needs Reserved, found Free"])
        holder = Holder.model_validate(state.holder)
        if not ask.by_person:
            return _refusal(state, [f"{_short(ask)} needs a reason"])
        if isinstance(request, words.ReleaseIdentity):
            return _release(state, holder, request)
        assert isinstance(request, words.TransferIdentity)
        return Accepted(words.IdentityTransferred(holder=request.to, former=holder), RESERVED, RESERVED)

    def evolve(self, state: Identity, record: Record) -> None:
        """Fold one fact."""
        state.holder = None if record.type == "identity.released" else record.data["holder"]

    def where(self, state: Identity) -> str | None:
        """Free or Reserved."""
        return _where(state)

    def allowed(self, state: Identity) -> tuple[str, ...]:
        """Requests that may be asked now."""
        return IDENTITY_LIFE.allowed(_where(state))

    def dump(self, state: Identity) -> dict[str, Any]:
        """As JSON members."""
        return asdict(state)

    def load(self, dumped: dict[str, Any]) -> Identity:
        """From what ``dump`` gave."""
        return Identity(**dumped)


def _reserve(state: Identity, request: words.ReserveIdentity) -> Ruling:
    if state.holder is None:
        return Accepted(words.IdentityReserved(holder=request.holder), FREE, RESERVED)
    holder = Holder.model_validate(state.holder)
    if holder.subject == request.holder.subject:  # a later version of the same file keeps its identity
        return Accepted(words.IdentityReserved(holder=request.holder), RESERVED, RESERVED)
    reason = (
        f"held by {holder.subject} version {holder.version} (sha256 {holder.sha256}), "
        f"wanted by {request.holder.subject} "
        f"version {request.holder.version} (sha256 {request.holder.sha256}); "
        "give one of them another identity, dismiss one, or transfer the identity"
    )
    return _refusal(state, [reason])


def _release(state: Identity, holder: Holder, request: words.ReleaseIdentity) -> Ruling:
    if request.holder is not None and request.holder != holder:
        return _refusal(
            state, [f"held by {holder.subject} version {holder.version}, not by {request.holder.subject}"]
        )
    return Accepted(words.IdentityReleased(holder=holder), RESERVED, FREE)


def _refusal(state: Identity, reasons: list[str]) -> Refusal:
    where = _where(state)
    extra = {"holder": state.holder} if state.holder is not None else None
    return Refusal(tuple(reasons), where, IDENTITY_LIFE.allowed(where), extra=extra)


def _where(state: Identity) -> IdentityState:
    return FREE if state.holder is None else RESERVED


def _short(ask: Ask) -> str:
    return ask.payload.name.partition(".")[2]


IDENTITY = IdentityMachine()
