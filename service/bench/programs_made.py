"""The observing programs of the bench: one instrument program of one dataset each, of which a third or so passes."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from consumers.policies import criteria
from events.op_parts import Cover, Dataset, ProgramNow, Value
from events.op_requests import DiscoverOp, ReadyOp
from machines.program.dataset import flat, significant_digest
from service.client import Ask

__all__ = ["PROGRAM", "Made", "discovering", "made_programs", "readying"]

PROGRAM = "id.1"
_MADE = datetime(2026, 1, 1, tzinfo=UTC)
_FRAMES = 400
_OPEN: tuple[int, ...] = (400, 400, 360, 400, 120, 400, 240)
"""Frames under good light, in turn: as in the catalogue of the DKIST, about a third of the programs passes."""


class Made(NamedTuple):
    """An observing program and the only dataset of its only instrument program."""

    op: str
    dataset: Dataset

    @property
    def now(self) -> ProgramNow:
        """Its instrument program where it waits for its verdict."""
        cover = Cover.of([(self.dataset.dataset, self.dataset.digest)])
        return ProgramNow(program=PROGRAM, instrument="VISP", state="Discovered", cover=cover, is_ready=True)


def made_programs(count: int, *, turn: int, at: datetime) -> list[Made]:
    """So many, of names that no other turn has; their datasets are as old as ``at``, so that none closes by itself."""
    reads = criteria(None).reads
    return [
        Made(f"bench_{turn}_op{number:06d}", _dataset(turn, number, at, reads)) for number in range(count)
    ]


def discovering(made: Sequence[Made]) -> Iterator[Ask]:
    """There are such programs."""
    for each in made:
        yield Ask(each.op, DiscoverOp(source="bench", experiment="eid_1_1", datasets=(each.dataset,)))


def readying(made: Sequence[Made]) -> Iterator[Ask]:
    """All of their datasets are there: judge them."""
    for each in made:
        yield Ask(each.op, ReadyOp(program=PROGRAM, by="operator"))


def _dataset(turn: int, number: int, at: datetime, reads: frozenset[str]) -> Dataset:
    good = _OPEN[number % len(_OPEN)]
    values: dict[str, Value] = {
        "bounding_box": (-560.16, -347.5, -677.17, -467.21), "stokes": "IQUV" if number % 3 else "I",
        "wavelength_min_nm": 629.4, "wavelength_max_nm": 631.0, "ao_locked": _FRAMES - number % 90,
        "health.good": _FRAMES, "gos.open": good, "light_level.med": 392.6, "fried_m.med": 0.09,
        "polarimetric_accuracy.med": 0.0005,
    }  # fmt: skip
    dataset = Dataset(
        dataset=f"B{turn}{number:06d}",
        program=PROGRAM,
        instrument="VISP",
        digest="0" * 32,
        frames=_FRAMES,
        created_at=at,
        started_at=_MADE + timedelta(minutes=number),
        ended_at=_MADE + timedelta(minutes=number + 20),
        values=values,
    )
    return dataset.model_copy(update={"digest": significant_digest(flat(dataset), reads)})
