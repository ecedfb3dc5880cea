"""Two observing programs of the demo: one goes from a catalogue to its publication, one turns out Not Invertible."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from consumers.catalogue.catalogue_file import CatalogueFile
from consumers.catalogue.look import Look
from consumers.catalogue.scan import scan
from consumers.catalogue.spool_sql import Spool
from consumers.homes import Home, criteria_in_force
from consumers.policies import ranking
from events.base import Request
from events.op_asks import ClaimOp, HandInOp, PublishOp, ReviewOp
from events.op_requests import ReadyOp
from events.program_policy import ObservingPrograms
from events.stream import StreamConfiguration
from projectors.file_search import history_of
from projectors.op_search import now_of, queued
from projectors.op_story import gather
from service.cli.op_invert import output_of
from service.client import Ask, Client, new_id
from service.demo.maker import CATALOGUE, PROGRAMS
from service.op_queue import ranked
from service.op_why import OpStory, OpWhy, op_why
from service.scanning import asks_of, known, record

__all__ = ["Programs", "at_home", "run_programs"]

SCIENTIST, REVIEWER = "ada", "grace"
_ORCID = "0000-0002-1825-0097"  # the one that ORCID's own documentation shows
_SOFTWARE = {
    "repository": "https://example.org/demo/weak-field.git",
    "commit": "0123abc",
    "name": "weak-field",
}
_STEP_WITHIN_S = 60.0
_LOOK_S = 0.1
_QUEUE_AT_MOST = 1000
_LOOKED_AT = frozenset({"op.ready_awaited", "op.readiness_closed"})
_ENDS = frozenset({"Published", "Not Invertible", "Error"})

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Programs:
    """How both have ended: the records of the one, the first first, and why the other stands where it stands."""

    published: str
    history: list[Row]
    refused: OpWhy | None
    shown: Mapping[str, Any] = field(default_factory=dict)
    """As the metadata store shows it."""
    differences: list[str] = field(default_factory=list)


class _StoppedError(Exception):
    """A step did not lead where it was to lead; the message says what came instead."""


def at_home(configuration: StreamConfiguration, folder: Path, *, portal: str) -> StreamConfiguration:
    """The stream as the home of observing programs whose inputs, copies and products lie below ``folder``."""
    place = folder.resolve().as_uri()
    programs = ObservingPrograms(
        inputs=f"{place}/{PROGRAMS}/{{dataset}}/",
        work_area=f"{place}/staged",
        output_roots=(f"{place}/products/",),
        portal=portal,
        doi_prefix="10.5072",  # DataCite's own for trials
        publisher="Meridian's demo",
    )
    return configuration.model_copy(update={"programs": programs})


def run_programs(
    client: Client, folder: Path, shown: Mapping[str, Mapping[str, Any]], say: Callable[[str], None]
) -> Programs:
    """Scan the catalogue below ``folder``, and take each of its two programs as far as it goes.

    ``shown`` is what the metadata store shows. What an earlier run has done is not done again.
    """
    fit, unfit = _found_by_scan(client, folder / PROGRAMS / CATALOGUE)
    differences = []
    try:
        _close(client, (fit, unfit))
        say("they are judged by the criteria of visp v1, and what is fit is staged")
        _reached(client, unfit, "Not Invertible")
        if _state(client, fit) != "Published":
            _published(client, fit, folder, say)
    except _StoppedError as error:
        differences.append(str(error))
    with client.engine.connect() as connection:
        history = history_of(connection, fit, machine="op")[::-1]
        story = gather(connection, unfit)
    return Programs(
        published=fit,
        history=history,
        refused=None if story is None else op_why(OpStory(**story)),
        shown=next((dict(each) for each in shown.values() if each.get("op") == fit), {}),
        differences=differences,
    )


def _found_by_scan(client: Client, catalogue: Path) -> tuple[str, str]:
    """Both programs, in the catalogue's order. What other catalogues have is none of this scan's business."""
    criteria = criteria_in_force(Home())
    significant = frozenset[str]().union(*(each.reads for each in criteria))
    source = CatalogueFile(catalogue)
    own = _named(source)
    with Spool() as spool:
        before = (each for each in known(client) if each.op_id in own)
        found = scan(source, before, significant=significant, spool=spool)
        asks = asks_of(found, criteria_version=max(each.version for each in criteria))
        for asked in record(client, asks, batch=new_id()):
            if not asked.is_accepted:
                raise RuntimeError(f"{asked.ask.subject}: the scan was answered with {asked.outcome}")
    fit, unfit = own
    return fit, unfit


def _named(source: CatalogueFile) -> tuple[str, ...]:
    names = [each.raw["observingProgramExecutionId"] for each in source.records(Look())]
    return tuple(dict.fromkeys(names))


def _close(client: Client, ops: tuple[str, ...]) -> None:
    """Nobody waits a week in a demo: whoever runs it says that all is there. An old night has closed by itself."""
    for op in ops:
        history = _wait(
            client, op, lambda found: bool(_LOOKED_AT & {each["type"] for each in found}), "readiness"
        )
        if history[-1]["type"] == "op.ready_awaited":
            with _as(client, client.actor, reason="the demo's catalogue has all there is") as asking:
                _ask(asking, op, ReadyOp(by="operator"))


def _published(client: Client, op: str, folder: Path, say: Callable[[str], None]) -> None:
    staged = _reached(client, op, "Preprocessed")
    program = staged["data"]["programs"][0]["program"]
    datasets = tuple(each["dataset"] for each in _history(client, op)[0]["data"]["datasets"])
    by = ranking()
    with client.engine.connect() as connection:
        at = now_of(connection)
        queue = queued(connection, by, at=at, limit=_QUEUE_AT_MOST)
    place = next(
        (each for each in ranked(queue.rows, by, at=at) if each["op"] == op), {"rank": None, "score": None}
    )
    say(f"{SCIENTIST} claims number {place['rank']} of {queue.length} in the queue and inverts it")
    with _as(client, SCIENTIST, reason="shown in the demo") as ada:
        claim = ClaimOp(
            program=program,
            orcid=_ORCID,
            rank=place["rank"],
            score=place["score"],
            lease_from=datetime.now(UTC),
        )
        _ask(ada, op, claim)
        product = _inverted(staged["data"]["location"], folder / "products" / op / "maps.fits")
        outputs = [output_of(str(product))]
        hand_in = {
            "outputs": outputs,
            "inputs": datasets,
            "software": _SOFTWARE,
            "message": "maps of velocity and field",
        }
        _ask(ada, op, HandInOp.model_validate(hand_in))
    _reached(client, op, "Inverted")
    say(f"{REVIEWER} accepts it, and it is published")
    with _as(client, REVIEWER) as grace:
        _ask(grace, op, ReviewOp(decision="accept", note="the maps look right"), attempt=1)
        _ask(grace, op, PublishOp(), attempt=1)
    _reached(client, op, "Published")


def _inverted(location: str, product: Path) -> Path:
    from service.demo.inversion import invert

    frames = sorted(Path(unquote(urlsplit(location).path)).rglob("*.fits"))
    invert(frames, product, made_at=datetime.now(UTC))
    return product


@contextmanager
def _as(client: Client, actor: str, *, reason: str | None = None) -> Iterator[Client]:
    """The same site, asked by somebody else."""
    other = Client(client.wiring, actor=actor, reason=reason, source="demo")
    try:
        yield other
    finally:
        other.close()


def _ask(client: Client, op: str, request: Request, *, attempt: int | None = None) -> None:
    (asked,) = client.ask([Ask(op, request, attempt=attempt)], timeout_s=_STEP_WITHIN_S)
    if not asked.is_accepted:
        reasons = "no answer in time" if asked.outcome is None else "; ".join(asked.outcome.reasons)
        raise _StoppedError(f"{op}: {request.name} by {client.actor} was to be accepted, found {reasons}")


def _reached(client: Client, op: str, state: str) -> Row:
    """The record by which it came into the state; raises where it ends elsewhere."""
    history = _wait(client, op, lambda found: found[-1]["tostate"] in {state, *_ENDS}, state)
    if history[-1]["tostate"] != state:
        raise _StoppedError(f"{op}: found {history[-1]['tostate']}, wanted {state}; meridian op why {op}")
    return next(each for each in reversed(history) if each["tostate"] == state and each["fromstate"] != state)


def _wait(client: Client, op: str, is_met: Callable[[list[Row]], bool], wanted: str) -> list[Row]:
    until = time.monotonic() + _STEP_WITHIN_S
    while True:
        history = _history(client, op)
        if history and is_met(history):
            return history
        if time.monotonic() > until:
            stands = history[-1]["tostate"] if history else "not known"
            raise _StoppedError(
                f"{op}: found {stands} after {_STEP_WITHIN_S:.0f} s, wanted {wanted}; meridian op why {op}"
            )
        time.sleep(_LOOK_S)


def _history(client: Client, op: str) -> list[Row]:
    """The facts about it, the first first."""
    with client.engine.connect() as connection:
        return [each for each in history_of(connection, op, machine="op")[::-1] if not each["is_refusal"]]


def _state(client: Client, op: str) -> str | None:
    history = _history(client, op)
    return str(history[-1]["tostate"]) if history else None
