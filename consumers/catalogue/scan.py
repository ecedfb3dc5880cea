"""A scan: everything that a catalogue says, held against what is known; new, changed and gone by OP."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Literal, NamedTuple

from consumers.catalogue.entry import Entry, Pair
from consumers.catalogue.look import Gap, Look, Seen, Source
from consumers.catalogue.op_change import SOURCE_CHARS, Changed, OpChange
from consumers.catalogue.outline import Outline
from consumers.catalogue.record import read_record
from consumers.catalogue.record_fields import Problem
from consumers.catalogue.spool_sql import Spool
from consumers.catalogue.tellers import other_teller
from events.op_parts import Dataset, Gone
from machines.program.dataset import changes, flat, significant_digest

__all__ = ["Known", "Question", "RecordProblem", "Scan", "scan"]

REOPENED_AT_MOST = 0.10
_LISTED = 1000
_SAMPLE = 10


class Known(NamedTuple):
    """A dataset as the ledger has it; None: an OP without any. ``is_closed``: its program is closed or judged.

    ``source``: who told of it last; None: nobody remembers, and any source may say that it is gone.
    """

    op_id: str
    dataset: Dataset | None = None
    is_closed: bool = False
    source: str | None = None


class RecordProblem(NamedTuple):
    """What is wrong with one record."""

    at: str
    op_id: str | None
    dataset_id: str | None
    problem: Problem


@dataclass(frozen=True, slots=True)
class Question:
    """So many OPs would be re-opened that a person should say whether that is meant."""

    reopened: int
    known: int
    at_most: float
    sample: tuple[str, ...]

    def __str__(self) -> str:
        share = 100 * self.reopened / self.known
        names = ", ".join(self.sample) + (", …" if self.reopened > len(self.sample) else "")
        return (
            f"this scan would re-open {self.reopened} of {self.known} OPs ({share:.0f} %), wanted at most "
            f"{100 * self.at_most:.0f} % ({names}); look at what changed in them, and confirm if it is meant"
        )


Kind = Literal["added", "changed", "gone", "metadata"]


class _New(NamedTuple):
    """What an OP that is new says of itself."""

    experiment: str | None
    proposal: str | None


@dataclass
class Scan:
    """What came of a scan; ``changes`` can be walked as long as its spool is open."""

    source: str
    look: Look
    significant: Collection[str]
    spool: Spool
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[RecordProblem] = field(default_factory=list)
    """The first thousand; ``counts["problems"]`` has how many there are."""
    question: Question | None = None
    """Asked before anything is recorded; None: nothing to ask."""
    others: dict[str, int] = field(default_factory=dict)
    """Datasets that other sources have told of and this one lacks, by source: not gone by its word."""

    @property
    def gaps(self) -> list[Gap]:
        """What could not be seen, the first thousand of it. With any, nothing is called gone."""
        return self.look.gaps

    def outlines(self) -> Iterator[Outline]:
        """The same as ``changes``, without the datasets: what is only counted need not be read whole."""
        yield from map(Outline.read, self.spool.outlines())

    def outlined(self) -> Iterator[Outline]:
        """The outlines, from what was seen and what is known."""
        for op, new, pairs in self._ops(whole=False):
            outline = self._outline(op, pairs, is_new=new is not None)
            if outline.is_new or outline.counts:
                yield outline

    def changes(self) -> Iterator[OpChange]:
        """Every OP with something to record, in order."""
        for op, new, pairs in self._ops(whole=True):
            change = self._change(op, pairs)
            if new is not None:
                change.is_new, change.experiment, change.proposal = True, *new
            if not change.is_nothing:
                yield change

    def _ops(self, *, whole: bool) -> Iterator[tuple[str, _New | None, Iterator[Pair]]]:
        """Those that are new, of which perhaps no record could be read whole, and those with datasets that differ."""
        new = ((op, _New(experiment, proposal)) for op, experiment, proposal in self.spool.new_ops())
        pairs = ((pair.op, pair) for pair in self.spool.differing(whole=whole))
        both: Iterator[tuple[str, _New | Pair]] = merge(new, pairs, key=itemgetter(0))
        for op, found in groupby(both, key=itemgetter(0)):
            told = [each for _, each in found]
            is_new = told[0] if isinstance(told[0], _New) else None
            yield op, is_new, (each for each in told if isinstance(each, Pair))

    def _outline(self, op: str, pairs: Iterable[Pair], *, is_new: bool) -> Outline:
        outline = Outline(op, is_new=is_new)
        touched: set[str] = set()
        for pair in pairs:
            kind = self._kind(pair)
            if kind is None:
                continue
            outline.counts[kind] += 1
            if kind == "gone" and pair.known is not None:
                outline.gone.append(pair.known.dataset)
            if pair.known is not None and pair.seen is not None:
                outline.members.update(each.path for each in Changed(pair.seen, pair.known, {}).changes)
            touched |= _programs(kind, pair)
        outline.reopens = self._reopened(op, touched)
        return outline

    def _change(self, op: str, pairs: Iterable[Pair]) -> OpChange:
        change = OpChange(op)
        touched: set[str] = set()
        for pair in pairs:
            kind = self._kind(pair)
            if kind is not None:
                _sort_in(kind, pair, change)
                touched |= _programs(kind, pair)
        change.reopens = self._reopened(op, touched)
        return change

    def _reopened(self, op: str, touched: set[str]) -> tuple[str, ...]:
        return tuple(sorted(touched & self.spool.closed_programs(op))) if touched else ()

    def _kind(self, pair: Pair) -> "Kind | None":
        """Where a pair belongs; None: nothing may be said of it."""
        seen, known = pair.seen, pair.known
        if known is None:
            return "added"
        if seen is None:
            return "gone" if self._is_gone(known) else None
        if seen.digest == known.digest:
            return "metadata"
        # Other criteria name other members: then the digests differ and the members that count now need not.
        is_same = seen.digest == significant_digest(flat(known.read()), self.significant)
        return "metadata" if is_same else "changed"

    def _is_gone(self, known: Entry) -> bool:
        moved = self.spool.seen(known.dataset) is not None
        if moved or not self.look.is_whole:
            return moved
        return not (self.spool.is_unplaced(known.dataset) or self.spool.is_of_others(known.dataset))


def scan(
    source: Source,
    known: Iterable[Known],
    *,
    significant: Collection[str],
    spool: Spool,
    reopened_at_most: float = REOPENED_AT_MOST,
    in_place_of: Collection[str] = (),
    leaves_others: bool = False,
) -> Scan:
    """Read the whole catalogue and hold it against ``known``; records nothing and asks nobody.

    ``significant`` are the members that the criteria in force read. Only what this source has told of is gone where it
    has it no more, or what those have told of that it takes the place of (a name that ends in / stands for all that
    begin so); with ``leaves_others`` it says nothing at all of what others have told of. Raises OSError where the
    source can't be opened.
    """
    found = Scan(source.name, Look(), frozenset(significant), spool)
    for seen in source.records(found.look):
        _take(seen, found)
    if found.look.unchanged:
        return found
    own = (source.name[:SOURCE_CHARS], *in_place_of)
    for each in known:
        entry = None if each.dataset is None else Entry.of(each.op_id, each.dataset, is_closed=each.is_closed)
        spool.put_known(each.op_id, entry, others=other_teller(each.source, own))
    if leaves_others:
        found.counts["left"] = spool.leave_to_others()
    _look_again(source, found)
    _tally(found, reopened_at_most)
    found.others = dict(spool.missing_of_others())
    return found


def _take(seen: Seen, found: Scan) -> None:
    """One record into the spool; its problems into the list."""
    read = read_record(seen.raw, found.significant, at=seen.at)
    found.counts["records"] += 1
    if seen.is_arriving and read.dataset_id is not None:
        found.counts["arriving"] += 1
        found.spool.put_unplaced(read.dataset_id)
        return
    if read.problems:
        _list(found, seen.at, read.op_id, read.dataset_id, read.problems)
    if read.op_id is not None:
        found.spool.put_op(read.op_id, read.experiment, read.proposal)
    if read.entry is not None:
        _put(read.entry, found, seen.at)
    elif read.dataset_id is not None:
        found.spool.put_unplaced(read.dataset_id)
    else:
        found.look.missed(
            seen.at, "a record that names no dataset", "a datasetId", "mend the catalogue's record"
        )


def _put(entry: Entry, found: Scan, at: str) -> None:
    there = found.spool.put_seen(entry)
    if there is None:
        return
    found.counts["repeated"] += 1
    if there.whole == entry.whole and there.op == entry.op:
        return
    # Contradictory records: the newer one counts, and whoever reads the OP sees that there were two.
    one, other = there.read(), entry.read()
    entries = sorted(
        [(_age(one), there.whole, there.op, one), (_age(other), entry.whole, entry.op, other)], key=_order
    )
    newer = entries[-1]
    paths = [each.path for each in changes(flat(one), flat(other))] + (["op"] if there.op != entry.op else [])
    problem = Problem.of(
        "datasetId", f"two records that differ in {', '.join(paths)}", "one record of each dataset"
    )
    _list(found, at, newer[2], newer[3].dataset, (problem,))
    problems = {each.path: each for each in (*newer[3].problems, problem.part())}
    both = newer[3].model_copy(update={"problems": tuple(problems.values())[:32]})
    found.spool.replace_seen(Entry.of(newer[2], both))


def _order(entry: tuple[str, str, str, Dataset]) -> tuple[str, str, str]:
    return entry[:3]


def _age(dataset: Dataset) -> str:
    return str(dataset.values.get("updated_at") or "")


def _list(
    found: Scan, at: str, op_id: str | None, dataset_id: str | None, problems: Collection[Problem]
) -> None:
    found.counts["problems"] += len(problems)
    room = _LISTED - len(found.problems)
    found.problems += [RecordProblem(at, op_id, dataset_id, each) for each in list(problems)[:room]]


def _look_again(source: Source, found: Scan) -> None:
    """What nobody mentioned any more is asked for by name before it is called gone."""
    missing = [dataset for _, dataset in found.spool.missing()]
    found.counts["unseen"] = len(missing)
    if not missing or not found.look.is_whole:
        return
    again = source.again(missing)
    if not again:
        return
    for each in again:
        _take(each, found)
    where = f"{len(again)} datasets, such as {', '.join(missing[:3])}"
    found.look.missed(
        where, "nothing in the list of all, and each of them when asked by name", "them in the list"
    )
    found.counts["unseen"] = len(list(found.spool.missing()))


def _tally(found: Scan, reopened_at_most: float) -> None:
    counts = found.counts
    sample: list[str] = []
    for each in found.outlined():
        found.spool.put_outline(each.written())
        counts["ops_new"] += each.is_new
        counts["ops_changed"] += not each.is_new
        for kind in ("added", "changed", "gone"):
            counts[kind] += each.counts[kind]
        counts["metadata_changed"] += each.counts["metadata"]
        counts["reopened"] += bool(each.reopens)
        if each.reopens and len(sample) < _SAMPLE:
            sample.append(each.op_id)
    counts["ops"] = found.spool.count("op")
    counts["datasets"] = found.spool.count("seen")
    counts["ops_known"] = found.spool.count("known_ops")
    counts["gaps"] = len(found.gaps) + found.look.unlisted
    if counts["reopened"] > reopened_at_most * counts["ops_known"]:
        found.question = Question(counts["reopened"], counts["ops_known"], reopened_at_most, tuple(sample))


def _sort_in(kind: Kind, pair: Pair, change: OpChange) -> None:
    """Put a pair where it belongs."""
    seen, known = pair.seen, pair.known
    if kind == "added" and seen is not None:
        change.added.append(seen)
    elif kind == "gone" and known is not None:
        change.gone.append(Gone(dataset=known.dataset, program=known.program, digest=known.digest))
    elif seen is not None and known is not None:
        is_metadata = kind == "metadata"
        told = {"digest" if is_metadata else "was": known.digest}
        (change.metadata if is_metadata else change.changed).append(Changed(seen, known, told))


def _programs(kind: Kind, pair: Pair) -> set[str]:
    """Those that a pair opens; what no criterion reads opens none."""
    return set() if kind == "metadata" else {each.program for each in pair[1:] if each is not None}
