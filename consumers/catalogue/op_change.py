"""What a scan found new, changed or gone of one OP, and the requests that say so to the ledger."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from events.base import Request
from events.op_parts import DATASETS_AT_MOST, Dataset, Gone
from events.op_requests import ChangeOpDatasets, DiscoverOp
from machines.program.dataset import Change, changes, flat

__all__ = ["SOURCE_CHARS", "Changed", "OpChange", "requests_of"]

SOURCE_CHARS = 1024
"""Of a source's name; what is beyond is not recorded."""

_BYTES_AT_MOST = 120_000  # of a request's datasets: requests may have 256 KiB
_EXECUTION = re.compile(r"(?P<program>.+?_op[^_]*)_(?P<repeat>R\d+\..*)")


@dataclass(frozen=True, slots=True)
class Changed:
    """A dataset as it is now, and as it was."""

    dataset: Dataset
    before: Dataset

    @property
    def changes(self) -> list[Change]:
        """Exactly what is not as it was, by path."""
        return changes(flat(self.before), flat(self.dataset))


@dataclass(slots=True)
class OpChange:
    """One OP: its datasets that are new, changed in a member that counts, gone, or changed in others only."""

    op_id: str
    is_new: bool = False
    experiment: str | None = None
    proposal: str | None = None
    added: list[Dataset] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    metadata: list[Changed] = field(default_factory=list)
    reopens: tuple[str, ...] = ()
    """Programs that were closed or judged and are not any more."""

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to record."""
        return not (self.is_new or self.added or self.changed or self.gone or self.metadata)


def requests_of(change: OpChange, *, source: str, criteria_version: int) -> Iterator[Request]:
    """What to ask of the OP, in order; several requests where one would be too large."""
    added = _batches(change.added)
    if change.is_new:
        found = _EXECUTION.fullmatch(change.op_id)
        yield DiscoverOp(
            source=source[:SOURCE_CHARS],
            experiment=change.experiment,
            proposal=change.proposal,
            observing_program=found["program"] if found else None,
            repeat=found["repeat"] if found else None,
            datasets=next(added, ()),
        )
    # What is gone goes first: a dataset that moved to another program leaves the old one before it joins the new.
    for start in range(0, len(change.gone), DATASETS_AT_MOST):
        gone = tuple(change.gone[start : start + DATASETS_AT_MOST])
        yield ChangeOpDatasets(source=source[:SOURCE_CHARS], gone=gone, digest_version=criteria_version)
    for batch in added:
        yield ChangeOpDatasets(source=source[:SOURCE_CHARS], added=batch, digest_version=criteria_version)
    for batch in _batches(each.dataset for each in change.changed):
        yield ChangeOpDatasets(source=source[:SOURCE_CHARS], changed=batch, digest_version=criteria_version)
    for batch in _batches(each.dataset for each in change.metadata):
        yield ChangeOpDatasets(source=source[:SOURCE_CHARS], metadata=batch, digest_version=criteria_version)


def _batches(datasets: Iterable[Dataset]) -> Iterator[tuple[Dataset, ...]]:
    batch: list[Dataset] = []
    size = 0
    for each in datasets:
        own = len(each.model_dump_json(exclude_none=True))
        if batch and (size + own > _BYTES_AT_MOST or len(batch) == DATASETS_AT_MOST):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(each)
        size += own
    if batch:
        yield tuple(batch)
