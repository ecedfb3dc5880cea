"""Who works on what next: a score whose every term is shown, with weights as data."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import Field

from events.types import Name, Part

__all__ = ["Candidate", "Ranked", "Ranking", "Term", "rank", "score"]

_DAY = timedelta(days=1)


class Ranking(Part):
    """Weights: points for each term. What nobody has said gives no points."""

    name: Name
    version: int = Field(ge=1)
    source: str = Field("", max_length=1000)
    mark: float = Field(allow_inf_nan=False, description="an operator has marked it")
    priority: float = Field(allow_inf_nan=False, description="for each step of priority, -100 to 100")
    age_per_day: float = Field(allow_inf_nan=False, description="for each day that it waits")
    age_at_most: float = Field(ge=0, allow_inf_nan=False, description="points that age can give at most")
    size_per_tenfold: float = Field(
        allow_inf_nan=False, description="for each tenfold of frames; negative: small ones first"
    )
    instruments: dict[Name, float] = Field(default_factory=dict, max_length=64)


class Candidate(NamedTuple):
    """A program that can be worked on: its OP, since when it waits, and what has been said of it."""

    op_id: str
    program: str
    instrument: str
    waiting_since: datetime
    frames: int | None = None
    priority: int = 0
    mark: bool = False


class Term(NamedTuple):
    """A term of a score: what it goes by, and the points it gives."""

    name: str
    value: str
    points: float


class Ranked(NamedTuple):
    """A candidate with its place, from 1, and why."""

    rank: int
    score: float
    candidate: Candidate
    terms: tuple[Term, ...]

    @property
    def why(self) -> str:
        """The sum as people read it."""
        return " ".join(f"{each.points:+.1f} {each.name} ({each.value})" for each in self.terms)


def rank(candidates: Iterable[Candidate], ranking: Ranking, *, at: datetime) -> list[Ranked]:
    """All candidates, highest score first; of equals the one that waits longest, then by name: never by chance."""
    scored = [(score(each, ranking, at=at), each) for each in candidates]
    ordered = sorted(
        scored, key=lambda pair: (-pair[0][0], pair[1].waiting_since, pair[1].op_id, pair[1].program)
    )
    return [
        Ranked(place, total, each, terms) for place, ((total, terms), each) in enumerate(ordered, start=1)
    ]


def score(candidate: Candidate, ranking: Ranking, *, at: datetime) -> tuple[float, tuple[Term, ...]]:
    """The score, which is the sum of its terms, and the terms."""
    days = max((at - candidate.waiting_since) / _DAY, 0.0)
    aged = ranking.age_per_day * days
    size = math.log10(candidate.frames) if candidate.frames and candidate.frames > 0 else 0.0
    terms = (
        Term("mark", "marked" if candidate.mark else "no", ranking.mark if candidate.mark else 0.0),
        Term("priority", f"{candidate.priority:+d}", ranking.priority * candidate.priority),
        Term("age", f"{days:.1f} d", math.copysign(min(abs(aged), ranking.age_at_most), aged)),
        Term("size", f"{candidate.frames or 'unknown'} frames", ranking.size_per_tenfold * size),
        Term("instrument", candidate.instrument, ranking.instruments.get(candidate.instrument, 0.0)),
    )
    rounded = tuple(each._replace(points=round(each.points, 3)) for each in terms)
    return round(math.fsum(each.points for each in rounded), 3), rounded
