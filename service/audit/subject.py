"""One subject as the auditor knows it: a plain model of what its records say, and how far each reader had come.

Nothing of ``machines`` is used here: the events carry the states that they led to, and this follows them.
"""

from array import array
from collections.abc import Iterable
from typing import Any, NamedTuple
from zlib import crc32

import orjson

__all__ = ["CUTS", "Standing", "Subject", "Version"]

_new = tuple.__new__

CUTS = ("view", "work", "saved")
"""Who reads the ledger: the projector, dispatch, and the decider's own store. Each is compared at its own position."""


class Version(NamedTuple):
    """One version of a file, or version 0: a subject without versions. ``due``: the fact that set a deadline."""

    state: str | None
    attempt: int | None
    sequence: int
    event_id: str
    offset: int
    code: str | None = None
    due: str | None = None


class Standing:
    """What the records up to some position come to."""

    __slots__ = (
        "best",
        "chain",
        "embargoed",
        "fact",
        "follows",
        "held",
        "offset",
        "sequence",
        "time",
        "versions",
    )

    def __init__(self) -> None:
        self.sequence = 0
        self.fact = 0
        self.chain = ""
        self.time = ""
        self.offset = -1
        self.best: int | None = None
        self.held = False
        self.embargoed = False
        self.versions: dict[int, Version] = {}
        self.follows: tuple[str, ...] = ()

    def dump(self) -> list[Any]:
        """As JSON members."""
        head = [
            self.sequence,
            self.fact,
            self.chain,
            self.time,
            self.offset,
            self.best,
            self.held,
            self.embargoed,
        ]
        return [
            *head,
            [[number, *version] for number, version in self.versions.items()],
            self.follows,
        ]

    @classmethod
    def load(cls, dumped: list[Any]) -> "Standing":
        """From what ``dump`` gave."""
        self = cls.__new__(cls)  # every member is set here
        (
            self.sequence, self.fact, self.chain, self.time, self.offset, self.best, self.held, self.embargoed,
            versions, follows,
        ) = dumped  # fmt: skip
        self.versions = {members[0]: _new(Version, members[1:]) for members in versions}
        self.follows = tuple(follows)
        return self

    @property
    def newest(self) -> Version | None:
        """The version begun last."""
        return self.versions[max(self.versions)] if self.versions else None


class Subject:
    """A subject: its standing now and where a reader stops earlier, the requests it has answered, its name."""

    __slots__ = ("_packed", "frozen", "hashed", "key", "now", "requests", "states", "wanted")

    def __init__(self, key: bytes = b"") -> None:
        self.key = key
        self.hashed = crc32(key)
        """Of its name: partitions are dealt by it."""
        self.now = Standing()
        self.frozen: dict[str, list[Any]] | None = None  # few have any of these
        self.requests: set[int] = set()
        self.wanted: tuple[tuple[int, str], ...] = ()
        self.states: tuple[str, ...] = ()
        self._packed = b""

    def freeze(self, cut: str) -> None:
        """From here on, this reader has read no further."""
        if self.frozen is None:
            self.frozen = {}
        if cut not in self.frozen:
            self.frozen[cut] = self.now.dump()

    def at(self, cut: str) -> Standing:
        """The standing as this reader should have it."""
        dumped = None if self.frozen is None else self.frozen.get(cut)
        return self.now if dumped is None else Standing.load(dumped)

    def expect(self, wanted: Iterable[tuple[int, str]]) -> None:
        """Requests that have to be answered in the end: the hash of each id, and the id."""
        self.wanted += tuple(wanted)

    def has_answered(self, number: int) -> bool:
        """Whether one of its records answers the request whose id has this hash."""
        if self._packed:
            self.unpack()
        return number in self.requests

    def unpack(self) -> None:
        """Fill ``requests`` after ``load``."""
        self.requests = set(array("q", self._packed))
        self._packed = b""

    def dump(self) -> tuple[bytes, bytes]:
        """As JSON, and the hashes of ``requests`` as they stand in memory."""
        if self._packed:
            self.unpack()
        told = orjson.dumps([self.now.dump(), self.frozen, self.wanted, self.states])
        return told, array("q", self.requests).tobytes()

    @classmethod
    def load(cls, dumped: bytes, requests: bytes, key: bytes = b"") -> "Subject":
        """From what ``dump`` gave; ``requests`` are left packed: to be compared, few subjects need them."""
        self = cls.__new__(cls)
        now, self.frozen, wanted, states = orjson.loads(dumped)
        self.key, self.hashed = key, crc32(key)
        self.now = Standing.load(now)
        self.requests, self._packed = set(), requests
        self.wanted, self.states = tuple((number, text) for number, text in wanted), tuple(states)
        return self
