"""``meridian bench core``: the decider and the projector beside their floors, on servers of the bench's own."""

from collections.abc import Callable, Collection, Sequence
from statistics import median
from typing import Any, NamedTuple

from sqlalchemy import text

from events.topics import Topics
from projectors.projector import AT_ONCE
from service.bench import aggregates, decide
from service.bench.about import versions
from service.bench.audit_floor import audit_floor
from service.bench.audited import audited
from service.bench.child import measured
from service.bench.figure import Figure, Result
from service.bench.latency import latency
from service.bench.own_site import own_site
from service.bench.project import empty_views
from service.bench.workload import REFUSED, REPEATED
from service.settings import Settings
from service.wiring import Wiring

__all__ = ["audit_figure", "bench_core", "cost_of_safety"]


class Line(NamedTuple):
    """One figure: which measurement, its name, what its floor does."""

    part: str
    what: str
    name: str
    floor: str
    floor_what: str
    notes: dict[str, Any]


RSS_MB_BELOW = 250
"""Of a decider and of a projector, however many files there are."""

DECIDE = Line(
    "decide",
    "decide",
    "decided requests, one process",
    "a plain loop of kafka-python: consume + produce in transactions, deciding nothing",
    "decide-floor",
    {"goal_at_least": 0.6, "goal_rss_mb_below": RSS_MB_BELOW},
)
DECIDE_ON_OWN_LOG = Line(
    "decide",
    "decide",
    "decided requests, beside the own log layer",
    "the same loop on Meridian's own log layer, deciding nothing",
    "decide-floor-on-own-log",
    {},
)
AGGREGATES = Line(
    "decide",
    "decide",
    "decided requests, beside aggregates changed one by one",
    "eventsourcing on the same PostgreSQL: load, change, save",
    "aggregates",
    {"goal_at_least": 10.0},
)
PROJECT = Line(
    "project",
    "project",
    "projected records, all default views, one process",
    "consume + decode + COPY of the same rows into the same tables and indexes",
    "project-floor",
    {"goal_at_least": 0.5, "goal_rss_mb_below": RSS_MB_BELOW},
)
ONE_TABLE = Line(
    "project",
    "project-one-table",
    "projected records, one row a version of a file alone, one process",
    f"of all default views: {PROJECT.floor}",
    "project-floor",
    {},
)
LINES = (DECIDE, DECIDE_ON_OWN_LOG, AGGREGATES, PROJECT, ONE_TABLE)
BESIDE_DECIDING = ("decide-floor", "decide-floor-on-own-log", "decide-unsafely")
CHANGES = 2_000
"""Aggregates changed a turn: each has a transaction of its own, and all of the workload would take minutes."""

AUDITED_A_SECOND = 50_000.0

SETTINGS = {
    "partitions": decide.PARTITIONS,
    "decider_batch": decide.BATCH,
    "projector_batch": AT_ONCE,
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
    figures, audits, floors = [], [], []
    with own_site(settings, with_roles=False, progress=progress) as wiring:
        if lines := [line for line in LINES if line.part in parts]:
            runs = []
            for turn in range(times):
                runs.append(_turn(wiring, files=files, turn=turn, parts=parts, progress=progress))
                audits.append(_audited(wiring, site_of(turn), parts, progress))
                if "project" in parts:
                    floors.append(audit_floor(wiring.endpoints.kafka, site_of(turn)))
            figures += [_figure(runs, line) for line in lines if line.floor_what in runs[0]]
            if "decide" in parts:
                figures.append(cost_of_safety(runs))
            if "project" in parts:
                figures.append(audit_figure(audits, floors))
        if "latency" in parts:
            _forget(wiring)
            figures += latency(wiring, times=times, progress=progress)
            audits.append(_audited(wiring, wiring.settings.site, ["project"], progress))
        found = versions(wiring.settings)
    for figure in figures:
        progress(figure.line())
    told: dict[str, Any] = {"files": files, "seeds": list(range(1, times + 1)), **SETTINGS}
    if "decide" in parts and not aggregates.is_installed():
        wanted = ", ".join(aggregates.NEEDED)
        missing = f"{AGGREGATES.name}: its floor needs {wanted}, which are not all installed"
        told["not_measured"] = [missing]
        progress(f"not measured: {missing}")
    return Result(figures, found, told, audits)


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
            f"turn {turn + 1}: {what} {found['rate']:,.0f} a second, {found['cpu_us']:.1f} µs of CPU each, "
            f"at most {found['rss_mb']} MB"
        )
        return found

    found = {}
    if "decide" in parts:
        found = {what: run(what, requests) for what in BESIDE_DECIDING}
        if aggregates.is_installed():
            found["aggregates"] = run("aggregates", CHANGES)
    found["decide"] = run("decide", requests)  # projecting needs it too
    if "project" in parts:
        records = int(found["decide"]["outcomes"])
        # All views last: they are what is audited.
        found |= {what: run(what, records) for what in ("project-one-table", "project-floor", "project")}
    return found


def _figure(runs: list[dict[str, dict[str, Any]]], line: Line) -> Figure:
    ours, theirs = [dict(run[line.what]) for run in runs], [dict(run[line.floor_what]) for run in runs]
    return Figure(
        name=line.name,
        unit="1/s",
        runs=tuple(each.pop("rate") for each in ours),
        floor_name=line.floor,
        floor_runs=tuple(each.pop("rate") for each in theirs),
        notes={
            "cpu_over_floor": round(_cpu(ours) / _cpu(theirs), 2),
            "rss_mb": max(each["rss_mb"] for each in ours),
            **line.notes,
        },
        each=tuple(ours),
        floor_each=tuple(theirs),
    )


def cost_of_safety(runs: Sequence[dict[str, dict[str, Any]]]) -> Figure:
    """Processor time of a request with everything on, beside the same with nothing kept and nothing chained."""
    whole, bare = ([run[what]["cpu_us"] for run in runs] for what in ("decide", "decide-unsafely"))
    cost = median(whole) - median(bare)
    return Figure(
        name="what safety costs: processor time of a decided request",
        unit="µs",
        runs=tuple(whole),
        floor_name="the same without snapshots, outcomes, watermark, leases and chain",
        floor_runs=tuple(bare),
        notes={"safety_us": round(cost, 1), "safety_share": round(cost / median(whole), 3)},
    )


def audit_figure(audits: Sequence[dict[str, Any]], floors: Sequence[dict[str, Any]]) -> Figure:
    """Records audited a second by all processes together, start-up included; its memory; the goal and the floor."""
    told = ("seconds", "partitions_s", "cpu_us", "rss_mb", "rss_all_mb")
    return Figure(
        name="audited records, one process a core",
        unit="1/s",
        runs=tuple(audit["records"] / audit["seconds"] for audit in audits),
        floor_name="consume ledger and requests + decode + hash, as many processes, checking nothing",
        floor_runs=tuple(floor["rate"] for floor in floors),
        notes={
            "records": [audit["records"] for audit in audits],
            "rss_mb": max(audit["rss_mb"] for audit in audits),
            "goal_a_second": AUDITED_A_SECOND,
        },
        each=tuple({name: audit[name] for name in told} for audit in audits),
        floor_each=tuple({name: floor[name] for name in ("seconds", "cpu_us")} for floor in floors),
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
