"""``meridian bench core``: the decider and the projector beside their floors, on servers of the bench's own."""

from collections.abc import Callable
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


def bench_core(
    settings: Settings, *, files: int, times: int, progress: Callable[[str], None]
) -> list[Figure]:
    """So many files' lives, decided and projected ``times`` times, each time beside the floor."""
    with own_site(settings, with_roles=False, progress=progress) as wiring:
        runs = [_turn(wiring, files=files, turn=turn, progress=progress) for turn in range(times)]
    return [
        _figure(
            "decided requests, one process",
            runs,
            "decide",
            "consume + produce in transactions, deciding nothing",
        ),
        _figure(
            "projected records, all default views, one process",
            runs,
            "project",
            "consume + decode + two COPYs",
        ),
    ]


def _turn(
    wiring: Wiring, *, files: int, turn: int, progress: Callable[[str], None]
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
        progress(f"turn {turn + 1}: {what} {found['rate']:,.0f} a second")
        return found

    found = {"decide-floor": run("decide-floor", requests), "decide": run("decide", requests)}
    records = int(found["decide"]["outcomes"])
    found |= {"project-floor": run("project-floor", records), "project": run("project", records)}
    engine.dispose()
    return {name: {**each, "requests": requests, "records": records} for name, each in found.items()}


def _figure(name: str, runs: list[dict[str, dict[str, Any]]], what: str, floor_name: str) -> Figure:
    return Figure(
        name=name,
        unit="1/s",
        runs=tuple(run[what]["rate"] for run in runs),
        floor_name=floor_name,
        floor_runs=tuple(run[f"{what}-floor"]["rate"] for run in runs),
        notes={key: value for key, value in runs[-1][what].items() if key != "rate"},
    )


def _forget(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("TRUNCATE decider.outcome, decider.snapshot, decider.watermark, decider.lease")
        )
