"""``meridian bench core``: the decider and the projector beside their floors, on servers of the bench's own."""

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Engine, text

from events.topics import Topics
from service.bench import decide
from service.bench.child import measured
from service.bench.figure import Figure
from service.bench.own_site import own_site
from service.settings import Settings
from service.wiring import Wiring

__all__ = ["bench_core"]


NAMES = {
    "decide": (
        "decided requests, one process",
        "consume + produce in transactions, deciding nothing",
    ),
    "project": ("projected records, all default views, one process", "consume + decode + two COPYs"),
}


def bench_core(
    settings: Settings,
    *,
    files: int,
    times: int,
    parts: Collection[str],
    progress: Callable[[str], None],
) -> list[Figure]:
    """So many files' lives, decided and projected ``times`` times, each time beside the floor."""
    with own_site(settings, with_roles=False, progress=progress) as wiring:
        runs = [
            _turn(wiring, files=files, turn=turn, parts=parts, progress=progress) for turn in range(times)
        ]
    return [_figure(runs, part) for part in NAMES if part in parts]


def _turn(
    wiring: Wiring, *, files: int, turn: int, parts: Collection[str], progress: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    topics = Topics(f"bench{turn}")
    logs, engine = wiring.log(), wiring.engine()
    _forget(engine)
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
    records = int(found["decide"]["outcomes"])
    if "project" in parts:
        found |= {"project-floor": run("project-floor", records), "project": run("project", records)}
    engine.dispose()
    return {name: {**each, "requests": requests, "records": records} for name, each in found.items()}


def _figure(runs: list[dict[str, dict[str, Any]]], part: str) -> Figure:
    name, floor_name = NAMES[part]
    return Figure(
        name=name,
        unit="1/s",
        runs=tuple(run[part]["rate"] for run in runs),
        floor_name=floor_name,
        floor_runs=tuple(run[f"{part}-floor"]["rate"] for run in runs),
        notes={
            "cpu_us_each": [round(run[part]["cpu_us"], 1) for run in runs],
            "floor_cpu_us_each": [round(run[f"{part}-floor"]["cpu_us"], 1) for run in runs],
            **{key: value for key, value in runs[-1][part].items() if key not in {"rate", "cpu_us"}},
        },
    )


def _forget(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("TRUNCATE decider.outcome, decider.snapshot, decider.watermark, decider.lease")
        )
