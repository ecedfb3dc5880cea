"""``meridian bench core``: the decider and the projector beside their floors, on servers of the bench's own."""

from collections.abc import Callable, Collection
from statistics import median
from typing import Any, NamedTuple

from sqlalchemy import text

from events.topics import Topics
from service.bench import decide
from service.bench.about import versions
from service.bench.audited import audited
from service.bench.child import measured
from service.bench.figure import Figure, Result
from service.bench.latency import latency
from service.bench.own_site import own_site
from service.bench.project import empty_views
from service.bench.project_floor import BATCH
from service.bench.workload import REFUSED, REPEATED
from service.settings import Settings
from service.wiring import Wiring

__all__ = ["bench_core"]


class Line(NamedTuple):
    """One figure: which measurement, its name, what its floor does."""

    part: str
    what: str
    name: str
    floor: str


DECIDE = Line(
    "decide", "decide", "decided requests, one process", "consume + produce in transactions, deciding nothing"
)
PROJECT = Line(
    "project",
    "project",
    "projected records, all default views, one process",
    "consume + decode + COPY of the same rows into the same tables and indexes",
)
ONE_TABLE = Line(
    "project",
    "project-one-table",
    "projected records, one row a version of a file alone, one process",
    f"of all default views: {PROJECT.floor}",
)
LINES = (DECIDE, PROJECT, ONE_TABLE)

SETTINGS = {
    "partitions": decide.PARTITIONS,
    "decider_batch": decide.BATCH,
    "projector_batch": BATCH,
    "refused": REFUSED,
    "repeated": REPEATED,
}


def bench_core(
    settings: Settings,
    *,
    files: int,
    times: int,
    parts: Collection[str],
    progress: Callable[[str], None],
) -> Result:
    """``parts`` of decide, project, latency: so many files' lives ``times`` times, each time beside the floor."""
    figures, audits = [], []
    with own_site(settings, with_roles=False, progress=progress) as wiring:
        if lines := [line for line in LINES if line.part in parts]:
            runs = []
            for turn in range(times):
                runs.append(_turn(wiring, files=files, turn=turn, parts=parts, progress=progress))
                audits.append(_audited(wiring, site_of(turn), parts, progress))
            figures += [_figure(runs, line) for line in lines]
        if "latency" in parts:
            _forget(wiring)
            figures += latency(wiring, times=times, progress=progress)
            audits.append(_audited(wiring, wiring.settings.site, ["project"], progress))
        found = versions(wiring.settings)
    seeds = list(range(1, times + 1))
    return Result(figures, found, {"files": files, "seeds": seeds, **SETTINGS}, audits)


def site_of(turn: int) -> str:
    """Each turn has its own topics."""
    return f"bench{turn}"


def _audited(
    wiring: Wiring, site: str, parts: Collection[str], progress: Callable[[str], None]
) -> dict[str, Any]:
    without = {"dispatch"} if "project" in parts else {"dispatch", "projector"}
    audit = audited(wiring, site=site, without=without)
    progress(f"audit of {site}: {audit['counters']}")
    return audit


def _turn(
    wiring: Wiring, *, files: int, turn: int, parts: Collection[str], progress: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    topics = Topics(site_of(turn))
    logs = wiring.log()
    _forget(wiring)
    requests = decide.fill(logs, topics, files=files, seed=turn + 1)
    logs.close()

    def run(what: str, count: int) -> dict[str, Any]:
        found = measured(
            what,
            kafka=wiring.endpoints.kafka,
            database=wiring.endpoints.database,
            site=topics.site,
            count=count,
        )
        progress(
            f"turn {turn + 1}: {what} {found['rate']:,.0f} a second, {found['cpu_us']:.1f} µs of CPU each"
        )
        return found

    found = {"decide-floor": run("decide-floor", requests)} if "decide" in parts else {}
    found["decide"] = run("decide", requests)  # projecting needs it too
    if "project" in parts:
        records = int(found["decide"]["outcomes"])
        # All views last: they are what is audited.
        found |= {what: run(what, records) for what in ("project-one-table", "project-floor", "project")}
    return found


def _figure(runs: list[dict[str, dict[str, Any]]], line: Line) -> Figure:
    floor = f"{line.part}-floor"
    ours, theirs = [dict(run[line.what]) for run in runs], [dict(run[floor]) for run in runs]
    return Figure(
        name=line.name,
        unit="1/s",
        runs=tuple(each.pop("rate") for each in ours),
        floor_name=line.floor,
        floor_runs=tuple(each.pop("rate") for each in theirs),
        notes={"cpu_over_floor": round(_cpu(ours) / _cpu(theirs), 2)},
        each=tuple(ours),
        floor_each=tuple(theirs),
    )


def _cpu(runs: list[dict[str, Any]]) -> float:
    return float(median(each["cpu_us"] for each in runs))


def _forget(wiring: Wiring) -> None:
    """Nothing was ever decided or projected."""
    engine = wiring.engine()
    with engine.begin() as connection:
        connection.execute(
            text("TRUNCATE decider.outcome, decider.snapshot, decider.watermark, decider.lease")
        )
    empty_views(engine)
    engine.dispose()
