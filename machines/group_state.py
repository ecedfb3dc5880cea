"""What is remembered of a group: which places are expected, and how each stands, as sets of bits."""

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from hashlib import sha256
from typing import Any

from events.group import Counts, Kind, MemberStatus
from machines.bitmap import count, pack, unpack

__all__ = ["STRAYS_KEPT", "Group", "GroupState"]

STRAYS_KEPT = 512
"""Members without a place that are remembered one by one, by digest; those beyond are only counted."""

_STATUSES: tuple[MemberStatus, ...] = ("complete", "invalid", "dismissed", "seen")
_BITS = ("expected", "seen", "complete", "invalid", "dismissed", "excused", "sidecars")


class GroupState(StrEnum):
    """States of a group. Reopened: it was over once, and something came after all."""

    NOTHING = "∅"
    OPEN = "Open"
    COMPLETE = "Complete"
    CLOSED_SHORT = "Closed short"
    REOPENED = "Reopened"

    @property
    def is_known(self) -> bool:
        """Something has happened to it."""
        return self is not GroupState.NOTHING


@dataclass(slots=True)
class Group:
    """One group. The sets hold places; ``strays`` are members that the membership rule gives none."""

    state: GroupState = GroupState.NOTHING
    kind: Kind = "dataset"
    parents: dict[str, Any] = field(default_factory=dict)
    is_bounded: bool = False
    expected: int = 0
    seen: int = 0
    complete: int = 0
    invalid: int = 0
    dismissed: int = 0
    excused: int = 0
    sidecars: int = 0
    strays: dict[str, str] = field(default_factory=dict)
    strays_beyond: int = 0
    sidecar_needed: bool = False
    closes_when_due: bool = False
    due_sequence: int | None = None
    is_due: bool = False
    digest: int = 0

    @property
    def done(self) -> int:
        """Expected places that nothing is missing of."""
        return self.expected & (self.complete | self.dismissed | self.excused)

    @property
    def missing(self) -> int:
        """Places that something is missing of: expected ones, and without any expectation those seen."""
        if self.is_bounded:
            return self.expected & ~self.done
        return self.seen & ~(self.complete | self.dismissed | self.excused)

    @property
    def without_sidecar(self) -> int:
        """Complete expected places whose sidecar has not come, where one is needed."""
        return self.expected & self.complete & ~self.sidecars if self.sidecar_needed else 0

    @property
    def is_complete(self) -> bool:
        """All that is expected is done; a sidecar is waited for until the group is due, and no longer."""
        whole = self.is_bounded and not self.missing
        return whole and (self.is_due or not self.without_sidecar)

    def status_of(self, place: int) -> MemberStatus | None:
        """How a place stands, None where there is no word of it."""
        return next((each for each in _STATUSES if getattr(self, each) >> place & 1), None)

    def stray(self, member: str) -> str | None:
        """How a member without a place stands."""
        return self.strays.get(stray_key(member))

    def counts(self) -> Counts:
        """In numbers."""
        unexpected = count(self.seen & ~self.expected) if self.is_bounded else 0
        return Counts(
            expected=count(self.expected) if self.is_bounded else None,
            done=count(self.done),
            seen=count(self.seen) + len(self.strays) + self.strays_beyond,
            complete=count(self.complete),
            invalid=count(self.invalid),
            dismissed=count(self.dismissed),
            excused=count(self.excused),
            unexpected=unexpected + len(self.strays) + self.strays_beyond,
            sidecars=count(self.sidecars),
        )

    def put(self, place: int, role: str, status: str) -> None:
        """A place stands so now. The digest moves with it, without looking at the others."""
        bit = 1 << place
        if role == "sidecar":
            if status == "complete" and not self.sidecars & bit:
                self.sidecars |= bit
                self._moves(f"{place}/sidecar", 1)
            return
        was = self.status_of(place)
        if was is not None:
            self._moves(f"{place}/{was}", -1)
        for each in ("complete", "invalid", "dismissed"):
            bits = getattr(self, each)
            setattr(self, each, bits | bit if each == status else bits & ~bit)
        self.seen |= bit
        self._moves(f"{place}/{status}", 1)

    def put_stray(self, member: str, status: str) -> None:
        """A member without a place."""
        key = stray_key(member)
        if key in self.strays:
            self._moves(f"{key}/{self.strays[key]}", -1)
        elif len(self.strays) >= STRAYS_KEPT:
            self.strays_beyond += 1
            self._moves(f"{key}/beyond", 1)
            return
        self.strays[key] = status
        self._moves(f"{key}/{status}", 1)

    def excuse(self, bits: int) -> None:
        """These places need not be filled."""
        self._moves(f"excused/{self.excused:x}", -1)
        self.excused |= bits
        self._moves(f"excused/{self.excused:x}", 1)

    def copy(self) -> "Group":
        """Another one that may be changed without changing this."""
        return replace(self, strays=dict(self.strays), parents=dict(self.parents))

    def dump(self) -> dict[str, Any]:
        """As JSON members."""
        members = {**asdict(self), "digest": f"{self.digest:032x}"}
        return {**members, **{name: pack(members[name]) for name in _BITS}}

    @classmethod
    def load(cls, dumped: dict[str, Any]) -> "Group":
        """From what ``dump`` gave."""
        sets = {name: unpack(dumped[name]) for name in _BITS}
        return cls(
            **{**dumped, **sets, "state": GroupState(dumped["state"]), "digest": int(dumped["digest"], 16)}
        )

    def _moves(self, told: str, sign: int) -> None:
        self.digest = (self.digest + sign * int.from_bytes(sha256(told.encode()).digest()[:16])) % (1 << 128)


def stray_key(member: str) -> str:
    """A member without a place, as it is remembered."""
    return sha256(member.encode()).hexdigest()[:16]
