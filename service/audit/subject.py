"""One subject as the auditor knows it: a plain model of what its records say, and how far each reader had come.

Nothing of ``machines`` is used here: the events carry the states that they led to, and this follows them.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple
from zlib import crc32

import orjson

__all__ = ["CUTS", "Standing", "Subject", "Version"]

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
        self = cls()
        (
            self.sequence, self.fact, self.chain, self.time, self.offset, self.best, self.held, self.embargoed,
            versions, follows,
        ) = dumped  # fmt: skip
        self.versions = {number: Version(*members) for number, *members in versions}
        self.follows = tuple(follows)
        return self

    @property
    def newest(self) -> Version | None:
        """The version begun last."""
        return self.versions[max(self.versions)] if self.versions else None


class Subject:
    """A subject: its standing now and where a reader stops earlier, the requests it has answered, its name."""

    __slots__ = ("frozen", "hashed", "key", "now", "requests", "states", "wanted")

    def __init__(self, key: bytes = b"") -> None:
        self.key = key
        self.hashed = crc32(key)
        """Of its name: partitions are dealt by it."""
        self.now = Standing()
        self.frozen: dict[str, list[Any]] | None = None  # few have any of these
        self.requests: set[int] = set()
        self.wanted: tuple[tuple[int, str], ...] = ()
        self.states: tuple[str, ...] = ()

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

    def dump(self) -> bytes:
        """As JSON."""
        return orjson.dumps([self.now.dump(), self.frozen, list(self.requests), self.wanted, self.states])

    @classmethod
    def load(cls, dumped: bytes, key: bytes = b"") -> "Subject":
        """From what ``dump`` gave."""
        self = cls(key)
        now, self.frozen, requests, wanted, states = orjson.loads(dumped)
        self.now = Standing.load(now)
        self.requests = set(requests)
        self.wanted, self.states = tuple((number, text) for number, text in wanted), tuple(states)
        return self
