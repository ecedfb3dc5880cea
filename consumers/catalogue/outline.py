"""An OP with something to record, counted: what a scan tells of it before anything is asked for."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Self

import orjson

__all__ = ["Outline"]


@dataclass(slots=True)
class Outline:
    """How many of its datasets are what, which members of them changed how often, and what of it would be re-opened."""

    op_id: str
    is_new: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    members: Counter[str] = field(default_factory=Counter)
    gone: list[str] = field(default_factory=list)
    reopens: tuple[str, ...] = ()

    def written(self) -> bytes:
        """As JSON, to be kept until it is told."""
        return orjson.dumps({name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def read(cls, body: bytes) -> Self:
        """As it was written."""
        told = orjson.loads(body)
        for name in ("counts", "members"):
            told[name] = Counter(told[name])
        return cls(**{**told, "reopens": tuple(told["reopens"])})
