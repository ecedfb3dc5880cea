"""A dataset as a scan holds it: its digests, and its JSON as it will stand in a request; nothing is read twice."""

from typing import NamedTuple, Self

from events.op_parts import Dataset
from machines.program.dataset import whole_digest

__all__ = ["Entry", "Pair"]


class Entry(NamedTuple):
    """A dataset: ``whole`` is a digest of everything that is said of it, ``body`` the dataset as JSON."""

    op: str
    dataset: str
    program: str
    digest: str
    whole: str
    body: bytes
    is_closed: bool = False
    """Of a known one: its program is closed or judged already, so that news re-opens it."""

    @classmethod
    def of(cls, op: str, dataset: Dataset, *, is_closed: bool = False) -> Self:
        """A dataset of this OP."""
        body = dataset.__pydantic_serializer__.to_json(dataset, exclude_none=True)
        whole = whole_digest(dataset)
        return cls(op, dataset.dataset, dataset.program, dataset.digest, whole, body, is_closed)

    def read(self) -> Dataset:
        """The dataset itself."""
        return Dataset.model_validate_json(self.body)


class Pair(NamedTuple):
    """A dataset of an OP that is not as it was known: one side, or both."""

    op: str
    seen: Entry | None
    known: Entry | None
