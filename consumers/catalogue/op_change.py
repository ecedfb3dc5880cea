"""What a scan found new, changed or gone of one OP, and the requests that say so to the ledger."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from consumers.catalogue.entry import Entry
from events.base import Request
from events.op_parts import DATASETS_AT_MOST, Dataset, Gone
from events.op_requests import ChangeOpDatasets, DiscoverOp
from machines.program.dataset import Change, changes, flat

__all__ = ["SOURCE_CHARS", "Changed", "OpChange", "ScanRequest", "requests_of"]

SOURCE_CHARS = 1024
"""Of a source's name; what is beyond is not recorded."""

_BYTES_AT_MOST = 120_000  # of a request's datasets: requests may have 256 KiB
_EXECUTION = re.compile(r"(?P<program>.+?_op[^_]*)_(?P<repeat>R\d+\..*)")


@dataclass(frozen=True, slots=True)
class Changed:
    """A dataset as it is now, and as it was; ``told`` are members that a request says of it besides."""

    now: Entry
    was: Entry
    told: dict[str, str]

    @property
    def dataset(self) -> Dataset:
        """As it is now."""
        return Dataset.model_validate_json(self.body)

    @property
    def before(self) -> Dataset:
        """As it was."""
        return self.was.read()

    @property
    def body(self) -> bytes:
        """As it is now, as JSON."""
        return orjson.dumps({**orjson.loads(self.now.body), **self.told})

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
    added: list[Entry] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    gone: list[Gone] = field(default_factory=list)
    metadata: list[Changed] = field(default_factory=list)
    reopens: tuple[str, ...] = ()
    """Programs that were closed or judged and are not any more."""

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to record."""
        return not (self.is_new or self.added or self.changed or self.gone or self.metadata)


class ScanRequest(NamedTuple):
    """A request and datasets that go in one of its members as the JSON that they are: they were read once already."""

    request: Request
    member: str = ""
    bodies: Sequence[bytes] = ()

    @property
    def name(self) -> str:
        """The request's name on the wire."""
        return self.request.name

    @property
    def datasets(self) -> int:
        """How many datasets it is about."""
        return len(self.bodies) or len(getattr(self.request, "gone", ()))

    def wire(self) -> dict[str, Any]:
        """The payload as it will stand in JSON."""
        members = self.request.wire()
        return {**members, self.member: list(map(orjson.Fragment, self.bodies))} if self.bodies else members


def requests_of(change: OpChange, *, source: str, criteria_version: int) -> Iterator[ScanRequest]:
    """What to ask of the OP, in order; several requests where one would be too large."""
    added = _batches(each.body for each in change.added)
    if change.is_new:
        found = _EXECUTION.fullmatch(change.op_id)
        discover = DiscoverOp(
            source=source[:SOURCE_CHARS],
            experiment=change.experiment,
            proposal=change.proposal,
            observing_program=found["program"] if found else None,
            repeat=found["repeat"] if found else None,
        )
        yield ScanRequest(discover, "datasets", next(added, ()))
    # What is gone goes first: a dataset that moved to another program leaves the old one before it joins the new.
    for start in range(0, len(change.gone), DATASETS_AT_MOST):
        gone = tuple(change.gone[start : start + DATASETS_AT_MOST])
        yield ScanRequest(
            ChangeOpDatasets(source=source[:SOURCE_CHARS], gone=gone, digest_version=criteria_version)
        )
    told = ChangeOpDatasets(source=source[:SOURCE_CHARS], digest_version=criteria_version)
    for batch in added:
        yield ScanRequest(told, "added", batch)
    for batch in _batches(each.body for each in change.changed):
        yield ScanRequest(told, "changed", batch)
    for batch in _batches(each.body for each in change.metadata):
        yield ScanRequest(told, "metadata", batch)


def _batches(bodies: Iterable[bytes]) -> Iterator[tuple[bytes, ...]]:
    batch: list[bytes] = []
    size = 0
    for body in bodies:
        if batch and (size + len(body) > _BYTES_AT_MOST or len(batch) == DATASETS_AT_MOST):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(body)
        size += len(body)
    if batch:
        yield tuple(batch)
