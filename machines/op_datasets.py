"""Deciding on what a scan or a sender says of an OP's datasets: what is new, changed or gone, and what that opens."""

from collections.abc import Iterable
from typing import NamedTuple

from events import op as facts
from events import op_requests as asks
from events.op_parts import PROGRAMS_AT_MOST, Announced, Cover, Dataset, Gone, ProgramNow
from machines.op_embargo import embargoes_moved
from machines.op_ruling import Ruled, members
from machines.op_state import Op, Program, ProgramState, embargo_end
from machines.ruling import Ask

__all__ = ["datasets", "discover"]


class _Change(NamedTuple):
    """What really differs from what is known; ``added`` and ``changed`` may come in either list of the request."""

    added: list[Dataset]
    changed: list[Dataset]
    gone: list[Gone]
    metadata: list[Dataset]


def discover(op: Op, ask: Ask) -> Ruled:
    """The OP exists. Known already, with datasets that are not: the same as if those had been reported.

    One that was only spoken of, without any dataset, is discovered with its first ones.
    """
    request = ask.payload
    assert isinstance(request, asks.DiscoverOp)
    change = _change(op, request.datasets)
    if isinstance(change, list):
        return change
    if not op.state.is_known or (change.added and not op.programs):
        found = members(ask, "datasets")
        programs = _programs(op, change)
        return facts.OpDiscovered(
            **found, datasets=tuple(change.added), programs=programs, announced=_announced(op, programs)
        )
    if not (change.added or change.changed):
        if told := [each for each in request.datasets if each.values and _has_other_embargo(op, each)]:
            return _metadata(op, request.source, told)
        return ["the OP is known already, with all of these datasets; nothing to do"]
    return _changed(op, change, asks.ChangeOpDatasets(source=request.source))


def _has_other_embargo(op: Op, dataset: Dataset) -> bool:
    """No criterion reads it, and the public does: a catalogue's word on it counts by itself."""
    home = op.programs.get(dataset.program)
    known = home.names.get(dataset.dataset) if home is not None else None
    return known is not None and known[1] != embargo_end(dataset.model_dump(mode="json", exclude_none=True))


def datasets(op: Op, ask: Ask) -> Ruled:
    """Datasets came, changed or went. What is known already is left out; where nothing is left, nothing happens."""
    request = ask.payload
    assert isinstance(request, asks.ChangeOpDatasets)
    change = _change(op, request.added, request.changed, request.gone, request.metadata)
    if isinstance(change, list):
        return change
    if change.added or change.changed or change.gone:
        return _changed(op, change, request)
    if change.metadata:
        return _metadata(op, request.source, change.metadata)
    return ["these datasets are known exactly so already; nothing to do"]


def _metadata(op: Op, source: str, datasets: Iterable[Dataset]) -> facts.OpMetadataChanged:
    fact = facts.OpMetadataChanged(source=source, metadata=tuple(datasets))
    return fact.model_copy(update={"embargoes": embargoes_moved(op, fact)})


def _changed(op: Op, change: _Change, request: asks.ChangeOpDatasets) -> Ruled:
    programs = _programs(op, change)
    touched = {each.program for each in programs}
    reopened = [
        each.name
        for each in op.programs.values()
        if each.name in touched and (each.is_ready or each.state is not ProgramState.DISCOVERED)
    ]
    flagged = [
        each.number
        for each in op.attempts.values()
        if each.program in touched and (each.is_open or each.is_public)
    ]
    fact = facts.OpDatasetsChanged(
        source=request.source,
        added=tuple(change.added),
        changed=tuple(change.changed),
        gone=tuple(change.gone),
        metadata=tuple(change.metadata),
        digest_version=request.digest_version,
        programs=programs,
        reopened=tuple(reopened),
        attempts_flagged=tuple(flagged),
        announced=_announced(op, programs),
    )
    return fact.model_copy(update={"embargoes": embargoes_moved(op, fact)})


def _announced(op: Op, programs: Iterable[ProgramNow]) -> Announced | None:
    """How many datasets the whole OP is said to have, and how many it has with these programs as they stand then."""
    expected = op.announced.get("")
    if expected is None:
        return None
    counts = {each.name: int(each.cover["datasets"]) for each in op.programs.values()}
    counts |= {each.program: each.cover.datasets for each in programs}
    return Announced(expected=expected, seen=sum(counts.values()))


def _change(
    op: Op,
    added: Iterable[Dataset],
    changed: Iterable[Dataset] = (),
    gone: Iterable[Gone] = (),
    metadata: Iterable[Dataset] = (),
) -> _Change | list[str]:
    told, reasons = _told_once([*added, *changed, *metadata])
    known = {name: program for program in op.programs.values() for name in program.names}
    change = _Change([], [], [], [])
    as_changed = {each.dataset for each in changed}
    as_metadata = {each.dataset for each in metadata} - as_changed
    for name, dataset in told.items():
        if name in as_metadata and _is_metadata(op, dataset, known.get(name)):
            change.metadata.append(dataset)
        else:
            reasons += _sort_in(op, dataset, known.get(name), change, is_change=name in as_changed)
    for each in {each.dataset: each for each in gone}.values():
        program = op.programs.get(each.program)
        if program is None or each.dataset in told:
            continue  # never seen here, or there again
        if each.dataset in program.names:
            change.gone.append(each.model_copy(update={"digest": program.names[each.dataset][0]}))
        elif not program.is_whole:
            change.gone.append(each)
    programs = op.programs.keys() | {each.program for each in told.values()}
    if len(programs) > PROGRAMS_AT_MOST:
        reasons.append(
            f"found {len(programs)} instrument programs, wanted at most {PROGRAMS_AT_MOST} in an OP"
        )
    return reasons or change


def _told_once(datasets: Iterable[Dataset]) -> tuple[dict[str, Dataset], list[str]]:
    told: dict[str, Dataset] = {}
    return told, [
        f"dataset {each.dataset} is told twice, with different fields; scan again"
        for each in datasets
        if told.setdefault(each.dataset, each).digest != each.digest
    ]


def _is_metadata(op: Op, dataset: Dataset, home: Program | None) -> bool:
    """Nothing that counts differs from what is known; of a dataset kept by digest only, the scan is believed."""
    if home is not None:
        return home.name == dataset.program and home.names[dataset.dataset][0] == dataset.digest
    program = op.programs.get(dataset.program)
    return program is not None and not program.is_whole


def _sort_in(
    op: Op, dataset: Dataset, home: Program | None, change: _Change, *, is_change: bool
) -> list[str]:
    """Into what it is by what is known of it; a dataset that changes its program leaves the one it was in."""
    if home is not None and home.name != dataset.program:
        gone = Gone(dataset=dataset.dataset, program=home.name, digest=home.names[dataset.dataset][0])
        change.gone.append(gone)
        home = None
    if home is not None:
        was = home.names[dataset.dataset][0]
        if was != dataset.digest:
            change.changed.append(dataset.model_copy(update={"was": was}))
        return []
    program = op.programs.get(dataset.program)
    if not is_change or program is None or program.is_whole:
        change.added.append(dataset.model_copy(update={"was": None}))
    elif dataset.was is None:
        return [f"dataset {dataset.dataset} is one of those kept by digest only; say what it was"]
    elif dataset.was != dataset.digest:
        change.changed.append(dataset)
    return []


def _programs(op: Op, change: _Change) -> tuple[ProgramNow, ...]:
    """The programs that are touched, as they stand afterwards: open, with other datasets."""
    touched: dict[str, str | None] = {each.program: None for each in change.gone}
    touched |= {each.program: each.instrument for each in [*change.added, *change.changed]}
    found = []
    for name, instrument in touched.items():
        program = op.programs.get(name) or Program(
            name, instrument or "", expected_datasets=op.announced.get(name)
        )
        arrived = [(each.dataset, each.digest) for each in change.added if each.program == name]
        left = [(each.dataset, each.digest) for each in change.gone if each.program == name]
        for each in change.changed:
            if each.program == name:
                arrived.append((each.dataset, each.digest))
                left.append((each.dataset, each.was or ""))
        cover: Cover = program.covers.plus(arrived).minus(left)
        changed = {"instrument": instrument or program.instrument, "cover": cover}
        found.append(program.now(**changed, state=ProgramState.DISCOVERED, is_ready=False))
    return tuple(found)
