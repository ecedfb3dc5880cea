"""``meridian bench programs``: many observing programs asked for their verdicts, until every finding is visible."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import text

from consumers.policies import criteria
from service.bench.about import versions
from service.bench.audited import audited
from service.bench.awaiting import await_count
from service.bench.figure import Figure, Result
from service.bench.memory_watch import watching
from service.bench.own_site import own_site
from service.bench.processor_watch import ProcessorWatch
from service.bench.programs_floor import FLOOR, floor_seconds
from service.bench.programs_made import Made, discovering, made_programs, readying
from service.client import Ask, Client, new_id
from service.settings import Settings

__all__ = ["bench_programs"]

LIMIT_S = 600.0
LOOK_S = 0.1
AT_ONCE = 2000
GOAL_S = 10.0


def bench_programs(
    settings: Settings, *, programs: int, times: int, progress: Callable[[str], None]
) -> Result:
    """``times`` turns of so many programs, each in turn with its floor, and an audit of all of it at the end."""
    with own_site(settings, with_roles=True, progress=progress) as wiring:
        client = Client(wiring, actor="bench", reason="bench", source="bench")
        try:
            turns = [_turn(client, programs, turn, progress) for turn in range(1, times + 1)]
            found = versions(wiring.settings)
            progress("audit")
            audit = audited(wiring, effects=True)
        finally:
            client.close()
    figure = Figure(
        name=f"{programs} programs of one dataset asked for their verdicts to every finding visible",
        unit="s",
        runs=tuple(each["seconds"] for each in turns),
        floor_name=FLOOR,
        floor_runs=tuple(each["floor_s"] for each in turns),
        notes={
            "criteria": criteria(None).label,
            "rules": len(criteria(None).rules),
            "goal_s_at_most": GOAL_S,
        },
        each=tuple(turns),
    )
    staged = replace(
        figure,
        name=f"{programs} programs of one dataset asked for their verdicts to all that pass ready for scientists",
        runs=tuple(each["passed_and_staged_s"] for each in turns),
        notes={"staging": "not needed, and said so of each"},
        each=(),
    )
    for each in (figure, staged):
        progress(each.line())
    return Result([figure, staged], found, {"programs": programs, "times": times}, [audit])


def _turn(client: Client, programs: int, turn: int, progress: Callable[[str], None]) -> dict[str, Any]:
    made = made_programs(programs, turn=turn, at=datetime.now(UTC))
    began = time.monotonic()
    _send(client, discovering(made))
    discovered_s = _await(client, _AWAITING, turn, programs, began)
    progress(f"turn {turn}: {programs} programs are known and wait after {discovered_s:.1f} s")
    floor_s = floor_seconds(client.wiring, made)
    found = _judged(client, made, turn)
    progress(f"turn {turn}: judged and visible after {found['seconds']:.2f} s; floor {floor_s:.2f} s")
    return {**found, "floor_s": round(floor_s, 3), "discovered_s": round(discovered_s, 3)}


def _judged(client: Client, made: list[Made], turn: int) -> dict[str, Any]:
    """From the first request to the last finding; then until the programs that pass are ready for scientists."""
    wanted = len(made) * len(criteria(None).rules)
    with watching(client.wiring.settings) as watch:
        processor = ProcessorWatch(client.wiring.settings)
        began = time.monotonic()
        _send(client, readying(made))
        sent_s = time.monotonic() - began
        # A verdict's findings come with it, in one transaction: what is looked at again and again are few rows.
        seconds = _await(client, _JUDGED, turn, len(made), began)
        spent_s = processor.spent_s()
        watch.look()
    _await(client, _FINDINGS, turn, wanted, time.monotonic())
    passed = _count(client, _PASSED, turn)
    staged_s = _await(client, _STAGED, turn, passed, began)
    return {
        "seconds": round(seconds, 3),
        "sent_s": round(sent_s, 3),
        "findings": wanted,
        "passed": passed,
        "passed_and_staged_s": round(staged_s, 3),
        "cpu_s": spent_s,
        "rss_mb": watch.peak_mb,
        "died": list(watch.died()),
    }


def _send(client: Client, asks: Iterator[Ask]) -> None:
    batch = new_id()
    while lot := list(islice(asks, AT_ONCE)):
        client.send(lot, batch=batch)


def _await(client: Client, query: str, turn: int, wanted: int, began: float) -> float:
    """Seconds from ``began`` until so many are there."""
    return await_count(
        lambda: _count(client, query, turn),
        wanted,
        began,
        limit_s=LIMIT_S,
        look_s=LOOK_S,
        what=f"rows of turn {turn} ({query})",
    )


def _count(client: Client, query: str, turn: int) -> int:
    with client.engine.connect() as connection:
        found: int = connection.execute(text(query), {"prefix": f"bench_{turn}_"}).scalar_one()
    return found


_AWAITING = """
    SELECT count(*) FROM v1.op_program WHERE starts_with(op, :prefix) AND awaited_until IS NOT NULL
"""
_JUDGED = "SELECT count(*) FROM v1.op_program WHERE starts_with(op, :prefix) AND outcome IS NOT NULL"
_FINDINGS = "SELECT count(*) FROM v1.op_criterion WHERE starts_with(op, :prefix)"
_PASSED = "SELECT count(*) FROM v1.op_program WHERE starts_with(op, :prefix) AND outcome = 'pass'"
_STAGED = "SELECT count(*) FROM v1.op_program WHERE starts_with(op, :prefix) AND state = 'Preprocessed'"
