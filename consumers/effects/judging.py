"""Readiness and verdicts of instrument programs: many at once, each from its datasets as their facts have them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from consumers.claims import WorkItem
from consumers.effects.asking import Ask, report
from consumers.failures import Failed
from consumers.homes import criteria_in_force, readiness_in_force
from consumers.known_programs import datasets_of, parts_of
from consumers.outage import OUTAGES
from consumers.tools import Tools
from events.base import Request
from events.op_parts import Announced, Cover, Dataset, ProgramNow
from events.op_requests import AwaitOpReady, JudgeOp, ReadyOp, RequalifyOp
from machines.program.criteria import Criteria
from machines.program.readiness import Evidence, ReadinessPolicy, assess
from machines.program.verdict import applies, told_verdict

__all__ = [
    "Found",
    "Judged",
    "Standing",
    "closing_request",
    "other_verdict",
    "qualify",
    "readiness",
    "standing_now",
    "standings",
    "verdict_request",
]

READ_AT_ONCE = 100

Found = tuple[WorkItem, Ask | Exception | None]
"""An item with its report, or with why there is none; None: nothing has to be said any more."""


class Standing(NamedTuple):
    """An instrument program as its facts have left it, and its datasets."""

    now: ProgramNow
    datasets: list[Dataset]


def readiness(items: Sequence[WorkItem], tools: Tools) -> Iterator[Found]:
    """Close programs by the policy in force, or say when silence will have closed them."""
    try:
        policy = readiness_in_force(tools.homes.now())
    except Failed as failed:
        yield from ((item, failed) for item in items)
        return
    whole: set[str] = set()
    for item, standing in standings(items, tools):
        try:
            announced = item.payload.get("announced")
            request = closing_request(
                standing.now,
                standing.datasets,
                policy,
                at=tools.clock(),
                announced=None if announced is None else Announced.model_validate(announced),
            )
            if isinstance(request, ReadyOp) and request.program is None:
                request = None if item.subject in whole else request  # it closes all of them
                whole.add(item.subject)
            if isinstance(request, AwaitOpReady):
                request = _with_forecast(request, standing, tools)
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
            yield item, _failed(item, error)
        else:
            yield item, None if request is None else report(item, request)


def qualify(items: Sequence[WorkItem], tools: Tools) -> Iterator[Found]:
    """Judge programs by the criteria in force."""
    try:
        criteria = criteria_in_force(tools.homes.now())
    except Failed as failed:
        yield from ((item, failed) for item in items)
        return
    for item, standing in standings(items, tools):
        try:
            request = verdict_request(standing.now, standing.datasets, criteria)
        except OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the others
            yield item, _failed(item, error)
        else:
            yield item, None if request is None else report(item, request)


@dataclass(frozen=True, slots=True)
class Judged:
    """``op.judge`` as it goes over the wire. The decider looks at its form, as at that of every request."""

    verdict: dict[str, Any]

    @property
    def name(self) -> str:
        """On the wire."""
        return JudgeOp.name

    def wire(self) -> dict[str, Any]:
        """The payload as it stands in JSON."""
        return {"verdict": self.verdict}


def verdict_request(
    now: ProgramNow, datasets: Sequence[Dataset], criteria: Sequence[Criteria]
) -> Judged | None:
    """The verdict; None where the program has re-opened or has one. Raises Failed."""
    if not now.is_ready or now.state != "Discovered":
        return None
    _check_cover(now, datasets)
    return Judged(told_verdict(now.program, datasets, _judging(criteria, datasets)))


def other_verdict(
    program: str, verdict: Mapping[str, Any] | None, datasets: Sequence[Dataset], criteria: Sequence[Criteria]
) -> RequalifyOp | None:
    """That it is judged again: another version of the criteria judges it now, or another set of them does.

    None: it has no verdict, or that of the criteria in force; context stays context where nothing applies to it.
    """
    judging = _judging(criteria, datasets)
    if not verdict or (verdict["criteria"], verdict["criteria_version"]) == (judging.name, judging.version):
        return None
    if verdict["outcome"] == "not_applicable" and not applies(judging, datasets):
        return None
    return RequalifyOp(program=program, criteria=judging.name, criteria_version=judging.version)


def _judging(criteria: Sequence[Criteria], datasets: Sequence[Dataset]) -> Criteria:
    """The first set that applies to the program; where none does, the first says so."""
    return next((each for each in criteria if applies(each, datasets)), criteria[0])


def closing_request(
    now: ProgramNow,
    datasets: Sequence[Dataset],
    policy: ReadinessPolicy,
    *,
    at: datetime,
    announced: Announced | None = None,
) -> Request | None:
    """That the program is closed, or when it will be; None: somebody's word is waited for. Raises Failed.

    ``announced``: of the whole OP; all of its programs are closed when that has come, and none by silence before.
    """
    if now.is_ready or not now.cover.datasets:
        return None
    _check_cover(now, datasets)
    expected = now.expected_datasets
    evidence = [] if expected is None else [Evidence("manifest", expected=expected)]
    rule = policy.rule(now.instrument)
    found = assess(rule, datasets, evidence, at=at)
    if announced is not None and not (found.is_closed and found.by != "quiet_period"):
        is_whole = announced.seen >= announced.expected and "ready_event" in rule.by
        return _all_there(announced, policy) if is_whole else None
    by_policy: dict[str, Any] = {
        "program": now.program,
        "policy": policy.name,
        "policy_version": policy.version,
    }
    if found.is_closed and found.by is not None:
        told: dict[str, Any] = {"by": found.by, "expected_datasets": expected, "message": found.because}
        return ReadyOp(**by_policy, **told, cover=now.cover)
    if found.due_at is not None:
        return AwaitOpReady(**by_policy, due_at=found.due_at, cover=now.cover)
    return None


def _all_there(announced: Announced, policy: ReadinessPolicy) -> ReadyOp:
    only_for, not_for = policy.closes_by("ready_event")
    return ReadyOp(
        by="ready_event",
        policy=policy.name,
        policy_version=policy.version,
        expected_datasets=announced.expected,
        only_for=only_for,
        not_for=not_for,
        message=f"all {announced.expected} datasets that were announced of the observing program are there",
    )


def _with_forecast(request: AwaitOpReady, standing: Standing, tools: Tools) -> AwaitOpReady:
    """When it will be whole, by how others like it have arrived: only told, nothing closes by it."""
    last = max(each.created_at for each in standing.datasets if each.created_at is not None)
    found = tools.arrivals.now().forecast(standing.now.instrument, last, at=tools.clock())
    return request.model_copy(update={"forecast": str(found)})


def _check_cover(now: ProgramNow, datasets: Sequence[Dataset]) -> None:
    """What dispatch has kept in one transaction fits together; if not, judging it would be judging something else."""
    found = Cover.of((each.dataset, each.digest) for each in datasets)
    if found != now.cover:
        message = (
            f"of {now.program} {found.datasets} datasets are known here (digest {found.digest}), wanted the "
            f"{now.cover.datasets} of its last fact (digest {now.cover.digest}); have dispatch read the ledger again"
        )
        raise Failed("DATASETS_UNKNOWN", "code", message)


def standings(items: Sequence[WorkItem], tools: Tools) -> Iterator[tuple[WorkItem, Standing]]:
    """The items with their programs, a hundred read in one look: some programs have hundreds of datasets."""
    for first in range(0, len(items), READ_AT_ONCE):
        yield from _read(items[first : first + READ_AT_ONCE], tools)


def _read(items: Sequence[WorkItem], tools: Tools) -> Iterator[tuple[WorkItem, Standing]]:
    names = {item.key: (item.subject, item.payload["part"]) for item in items}
    with tools.engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        parts = parts_of(connection, names.values())
        datasets = datasets_of(
            connection, ((subject, part.partition(":")[2]) for subject, part in names.values())
        )
    for item in items:
        subject, part = names[item.key]
        now = standing_now(parts[subject, part].known)
        yield item, Standing(now, [each.dataset for each in datasets[subject, now.program]])


def standing_now(known: dict[str, Any]) -> ProgramNow:
    """Where the program stands; how many datasets it has may have been said before its first one came."""
    now = ProgramNow.model_validate(known["now"])
    if now.expected_datasets is None and known.get("expected") is not None:
        return now.model_copy(update={"expected_datasets": known["expected"]})
    return now


def _failed(item: WorkItem, error: Exception) -> Failed:
    if isinstance(error, Failed):
        return error
    return Failed("EFFECT_BUG", "code", f"{item.effect} raised {type(error).__name__}: {error}")
